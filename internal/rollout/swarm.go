package rollout

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/text"
)

// service judges one service of swarm.
type service struct {
	name     string
	replicas int           // as Dokploy says; negative: not known
	renewed  bool          // every deployment makes new tasks: applications
	stable   time.Duration // how long they must run

	start        time.Time
	old          map[string]bool // tasks that were there before
	before       *dokploy.SwarmService
	unseen       bool // what ran before was not seen
	vague        bool // … or not for certain: only the tasks' own ForceUpdate tells
	crashLooping bool // was failing before
	had          int  // replicas that swarm has shown since

	since        map[string]time.Time // running on end, by task
	unplaced     map[string]time.Time // without a node
	wasUnhealthy map[string]bool      // seen unhealthy
	pair         bool                 // an old and a new one ran side by side
	first        time.Time            // the first look
	seen         time.Time            // the last look that showed anything
	known        time.Time            // the last look that showed swarm's service
	force        uint64               // ForceUpdate that this deployment set
	shape        string               // of the last look
	changed      time.Time            // when the shape last changed
	failedAt     time.Time
	reason       string // of the failure, as last known
	unwell       bool   // it is a health check that fails
}

func newService(name string, replicas int, renewed bool, before Before, stable time.Duration) *service {
	s := &service{
		name: name, replicas: replicas, renewed: renewed, stable: stable,
		start: before.At, before: before.Services[name], unseen: before.Unseen, vague: renewed && before.Services[name] == nil,
		old: map[string]bool{}, since: map[string]time.Time{}, unplaced: map[string]time.Time{}, wasUnhealthy: map[string]bool{},
	}
	units := of(before.units(), name)
	for _, u := range units {
		s.old[u.id] = true
	}
	s.crashLooping = crashLooping(units, !renewed)
	return s
}

// look is one look at the service, taken apart.
type look struct {
	at      time.Time
	docker  bool
	legacy  bool // tasks without their state (before 0.27)
	svc     *dokploy.SwarmService
	fresh   bool // UpdateStatus is of this deployment
	update  string
	units   []unit
	news    []unit
	wanted  int
	job     bool
	oneShot bool // a task may end with code 0
}

func (s *service) take(v View) look {
	l := look{at: v.At, docker: v.Docker, svc: v.Services[s.name], wanted: max(0, s.replicas), units: of(v.units(), s.name)}
	newest := newestForce(l.svc, l.units)
	for i := range l.units {
		u := &l.units[i]
		// What has been in its state since before the deployment is not of it.
		if u.aged && !s.start.IsZero() && u.age > l.at.Sub(s.start)+ageSlack { //rule:older-than-the-deployment
			s.old[u.id] = true
		}
		if u.forced && u.force < newest { //rule:of-an-earlier-deployment
			s.old[u.id] = true
		}
		if u.wasUnhealthy { //rule:once-unhealthy
			s.wasUnhealthy[u.id] = true
		}
		u.wasUnhealthy = s.wasUnhealthy[u.id]
		if !s.old[u.id] {
			l.news = append(l.news, *u)
		}
	}
	l.legacy = v.Docker && slices.ContainsFunc(v.Tasks, func(t dokploy.Task) bool { return t.State == "" }) ||
		!v.Docker && slices.ContainsFunc(v.Containers, func(c dokploy.Container) bool { return c.Status == "" })
	if l.svc != nil {
		l.job = strings.HasSuffix(l.svc.Mode, "-job")
		l.oneShot = l.job || !s.renewed && l.svc.Restart != "any"
		l.fresh = l.svc.UpdateStartedAt != "" && (s.before == nil || l.svc.UpdateStartedAt != s.before.UpdateStartedAt)
		if l.fresh {
			l.update = l.svc.UpdateState
		}
		switch l.svc.Mode {
		case "global", "global-job":
			l.wanted = len(slices.DeleteFunc(slices.Clone(l.units), func(u unit) bool { return u.desired == "shutdown" }))
		case "replicated", "replicated-job":
			if l.svc.Replicas >= 0 {
				l.wanted = l.svc.Replicas
			}
		}
	} else if !v.Docker {
		l.oneShot = !s.renewed
	}
	s.track(&l)
	return l
}

// newestForce is the ForceUpdate of the newest deployment. Once Dokploy has said
// done, swarm has it; when swarm goes back, the failed tasks still show it.
func newestForce(svc *dokploy.SwarmService, units []unit) (force uint64) {
	if svc != nil {
		force = svc.ForceUpdate
	}
	for _, u := range units {
		if u.forced {
			force = max(force, u.force)
		}
	}
	return force
}

// track keeps what only a sequence of looks shows.
func (s *service) track(l *look) {
	if s.first.IsZero() {
		s.first = l.at
	}
	if len(l.units) > 0 || l.svc != nil {
		s.seen = l.at
	}
	if l.svc != nil {
		s.known = l.at
	}
	up := map[string]time.Time{}
	unplaced := map[string]time.Time{}
	var shape strings.Builder
	for _, u := range l.units {
		fmt.Fprint(&shape, u.id, u.phase, u.desired, " ")
		if u.phase == running && u.desired != "shutdown" {
			up[u.id] = earlier(s.since[u.id], l.at)
		}
		if u.phase == waiting && u.failure != "" { //rule:without-a-place-since
			unplaced[u.id] = earlier(s.unplaced[u.id], l.at)
		}
	}
	if len(l.units) > 0 { //rule:an-empty-list-is-unknown
		s.since, s.unplaced = up, unplaced
	}
	if shape.String() != s.shape || s.changed.IsZero() {
		s.shape, s.changed = shape.String(), l.at
	}
	if l.runs(s.old, false) > 0 && l.runs(s.old, true) > 0 { //rule:side-by-side-once
		s.pair = true
	}
}

func earlier(known, now time.Time) time.Time {
	if known.IsZero() {
		return now
	}
	return known
}

// runs counts the old or the new units that run.
func (l *look) runs(old map[string]bool, which bool) int {
	n := 0
	for _, u := range l.units {
		if u.phase == running && old[u.id] == which {
			n++
		}
	}
	return n
}

// judge is the verdict after one more look.
func (s *service) judge(v View) Verdict {
	l := s.take(v)
	verdict := s.verdict(&l)
	if s.stopped(&l) { //rule:stopped-in-swarm
		s.failedAt = l.at
		s.reason = fmt.Sprintf("it was stopped: someone set its replicas in Swarm from %d to 0", s.had)
		verdict.State, verdict.Final, verdict.Stopped, verdict.Reason = Failed, true, true, s.reason
		return verdict
	}
	if blind := s.blind(&l); blind != "" && s.failedAt.IsZero() {
		verdict.State, verdict.Final, verdict.Reason = Unseen, true, blind
		return verdict
	}
	if reason := s.failure(&l); reason != "" || !s.failedAt.IsZero() {
		return s.fail(&l, verdict, reason)
	}
	s.up(&l, &verdict)
	return verdict
}

// verdict is one that says only how many run.
func (s *service) verdict(l *look) Verdict {
	v := Verdict{Wanted: l.wanted}
	for _, u := range l.units {
		if u.phase == running && u.desired != "shutdown" && (!s.renewed || !s.old[u.id]) {
			v.Ready++
		}
	}
	if l.wanted > 0 {
		v.Ready = min(v.Ready, l.wanted)
	}
	return v
}

// stopped reports whether swarm was to run some of it, and is to run none now.
// What Dokploy has deployed has its replicas from the beginning.
func (s *service) stopped(l *look) bool {
	if l.svc == nil || !strings.HasPrefix(l.svc.Mode, "replicated") { //rule:replicas-of-replicated-only
		return false
	}
	if l.svc.Replicas > 0 {
		s.had = l.svc.Replicas
	}
	return l.svc.Replicas == 0 && s.had > 0
}

// none reports whether swarm is to run nothing of it.
func (l *look) none() bool {
	return l.svc != nil && strings.HasPrefix(l.svc.Mode, "replicated") && l.svc.Replicas == 0
}

// blind says why nothing can be known, if so.
func (s *service) blind(l *look) string {
	switch {
	case l.none() && s.renewed: //rule:no-replicas
		return "the service is " + noReplicas
	case s.renewed && l.svc == nil && s.replicas == 0 && len(l.news) == 0: //rule:no-replicas-in-dokploy
		return "in Dokploy the application is " + noReplicas
	case l.at.Sub(earlier(s.seen, s.first)) >= blindFor: //rule:nothing-shown-for-long
		return "Docker shows nothing of the service"
	case l.docker && l.at.Sub(earlier(s.known, s.first)) >= blindFor: //rule:service-not-shown-for-long
		return "Docker does not show the Swarm service"
	case !l.docker && s.renewed && s.unseen,
		l.docker && s.vague && l.svc != nil && l.svc.UpdateStartedAt != "" && !slices.ContainsFunc(l.units, func(u unit) bool { return u.forced }):
		// A service that is new has never been updated.
		return beforeUnseen
	case !l.docker && s.crashLooping: //rule:was-failing-before
		return "the service was failing before the deployment; without the permission \"access to Docker\" its old containers cannot be told from the new ones"
	}
	if l.docker && l.svc != nil && s.renewed {
		switch was := s.before; {
		case s.force == 0 && (was == nil || l.svc.ForceUpdate != was.ForceUpdate):
			s.force = l.svc.ForceUpdate
		case s.force != 0 && l.svc.ForceUpdate > s.force: //rule:another-on-top
			return "another deployment of the service came after this one"
		}
	}
	return ""
}

const (
	unknownFailure = "the new task failed"
	checkFails     = "unhealthy: its health check fails"
)

// failure says why the deployment has failed, if this look shows it.
func (s *service) failure(l *look) string {
	if l.docker && l.svc == nil { //rule:no-failure-without-the-service
		return ""
	}
	harmless := 0
	perSlot, crashes := map[string]int{}, map[string]int{}
	var failure string
	certain := false
	for _, u := range l.news {
		switch {
		case u.phase == unhealthy || u.wasUnhealthy: //rule:health-check-fails
			certain = true
			failure = cmp.Or(failure, checkFails)
		case u.phase == completed && l.oneShot && s.alone(l, u): //rule:made-to-end
			harmless++
		case u.phase == broken, u.phase == completed, u.phase == ended: //rule:task-has-ended
			perSlot[u.slot]++
			if !u.refused { //rule:crashes-are-no-refusals
				crashes[u.slot]++
			}
			if strings.Contains(u.failure, "unhealthy container") { //rule:killed-for-its-health
				u.failure = checkFails
			}
			failure = cmp.Or(u.failure, failure, endText(u))
			certain = certain || perSlot[u.slot] > 1 || s.own(l, u)
		}
	}
	loops := 0
	for _, n := range crashes {
		loops = max(loops, n)
	}
	if failure != "" {
		s.unwell = failure == checkFails
	}
	failure = text.OneLine(failure)
	switch {
	case strings.HasPrefix(l.update, "rollback_"), l.update == "paused" && harmless == 0: //rule:swarm-gave-up
		return cmp.Or(failure, unknownFailure)
	case !certain: //rule:not-certain-yet
		return ""
	case loops > 1: //rule:crash-loop
		return "crash loop: " + failure
	}
	return failure
}

// own reports whether a new task that has ended is surely this deployment's
// failure. A service that was failing makes new tasks of its own accord, and
// where it is not shown how a task ended, swarm may have stopped it.
func (s *service) own(l *look, u unit) bool {
	if u.phase != ended { //rule:shown-how-it-ended
		return !s.crashLooping
	}
	// The old one beside it runs on: nothing has replaced the new one.
	return !l.docker && slices.ContainsFunc(l.units, func(o unit) bool {
		return o.slot == u.slot && o.phase == running && s.old[o.id]
	})
}

// alone reports whether nothing has come after a task that ended with code 0:
// then it was made to end.
func (s *service) alone(l *look, u unit) bool {
	return !slices.ContainsFunc(l.news, func(o unit) bool { return o.slot == u.slot && o.id != u.id })
}

func endText(u unit) string {
	switch u.phase {
	case completed:
		return "the process ended with exit code 0"
	case ended:
		return "the process ended"
	}
	return "the task failed"
}

// fail makes the verdict of a failure, and keeps looking at what swarm does
// about it.
func (s *service) fail(l *look, v Verdict, reason string) Verdict {
	if s.failedAt.IsZero() {
		s.failedAt = l.at
	}
	waited := l.at.Sub(s.failedAt)
	v.State, v.Unhealthy = Failed, s.unwell
	v.Final = waited >= goesBackWithin
	told := v.Final || reason != unknownFailure // the tasks may be from a moment earlier
	switch l.update {
	case "rollback_completed":
		// What it went back to may be about to start.
		v.Final, v.RolledBack = v.Final || told && l.anyRuns(), true
		reason = "Swarm rolled back to the previous version: " + reason
	case "rollback_started":
		v.Final, v.RolledBack = waited >= backWithin, true
		reason = "Swarm is rolling back to the previous version: " + reason
	case "rollback_paused":
		v.Final, v.RolledBack = told, true
		reason = "Swarm tried to roll back to the previous version, and failed: " + reason
	case "paused":
		v.Final = told
		reason = "Swarm paused the update: " + reason
	case "updating":
	default:
		// Without swarm's word, an old container may just be stopping.
		v.Final = v.Final || l.docker && l.svc != nil || !l.docker && l.runs(s.old, true) == 0
	}
	s.reason = cmp.Or(reason, s.reason)
	v.Reason = s.reason
	v.Serving = s.serving(l)
	return v
}

// anyRuns reports whether a task or container runs, whichever.
func (l *look) anyRuns() bool {
	return slices.ContainsFunc(l.units, func(u unit) bool { return u.phase == running })
}

// serving says what serves after a failure, where that is known.
func (s *service) serving(l *look) string {
	if s.crashLooping || len(l.units) == 0 { //rule:serving-not-known
		return ""
	}
	oldRuns := slices.ContainsFunc(l.units, func(u unit) bool {
		return s.old[u.id] && u.phase == running && u.desired != "shutdown"
	})
	switch {
	case oldRuns && !l.docker && l.at.Sub(s.failedAt) < goesBackWithin: //rule:old-one-may-be-stopping
		return ""
	case oldRuns && !l.docker: //rule:old-container-runs
		return "a container of the previous version is still running"
	case oldRuns: //rule:old-one-runs
		return "the previous version is still running"
	case l.update == "rollback_completed" && l.anyRuns(): //rule:runs-again
		return "the previous version is running again"
	case !l.anyRuns() && l.docker && !l.legacy: //rule:nothing-ran
		return "none of it was running" // it may run again once this is read
	}
	return ""
}

// up says whether it runs, and else what is waited for.
func (s *service) up(l *look, v *Verdict) {
	wait := func(format string, args ...any) { v.Reason = fmt.Sprintf(format, args...) }
	if l.docker && l.svc == nil || len(l.units) == 0 && (l.wanted > 0 || !l.docker) { //rule:nothing-shown-yet
		wait("Docker shows nothing of it yet")
		return
	}
	if !l.docker || l.legacy {
		if l.at.Sub(s.changed) >= max(patience, 2*s.stable) && !slices.ContainsFunc(l.units, func(u unit) bool { return u.phase == waiting && !s.old[u.id] && u.aged }) { //rule:nothing-changes
			v.State, v.Final = Unseen, true
			v.Reason = fmt.Sprintf("nothing has changed for %s, and without the permission \"access to Docker\" it cannot be seen why", patience)
			if l.docker {
				v.Reason = fmt.Sprintf("nothing has changed for %s, and this version of Dokploy does not show why", patience)
			}
			return
		}
	}
	for _, u := range l.news {
		if at, ok := s.unplaced[u.id]; ok {
			if l.at.Sub(at) >= placedWithin { //rule:never-placed
				s.failedAt = l.at
				v.State, v.Final, v.Reason, v.Serving = Failed, true, "Swarm never placed it: "+text.OneLine(u.failure), s.serving(l)
				return
			}
			wait("Swarm cannot place it yet: %s", text.OneLine(u.failure))
			return
		}
	}
	if l.docker {
		switch {
		case l.fresh && l.update != "completed": //rule:swarm-is-updating
			wait("Swarm is updating it")
			return
		case !l.fresh && s.renewed && (l.svc.UpdateStartedAt != "" || s.before != nil && l.svc.ForceUpdate == s.before.ForceUpdate): //rule:swarm-has-not-begun
			wait("Swarm has not started to update it")
			return
		}
	}
	steady, done := s.steady(l)
	wanted := max(l.wanted, 1)
	switch {
	case !l.docker && s.mixed(l): //rule:old-and-new-side-by-side
		wait("old and new containers are running side by side")
	case !l.docker && slices.ContainsFunc(l.news, func(u unit) bool { return u.phase == ended || u.phase == waiting }): //rule:not-all-up
		wait("not all of its containers are up yet")
	case steady+done < wanted: //rule:not-for-long-enough
		wait("%d of %d have been running for %s", steady+done, wanted, s.stable)
	case l.legacy && !s.healthShown(l): //rule:health-not-shown
		v.State, v.Final = Unseen, true
		v.Reason = fmt.Sprintf("it has been running for %s, but this version of Dokploy does not show whether a health check passes", s.stable)
	default:
		s.replaced(l, v)
	}
}

// replaced ends a verdict on what runs: whether anything of it is new. Of an
// application everything is. A stack's services that have not changed keep
// their tasks, and swarm's UpdateStatus is null for them.
func (s *service) replaced(l *look, v *Verdict) {
	v.State, v.Final = Running, true
	if s.renewed {
		v.New = v.Ready
		return
	}
	for _, u := range l.news {
		switch {
		case u.phase == running && u.desired != "shutdown":
			v.New++
		case u.phase == completed:
			v.Ran++
		}
	}
	updated := l.svc != nil && l.fresh
	switch was := s.before; {
	case v.New+v.Ran == 0: //rule:nothing-new
		v.State = Unchanged
	case s.unseen && !updated: //rule:new-or-not-unseen
		v.State, v.Reason = Unseen, beforeUnseen
	case l.docker && was != nil && l.svc != nil && !updated && was.Replicas == l.svc.Replicas: //rule:started-again-by-swarm
		// Swarm has started the same again, by itself.
		v.State, v.New, v.Ran = Unchanged, 0, 0
	}
}

// healthShown reports, where health itself is not shown, whether what swarm did
// shows it: it ends an update, and takes the old task away, once the new one
// is healthy.
func (s *service) healthShown(l *look) bool {
	if l.docker {
		return l.fresh
	}
	return s.pair || len(l.news) == 0
}

// mixed reports whether old and new ones run side by side.
func (s *service) mixed(l *look) bool {
	old := l.runs(s.old, true) > 0
	if s.renewed {
		return old
	}
	return old && len(l.news) > 0
}

// steady counts the units that have run long enough, and those that were made
// to end and have ended well.
func (s *service) steady(l *look) (steady, done int) {
	for _, u := range l.units {
		if s.renewed && s.old[u.id] { //rule:old-ones-do-not-count
			continue
		}
		switch at, ok := s.since[u.id]; {
		case ok && l.at.Sub(at) >= s.stable:
			steady++
		case u.phase == completed && l.job: //rule:job-has-ended
			done++
		case u.phase == completed && l.oneShot && !s.old[u.id] && s.alone(l, u) && l.at.Sub(s.changed) >= s.stable: //rule:one-shot-has-ended
			done++
		case u.phase == completed && l.docker && l.oneShot && u.rank == 0 && l.at.Sub(s.changed) >= s.stable: //rule:one-shot-of-before
			done++
		}
	}
	return steady, done
}

type application struct{ *service }

// NewApplication judges an application. before is the view from before the
// deployment, the later the better; replicas is what Dokploy keeps (swarm's
// own number counts where it is seen), negative if that is not known.
func NewApplication(appName string, replicas int, before Before, stableFor time.Duration) Judge {
	return application{newService(appName, replicas, true, before, stableFor)}
}

func (a application) Look(v View) Verdict {
	if v.TasksOnly {
		return a.glance(v)
	}
	return a.judge(v)
}

type stack struct {
	expected []string
	before   Before
	stable   time.Duration
	services map[string]*service
	first    time.Time
	seen     time.Time
}

// NewStack judges a stack. services are the full names of those that its file
// has; nil: those that are seen.
func NewStack(services []string, before Before, stableFor time.Duration) Judge {
	return &stack{expected: services, before: before, stable: stableFor, services: map[string]*service{}}
}

func (s *stack) Look(v View) Verdict {
	units := v.units()
	s.first = earlier(s.first, v.At)
	if len(units) > 0 {
		s.seen = v.At
	}
	for _, name := range s.expected {
		s.know(name)
	}
	for _, u := range units {
		if s.expected == nil || slices.Contains(s.expected, u.service) {
			s.know(u.service)
		}
	}
	set := 0 // to no replicas
	for name := range s.services {
		if l := (look{svc: v.Services[name]}); l.none() && s.services[name].had == 0 {
			set++
		}
	}
	if set > 0 && set == len(s.services) { //rule:whole-stack-set-to-none
		return Verdict{State: Unseen, Final: true, Reason: "every service of the stack is " + noReplicas}
	}
	if len(s.services) == 0 || s.seen.IsZero() {
		if v.At.Sub(s.first) >= blindFor {
			return Verdict{State: Unseen, Final: true, Reason: "Docker shows nothing of the stack"}
		}
		return Verdict{Reason: "Docker shows nothing of the stack yet"}
	}
	var verdicts []Verdict
	for _, name := range slices.Sorted(maps.Keys(s.services)) {
		if v.Docker && s.expected == nil && v.Services[name] == nil && len(of(units, name)) == 0 { //rule:removed-from-the-stack
			continue // removed from the stack
		}
		if l := (look{svc: v.Services[name]}); l.none() && s.services[name].had == 0 { //rule:set-to-none
			continue // nothing of it is to run
		}
		verdict := s.services[name].judge(v)
		if verdict.Service = name; verdict.Reason != "" {
			verdict.Reason = name + ": " + verdict.Reason
		}
		verdicts = append(verdicts, verdict)
	}
	if len(verdicts) == 0 { // all were removed meanwhile, or Docker does not answer
		if v.At.Sub(s.seen) >= blindFor {
			return Verdict{State: Unseen, Final: true, Reason: "Docker no longer shows anything of the stack"}
		}
		return Verdict{Reason: "Docker shows nothing of the stack"}
	}
	return worse(verdicts)
}

func (s *stack) know(name string) {
	if s.services[name] == nil {
		s.services[name] = newService(name, 0, false, s.before, s.stable)
	}
}
