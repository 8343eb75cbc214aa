package deploy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/rollout"
	"dokploy-deploy/internal/verdict"
	"dokploy-deploy/internal/wait"
)

// preview is the target that is followed once Dokploy has made the preview of
// its pull request, and what was there of that before.
type preview struct {
	target target
	base   baseline
}

// previews makes each application that was found the preview of the pull request
// that is meant. What is not known of one before Dokploy has made it is empty.
func (t *targets) previews(o *Options) {
	if o.Follow == nil || o.Follow.Preview == 0 {
		return
	}
	for i := range t.targets {
		x := &t.targets[i]
		if x.err != nil {
			continue
		}
		o.hideService(x.service)
		unmade := dokploy.Preview{Number: o.Follow.Preview, Deployments: []dokploy.Deployment{}}
		x.service = unmade.Of(x.service)
		x.name = fmt.Sprintf("%s (pull request %d)", x.name, o.Follow.Preview)
	}
}

// fitPreview refuses an application that can have no preview. What Dokploy shows
// counts for more than what its source says.
func fitPreview(ctx context.Context, o *Options, s *dokploy.Service) error {
	if s.PullRequest == 0 || s.SourceType == "github" {
		return nil
	}
	var all []dokploy.Preview
	err := before(ctx, o, func(ctx context.Context) (err error) {
		all, err = o.Client.Previews(ctx, s.ID)
		return err
	})
	if err != nil || len(all) > 0 {
		return err
	}
	return aboutInput("preview", verdict.Reason{Kind: verdict.PreviewsElsewhere, Name: s.Name, Text: s.SourceType})
}

// made reports whether there is something to look at: a preview has no
// containers before Dokploy has made it.
func made(s *dokploy.Service) bool { return s.PullRequest == 0 || s.PreviewID != "" }

// turnTo has it look at another service. What ran of one before it was made is
// known: nothing.
func (v *verifier) turnTo(s *dokploy.Service) {
	if v.service.PreviewID != "" && v.service.PreviewID != s.PreviewID {
		v.prior, v.fresh = prior{}, nil
	}
	v.service, v.look.service = s, s
}

// nothingRuns: there is no preview yet, so nothing runs of it.
func (v *verifier) nothingRuns() {
	v.prior, v.fresh = prior{view: rollout.View{At: time.Now(), Docker: v.look.docker}}, nil
}

// errPreviewGone is the cause of a context that ended with the preview that it
// was for.
var errPreviewGone = errors.New("the preview is gone")

const (
	// previewLooks is how often it is seen to that a preview is still there while
	// it is verified, and goneLooks, goneEvery apart, must not show it: one odd
	// answer is no verdict.
	previewLooks = 10 * time.Second
	goneLooks    = 3
	goneEvery    = 1500 * time.Millisecond
)

// whilePreview gives a context that ends with the preview. ended says in the end
// whether it did.
func whilePreview(parent context.Context, t target) (ctx context.Context, ended func() bool) {
	if t.service.PullRequest == 0 {
		return parent, func() bool { return false }
	}
	ctx, cancel := context.WithCancelCause(parent)
	over := make(chan struct{})
	go func() {
		defer close(over)
		for wait.Sleep(ctx, previewLooks) == nil {
			if t.previewGone(ctx) {
				cancel(errPreviewGone)
			}
		}
	}()
	return ctx, func() bool {
		gone := errors.Is(context.Cause(ctx), errPreviewGone)
		cancel(nil)
		<-over
		return gone || parent.Err() == nil && t.previewGone(parent)
	}
}

// previewGone reports whether Dokploy answers, and has it no more.
func (t target) previewGone(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, t.o.lookTimeout())
	defer cancel()
	for n := range goneLooks {
		if n > 0 && wait.Sleep(ctx, goneEvery) != nil {
			return false
		}
		if _, err := t.client.Rows(ctx, t.service); !dokploy.NotFound(err) {
			return false
		}
	}
	return true
}
