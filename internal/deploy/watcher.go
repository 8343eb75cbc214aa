package deploy

import (
	"time"

	"github.com/cenkalti/backoff/v4"

	"dokploy-deploy/internal/dokploy"
)

// watcher is the one loop that looks at Dokploy's queue and the service's rows,
// from the trigger to the end. What a look means is decided by package track;
// here it is asked for, and acted on.
type watcher struct {
	t        target
	verifier *verifier
	base     baseline
	ending   ending

	previews []dokploy.Preview // of the application, as last listed
	ahead    ahead
	placed   string        // the place that was said
	unread   string        // why the queue could not be read
	began    time.Time     // our clock, when the row was found
	wake     chan struct{} // the log may have shown the end
	late     *time.Timer   // of a deployment that takes far too long
	growing  *backoff.ExponentialBackOff
	first    time.Duration // its first pause

	awaitedSince time.Time // our clock, when it was said that none has come yet; zero: it was not
}
