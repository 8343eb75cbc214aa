package deploy

import (
	"sync"
	"sync/atomic"
	"time"

	"dokploy-deploy/internal/reason"
	"dokploy-deploy/internal/text"
)

// heartbeat is how long nothing may be printed before a sign of life: some
// hosts end jobs that are silent for long.
const heartbeat = 30 * time.Second

// screen is the output of one target: it keeps the log if that was asked for,
// remembers its last lines, and fills silence.
type screen struct {
	reporter Reporter
	name     string
	mode     LogMode
	tail     tail
	why      reason.Explainer
	spool    *spool   // of LogFailure
	lost     []string // messages about a log that is not shown yet

	printed atomic.Int64 // when something was last printed, in Unix nanoseconds
	mu      sync.Mutex
	status  func() string // what is going on, for the heartbeat; nil: nothing
	down    time.Time     // since when Dokploy has not answered; zero: it does
	timer   *time.Timer
	closed  bool
}

func newScreen(o *Options, name string) *screen {
	s := &screen{reporter: o.Reporter, name: name, mode: o.Logs}
	s.why.Mask = o.Reporter.Mask
	if s.mode == LogFailure {
		s.spool = newSpool()
	}
	s.touch()
	s.timer = time.AfterFunc(heartbeat, s.beat)
	return s
}

func (s *screen) touch() { s.printed.Store(time.Now().UnixNano()) }

func (s *screen) note(text string) {
	s.reporter.Note(s.name, text)
	s.touch()
}

func (s *screen) warn(text string) {
	s.reporter.Warn(s.name, text)
	s.touch()
}

// mask masks secrets in a text that will be folded or cut.
func (s *screen) mask(text string) string { return s.reporter.Mask(text) }

// line adds a line of the log.
func (s *screen) line(line []byte) {
	s.tail.add(line)
	s.why.Line(line)
	switch {
	case s.mode == LogLive:
		s.reporter.LogLine(s.name, line)
		s.touch()
	case s.spool != nil:
		s.spool.add(line)
	}
}

// lostLines reports that lines may be missing. If the log is not shown, nothing
// is reported unless it is shown in the end.
func (s *screen) lostLines(text string) {
	if s.mode == LogLive {
		s.warn(text)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = append(s.lost, text)
}

// replay shows the log of a deployment that failed, as far as it was not shown.
func (s *screen) replay() {
	s.mu.Lock()
	lost := s.lost
	s.lost = nil
	s.mu.Unlock()
	for _, text := range lost {
		s.warn(text)
	}
	if s.spool != nil {
		s.spool.replay(func(line []byte) { s.reporter.LogLine(s.name, line) }, s.warn)
		s.touch()
	}
}

// doing sets what the heartbeat says.
func (s *screen) doing(status func() string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

// unreachable sets since when Dokploy has not answered; zero: it does.
// Meanwhile it is unknown what goes on there.
func (s *screen) unreachable(since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = since
}

func (s *screen) beat() {
	s.mu.Lock()
	status, down, closed := s.status, s.down, s.closed
	s.mu.Unlock()
	if closed {
		return
	}
	silent := time.Since(time.Unix(0, s.printed.Load()))
	if silent >= heartbeat {
		switch {
		case status == nil:
		case !down.IsZero():
			s.note("Dokploy has not answered for " + text.Duration(time.Since(down)) + "; still trying")
		default:
			s.note(status())
		}
		silent = 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.timer.Reset(heartbeat - silent)
	}
}

// silence says for how long a build that is running has written nothing; empty
// where its log is not shown.
func (s *screen) silence() string {
	if s.mode != LogLive {
		return ""
	}
	return "; no output for " + text.Duration(time.Since(time.Unix(0, s.printed.Load())))
}

func (s *screen) close() {
	s.mu.Lock()
	s.closed = true
	s.timer.Stop()
	s.mu.Unlock()
	if s.spool != nil {
		s.spool.close()
	}
}

const (
	tailLines = 60
	tailBytes = 1 << 20
)

// tail keeps the last lines of a log, each whole, in reused memory: as many as
// fit into tailBytes, and the last one in any case.
type tail struct {
	ring     [tailLines][]byte
	first, n int // of the lines kept, and after the last
	size     int // their total size in bytes
}

func (t *tail) add(line []byte) {
	if t.n-t.first == tailLines {
		t.drop()
	}
	slot := &t.ring[t.n%tailLines]
	*slot = append((*slot)[:0], line...)
	t.n++
	for t.size += len(line); t.size > tailBytes && t.n-t.first > 1; {
		t.drop()
	}
}

// drop removes the first line.
func (t *tail) drop() {
	slot := &t.ring[t.first%tailLines]
	t.size -= len(*slot)
	if *slot = (*slot)[:0]; cap(*slot) > 4<<10 {
		*slot = nil
	}
	t.first++
}

func (t *tail) lines() []string {
	var lines []string
	for i := t.first; i < t.n; i++ {
		lines = append(lines, string(t.ring[i%tailLines]))
	}
	return lines
}
