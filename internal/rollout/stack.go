package rollout

import (
	"maps"
	"slices"
	"time"
)

type stack struct {
	expected []string
	before   Before
	stable   time.Duration
	services map[string]*service
	first    time.Time
	seen     time.Time
}

// NewStack judges a stack. services are the full names of the services in its
// file; nil: those that are seen.
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
	set := 0 // to 0 replicas
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
			continue // it is meant to run nothing
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
