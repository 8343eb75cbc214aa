package rollout

import (
	"cmp"
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
	s.first = cmp.Or(s.first, v.At)
	if len(units) > 0 {
		s.seen = v.At
	}
	s.meet(units)
	none := 0
	for name := range s.services {
		if s.setToNone(name, v) {
			none++
		}
	}
	switch {
	case none > 0 && none == len(s.services): //rule:whole-stack-set-to-none
		return Verdict{}.unseen("every service of the stack is " + noReplicas)
	case len(s.services) > 0 && !s.seen.IsZero():
	case v.At.Sub(s.first) >= blindFor:
		return Verdict{}.unseen("Docker shows nothing of the stack")
	default:
		return Verdict{}.pending("Docker shows nothing of the stack yet")
	}
	switch verdicts := s.verdicts(v, units); {
	case len(verdicts) > 0:
		return worse(verdicts)
	case v.At.Sub(s.seen) >= blindFor: // all were removed meanwhile, or Docker does not answer
		return Verdict{}.unseen("Docker no longer shows anything of the stack")
	}
	return Verdict{}.pending("Docker shows nothing of the stack")
}

// meet begins to judge the services that were not known so far.
func (s *stack) meet(units []unit) {
	names := slices.Clone(s.expected)
	for _, u := range units {
		if s.expected == nil || slices.Contains(s.expected, u.service) {
			names = append(names, u.service)
		}
	}
	for _, name := range names {
		if s.services[name] == nil {
			s.services[name] = newService(name, 0, false, s.before, s.stable)
		}
	}
}

// setToNone reports whether a service is meant to run nothing, and never was.
func (s *stack) setToNone(name string, v View) bool {
	return noneWanted(v.Services[name]) && s.services[name].had == 0
}

// verdicts judges the services one by one, without those that run nothing.
func (s *stack) verdicts(v View, units []unit) []Verdict {
	var verdicts []Verdict
	for _, name := range slices.Sorted(maps.Keys(s.services)) {
		if v.Docker && s.expected == nil && v.Services[name] == nil && len(of(units, name)) == 0 { //rule:removed-from-the-stack
			continue
		}
		if s.setToNone(name, v) { //rule:set-to-none
			continue
		}
		verdict := s.services[name].judge(v)
		if verdict.Service = name; verdict.Reason != "" {
			verdict.Reason = name + ": " + verdict.Reason
		}
		verdicts = append(verdicts, verdict)
	}
	return verdicts
}
