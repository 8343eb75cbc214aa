package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/verdict"
	"dokploy-deploy/internal/wait"
)

// uploadTitle is what Dokploy calls the deployment that an upload starts,
// whatever is sent along, and without a description (docs/dokploy.md, Uploads).
const uploadTitle = "Manual deployment"

// uploaded is what is known of a source that was sent. Its deployment carries
// no marker: it is the only one that came after the upload's last byte.
type uploaded struct {
	unmarked bool            // this run's deployment is the upload's
	jobs     map[string]bool // the service's jobs before that byte
	alike    int             // those of them that cannot be told from the upload's
	began    bool            // it had its row at the first look: no job is it
}

// mine reports whether the texts of a job or row are those of this run's.
func (r *run) mine(title, description string) bool {
	if r.sent.unmarked {
		return title == uploadTitle && description == ""
	}
	return r.ours(description)
}

// maxUploads bounds how often an upload is begun that breaks off.
const maxUploads = 3

// upload sends the source, which starts a deployment. One that broke off
// before its end is begun again: the server cannot have taken it.
func (r *run) upload(ctx context.Context) error {
	if err := before(ctx, r.o, r.lookAround); err != nil {
		return err
	}
	src := r.o.Prepare.Source
	for try := 1; ; try++ {
		m := &meter{run: r, start: time.Now(), said: time.Now()}
		r.left = verdict.NothingStarted
		r.screen.doing(func() string { return "uploading the source" })
		whole := false
		err := r.client.Upload(ctx, r.service, "source.zip", r.o.Unreachable, func(w io.Writer) error {
			m.w = w
			if _, err := src.WriteTo(m); err != nil {
				return err
			}
			// All that is there now is not ours: the last byte is not sent.
			// If it cannot be seen, what was seen before has to do.
			lookCtx, cancel := context.WithTimeout(ctx, 5*time.Second)
			defer cancel()
			_ = r.lookAround(lookCtx)
			r.left = verdict.MaybeUploaded
			whole = true
			return nil
		})
		r.screen.doing(nil)
		var (
			e       *dokploy.Error
			stalled *dokploy.StalledError
		)
		switch {
		case err == nil:
			r.sent.unmarked = true
			r.takenAt = time.Now()
			r.note("uploaded %s in %s", size(m.n), text.Duration(time.Since(m.start)))
			r.accepted()
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case dokploy.BrokenSource(err):
			r.left = verdict.NothingStarted
			return badInput("source", "could not be read to its end: "+unwrapped(err), verdict.RunAgain)
		case whole && answerLost(err):
			return r.settleUpload(ctx, err)
		case errors.As(err, &stalled):
			// It has had all the time there is for an outage.
			_, hint := dokploy.Explain(err)
			o := verdict.Reason{Kind: verdict.UploadStalled, For: stalled.For, Text: size(m.n)}.Outcome()
			o.Hint, o.Left = verdict.Hint(hint), verdict.NothingStarted
			return &verdict.Error{Outcome: o}
		case errors.As(err, &e) || try == maxUploads:
			r.left = verdict.NothingStarted
			return r.rejected(err)
		}
		what, _ := dokploy.Explain(err)
		r.warn("the upload broke off after %s (%s); it is begun again", size(m.n), what)
		if err := wait.Sleep(ctx, time.Duration(try)*2*time.Second); err != nil {
			return err
		}
	}
}

// settleUpload finds out what became of an upload whose answer was lost.
func (r *run) settleUpload(ctx context.Context, lost error) error {
	what, _ := dokploy.Explain(lost)
	r.warn("the answer to the upload was lost (%s); looking whether Dokploy has it", what)
	r.sent.unmarked = true
	has, err := r.settle(ctx, lost)
	switch {
	case err != nil:
		return err
	case has:
		r.accepted()
		return nil
	}
	r.left = verdict.NoUpload
	ended := r.rejected(lost)
	ended.Left, ended.Hint = verdict.NoUpload, verdict.UploadLost
	return ended
}

// lookAround notes which jobs and rows of the service are another's.
func (r *run) lookAround(ctx context.Context) error {
	q, err := r.readQueue(ctx)
	if err != nil {
		return err
	}
	jobs, alike := map[string]bool{}, 0
	if q != nil {
		for _, j := range q.Jobs {
			jobs[j.Key()] = j.ServiceID == r.service.ID
			if jobs[j.Key()] && j.Title == uploadTitle && j.Description == "" {
				alike++
			}
		}
	}
	rows, err := r.client.Deployments(ctx, r.service.Kind, r.service.ID)
	if err != nil {
		return err
	}
	r.sent.jobs, r.sent.alike = jobs, alike
	r.know(rows)
	return nil
}

// unmarkedJobs are the service's jobs without a marker that came after the
// upload: one of them may be its.
func (r *run) unmarkedJobs(q *dokploy.Queue) (jobs []*dokploy.Job) {
	for i := range q.Jobs {
		j := &q.Jobs[i]
		if j.ServiceID == r.service.ID && !r.sent.jobs[j.Key()] && r.mine(j.Title, j.Description) {
			jobs = append(jobs, j)
		}
	}
	return jobs
}

// unmarkedJob is the job of the upload: the only one of those, or the one that
// it was before others came.
func (r *run) unmarkedJob(q *dokploy.Queue) *dokploy.Job {
	jobs := r.unmarkedJobs(q)
	switch {
	case r.sent.began:
		return nil
	case r.job == nil && len(jobs) == 1:
		return jobs[0]
	case r.job == nil:
		return nil
	}
	if i := slices.IndexFunc(jobs, func(j *dokploy.Job) bool { return j.Key() == r.job.Key() }); i >= 0 {
		return jobs[i]
	}
	if r.outages == 0 {
		return nil
	}
	// A server that brings its queue back after a restart numbers it anew, and
	// keeps the times, as its database has them.
	jobs = slices.DeleteFunc(jobs, func(j *dokploy.Job) bool { return j.QueuedAt.Sub(r.job.QueuedAt).Abs() > sameJob })
	if len(jobs) == 1 {
		return jobs[0]
	}
	return nil
}

// sameJob is how far the times of one job may lie apart before and after a
// restart.
const sameJob = time.Second

// errWhichUpload ends the run without a guess.
var errWhichUpload = verdict.Reason{Kind: verdict.WhichUpload}.Err()

// firstLook tells the upload's job or row at the first look after it was
// taken: it is one of what is new then, and all that comes later is another's.
func (f *finder) firstLook(ctx context.Context, q *dokploy.Queue) error {
	r := f.run
	if !r.sent.unmarked || r.sent.began || r.job != nil || q == nil {
		return nil
	}
	rows, err := r.client.Deployments(ctx, r.service.Kind, r.service.ID)
	if err != nil {
		return err
	}
	jobs := r.unmarkedJobs(q)
	new := slices.DeleteFunc(rows, func(d dokploy.Deployment) bool {
		return r.known[d.ID] || d.Status == dokploy.StatusQueued || !r.mine(d.Title, d.Description) || slices.ContainsFunc(jobs, func(j *dokploy.Job) bool {
			return j.Active && !d.StartedAt.Before(j.ProcessedOn)
		})
	})
	switch {
	case len(jobs)+max(0, len(new)-r.sent.alike) > 1, len(jobs) == 0 && len(new) > 0 && r.sent.alike > 0:
		return errWhichUpload
	case len(jobs) == 0 && len(new) == 1:
		r.sent.began = true
	}
	return nil
}

// meter counts what is sent, and says so now and then.
type meter struct {
	*run
	w     io.Writer
	n     int64
	start time.Time
	said  time.Time
}

// sayEvery is the pause between two lines about an upload's progress.
const sayEvery = 5 * time.Second

func (m *meter) Write(p []byte) (int, error) {
	n, err := m.w.Write(p)
	m.n += int64(n)
	if now := time.Now(); now.Sub(m.said) >= sayEvery {
		m.said = now
		m.note("%s sent", size(m.n))
	}
	return n, err
}

// unwrapped is the innermost words of an error.
func unwrapped(err error) string {
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return strings.TrimSpace(fmt.Sprint(err))
}
