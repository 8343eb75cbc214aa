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

// preview is the target once Dokploy has created the pull request's preview,
// and what the preview had before.
type preview struct {
	target target
	base   baseline
}

// previews turns each application that was found into the pull request's
// preview. What is unknown until Dokploy has created it is empty.
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

// fitPreview refuses an application that cannot have previews, and a key that may
// not read them. What Dokploy shows counts for more than what the source says.
func fitPreview(ctx context.Context, o *Options, s *dokploy.Service) error {
	if s.PullRequest == 0 {
		return nil
	}
	all, err := ask(ctx, o, func(ctx context.Context) ([]dokploy.Preview, error) { return o.Client.Previews(ctx, s.ID) })
	if err != nil || len(all) > 0 || s.SourceType == "github" {
		return err
	}
	return aboutInput("preview", verdict.Reason{Kind: verdict.PreviewsElsewhere, Name: s.Name, Text: s.SourceType})
}

// made reports whether there is anything to look at: a preview may not exist
// yet.
func made(s *dokploy.Service) bool { return s.PullRequest == 0 || s.PreviewID != "" }

// turnTo makes the verifier look at another preview, which did not exist at the
// previous look.
func (v *verifier) turnTo(s *dokploy.Service) { v.service, v.look.service = s, s }

// ranNothing records that the preview did not exist at that time.
func (v *verifier) ranNothing() {
	v.prior, v.fresh = prior{view: rollout.View{At: time.Now(), Docker: v.look.docker}}, nil
}

// errPreviewGone is the cause of a context that ended because its preview is gone.
var errPreviewGone = errors.New("the preview is gone")

const (
	// previewLooks is the pause between two checks that a preview still exists,
	// while it is verified. It is gone if goneLooks looks, goneEvery apart, do
	// not show it: one odd answer decides nothing.
	previewLooks = 10 * time.Second
	goneLooks    = 3
	goneEvery    = 1500 * time.Millisecond
)

// whilePreview returns a context that ends when the preview is removed. ended
// stops the checks, and reports whether it was removed.
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

// previewGone reports whether Dokploy answers and no longer has the preview.
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
