package buildlog

import (
	"context"
	"time"
)

// ending is the end of the deployment: what the log has is given away.
type ending struct {
	limit    time.Duration
	ends     bool // Dokploy's own end is to be seen
	since    time.Time
	deadline time.Time
	tries    int // so often the stream was opened again for the end
	done     chan struct{}
}

// Drain waits for what is still coming after the verdict: until the log is
// known to be all there, at most limit, in which the waiting for the turn of a
// request does not count. The stream is never closed by Dokploy. ends says that
// the log has Dokploy's own end, as those of all deployments that were not
// cancelled.
func (l *Log) Drain(ctx context.Context, limit time.Duration, ends bool) {
	e := &ending{limit: limit, ends: ends, done: make(chan struct{})}
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

// finish gives away what is there when the deployment has ended, and ends the
// waiting for it.
func (l *Log) finish(ctx context.Context, s *schedule) {
	const (
		quietAfterEnd = 15 * time.Millisecond
		quiet         = 300 * time.Millisecond
		quietAtStart  = 1500 * time.Millisecond // first frame of a remote server: 0.4 to 0.7 s
	)
	e, st, r := l.end, &l.stream, &l.rest
	if st.phase == waiting || r.waiting {
		return // behind other requests, for which the time does not count
	}
	if s.due(e.deadline) {
		l.over(l.whatIsMissing())
		return
	}
	if !r.idle() {
		return
	}
	switch st.phase {
	case open:
		need := quiet
		switch {
		case l.certain():
			need = quietAfterEnd
		case !st.heardAny:
			need = quietAtStart
		}
		if !s.due(st.quietSince().Add(need)) {
			return
		}
	case dialing:
		if !s.due(st.since.Add(quietAtStart)) {
			return
		}
	}
	switch {
	case r.complete, l.certain():
		l.over("")
	case e.tries == 0 && (r.gone != nil || r.err != nil):
		// A connection that begins anew shows all that is there.
		e.tries++
		st.close()
		st.connect(ctx)
	case r.gone == nil:
		if s.due(r.again) {
			r.read(ctx)
		}
	case !e.ends && st.phase == open && !st.since.Before(e.since) && st.heardAny && st.caughtUp() && !st.split.seen:
		l.over("") // as far as can be known
	case st.phase == open, st.phase == closed && (e.tries == maxTries || st.gaveUp || refused(st.why)):
		l.over(l.whatIsMissing())
	case st.phase == closed && s.due(st.redial):
		e.tries++
		st.connect(ctx)
	}
}

// certain reports whether the stream has brought the end of the log. Dokploy
// writes it 2 to 48 ms before it says that the deployment has ended; an end line
// that is older may have others behind it, unless the stream was opened since.
func (l *Log) certain() bool {
	st, ended := &l.stream, l.end.since
	return l.ended && st.phase == open && st.heardAny && st.caughtUp() && (l.gave.After(ended.Add(-time.Second)) || !st.since.Before(ended))
}

// turnCame is told that a request was sent, and since when it has waited for
// that.
func (l *Log) turnCame(since time.Time) {
	now := time.Now()
	if l.begun.IsZero() {
		l.begun = now
	}
	if l.end != nil {
		l.end.deadline = l.end.deadline.Add(now.Sub(later(since, l.end.since)))
	}
}

// whatIsMissing says why the log may not be all there.
func (l *Log) whatIsMissing() string {
	why := l.stream.trouble()
	if l.rest.gone != nil || l.rest.err != nil {
		why += ", and " + l.rest.trouble()
	}
	return why
}

// over ends the waiting at the end, with why something may be missing.
func (l *Log) over(missing string) {
	l.outcome.Missing = missing
	// What does not end in a newline is the last line.
	switch {
	case l.rest.complete && len(l.rest.partial) > 0:
		l.give(l.rest.partial)
	case !l.rest.complete && l.stream.phase == open && l.stream.caughtUp():
		l.stream.split.flush()
	}
	l.isOver = true
	close(l.end.done)
}

// close says what is to be said when it ends.
func (l *Log) close() {
	st := &l.stream
	o := &l.outcome
	if !l.isOver {
		// The deployment goes on, or nobody waits for it any more.
		if st.phase == open && st.caughtUp() && st.split.seen {
			l.say("half", "the last line of the log that is shown may be missing its end")
			st.split.flush()
		}
		if !l.ended && !l.atWork() {
			o.Missing = l.whatIsMissing()
		}
	}
	o.Lines = l.place.lines
	if o.Lines == 0 && l.rest.empty {
		o.Empty, o.Missing = true, ""
	}
	switch {
	case o.Missing == "":
	case l.told["none"] && o.Lines == 0:
	case o.Lines == 0:
		l.say("none", "the log cannot be shown: "+o.Missing)
	default:
		l.say("end", "the end of the log may be missing: "+o.Missing)
	}
}

// atWork reports whether one of the ways brings the log, or has not had the
// time to.
func (l *Log) atWork() bool {
	st, r := &l.stream, &l.rest
	switch {
	case st.phase == open && st.caughtUp() && st.heardAny,
		!r.asked.IsZero() && r.err == nil && time.Since(r.asked) <= 2*restPause:
		return true
	}
	return st.why == nil && (l.begun.IsZero() || time.Since(l.begun) < takeOver)
}
