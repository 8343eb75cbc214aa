package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"dokploy-deploy/internal/health"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/verdict"
)

// healthURL returns the address of one target.
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

// ask waits until an address answers as it should, and reports what it sees.
func (h *Health) ask(ctx context.Context, u *url.URL, s *screen) (health.Answer, error) {
	s.doing(func() string { return "waiting for " + plainly(u) })
	defer s.doing(nil)
	check := health.Check{
		URL: u, Contains: h.Contains, Headers: h.Headers, Mask: s.mask, Accept: h.Accept, Timeout: h.Timeout,
		CACerts: h.CACerts, SkipVerify: h.SkipVerify, UserAgent: h.UserAgent, Dial: h.Dial,
		Progress: func(text string) { s.note("health: " + text) },
	}
	return check.Run(ctx)
}

// wants says what else the answer must have, and which headers are sent; never
// their values.
func (h *Health) wants(mask func(string) string) string {
	said := ""
	if h.Contains != "" {
		said += ", until it contains " + text.Quote(text.OneLine(mask(h.Contains)), "text")
	}
	if names := slices.Sorted(maps.Keys(h.Headers)); len(names) > 0 {
		said += ", with the " + number(len(names) == 1, "header ", "headers ") + strings.Join(names, " and ")
	}
	return said
}

// plainly formats an address without its query, which may hold a token.
func plainly(u *url.URL) string { return u.Scheme + "://" + u.Host + u.EscapedPath() }

// answered describes a good answer, and whose it may be.
func answered(u *url.URL, answer health.Answer, contains bool, verified verdict.Verified) string {
	said := fmt.Sprintf("health: %s answered %d", plainly(u), answer.Status)
	if contains {
		said += " with the expected text"
	}
	if answer.URL != plainly(u) {
		said += " (after a redirect to " + answer.URL + ")"
	}
	switch verified {
	case verdict.VerifiedYes:
	case verdict.VerifiedUnchanged:
		said += "; nothing was replaced, so the previous version is what answered"
	default:
		said += "; this may still be the previous version: whether the new one is running was not seen"
	}
	return said
}

// checkHealth waits until the address answers as it should. It runs after the
// containers were verified, so that the old version does not answer for the new
// one, as far as that could be seen.
func checkHealth(ctx context.Context, t target, v *verifier, e end) (end, error) {
	u, err := t.o.healthURL(t.service.URL())
	if err != nil {
		return e, err
	}
	h := *t.o.Health
	if t.o.goingBack {
		h.Contains = "" // the failed version may have been meant to contain it
	}
	answer, err := h.ask(ctx, u, t.screen)
	var bad *health.Error
	switch {
	case errors.As(err, &bad):
		why := verdict.Reason{Kind: verdict.BadHealth, Text: bad.Error()}
		if bad.Unasked {
			why.Kind = verdict.HealthUnasked
		} else {
			e = e.showing(v.containerLog(ctx, "", ""))
			// The verdict must not be lost because time is over.
			if idle, _ := stoppedInDokploy(ctx, t.client, t.service, v.down.loop); idle {
				why.Kind = verdict.BadHealthStopped
			}
		}
		e.outcome = why.Outcome()
		e.outcome.Hint = verdict.Hint(bad.Hint)
		return e, nil
	case err != nil:
		return e, &brokenOff{err: err, left: verdict.DoneUnanswered}
	}
	t.note("%s", answered(u, answer, h.Contains != "", e.verified))
	if answer.Note != "" {
		t.warn("health: %s", answer.Note)
	}
	return e, nil
}

// noteHealth says, in a dry run, which address would be asked. Its error is
// about the input health-url.
func (t target) noteHealth() error {
	if t.o.Health == nil {
		return nil
	}
	if t.o.Health.URL == nil && !made(t.service) {
		t.note("health: would request the preview's address%s", t.o.Health.wants(t.screen.mask))
		return nil
	}
	u, err := t.o.healthURL(t.service.URL())
	if err != nil {
		return err
	}
	t.note("health: would request %s", plainly(u)+t.o.Health.wants(t.screen.mask))
	return nil
}
