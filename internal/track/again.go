package track

import (
	"slices"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// secondRun is how long BullMQ (≤ 0.29.8) may take to rerun a job that a
// restart interrupted: 30 to 60 s were seen (docs/dokploy.md, Restarts).
const secondRun = 2 * time.Minute

// rerun is remembered while waiting for Dokploy to run the deployment a second
// time.
type rerun struct {
	since    time.Time     // since when it may start
	patience time.Duration // how long to wait for it
	returned bool          // its job was seen in the queue again
	outages  int           // that had ended when it started to be waited for
}

// lookAgain starts waiting for a second run by Dokploy.
func (s *sight) lookAgain(patience time.Duration, left verdict.Left) {
	s.again.since, s.again.patience, s.again.outages = s.o.At, patience, s.o.Outages
	s.left = left
	s.enter(Again)
}

// rerunning are the rules that find a second run, or decide that there is none.
var rerunning = []rule{
	{"preview-gone-before-it-ran-again", (*sight).previewGone},
	{"second-run", (*sight).secondRunBegan},
	{"first-run-ended", (*sight).firstRunEnded},
	{"second-run-has-time", (*sight).secondRunHasTime},
	{"second-run-behind-others", (*sight).secondRunBehindOthers},
	{"second-run-unsure", (*sight).secondRunUnsure},
	{"left-as-running", (*sight).leftAsRunning},
	{"first-end-is-final", (*sight).ended},
}

func (s *sight) lookForSecondRun() *Decision {
	if s.queue == QueueSeen {
		if d := s.need(Queue); d != nil {
			return d
		}
		job := s.ourJob(s.shown())
		s.noteTwins(s.shown(), job)
		s.job, s.jobQueued = job, job != nil
		s.waitsAgain, s.again.returned = s.jobQueued || s.oneMayBeOurs(), s.again.returned || s.jobQueued && s.comesBack()
	}
	if d := s.need(Rows); d != nil {
		return d
	}
	return s.first(rerunning)
}

// secondRunBegan finds a new row that is ours.
func (s *sight) secondRunBegan() *Decision {
	a := &s.again
	if s.order.Commit != "" {
		return s.secondRunOfPush()
	}
	for i := range s.o.Rows {
		row := &s.o.Rows[i]
		switch {
		case s.oldRows.has(row.ID):
		case row.Status == dokploy.StatusQueued:
			s.waitsAgain = s.waitsAgain || !s.order.Upload && s.order.Marked(row.Description)
		case row.StartedAt.Before(s.held.row.StartedAt): //rule:second-run-is-later
		case s.order.Upload && s.order.mine(row.Title, row.Description) && s.job != nil && !s.ranAgainAs(row): //rule:second-run-is-its-jobs
		case s.order.Upload && s.order.mine(row.Title, row.Description) && !a.returned && !s.order.Traits.QueueSurvivesRestart: //rule:second-run-of-an-upload
			// One that somebody started in the dashboard looks the same.
			s.unsure = append(s.unsure, *row)
		case s.order.mine(row.Title, row.Description):
			return s.beginAgain(row)
		case s.order.lostItsText(row): //rule:second-run-too-fast
			// Either ours, over too fast to be seen, or another's.
			s.unsure = append(s.unsure, *row)
		}
	}
	return nil
}

// ranAgainAs reports whether our job is running once more, and the row started since.
func (s *sight) ranAgainAs(row *dokploy.Deployment) bool {
	return s.jobIsBack() && s.job.Active && !row.StartedAt.Before(s.job.ProcessedOn)
}

// firstRunEnded: a row that seemed left as running has ended after all. There
// was no restart: on a remote server, a push was running beside it.
func (s *sight) firstRunEnded() *Decision {
	if s.held.row.Terminal() || !s.listHeld() || !s.held.row.Terminal() {
		return nil
	}
	s.enter(Held)
	return s.first(judging)
}

func (s *sight) beginAgain(row *dokploy.Deployment) *Decision {
	others := slices.ContainsFunc(s.o.Rows, func(d dokploy.Deployment) bool {
		return !s.oldRows.has(d.ID) && !s.order.mine(d.Title, d.Description) && d.StartedAt.After(s.held.row.StartedAt)
	})
	s.tell(Event{Kind: RunsAgain, Others: others})
	s.begin(row)
	s.again = rerun{}
	return pending()
}

// secondRunHasTime: the second run waits its turn like any other. A row that
// started before it and still shows as running was left so by a restart.
func (s *sight) secondRunHasTime() *Decision {
	a := &s.again
	if s.waitsAgain || slices.ContainsFunc(s.o.Rows, func(row dokploy.Deployment) bool {
		return row.Status == dokploy.StatusRunning && row.StartedAt.After(s.held.row.StartedAt)
	}) && s.mayWork() { //rule:second-run-after-others
		a.since = s.o.At
	}
	over := s.hasEnded() && !s.jobQueued && !s.mayReturn() && (a.patience == secondRun || a.returned) // and its row would be there
	if over || s.o.quiet(a.since) >= a.patience || a.patience == comeback && anyActive(s.shown()) && !s.waitsAgain {
		return nil
	}
	return pending()
}

// mayReturn reports whether a restart since the second run was first waited for may
// have taken the queue, which comes back.
func (s *sight) mayReturn() bool {
	return s.o.Outages > s.again.outages && !s.order.Traits.QueueSurvivesRestart && s.o.quiet(s.o.BackAt) < comeback && !anyActive(s.shown())
}

// mayWork reports whether a deployment of the service may be running: a row may
// show as running without a job.
func (s *sight) mayWork() bool {
	q := s.shown()
	return q == nil || slices.ContainsFunc(q.Jobs, func(j dokploy.Job) bool { return j.Active && j.ServiceID == s.order.ServiceID })
}

func (s *sight) hasEnded() bool {
	return s.held.row.Status == dokploy.StatusDone || s.held.row.Status == dokploy.StatusError
}

// secondRunBehindOthers: with a hidden queue it may be waiting for builds of
// other services. A restart may also have left those as running forever, so
// this is believed only for some time.
func (s *sight) secondRunBehindOthers() *Decision {
	if s.queue == QueueSeen || s.o.At.Sub(s.o.BackAt) >= 5*secondRun {
		return nil
	}
	if d := s.need(Running); d != nil {
		return d
	}
	others := slices.DeleteFunc(slices.Clone(s.o.Running), func(id string) bool { return id == s.order.ServiceID })
	if !s.busy(others) {
		return nil
	}
	s.again.since = s.o.At.Add(10*time.Second - s.again.patience) // another 10 s
	return pending()
}

func (s *sight) secondRunUnsure() *Decision {
	a := &s.again
	if len(s.unsure) > 0 && (!s.hasEnded() || a.patience == secondRun || a.returned) {
		return ambiguous(s.unsure)
	}
	return nil
}

func (s *sight) leftAsRunning() *Decision {
	return lostIf(!s.held.row.Terminal(), verdict.LeftAsRunning)
}
