package deploy

import (
	"context"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/rollout"
	"dokploy-deploy/internal/verdict"
)

// verifier looks at what is running of one target, before and after its
// deployment. It takes and returns values; all it knows about the run is in
// here.
type verifier struct {
	client  *dokploy.Client
	service *dokploy.Service
	screen  *screen
	mode    VerifyMode
	stable  time.Duration // how long the new containers must have been running
	// beforeTrigger is the longest outage to tolerate before the trigger.
	beforeTrigger time.Duration
	down          *downtime
	needed        bool // something needs to know what is running

	look      lookout
	prior     prior
	fresh     *rollout.View   // newer than prior, valid if the job is still waiting
	made      *rollout.Before // replaces prior: what was created before the deployment; nil: not requested
	beginning *beginning      // a look beside the build; nil: none
	last      rollout.View    // the newest whole look after the deployment
	glance    rollout.View    // the newest glance at the tasks
	// forces are those of the tasks created since the application's deployment.
	forces map[string]uint64
}

func newVerifier(t target) *verifier {
	return &verifier{
		client: t.client, service: t.service, screen: t.screen, mode: t.o.Verify, stable: t.o.StableFor,
		beforeTrigger: t.o.beforeTrigger(), down: newDowntime(t), needed: t.o.needsView(t.service),
		look: lookout{client: t.client, service: t.service, docker: true},
	}
}

// deployed describes the deployment to verify.
type deployed struct {
	row       *dokploy.Deployment // nil: there is none, Dokploy rolled back by itself
	earlier   map[string]bool     // deployments that had ended before it
	triggered time.Time
	image     string // that was set for it; empty: none
	back      bool   // it is the previous version
	// composeFile is a compose service's file, if Dokploy stores it.
	composeFile string
}

// finding is the result of a verification.
type finding struct {
	verified verdict.Verified
	outcome  verdict.Outcome // the zero value: no problem
	note     string          // what else to report
	warning  bool            // it is shown as a warning
	log      containerLog
}

// containerLog is the last lines of a container's log, if nothing else says why
// it failed. The zero value is none.
type containerLog struct {
	name  string
	lines []string
}

func explainBlind(err error) string {
	what, _ := dokploy.Explain(err)
	return what
}

// staysBlind reports whether looking again is useless: the server or the key
// does not allow it.
func staysBlind(err error) bool {
	return dokploy.Unsupported(err) || dokploy.NotFound(err) || dokploy.Refused(err)
}

// prior is what is known about what ran before the rollout.
type prior struct {
	view rollout.View // its time is zero if nothing was seen
	err  error        // why it, or anything newer, could not be seen; nil: it could
}

// beginning is a look beside a build that has just started.
type beginning struct {
	stop context.CancelFunc
	saw  chan *rollout.View // receives one value; nil: nothing that counts
}
