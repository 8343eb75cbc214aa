package rollout

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"dokploy-deploy/internal/dokploy"
)

// service judges one Swarm service.
type service struct {
	name     string
	replicas int           // as Dokploy says; negative: unknown
	renewed  bool          // every deployment creates new tasks (applications)
	stable   time.Duration // how long they must have been running

	start           time.Time
	old             map[string]bool // tasks that were there before
	before          *dokploy.SwarmService
	unseen          bool // what ran before was not seen
	beforeUncertain bool // … or is uncertain: only the tasks' ForceUpdate tells
	crashLooping    bool // it was failing before
	had             int  // replicas that Swarm wanted at an earlier look

	upSince      map[string]time.Time // start of running without a break, by task
	unplaced     map[string]time.Time // since when without a node
	wasUnhealthy map[string]bool      // seen unhealthy
	sawBoth      bool                 // an old and a new one were running side by side
	first        time.Time            // the first look
	seen         time.Time            // the last look that showed anything
	serviceSeen  time.Time            // the last look that showed Swarm's service
	force        uint64               // ForceUpdate that this deployment set
	shape        string               // of the last look
	changed      time.Time            // when the shape last changed
	failedAt     time.Time
	reason       string // of the failure, as far as known
	checkFailed  bool   // a health check fails
}

func newService(name string, replicas int, renewed bool, before Before, stable time.Duration) *service {
	s := &service{
		name: name, replicas: replicas, renewed: renewed, stable: stable,
		start: before.At, before: before.Services[name], unseen: before.Unseen, beforeUncertain: renewed && before.Services[name] == nil,
		old: map[string]bool{}, upSince: map[string]time.Time{}, unplaced: map[string]time.Time{}, wasUnhealthy: map[string]bool{},
	}
	units := of(before.units(), name)
	for _, u := range units {
		s.old[u.id] = true
	}
	s.crashLooping = crashLooping(units, !renewed)
	return s
}

// look is one look at the service, broken down.
type look struct {
	at      time.Time
	docker  bool
	legacy  bool // tasks without a state (before 0.27)
	svc     *dokploy.SwarmService
	fresh   bool // UpdateStatus is this deployment's
	update  string
	units   []unit
	news    []unit
	wanted  int
	job     bool
	oneShot bool // a task may end with code 0
}

// take breaks a look down, and records what only a sequence of looks shows.
func (s *service) take(v View) look {
	l := look{at: v.At, docker: v.Docker, svc: v.Services[s.name], wanted: max(0, s.replicas), units: of(v.units(), s.name)}
	l.legacy = v.Docker && slices.ContainsFunc(v.Tasks, func(t dokploy.Task) bool { return t.State == "" }) ||
		!v.Docker && slices.ContainsFunc(v.Containers, func(c dokploy.Container) bool { return c.Status == "" })
	s.tellNew(&l)
	s.askSwarm(&l)
	s.track(&l)
	return l
}

// tellNew tells this deployment's units from those that were there before.
func (s *service) tellNew(l *look) {
	newest := newestForce(l.svc, l.units)
	for i := range l.units {
		u := &l.units[i]
		// Something that has been in its state since before the deployment is
		// not part of it.
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
		if u.old = s.old[u.id]; !u.old {
			l.news = append(l.news, *u)
		}
	}
}

// askSwarm takes what Swarm says of the service: what it is meant to run, and
// how far an update is.
func (s *service) askSwarm(l *look) {
	if l.svc == nil {
		l.oneShot = !l.docker && !s.renewed
		return
	}
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
}

// newestForce returns the ForceUpdate of the newest deployment. Swarm has it by
// the time Dokploy says done; after a rollback, the failed tasks still show it.
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

// track records what only a sequence of looks shows.
func (s *service) track(l *look) {
	s.first = cmp.Or(s.first, l.at)
	if len(l.units) > 0 || l.svc != nil {
		s.seen = l.at
	}
	if l.svc != nil {
		s.serviceSeen = l.at
	}
	up := map[string]time.Time{}
	unplaced := map[string]time.Time{}
	var shape strings.Builder
	for _, u := range l.units {
		fmt.Fprint(&shape, u.id, u.phase, u.desired, " ")
		if u.phase == running && u.desired != "shutdown" {
			up[u.id] = cmp.Or(s.upSince[u.id], l.at)
		}
		if u.phase == waiting && u.failure != "" { //rule:without-a-place-since
			unplaced[u.id] = cmp.Or(s.unplaced[u.id], l.at)
		}
	}
	if len(l.units) > 0 { //rule:an-empty-list-is-unknown
		s.upSince, s.unplaced = up, unplaced
	}
	if shape.String() != s.shape || s.changed.IsZero() {
		s.shape, s.changed = shape.String(), l.at
	}
	if l.oldRuns() && l.newRuns() { //rule:side-by-side-once
		s.sawBoth = true
	}
}

func (l *look) oldRuns() bool {
	return slices.ContainsFunc(l.units, func(u unit) bool { return u.phase == running && u.old })
}

func (l *look) newRuns() bool {
	return slices.ContainsFunc(l.units, func(u unit) bool { return u.phase == running && !u.old })
}

// judge returns the verdict after one more look.
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
		return verdict.unseen(blind)
	}
	if reason := s.failure(&l); reason != "" || !s.failedAt.IsZero() {
		return s.fail(&l, verdict, reason)
	}
	return s.up(&l, verdict)
}

// verdict returns a verdict that only says how many are running.
func (s *service) verdict(l *look) Verdict {
	v := Verdict{Wanted: l.wanted}
	for _, u := range l.units {
		if u.phase == running && u.desired != "shutdown" && (!s.renewed || !u.old) {
			v.Ready++
		}
	}
	if l.wanted > 0 {
		v.Ready = min(v.Ready, l.wanted)
	}
	return v
}

// stopped reports whether Swarm was meant to run some of it and now is not.
// What Dokploy deploys has its replicas from the start.
func (s *service) stopped(l *look) bool {
	if l.svc == nil || !strings.HasPrefix(l.svc.Mode, "replicated") { //rule:replicas-of-replicated-only
		return false
	}
	if l.svc.Replicas > 0 {
		s.had = l.svc.Replicas
	}
	return l.svc.Replicas == 0 && s.had > 0
}

// noneWanted reports whether Swarm is meant to run nothing of a service.
func noneWanted(svc *dokploy.SwarmService) bool {
	return svc != nil && strings.HasPrefix(svc.Mode, "replicated") && svc.Replicas == 0
}

// blind says why nothing can be known; empty: it can.
func (s *service) blind(l *look) string {
	switch {
	case noneWanted(l.svc) && s.renewed: //rule:no-replicas
		return "the service is " + noReplicas
	case s.renewed && l.svc == nil && s.replicas == 0 && len(l.news) == 0: //rule:no-replicas-in-dokploy
		return "in Dokploy the application is " + noReplicas
	case l.at.Sub(cmp.Or(s.seen, s.first)) >= blindFor: //rule:nothing-shown-for-long
		return "Docker shows nothing of the service"
	case l.docker && l.at.Sub(cmp.Or(s.serviceSeen, s.first)) >= blindFor: //rule:service-not-shown-for-long
		return "Docker does not show the Swarm service"
	case !l.docker && s.renewed && s.unseen,
		l.docker && s.beforeUncertain && l.svc != nil && l.svc.UpdateStartedAt != "" && !slices.ContainsFunc(l.units, func(u unit) bool { return u.forced }):
		// A new service has never been updated.
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

type application struct{ *service }

// NewApplication judges an application. before is the look before the
// deployment, as late as possible. replicas is what Dokploy has stored (Swarm's
// own number counts if it can be seen); negative: unknown.
func NewApplication(appName string, replicas int, before Before, stableFor time.Duration) Judge {
	return application{newService(appName, replicas, true, before, stableFor)}
}

func (a application) Look(v View) Verdict {
	if v.TasksOnly {
		return a.glance(v)
	}
	return a.judge(v)
}
