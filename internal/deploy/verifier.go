package deploy

import (
	"context"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/rollout"
	"dokploy-deploy/internal/verdict"
)

// verifier looks at what runs of one target, before and after its deployment. It
// is handed values and hands on values; of the run around it, it knows what
// stands in here.
type verifier struct {
	client  *dokploy.Client
	service *dokploy.Service
	screen  *screen
	mode    VerifyMode
	stable  time.Duration // how long the new containers must run
	// beforeTrigger is the longest outage that is outlived before it.
	beforeTrigger time.Duration
	down          *downtime
	needed        bool // somebody needs to know what runs

	look      lookout
	prior     prior
	fresh     *rollout.View   // newer than prior, if the job still waits
	made      *rollout.Before // in the place of prior, what was made before the deployment; nil: not asked
	beginning *beginning      // a look beside the build; nil: there is none
	last      rollout.View    // the newest whole look after the deployment
	glance    rollout.View    // the newest one at the tasks alone
	// forces are those of the tasks that an application has since its deployment.
	forces map[string]uint64
}

func newVerifier(t target) *verifier {
	return &verifier{
		client: t.client, service: t.service, screen: t.screen, mode: t.o.Verify, stable: t.o.StableFor,
		beforeTrigger: t.o.beforeTrigger(), down: newDowntime(t), needed: t.o.needsView(t.service),
		look: lookout{client: t.client, service: t.service, docker: true},
	}
}

// deployed is the deployment that is verified.
type deployed struct {
	row       *dokploy.Deployment // nil: it has none, Dokploy went back by itself
	earlier   map[string]bool     // the deployments that had ended before it
	triggered time.Time
	image     string // that was set for it; empty: none
	back      bool   // it is the previous version
	// composeFile is the file of a compose service, where Dokploy keeps it.
	composeFile string
}

// finding is the end of a verification.
type finding struct {
	verified verdict.Verified
	outcome  verdict.Outcome // the zero value: nothing is wrong with it
	note     string          // what is to be said of it else
	warning  bool            // it matters
	log      containerLog
}

// containerLog are the last lines of a container's log, where nothing else tells
// why it has failed. The zero value is none.
type containerLog struct {
	name  string
	lines []string
}

func explainBlind(err error) string {
	what, _ := dokploy.Explain(err)
	return what
}

// staysBlind reports whether looking once more is of no use: the server or the
// key does not allow it.
func staysBlind(err error) bool {
	return dokploy.Unsupported(err) || dokploy.NotFound(err) || dokploy.Refused(err)
}

// prior is what is known of what ran before the rollout.
type prior struct {
	view rollout.View // its time is zero where nothing was seen
	err  error        // why it, or anything newer, could not be seen; nil: it could
}

// beginning is a look beside a build that has just begun.
type beginning struct {
	stop context.CancelFunc
	saw  chan *rollout.View // one; nil: nothing that counts
}
