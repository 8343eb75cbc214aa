package deploy

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/reason"
	"dokploy-deploy/internal/rollout"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/verdict"
	"dokploy-deploy/internal/wait"
)

// VerifyMode says how far to look at what runs after Dokploy said done.
type VerifyMode string

// The values of the input "verify".
const (
	VerifyAuto    VerifyMode = "auto"    // as far as the key may see
	VerifyRequire VerifyMode = "require" // not being able to see is a failure
	VerifyOff     VerifyMode = "off"
)

const (
	// verifyEvery is the pause between two looks at the containers, and
	// steadyEvery that while all of them run and only time has to pass.
	verifyEvery = time.Second
	steadyEvery = 2500 * time.Millisecond
	// refreshBefore is how old the look before the rollout may get while the
	// deployment is queued.
	refreshBefore = 15 * time.Second
	// updateBeforeEnd is how long before the end of its row an application's
	// swarm service may have been updated, on a busy machine too.
	updateBeforeEnd = 5 * time.Second
	// settlesIn is how long the containers of a deployment that has ended may
	// still come and go.
	settlesIn = 30 * time.Second
	// containerTail is how many lines of a failed container's log are shown.
	containerTail = 20
)

// verifier looks at the containers of one target, before and after.
type verifier struct {
	*run
	docker bool // the key may look at Docker
	before rollout.View
	fresh  *rollout.View // a newer one, if it was before the rollout, too
	blind  error         // why nothing could be seen before; nil: it could
	said   string
	last   rollout.View // the newest look after the deployment
	// names are swarm's services of a stack, as its file has them.
	names []string
	// forces are those of the tasks that an application has since its deployment;
	// nil: not asked for.
	forces  map[string]uint64
	failing string // the service of a stack that has failed
	broken  string // the container of docker-compose that has
	// endLook ends the look at the beginning, and returns once nothing of it
	// goes on; nil: there is none.
	endLook func()
	// serviceID is swarm's id of an application that Dokploy builds.
	serviceID string
}

// lookBefore takes what runs before the rollout. A fault that passes is
// outlived, for a moment. One that stays is no reason not to deploy: it only
// leaves less to compare with.
func (v *verifier) lookBefore(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, min(v.patience(), max(v.o.beforeTrigger(), time.Second)))
	defer cancel()
	loop := wait.Loop{Backoff: wait.NewBackoff(time.Second, time.Second), Tolerate: v.patience(), Fatal: staysBlind}
	var last error // the context's end says less
	err := loop.Run(ctx, func(ctx context.Context) (wait.State, error) {
		view, err := v.view(ctx)
		if err != nil {
			if last == nil || ctx.Err() == nil {
				last = err
			}
			return wait.Pending, err
		}
		v.before, v.blind = view, nil
		return wait.Done, nil
	})
	if err != nil && v.before.At.IsZero() {
		v.blind = last
	}
}

// staysBlind reports whether looking once more is of no use: the server or the
// key does not allow it.
func staysBlind(err error) bool {
	return dokploy.Unsupported(err) || dokploy.NotFound(err) || dokploy.Refused(err)
}

// lookWhileQueued keeps the look before the rollout fresh. It is called when the
// queue has just shown the job waiting; what was looked at since the last time
// was before the rollout, then.
func (v *verifier) lookWhileQueued(ctx context.Context) {
	if v.fresh != nil {
		v.before, v.blind, v.fresh = *v.fresh, nil, nil
	}
	if time.Since(v.before.At) < refreshBefore {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, v.patience())
	defer cancel()
	if view, err := v.view(ctx); err == nil {
		v.fresh = &view
	} else if v.before.At.IsZero() {
		v.blind = err
	}
}

// patience is how long one look may take: on a remote server each call makes
// an SSH connection of its own, 0.4 s and more of a few calls.
func (v *verifier) patience() time.Duration {
	if v.service.ServerID != "" {
		return 20 * time.Second
	}
	return 10 * time.Second
}

// lookAtBeginning looks again, beside the build that has just begun, where the
// look before is old (a queue that is not to be seen, a second run), failed for
// a reason that may be over, or came right after another deployment. What is
// seen counts only if it still builds some seconds later: an application's swarm
// service is updated right before its row ends. A compose service's containers
// are replaced all along.
func (v *verifier) lookAtBeginning(ctx context.Context) {
	v.leaveBeginning()
	// The rollout of one that had just ended went on at that look.
	settled := v.row.StartedAt.Sub(v.lastEnd) > settlesIn
	fresh := v.blind == nil && time.Since(v.before.At) < refreshBefore && settled
	if fresh || staysBlind(v.blind) || v.service.Kind == dokploy.Compose || v.row.Status != dokploy.StatusRunning {
		return
	}
	id, over := v.row.ID, make(chan struct{})
	// Beside the look that found it, whose time is over sooner.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), v.patience())
	v.endLook = func() { cancel(); <-over }
	go func() {
		defer close(over)
		view, err := v.view(ctx)
		if err != nil || wait.Sleep(ctx, updateBeforeEnd) != nil {
			return
		}
		rows, err := v.client.Deployments(ctx, v.service.Kind, v.service.ID)
		if err == nil && slices.ContainsFunc(rows, func(d dokploy.Deployment) bool { return d.ID == id && d.Status == dokploy.StatusRunning }) {
			v.before, v.blind = view, nil
		}
	}()
}

// leaveBeginning ends that look: once the build has ended it tells nothing.
func (v *verifier) leaveBeginning() {
	if v.endLook != nil {
		v.endLook()
		v.endLook = nil
	}
}

// view reads all that the judges want: the service first, so that a rollout
// that has ended is seen with the tasks it ended with.
func (v *verifier) view(ctx context.Context) (rollout.View, error) {
	for {
		view, err := v.read(ctx)
		if v.docker && errors.Is(err, dokploy.ErrMayNotLook) {
			v.docker = false // a member's key: containers only
			continue
		}
		view.At = time.Now()
		return view, err
	}
}

func (v *verifier) read(ctx context.Context) (view rollout.View, err error) {
	s, c := v.service, v.client
	view.Docker = v.docker
	switch {
	case s.Kind == dokploy.Compose && s.ComposeType != "stack":
		view.Containers, err = c.Containers(ctx, s.AppName, "docker-compose", s.ServerID)
		return view, err
	case s.Kind == dokploy.Compose && v.docker:
		if view.Tasks, err = c.StackTasks(ctx, s.AppName, s.ServerID); err != nil {
			return view, err
		}
	case s.Kind == dokploy.Compose:
		if view.Tasks, err = c.StackTasksShown(ctx, s.AppName, s.ServerID); err != nil {
			return view, err
		}
	case v.docker:
		if view.Services, err = v.application(ctx); err != nil {
			return view, err
		}
		if view.Tasks, err = c.Tasks(ctx, s.AppName, s.ServerID); err != nil {
			return view, err
		}
		if view.Forces, err = v.forcesOf(ctx, view.Tasks); err != nil {
			return view, err
		}
	}
	if s.Kind == dokploy.Compose && v.docker {
		names := slices.Concat(v.names, view.ServiceNames())
		slices.Sort(names)
		if view.Services, err = v.swarm(ctx, slices.Compact(names)...); err != nil {
			return view, err
		}
	}
	view.Containers, err = c.Containers(ctx, s.AppName, "", s.ServerID)
	return view, err
}

// application is swarm's service of an application, by its name. What Dokploy
// builds is an image of that name, too: then a task leads there.
func (v *verifier) application(ctx context.Context) (map[string]*dokploy.SwarmService, error) {
	s, c := v.service, v.client
	names := []string{firstOf(v.serviceID, s.AppName), ""}
	if v.serviceID == "" && s.SourceType != "docker" {
		names = []string{"", s.AppName}
	}
	for _, name := range names {
		if name == "" {
			tasks, err := c.Tasks(ctx, s.AppName, s.ServerID)
			if err != nil {
				return nil, err
			}
			if len(tasks) == 0 {
				continue
			}
			if name, err = c.ServiceOfTask(ctx, tasks[0].ID, s.ServerID); err != nil {
				return nil, err
			}
			if name == "" {
				continue
			}
			v.serviceID = name
		}
		service, err := c.SwarmService(ctx, name, s.ServerID)
		if err != nil {
			return nil, err
		}
		if service != nil {
			return map[string]*dokploy.SwarmService{s.AppName: service}, nil
		}
	}
	return nil, nil
}

// forcesOf asks which deployment each task is of that was not there before. What
// a task was made with never changes.
func (v *verifier) forcesOf(ctx context.Context, tasks []dokploy.Task) (map[string]uint64, error) {
	if v.forces == nil {
		return nil, nil
	}
	for _, t := range tasks {
		_, known := v.forces[t.ID]
		if known || slices.ContainsFunc(v.before.Tasks, func(old dokploy.Task) bool { return old.ID == t.ID }) {
			continue
		}
		force, ok, err := v.client.ForceOfTask(ctx, t.ID, v.service.ServerID)
		if err != nil {
			return nil, err
		}
		if ok {
			v.forces[t.ID] = force
		}
	}
	return v.forces, nil
}

func (v *verifier) swarm(ctx context.Context, names ...string) (map[string]*dokploy.SwarmService, error) {
	services := map[string]*dokploy.SwarmService{}
	for _, name := range names {
		s, err := v.client.SwarmService(ctx, name, v.service.ServerID)
		if err != nil {
			return nil, err
		}
		if s != nil {
			services[name] = s
		}
	}
	return services, nil
}

// verify waits until the new containers run, or certainly do not.
func (v *verifier) verify(ctx context.Context) error {
	v.result.Verified = verdict.VerifiedUnknown
	v.left = verdict.DoneUnseen
	if staysBlind(v.blind) {
		return v.unseen(explainBlind(v.blind))
	}
	judge, err := v.judge(ctx)
	if err != nil {
		return err
	}
	v.screen.doing(func() string { return "waiting for the new containers" })
	defer v.screen.doing(nil)
	pace := &verifyPace{stable: v.o.StableFor}
	loop := v.loop(pace)
	var (
		last rollout.Verdict
		away string // what ended the looks before they had shown the end
	)
	err = loop.Run(ctx, func(ctx context.Context) (wait.State, error) {
		view, err := v.view(ctx)
		switch {
		case dokploy.Unsupported(err), dokploy.NotFound(err):
			away = explainBlind(err)
			return wait.Done, nil
		case err != nil:
			return wait.Pending, err
		}
		v.last = view
		v.answers() // before what it tells of containers
		last = judge.Look(view)
		pace.saw(last)
		v.progress(last)
		if last.State != rollout.Undecided && last.Final {
			return wait.Done, nil
		}
		return wait.Pending, nil
	})
	if why := v.onlyDockerIsAway(ctx, err); why != "" {
		away, err = why, nil
	}
	if away != "" {
		// What has failed stays failed, whether or not the rest is seen.
		if last.State != rollout.Failed {
			return v.unseen(away)
		}
		last.Reason += " (the rest was not seen: " + away + ")"
	}
	if err != nil {
		if last.Reason != "" {
			v.left, v.detail = verdict.DoneBut, last.Reason
		}
		return err
	}
	if other := v.otherImage(); other != "" && last.State != rollout.Failed {
		v.result.Verified = verdict.VerifiedNo
		v.result.Outcome = verdict.Reason{Kind: verdict.AnotherImage, Name: other, Text: v.o.Prepare.Image}.Outcome()
		return nil
	}
	if last.State != rollout.Unseen {
		over, err := v.overtaken(ctx)
		switch {
		case err != nil:
			return err
		case over:
			return v.unseen("another deployment of the service came right before or on top of this one")
		}
	}
	if last.State == rollout.Failed || last.State == rollout.Unseen {
		if last, err = v.stopped(ctx, last); err != nil {
			return err
		}
	}
	switch last.State {
	case rollout.Running:
		v.result.Verified = verdict.VerifiedYes
		v.note("%s", ranFor(last, v.o.StableFor))
	case rollout.Unchanged:
		v.unchanged(last)
	case rollout.Unseen:
		why := last.Reason
		if v.blind != nil {
			why += " (" + explainBlind(v.blind) + ")"
		}
		return v.unseen(why)
	case rollout.Failed:
		v.result.Verified = verdict.VerifiedNo
		v.failing, v.broken = last.Service, last.Container
		why := verdict.Reason{Kind: failedAs(last), Text: last.Reason}
		if last.Unhealthy {
			why.Text += v.checkSaid(ctx)
		}
		why.Text = join(why.Text, last.Serving)
		v.result.Outcome = why.Outcome()
		v.result.Hint = verdict.Hint(reason.Advice(last.Reason))
		v.containerLog(ctx)
	}
	return nil
}

// failedAs is the kind of a failure that the containers show.
func failedAs(last rollout.Verdict) verdict.Kind {
	switch {
	case last.RolledBack:
		return verdict.SwarmRolledBack
	case last.Stopped && last.Reason == "":
		return verdict.StoppedThere // it is idle in Dokploy
	case last.Stopped:
		return verdict.StoppedInSwarm
	}
	return verdict.NotRunning
}

// onlyDockerIsAway says, after an outage that lasted too long, what was in the
// way if Dokploy itself answers: then it is only not seen what runs.
func (v *verifier) onlyDockerIsAway(ctx context.Context, err error) string {
	var outage *wait.UnreachableError
	if !errors.As(err, &outage) {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	if _, err := v.client.Deployments(ctx, v.service.Kind, v.service.ID); err != nil {
		return ""
	}
	what, _ := dokploy.Explain(outage.Err)
	return fmt.Sprintf("Dokploy answers, but has not shown what Docker runs for %s: %s", text.Duration(outage.For), what)
}

// stopped looks, after a verdict that it does not run or is not seen to, whether
// somebody has stopped it in Dokploy.
func (v *verifier) stopped(ctx context.Context, verdict rollout.Verdict) (rollout.Verdict, error) {
	if verdict.Stopped || verdict.RolledBack {
		return verdict, nil
	}
	idle, err := v.stoppedInDokploy(ctx)
	if idle {
		verdict = rollout.Verdict{State: rollout.Failed, Final: true, Stopped: true}
	}
	return verdict, err
}

// stoppedInDokploy reports whether the service is idle: a deployment leaves it
// as done.
func (r *run) stoppedInDokploy(ctx context.Context) (idle bool, err error) {
	loop := r.loop(wait.NewBackoff(time.Second, 5*time.Second))
	err = loop.Run(ctx, func(ctx context.Context) (wait.State, error) {
		s, err := r.client.Service(ctx, r.service.Kind, r.service.ID)
		if err != nil && !staysBlind(err) {
			return wait.Pending, err
		}
		idle = err == nil && s.Status == "idle"
		return wait.Done, nil
	})
	return idle, err
}

// unchanged is the end of a verification that finds everything as it was.
func (v *verifier) unchanged(last rollout.Verdict) {
	what := "nothing was replaced: " + countOf(last.Ready, last.Wanted, "container") + " " + are(last.Ready) + " running unchanged"
	if last.Gone > 0 {
		what += fmt.Sprintf(" (%d %s removed)", last.Gone, was(last.Gone))
	}
	hint := `only what changes in the compose file or in the environment that it uses is replaced. For a new image, use a pinned tag (image: app:1.2.3) or pull_policy: always`
	if v.service.ComposeType == "stack" {
		hint = "only what changes in the compose file or in the environment that it uses is replaced. For a new image, use a pinned tag (image: app:1.2.3); a stack does not read pull_policy"
	}
	v.result.Verified = verdict.VerifiedUnchanged
	switch {
	case v.o.goingBack:
		v.note("%s", what)
	case v.o.Verify == VerifyRequire:
		v.result.Outcome = verdict.Reason{Kind: verdict.NothingReplaced, Text: what}.Outcome()
		v.result.Hint = verdict.Hint(hint)
	default:
		v.warn("%s; %s", what, hint)
	}
}

// verifyPace gives the pauses between two looks at containers.
type verifyPace struct {
	stable time.Duration
	since  time.Time // all of them run; zero: not yet
}

// saw takes the verdict of the newest look.
func (p *verifyPace) saw(v rollout.Verdict) {
	switch {
	case v.Wanted == 0 || v.Ready < v.Wanted:
		p.since = time.Time{}
	case p.since.IsZero():
		p.since = time.Now()
	}
}

func (p *verifyPace) Reset() {}

// NextBackOff is such that a look comes when they have run long enough.
func (p *verifyPace) NextBackOff() time.Duration {
	pause := verifyEvery + rand.N(verifyEvery/5)
	if p.since.IsZero() {
		return pause
	}
	switch left := p.stable - time.Since(p.since) + 50*time.Millisecond; {
	case left <= 0: // swarm is not done with it yet
		return pause
	case left < steadyEvery+verifyEvery:
		return left
	}
	return steadyEvery + rand.N(steadyEvery/5)
}

// otherImage is the image that swarm runs, where that can be seen and is not
// the one that was asked for.
func (v *verifier) otherImage() string {
	s := v.last.Services[v.service.AppName]
	if v.o.Prepare.Image == "" || v.service.Kind != dokploy.Application || s == nil || s.Image == "" {
		return ""
	}
	_, err1 := reference.ParseDockerRef(v.o.Prepare.Image)
	_, err2 := reference.ParseDockerRef(s.Image)
	if err1 != nil || err2 != nil || sameImage(v.o.Prepare.Image, s.Image) {
		return ""
	}
	return s.Image
}

// overtaken reports whether a later deployment of the service has ended: what
// was seen may be its containers. Where only containers can be seen that goes for
// one that ended between the look before and ours, too.
func (v *verifier) overtaken(ctx context.Context) (over bool, err error) {
	if v.row == nil {
		return false, nil // a rollback has none
	}
	loop := v.loop(wait.NewBackoff(time.Second, 5*time.Second))
	err = loop.Run(ctx, func(ctx context.Context) (wait.State, error) {
		rows, err := v.client.Deployments(ctx, v.service.Kind, v.service.ID)
		if err != nil {
			return wait.Pending, err
		}
		over = slices.ContainsFunc(rows, func(d dokploy.Deployment) bool {
			return d.ID != v.row.ID && d.Status == dokploy.StatusDone &&
				(d.FinishedAt.After(v.row.FinishedAt) || !v.docker && !v.over[d.ID])
		})
		return wait.Done, nil
	})
	return over, err
}

// judge is the one for this kind of service.
func (v *verifier) judge(ctx context.Context) (rollout.Judge, error) {
	s := v.service
	before := rollout.Before{View: v.before, Unseen: v.before.At.IsZero()}
	if before.Unseen {
		before.At = v.triggered
	}
	switch {
	case s.Kind == dokploy.Application:
		v.forces = map[string]uint64{}
		return rollout.NewApplication(s.AppName, s.Replicas, before, v.o.StableFor), nil
	case s.ComposeType != "stack":
		return rollout.NewCompose(before, v.o.StableFor), nil
	}
	var names []string
	loop := v.loop(wait.NewBackoff(time.Second, 5*time.Second))
	err := loop.Run(ctx, func(ctx context.Context) (wait.State, error) {
		services, err := v.client.ComposeServices(ctx, s.ID)
		if err != nil && !dokploy.NotFound(err) && !dokploy.Unsupported(err) && !dokploy.Refused(err) {
			return wait.Pending, err
		}
		for _, name := range services {
			names = append(names, s.AppName+"_"+name)
		}
		return wait.Done, nil
	})
	v.names = names
	return rollout.NewStack(names, before, v.o.StableFor), err
}

// progress says what has changed since the last look.
func (v *verifier) progress(verdict rollout.Verdict) {
	text := ""
	switch {
	case verdict.State == rollout.Failed && !verdict.Final:
		text = verdict.Reason
	case verdict.State == rollout.Undecided && verdict.Wanted > 0:
		kind := "new containers"
		if v.service.Kind == dokploy.Compose {
			kind = "containers" // which ones are new is said at the end
		}
		text = fmt.Sprintf("%s: %d of %d running", kind, verdict.Ready, verdict.Wanted)
	}
	if text != "" && text != v.said {
		v.said = text
		v.note("%s", text)
	}
	v.screen.doing(func() string {
		if verdict.Reason != "" {
			return "waiting for the new containers: " + verdict.Reason
		}
		return "waiting for the new containers"
	})
}

// ranFor says what runs, and how much of it is new.
func ranFor(v rollout.Verdict, stable time.Duration) string {
	kind, rest := "new containers", ""
	switch {
	case v.New == 0 && v.Ready > 0:
		kind, rest = "containers", ", none of them new"
	case v.New < v.Ready:
		kind, rest = "containers", fmt.Sprintf(", %d of them new", v.New)
	}
	if v.Ran > 0 {
		rest += fmt.Sprintf("; %d new %s %s ended with exit code 0", v.Ran, number(v.Ran == 1, "one", "ones"), have(v.Ran))
	}
	return fmt.Sprintf("%s: %s %s been running for %s%s", kind, countOf(v.Ready, v.Wanted, ""), have(v.Ready), text.Duration(stable), rest)
}

// countOf is "2 of 2 containers", or "2 containers" where it is not known how
// many there should be.
func countOf(n, of int, noun string) string {
	text := fmt.Sprint(n)
	if of > 0 {
		text = fmt.Sprintf("%d of %d", n, of)
	}
	switch {
	case noun == "":
		return text
	case max(n, of) != 1:
		noun += "s"
	}
	return text + " " + noun
}

func have(n int) string { return number(n == 1, "has", "have") }
func are(n int) string  { return number(n == 1, "is", "are") }
func was(n int) string  { return number(n == 1, "was", "were") }

func number(one bool, singular, plural string) string {
	if one {
		return singular
	}
	return plural
}

// unseen is the end of a verification that cannot see.
func (v *verifier) unseen(why string) error {
	v.result.Verified = verdict.VerifiedUnknown
	if v.o.Verify == VerifyRequire {
		v.result.Outcome = verdict.Reason{Kind: verdict.CannotBeSeen, Text: why}.Outcome()
		v.result.Hint = `give the key's owner the right "access to Docker", or set verify to auto`
		if v.docker && !staysBlind(v.blind) {
			v.result.Hint = "look at the service in Dokploy, or set verify to auto"
		}
		return nil
	}
	v.note("not verified: %s", why)
	return nil
}

func explainBlind(err error) string {
	what, _ := dokploy.Explain(err)
	return what
}

// containerTail keeps the last lines of the containers' log, where nothing
// else tells why.
func (r *run) containerTail(ctx context.Context) {
	v := r.verifier
	if v == nil {
		v = &verifier{run: r}
	}
	v.containerLog(ctx)
}

// containerLog keeps the last lines of what failed, for the end of the output.
func (v *verifier) containerLog(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if len(v.last.Containers) == 0 {
		v.last, _ = v.view(ctx)
	}
	container, known := v.failed()
	if !known {
		return
	}
	var (
		text string
		err  error
	)
	if v.service.Kind == dokploy.Application {
		// application.readLogs gives the first container that runs: after a
		// rollback that is the old one.
		text, err = v.client.ContainerLog(ctx, v.service, container.ID, containerTail)
	}
	if v.service.Kind == dokploy.Compose || err != nil && container.State == "running" {
		text, err = v.client.ReadContainerLogs(ctx, v.service.Kind, v.service.ID, container.ID, containerTail)
	}
	if err != nil || strings.TrimSpace(text) == "" {
		return // an older server has none; the reason is said all the same
	}
	v.result.TailOf = "the container " + container.Name
	v.result.Tail = nil
	for line := range strings.SplitSeq(strings.TrimRight(text, "\r\n"), "\n") {
		v.result.Tail = append(v.result.Tail, strings.ToValidUTF8(clockTime(strings.TrimRight(line, "\r")), ""))
	}
}

// failed is the container to look at: of the concerned ones one that has failed,
// else the newest.
func (v *verifier) failed() (dokploy.Container, bool) {
	containers := v.concerned()
	for _, c := range containers {
		if code, ended := c.ExitCode(); ended && code != 0 || c.Health() == "unhealthy" || c.State == "restarting" || c.State == "dead" {
			return c, true
		}
	}
	for _, c := range containers {
		if v.isNew(c) || v.broken != "" {
			return c, true
		}
	}
	return dokploy.Container{}, false
}

// concerned are the containers that a failure may be of, the newest first: what
// is new, and of docker-compose what was there before, too. Where the judge has
// named a service or a container only its own are, and it may have none here.
func (v *verifier) concerned() []dokploy.Container {
	return slices.DeleteFunc(slices.Clone(v.last.Containers), func(c dokploy.Container) bool {
		service, _, _, _ := c.Task()
		return v.failing != "" && service != v.failing || v.broken != "" && c.Name != v.broken ||
			!v.isNew(c) && (v.service.Kind != dokploy.Compose || v.service.ComposeType == "stack")
	})
}

func (v *verifier) isNew(c dokploy.Container) bool {
	return !slices.ContainsFunc(v.before.Containers, func(b dokploy.Container) bool { return b.ID == c.ID })
}

// checkSaid is what the health check of an unhealthy container wrote last, in
// parentheses; empty where there is none, or the key may not see it.
func (v *verifier) checkSaid(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	containers := v.concerned() // the newest may not have been checked yet
	for _, c := range containers[:min(len(containers), 3)] {
		check, err := v.client.FailedHealthCheck(ctx, c.ID, v.service.ServerID)
		switch {
		case err != nil:
			return ""
		case check == nil:
			continue
		}
		said := fmt.Sprintf("exit code %d", check.ExitCode)
		if output := text.OneLine(v.screen.mask(check.Output)); output != "" {
			said += ": " + output
		}
		return " (" + said + ")"
	}
	return ""
}

// clockTime cuts the time that Docker puts before each line to hours, minutes
// and seconds.
func clockTime(line string) string {
	stamp, text, ok := strings.Cut(line, " ")
	if t, err := time.Parse(time.RFC3339Nano, stamp); ok && err == nil {
		return t.UTC().Format("15:04:05Z ") + text
	}
	return line
}
