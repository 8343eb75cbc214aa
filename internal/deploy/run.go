package deploy

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"dokploy-deploy/internal/buildlog"
	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/verdict"
)

// run is one target on its way from the trigger to the verdict.
type run struct {
	trail

	o       *Options
	client  *dokploy.Client
	name    string
	service *dokploy.Service
	version dokploy.Version // as the server says it, for messages
	traits  dokploy.Traits
	paths   map[string]string
	result  *Result
	screen  *screen
	answers func()          // says the end of an outage before what a look has shown is said
	rights  *dokploy.Rights // nil: not known

	undo   *plan // what was set before the trigger; nil: nothing
	sent   uploaded
	mayRun bool // Dokploy may have a deployment of this run that has not ended

	known     map[string]bool // ids of the deployments that were there before
	over      map[string]bool // those of them that had ended
	knownAt   time.Time       // our clock, when they were listed
	lastEnd   time.Time       // server's clock, when the last of them ended
	usual     time.Duration   // how long an earlier one took; zero: not known
	queue     queueState
	tokens    []string // of this run's triggers, the newest last
	triggered time.Time

	verifier *verifier           // nil: nobody needs to know what runs
	back     time.Time           // when Dokploy last answered again after an outage
	row      *dokploy.Deployment // once found, it is held
	stuck    map[string]bool     // services that show as running forever
	state    string              // what goes on in Dokploy, for timeouts and interrupts
	log      *buildlog.Log
	shown    buildlog.Outcome // of that log, when it was stopped
}

// trail is what was seen of one trigger in the queue.
type trail struct {
	unconfirmed bool         // the trigger's answer was lost, and its marker has not been seen
	idleSince   time.Time    // since when Dokploy has nothing to do, as far as its services show
	outages     int          // since the trigger, long enough for a restart of Dokploy
	downSince   time.Time    // since when Dokploy has not answered; zero: it answers
	counted     bool         // among outages
	job         *dokploy.Job // as last seen in the queue; nil: never
	jobOutages  int          // outages when it was last seen
	stood       standing     // when it was last seen waiting
	latest      time.Time    // the newest time Dokploy had written while it still waited
	queuedAt    time.Time    // when Dokploy's process queued it; zero: not known
	notBegun    time.Time    // our clock, when it had last been seen not to have begun
	takenAt     time.Time    // our clock, when Dokploy took the trigger; zero: not known closely
	clock       serverClock
}

// queueState says whether deployment.queueList can be read.
type queueState int

const (
	queueUntried queueState = iota
	queueSeen
	queueNone // too old for it (before 0.28.3), or not for this key
)

func newRun(o *Options, found *targets, result *Result) *run {
	r := &run{
		o: o, client: o.Client, name: result.Name, service: result.Service, version: found.version,
		paths: found.paths, rights: found.rights, result: result, known: map[string]bool{}, over: map[string]bool{},
		traits: dokploy.TraitsOf(found.version),
	}
	if r.traits.HidesQueue {
		r.queue = queueNone
	}
	r.screen = newScreen(o, result.Name)
	// Going back needs to know what ran, verified or not.
	if o.Wait && (o.verifies() || o.Rollback && r.service.Kind == dokploy.Application && o.Prepare.Image != "") {
		r.verifier = &verifier{run: r, docker: true}
	}
	return r
}

func (o *Options) verifies() bool { return o.Verify == VerifyAuto || o.Verify == VerifyRequire }

func (r *run) note(format string, args ...any) { r.screen.note(fmt.Sprintf(format, args...)) }
func (r *run) warn(format string, args ...any) { r.screen.warn(fmt.Sprintf(format, args...)) }

// run takes the target to its verdict, and back from a bad one where that was
// asked for.
func (r *run) run(ctx context.Context) {
	defer r.screen.close()
	r.note("link: %s", r.result.DashboardURL)
	if r.o.DryRun {
		r.dryRun(ctx)
		return
	}
	start := time.Now()
	r.deployAndVerify(ctx)
	if r.triggered.IsZero() {
		r.triggered = start
	}
	r.result.Took = time.Since(r.triggered)
	r.result.verdictAt = time.Now()
	if r.o.Rollback {
		r.rollBack(ctx)
	}
}

// deployAndVerify prepares, triggers, follows and verifies.
func (r *run) deployAndVerify(ctx context.Context) {
	r.state = nothingStarted
	err := r.prepare(ctx)
	if err == nil {
		err = r.baseline(ctx)
	}
	if err != nil {
		r.result.fail(ctx, err, r.state)
		r.noteAppliedChanges()
		return
	}
	if r.verifier != nil {
		r.verifier.lookBefore(ctx)
	}
	r.triggered = time.Now()
	all := ctx // the log outlives the target's time
	ctx, cancel := context.WithTimeoutCause(ctx, r.o.Timeout, errTimeout)
	defer cancel()
	err = r.deploy(ctx)
	if r.log != nil {
		// Of a deployment that is done, its end is for those who watch.
		if err == nil && (r.result.Status != verdict.Done || r.o.Logs == LogLive) {
			r.log.Drain(all, logsEnd(ctx), r.result.Status != verdict.Cancelled)
		}
		r.shown = r.log.Stop()
	}
	if err != nil {
		r.result.fail(ctx, err, r.lastSeen())
		r.noteAppliedChanges()
	}
	r.finish()
	if r.result.Status != verdict.Done {
		r.explainDependency(all)
		return
	}
	if r.o.verifies() {
		err = r.verifier.verify(ctx)
	}
	if err == nil && r.result.Status == verdict.Done && r.o.Health != nil {
		err = r.health(ctx)
	}
	if err != nil {
		r.result.fail(ctx, err, r.state)
	}
}

// lastSeen is in what state the deployment is, as far as that was seen: after an
// outage began, Dokploy may have lost what waited in its queue.
func (r *run) lastSeen() string {
	if r.unconfirmed || r.downSince.IsZero() || time.Since(r.downSince) < shortestRestart {
		return r.state
	}
	return "as last seen, " + r.state
}

// logsEnd is how long the end of a log is waited for: 10 s, and little beyond the
// target's time.
func logsEnd(ctx context.Context) time.Duration {
	limit := 10 * time.Second
	if end, ok := ctx.Deadline(); ok {
		limit = min(limit, max(time.Until(end), 3*time.Second))
	}
	return limit
}

// setText is in a reason that says it already.
var setText = regexp.MustCompile(` (was|were) set`)

// noteAppliedChanges ends the reason of a run that changed something and then
// deployed nothing.
func (r *run) noteAppliedChanges() {
	if r.undo == nil || r.row != nil || r.mayRun || setText.MatchString(r.result.Reason) {
		return
	}
	r.result.Reason = join(r.result.Reason, r.undo.changes.names()+r.undo.changes.verb(" was", " were")+" set before, and nothing was deployed")
}

// baseline takes the set of deployments that are there before the trigger.
func (r *run) baseline(ctx context.Context) error {
	rows := r.service.Deployments
	if rows == nil {
		err := before(ctx, r.o, func(ctx context.Context) (err error) {
			rows, err = r.client.Deployments(ctx, r.service.Kind, r.service.ID)
			return err
		})
		if err != nil {
			return err
		}
	}
	r.know(rows)
	for _, row := range rows {
		r.over[row.ID] = row.Terminal()
	}
	r.usual = usual(rows)
	return nil
}

// know takes rows as having been there before the trigger. Whether they had
// ended is as it was at the baseline: what ends after that may still be rolled
// out after the look at what runs before.
func (r *run) know(rows []dokploy.Deployment) {
	for _, row := range rows {
		r.known[row.ID] = true
		if row.FinishedAt.After(r.lastEnd) {
			r.lastEnd = row.FinishedAt
		}
	}
	r.knownAt = time.Now()
}

// staleBaseline is how old the baseline may be when the trigger is sent.
const staleBaseline = 300 * time.Millisecond

// refreshBaseline keeps what began since the baseline from being taken for
// what this trigger makes. It is asked for when nothing of this run can be
// there; without an answer the older one does.
func (r *run) refreshBaseline(ctx context.Context) {
	if time.Since(r.knownAt) < staleBaseline {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if rows, err := r.client.Deployments(ctx, r.service.Kind, r.service.ID); err == nil {
		r.know(rows)
	}
}

// deploy triggers, finds and follows; once more if Dokploy lost the job.
func (r *run) deploy(ctx context.Context) error {
	for try := 1; ; try++ {
		if err := r.trigger(ctx); err != nil {
			return err
		}
		if !r.o.Wait && r.unconfirmed && r.queue != queueNone {
			return &verdictError{
				verdict.Lost, "the answer to the trigger was lost, and whether Dokploy has it cannot be told: another new deployment may be it",
				"look at the deployments of the service in the dashboard",
			}
		}
		if !r.o.Wait {
			r.result.Status = verdict.Queued
			return nil
		}
		err := r.find(ctx)
		var lost *lostError
		if errors.As(err, &lost) {
			if !lost.again || try > 1 {
				return &verdictError{verdict.Lost, lost.what, lost.hint(try)}
			}
			r.warn("%s; it is started again", lost.what)
			r.trail = trail{}
			if r.verifier != nil {
				r.verifier.lookBefore(ctx)
			}
			continue
		}
		if err != nil {
			return err
		}
		return r.follow(ctx)
	}
}

// brokenOffHint: what is built over there is tagged as what the service runs.
const brokenOffHint = "what still goes on there may be live with the next restart of the service. Run the job again"

// finish makes what a person and the outputs are told of the verdict.
func (r *run) finish() {
	res := r.result
	if row := r.row; row != nil {
		res.DeploymentID = row.ID
		if !row.StartedAt.IsZero() {
			if !row.FinishedAt.IsZero() {
				res.Build = row.FinishedAt.Sub(row.StartedAt)
			}
			if !r.queuedAt.IsZero() {
				res.Queued = max(0, row.StartedAt.Sub(r.queuedAt))
			}
		}
	}
	if res.Status == verdict.Done && res.Build >= 0 {
		r.note("Dokploy says done after %s", text.Duration(res.Build))
	}
	if res.Status != verdict.Failed && res.Status != verdict.Cancelled && res.Status != verdict.Lost {
		return
	}
	if r.o.Logs == LogFailure || res.Status == verdict.Failed {
		r.screen.replay() // of which the last lines are quoted
	}
	if res.Status != verdict.Failed {
		return // the log does not tell why
	}
	if r.service.ServerID != "" && wentOn(r.screen.tail.lines()) {
		res.Reason = firstOf(res.Reason, "the connection to the server it builds on broke in the middle")
		res.Hint = firstOf(res.Hint, brokenOffHint)
	}
	if r.usual > 0 && r.service.Kind == dokploy.Application {
		// Only a pull or a build ends so.
		res.Hint = firstOf(res.Hint, "nothing was replaced: what ran before still runs")
	}
	r.explain()
}

// unexplained is the reason of a failure where neither Dokploy nor what was seen
// of its log says why.
func (r *run) unexplained() string {
	const silent = "Dokploy does not say why, and "
	switch {
	case r.log == nil:
		return silent + "it has written no log"
	case r.shown.Empty:
		return silent + "the log is empty"
	case r.shown.Missing == "":
		return "the log does not say why"
	case r.shown.Lines > 0:
		return silent + "its log could not be read to its end: " + r.shown.Missing
	}
	return silent + "its log could not be read: " + r.shown.Missing
}
