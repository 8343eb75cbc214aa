package track_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dokploy-deploy/internal/track"
)

// The tracker against generated histories of a queue whose truth is known: what
// happened to each deployment, and which are ours. See judge for the
// conditions.
var (
	propertySeed  = flag.Uint64("property.seed", 0, "play this history only, and show it")
	propertyWith  = flag.String("property.with", "", "of that history, only the events with these `numbers`")
	propertyN     = flag.Int("property.n", 6000, "how many histories to play")
	propertyFrom  = flag.Uint64("property.from", 1, "the first seed of -property.n")
	propertyFor   = flag.Duration("property.for", 0, "play histories from a fresh seed on for this long")
	propertyStats = flag.Bool("property.stats", false, "count how the histories end")
)

func TestProperties(t *testing.T) {
	if *propertySeed != 0 {
		h := generate(*propertySeed)
		if *propertyWith != "" {
			h = h.only(*propertyWith)
		}
		t.Logf("%v\n%s", h, tell(h))
		for _, p := range check(h) {
			t.Error(p)
		}
		return
	}
	if *propertyFor > 0 {
		seed := rand.Uint64() >> 20
		// Not t.Log: this must be printed even if the run is killed.
		_, _ = fmt.Fprintf(os.Stderr, "histories from seeds %d and %d on, for %s\n", seed, pushesFrom+seed, *propertyFor)
		for _, from := range []uint64{seed, pushesFrom + seed} {
			playAll(t, &plays{seed: from, n: 1 << 62, end: time.Now().Add(*propertyFor / 2)})
		}
		return
	}
	playAll(t, &plays{seed: *propertyFrom, n: uint64(*propertyN)})
	if *propertyFrom < pushesFrom {
		playAll(t, &plays{seed: pushesFrom + *propertyFrom, n: uint64(*propertyN) / 2})
	}
}

func playAll(t *testing.T, p *plays) {
	p.ends = map[string]int{}
	defer debug.SetGCPercent(debug.SetGCPercent(1600)) // what is allocated lives for a moment
	began := time.Now()
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() { p.play(t) })
	}
	all.Wait()
	if *propertyStats {
		for _, name := range slices.SortedFunc(maps.Keys(p.ends), func(a, b string) int { return p.ends[b] - p.ends[a] }) {
			t.Logf("%8d %s", p.ends[name], name)
		}
	}
	if d := time.Since(began); *propertyFor > 0 || *propertyStats {
		t.Logf("%d histories with %d looks in %s, %.0f a second", p.next.Load(), p.looks.Load(), d.Round(time.Millisecond), float64(p.next.Load())/d.Seconds())
	}
}

// plays plays many histories, one after the other.
type plays struct {
	seed, n uint64
	end     time.Time // zero: n histories
	next    atomic.Uint64
	found   atomic.Int32
	looks   atomic.Int64

	mu   sync.Mutex
	ends map[string]int
}

const (
	maxFound   = 5
	checkEvery = 64 // comparing with other plays is slower
)

func (p *plays) play(t *testing.T) {
	ends := map[string]int{}
	for p.found.Load() < maxFound {
		i := p.next.Add(1) - 1
		if i >= p.n || i%64 == 0 && !p.end.IsZero() && time.Now().After(p.end) {
			p.next.Add(^uint64(0))
			break
		}
		h := generate(p.seed + i)
		r := newRun(h)
		problems := r.play().judge()
		p.looks.Add(int64(r.looks))
		if i%checkEvery == 0 && len(problems) == 0 {
			problems = check(h)
		}
		ends[r.ending()]++
		if len(problems) > 0 && p.found.Add(1) <= maxFound {
			report(t, h, problems)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, n := range ends {
		p.ends[name] += n
	}
}

func report(t *testing.T, h *history, problems []string) {
	small := shrink(h, problems[0])
	t.Errorf("%s\n%v\n%s\nplay it again: go test ./internal/track -run '^TestProperties$' -property.seed=%d%s -v",
		strings.Join(problems, "\n"), small, tell(small), h.seed, with(small))
}

func (r *run) ending() string {
	switch {
	case len(r.problems) > 0:
		return "problem"
	case r.unfinished:
		return "unfinished"
	case r.unreachable:
		return "unreachable"
	case r.last.Took == track.TookNot:
		return "not taken"
	case r.last.End.Row != nil:
		return "row " + r.last.End.Row.Status
	}
	return string(r.last.End.Reason.Kind)
}

// tell plays a history and returns its story.
func tell(h *history) string {
	r := newRun(h)
	r.story, r.said = &strings.Builder{}, map[string]string{}
	r.play()
	if *propertySeed != 0 {
		r.advance(r.now + 15*time.Minute)
	}
	for _, b := range r.mine {
		fmt.Fprintf(r.story, "truth: row %s began %v, ended %v, %s\n", b.ID, b.began, b.ended, b.Status)
	}
	return r.story.String()
}

// only returns the history with only these events.
func (h *history) only(numbers string) *history {
	less := *h
	less.events = nil
	for _, n := range strings.Split(numbers, ",") {
		if i, err := strconv.Atoi(n); err == nil && i < len(h.events) {
			less.events = append(less.events, h.events[i])
		}
	}
	less.kept = numbers
	return &less
}

func with(h *history) string {
	if h.kept == "" {
		return ""
	}
	return " -property.with=" + h.kept
}

// shrink leaves out events as long as the same thing goes wrong.
func shrink(h *history, problem string) *history {
	kind, _, _ := strings.Cut(problem, ":")
	wrong := func(h *history) bool {
		p := check(h)
		return len(p) > 0 && strings.HasPrefix(p[0], kind)
	}
	keep := make([]int, len(h.events))
	for i := range keep {
		keep[i] = i
	}
	small := h
	for i := len(keep) - 1; i >= 0; i-- {
		fewer := slices.Delete(slices.Clone(keep), i, i+1)
		list := make([]string, len(fewer))
		for i, n := range fewer {
			list[i] = strconv.Itoa(n)
		}
		numbers := strings.Join(list, ",")
		if numbers == "" {
			numbers = "none"
		}
		if less := h.only(numbers); wrong(less) {
			keep, small = fewer, less
		}
	}
	return small
}

// check plays a history and compares everything that can be compared.
func check(h *history) []string {
	r := newRun(h)
	r.keepLooks, r.keepSteps = true, true
	if p := r.play().judge(); len(p) > 0 {
		return p
	}
	r.pure()
	for _, other := range []struct {
		what   string
		change func(*setup)
	}{
		{"our clock", func(s *setup) { s.ours += -777*time.Hour - 123456789 }},
		{"Dokploy's clock", func(s *setup) { s.theirs += 99*time.Hour + 41*time.Millisecond }},
		{"others' jobs", func(s *setup) { s.noise = true }},
	} {
		changed := *h
		other.change(&changed.setup)
		again := newRun(&changed)
		again.keepLooks = true
		again.play()
		if len(r.fingerprint) != len(again.fingerprint) {
			r.bad("%s: %d looks, and %d", other.what, len(r.fingerprint), len(again.fingerprint))
			continue
		}
		for i := range r.fingerprint {
			if a, b := r.fingerprint[i].timeless(), again.fingerprint[i].timeless(); a != b {
				r.bad("%s: look %d: %s, and %s", other.what, i, a, b)
				break
			}
		}
	}
	return r.problems
}

// timeless describes a look without any clock times.
func (l look) timeless() string {
	d := l.d
	s := fmt.Sprintf("%v asked %d %v %v %v %v %d %d %v", l.at, l.asked, d.Fault, d.Pace, d.Left, d.Doing, d.Place.Number, len(d.Place.Building), d.Waits)
	for _, e := range d.Tell {
		s += fmt.Sprintf(" %d %d %v %v %s", e.Kind, e.Place.Number, e.Waited, e.Others, e.Status)
	}
	if d.Held != nil {
		s += " holds " + d.Held.ID + d.Held.Status
	}
	s += fmt.Sprintf(" took %d phase %d", d.Took, l.phase)
	if d.End != nil {
		if d.End.Row != nil {
			s += " end " + d.End.Row.ID
		}
		s += fmt.Sprintf(" %+v", d.End.Reason)
	}
	return s
}
