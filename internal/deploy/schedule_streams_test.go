package deploy

import (
	"fmt"
	"time"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/verdict"
)

// streamsFrom is the first seed whose log may go wrong in more ways.
const streamsFrom = 300_000_000_000_000

// streams makes the choices about the ways to the log.
func (s *schedule) streams(c chooser) {
	if c.one(2) {
		s.silence(c)
	}
	if c.one(4) {
		s.readLogsFault(c)
	}
	if c.one(3) {
		s.own.lines = 10 + c.IntN(40)
	}
	if c.one(4) {
		s.own.outcome = "error" // the log of a failure is quoted
	}
}

// silence has the stream bring nothing, or stop at some byte.
func (s *schedule) silence(c chooser) {
	s.hurts["stream"] = true
	f := dokploytest.Fault{Procedure: "listen-deployment", Pong: c.one(2), Times: pickOf(c, 1, 1, 2, 5, -1)}
	switch c.IntN(5) {
	case 0:
		f.Kind = dokploytest.StreamSilent
	case 1, 2:
		f.Kind, f.Bytes = dokploytest.StreamStalls, c.IntN(30*s.own.lines)
	case 3:
		f.Kind, f.Bytes = dokploytest.StreamBuffered, 1+c.IntN(1000)
	case 4:
		f.Kind, f.Bytes = dokploytest.StreamHang, c.IntN(150)
	}
	s.add(atLead, 0, fmt.Sprintf("%s, %d times, after %d bytes, answers pings: %v", f.Kind, f.Times, f.Bytes, f.Pong), func(w *sim) { w.srv.Fault(f) })
}

// readLogsFault makes the log unreadable over REST.
func (s *schedule) readLogsFault(c chooser) {
	s.hurts["stream"] = true
	f := dokploytest.Fault{Procedure: "deployment.readLogs", Times: pickOf(c, 1, 3, -1)}
	switch c.IntN(7) {
	case 0:
		f.Kind = dokploytest.Gateway
	case 1:
		f.Kind, f.Body = dokploytest.ServerError, "Command execution failed: stdout maxBuffer length exceeded"
	case 2:
		f.Kind, f.Body = dokploytest.ServerError, "spawn ENOMEM"
	case 3:
		f.Kind, f.Status, f.Body = dokploytest.Custom, 401, `{"message":"You don't have access to this deployment.","code":"UNAUTHORIZED"}`
	case 4:
		f.Kind, f.After = dokploytest.Hang, pickOf(c, 2*time.Second, time.Minute)
	case 5:
		f.Kind = dokploytest.Page
	case 6:
		f.Kind, f.Status, f.Body = dokploytest.Custom, 200, `"\n"` // as if there is no file
	}
	s.add(atLead, 0, fmt.Sprintf("deployment.readLogs, %d times: %s %s", f.Times, f.Kind, f.Body), func(w *sim) { w.srv.Fault(f) })
}

// logIsAccountedFor: all lines are shown, or a message about them; and no
// message if nothing was in the way.
func (j *judgement) logIsAccountedFor(d *build, shown int, gaps bool) {
	switch {
	case d != nil && j.truth.verdict[d.row].LogPath == "" && shown == 0: // it could not even be started: there is no log
	case d == nil || d.work.odd != "" || j.shares(d) || !j.truth.interrupted.IsZero():
	case shown != len(d.lines) && !gaps && (shown > 0 || !j.rec.said("nothing of the log has arrived so far")):
		j.bad("%d of %d lines of build %d are shown, without a word", shown, len(d.lines), d.n)
	case gaps && !j.hurts["stream"] && !j.hurts["outage"] && !j.sshBroke:
		j.bad("lines are said to be missing, though nothing was in the way")
	}
}

// notEmpty: a log that has lines is not reported as empty.
func (j *judgement) notEmpty() {
	if j.rec.said("the log is empty") || j.r.Reason.Kind == verdict.EmptyLog {
		j.bad("the log is called empty")
	}
}
