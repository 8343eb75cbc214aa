package deploy

import (
	"time"

	"github.com/cenkalti/backoff/v4"

	"dokploy-deploy/internal/dokploy"
)

// watcher polls Dokploy's queue and the service's rows, from the trigger to the
// end. It sends the requests and acts; package track decides what a look means.
type watcher struct {
	t        target
	verifier *verifier
	base     baseline
	ending   ending

	previews []dokploy.Preview // of the application, as last listed
	ahead    ahead
	placed   string        // the position that was reported
	unread   string        // why the queue could not be read
	began    time.Time     // our clock, when the row was found
	wake     chan struct{} // the log may have shown the end
	late     *time.Timer   // for a deployment that takes far too long
	growing  *backoff.ExponentialBackOff
	first    time.Duration // the first pause

	awaitedSince time.Time // our clock, when it was said that none has come yet; zero: it was not
}
