package buildlog

import (
	"context"
	"time"
)

// ending is what Drain waits for: the deployment is over, and the rest of its
// log has yet to arrive.
type ending struct {
	limit      time.Duration
	hasEndLine bool // the log ends with a line of Dokploy's own
	since      time.Time
	deadline   time.Time
	tries      int // times the stream was reopened since the end
	done       chan struct{}
}

// Drain waits after the verdict until the log is complete, for at most limit,
// not counting the time that requests wait for their turn. Dokploy never closes
// the stream. hasEndLine says that the log ends with a line of Dokploy's own,
// as it does unless the deployment was cancelled.
func (l *Log) Drain(ctx context.Context, limit time.Duration, hasEndLine bool) {
	e := &ending{limit: limit, hasEndLine: hasEndLine, done: make(chan struct{})}
	select {
	case l.final <- e:
	case <-l.done:
		return
	case <-ctx.Done():
		return
	}
	select {
	case <-e.done:
	case <-l.done:
	case <-ctx.Done():
	}
}

// finish delivers what has arrived since the deployment ended, and settles when
// nothing more is expected.
func (l *Log) finish(ctx context.Context, s *schedule) {
	e, st, r := l.end, &l.stream, &l.rest
	if st.phase == waiting || r.waiting {
		return // still behind other requests; that time does not count
	}
	if s.due(e.deadline) {
		l.settle(l.whyIncomplete())
		return
	}
	if !r.idle() || !l.quietAtEnd(s) {
		return
	}
	switch {
	case r.complete, l.sawEnd():
		l.settle("")
	case e.tries == 0 && (r.unavailable != nil || r.failure != nil):
		// A new connection replays the whole log.
		e.tries++
		st.close()
		st.connect(ctx)
	case r.unavailable == nil:
		if s.due(r.nextAtEnd) {
			r.read(ctx)
		}
	case !e.hasEndLine && st.phase == open && !st.since.Before(e.since) && st.gotText && st.caughtUp() && !st.split.seen:
		l.settle("") // nothing more can be known
	case st.phase == open, st.phase == closed && (e.tries == maxTries || st.gaveUp || refused(st.why)):
		l.settle(l.whyIncomplete())
	case st.phase == closed && s.due(st.redial):
		e.tries++
		st.connect(ctx)
	}
}

// quietAtEnd reports whether the stream has been quiet for long enough after the
// end of the deployment.
func (l *Log) quietAtEnd(s *schedule) bool {
	const (
		quietAfterEnd = 15 * time.Millisecond
		quiet         = 300 * time.Millisecond
		quietAtStart  = 1500 * time.Millisecond // first frame from a remote server takes 0.4 to 0.7 s
	)
	st := &l.stream
	switch {
	case st.phase == dialing:
		return s.due(st.since.Add(quietAtStart))
	case st.phase != open:
		return true
	case l.sawEnd():
		return s.due(st.quietSince().Add(quietAfterEnd))
	case !st.gotText:
		return s.due(st.quietSince().Add(quietAtStart))
	}
	return s.due(st.quietSince().Add(quiet))
}

// sawEnd reports whether the stream has brought the end of the log. Dokploy
// writes the last line 2 to 48 ms before it reports the end of the deployment.
// After an older end line more may follow, unless the stream was opened since.
func (l *Log) sawEnd() bool {
	st, ended := &l.stream, l.end.since
	return l.lastIsEnd && st.phase == open && st.gotText && st.caughtUp() && (l.deliveredAt.After(ended.Add(-time.Second)) || !st.since.Before(ended))
}

// gotTurn records that a request was sent, and since when it had waited.
func (l *Log) gotTurn(since time.Time) {
	now := time.Now()
	if l.firstTurn.IsZero() {
		l.firstTurn = now
	}
	if l.end != nil {
		l.end.deadline = l.end.deadline.Add(now.Sub(later(since, l.end.since)))
	}
}

// whyIncomplete says why the log may be incomplete.
func (l *Log) whyIncomplete() string {
	why := l.stream.problem()
	if l.rest.unavailable != nil || l.rest.failure != nil {
		why += ", and " + l.rest.problem()
	}
	return why
}

// settle ends the wait for the end of the log. missing says why lines may be
// missing.
func (l *Log) settle(missing string) {
	l.outcome.Missing = missing
	// Text without a final newline is the last line.
	switch {
	case l.rest.complete && len(l.rest.partial) > 0:
		l.deliver(l.rest.partial)
	case !l.rest.complete && l.stream.phase == open && l.stream.caughtUp():
		l.stream.split.flush()
	}
	l.settled = true
	close(l.end.done)
}

// close determines the outcome, and warns if lines may be missing.
func (l *Log) close() {
	st := &l.stream
	o := &l.outcome
	if !l.settled {
		// The deployment is still running, or nobody waits for it any longer.
		if st.phase == open && st.caughtUp() && st.split.seen {
			l.warnOnce("half", "the last log line shown may be incomplete")
			st.split.flush()
		}
		if !l.lastIsEnd && !l.working() {
			o.Missing = l.whyIncomplete()
		}
	}
	o.Lines = l.place.lines
	if o.Lines == 0 && l.rest.empty {
		o.Empty, o.Missing = true, ""
	}
	switch {
	case o.Missing == "":
	case l.warned["none"] && o.Lines == 0:
	case o.Lines == 0:
		l.warnOnce("none", "the log cannot be shown: "+o.Missing)
	default:
		l.warnOnce("end", "the end of the log may be missing: "+o.Missing)
	}
}

// working reports whether one of the sources delivers the log, or may still
// start to.
func (l *Log) working() bool {
	st, r := &l.stream, &l.rest
	switch {
	case st.phase == open && st.caughtUp() && st.gotText,
		!r.answeredAt.IsZero() && r.failure == nil && time.Since(r.answeredAt) <= 2*restPause:
		return true
	}
	return st.why == nil && (l.firstTurn.IsZero() || time.Since(l.firstTurn) < takeOverAfter)
}
