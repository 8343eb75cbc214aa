package deploy

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"dokploy-deploy/internal/health"
	"dokploy-deploy/internal/verdict"
)

// Health is an address that must answer after the deployment.
type Health struct {
	URL        *url.URL // nil: the first domain of each target
	Path       string   // with a domain: path and query in the place of its own; empty: as it is
	Accept     []health.Range
	Timeout    time.Duration
	CACerts    []*x509.Certificate
	SkipVerify bool
	UserAgent  string
	// Dial, if set, makes the connections (tests).
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// healthURL is the address of one target.
func (o *Options) healthURL(public string) (*url.URL, error) {
	if o.Health.URL != nil {
		return o.Health.URL, nil
	}
	if public == "" {
		why := verdict.Reason{Kind: verdict.NoDomain}
		if o.Health.Path != "" {
			why.Kind = verdict.NoDomainForPath
		}
		return nil, aboutInput("health-url", why)
	}
	u, err := health.ParseURL(public)
	if err != nil || o.Health.Path == "" {
		return u, err
	}
	return health.ParseURL(u.Scheme + "://" + u.Host + o.Health.Path)
}

// health waits until the address answers as it should. It comes after the
// containers were verified, so that the old version does not answer for the
// new one, as far as that could be seen.
func (r *run) health(ctx context.Context) error {
	u, err := r.o.healthURL(r.result.URL())
	if err != nil {
		return err
	}
	h := r.o.Health
	r.left = verdict.DoneUnanswered
	check := health.Check{
		URL: u, Accept: h.Accept, Timeout: h.Timeout, CACerts: h.CACerts, SkipVerify: h.SkipVerify,
		UserAgent: h.UserAgent, Dial: h.Dial,
		Progress: func(text string) { r.note("health: %s", text) },
	}
	shown := u.Scheme + "://" + u.Host + u.EscapedPath() // a query may hold a token
	r.screen.doing(func() string { return "waiting for " + shown })
	defer r.screen.doing(nil)
	answer, err := check.Run(ctx)
	var bad *health.Error
	switch {
	case errors.As(err, &bad):
		why := verdict.Reason{Kind: verdict.BadHealth, Text: bad.Error()}
		if bad.Unasked {
			why.Kind = verdict.HealthUnasked
		} else {
			r.keep(r.eyes().containerLog(ctx, "", ""))
			// A time that is over is no reason to lose the verdict.
			if idle, _ := stoppedInDokploy(ctx, r.client, r.service, r.loop); idle {
				why.Kind = verdict.BadHealthStopped
			}
		}
		r.result.Outcome = why.Outcome()
		r.result.Hint = verdict.Hint(bad.Hint)
		return nil
	case err != nil:
		return err
	}
	text := fmt.Sprintf("health: %s answers %d", shown, answer.Status)
	if answer.URL != shown {
		text += " (after a redirect to " + answer.URL + ")"
	}
	switch r.result.Verified {
	case verdict.VerifiedYes:
	case verdict.VerifiedUnchanged:
		text += "; nothing was replaced, so what answers is what ran before"
	default:
		text += "; it may still be the previous version that answers: whether the new one runs was not seen"
	}
	r.note("%s", text)
	if answer.Note != "" {
		r.warn("health: %s", answer.Note)
	}
	return nil
}
