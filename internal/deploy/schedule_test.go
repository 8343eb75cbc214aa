package deploy

import (
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/upload"
	"dokploy-deploy/internal/verdict"
)

// Fault schedules: the program's core against the stand-in, with other
// deployments around it and a few things going wrong, all chosen by a seed.
// An oracle that knows the whole truth judges each run (schedule_oracle_test.go).
//
// A seed gives the same schedule every time, and the stand-in makes the same
// ids. What a seed does not fix is the program's own jitter (math/rand/v2
// cannot be seeded from outside) and which of two goroutines that wake in the
// same nanosecond goes first: a schedule whose end hangs on milliseconds may
// need several goes, so -schedule.seed runs its seed -schedule.times times.
var (
	scheduleSeed  = flag.Uint64("schedule.seed", 0, "run this schedule only, and show what happens (with -v)")
	scheduleTimes = flag.Int("schedule.times", 20, "how often to run the schedule of -schedule.seed")
	scheduleN     = flag.Int("schedule.n", 250, "how many schedules to run")
	scheduleFrom  = flag.Uint64("schedule.from", followFrom, "the first seed of -schedule.n")
	scheduleOnly  = flag.Bool("schedule.follow", false, "of those of -schedule.n, only the schedules that follow a push; with -schedule.for, those among which they are")
	scheduleFor   = flag.Duration("schedule.for", 0, "run schedules from a fresh seed for this long")
)

// maxFindings ends a run of many schedules: the first few findings are enough.
const maxFindings = 10

func TestSchedules(t *testing.T) {
	switch {
	case *scheduleSeed != 0:
		for range *scheduleTimes {
			problems, story := newSchedule(*scheduleSeed).run(t)
			t.Log(story)
			if len(problems) > 0 {
				report(t, *scheduleSeed, problems, "")
				return
			}
		}
	case *scheduleFor > 0:
		from := uint64(settingsFrom)
		if *scheduleOnly {
			from = followFrom // half of these follow a push
		}
		seed, end, n := from+rand.Uint64()>>16, time.Now().Add(*scheduleFor), 0
		// Not t.Log: this must be printed even if the run is killed.
		_, _ = fmt.Fprintf(os.Stderr, "schedules from seed %d on, for %s\n", seed, *scheduleFor)
		for found := 0; time.Now().Before(end) && found < maxFindings; n++ {
			if !holds(t, seed+uint64(n)) {
				found++
			}
		}
		_, _ = fmt.Fprintf(os.Stderr, "%d schedules\n", n)
	default:
		found, n := 0, *scheduleN
		if dokploytest.RaceDetector() {
			n = min(n, 60)
		}
		for i := range n {
			seed := *scheduleFrom + uint64(i)
			if *scheduleOnly && newSchedule(seed).follow == nil {
				continue
			}
			if !holds(t, seed) {
				if found++; found == maxFindings {
					t.Fatal("more would not tell more")
				}
			}
		}
	}
}

// foundSchedules are the seeds that once ended wrongly; each says how.
var foundSchedules = []struct {
	seed uint64
	was  string
}{
	{57, "BullMQ: cancelled for good, since another deployment had written its status over the service's; then it ran again"},
	{97, "BullMQ: a fast Git deployment of another was taken for the second run"},
	{112, "verified, but the containers were those of another deployment that came right after it"},
	{203, "BullMQ without Redis: a trigger without an answer was sent again, and both ran"},
	{329, "half a line was shown where the stream broke, and nobody said that the rest was missing"},
	{536, "BullMQ: another's deployment was taken, by the order in the queue"},
	{2209, "a fast Git build behind one that the baseline knew was taken for lost, and started again"},
	{2358, "another's Git text kept a redeploy with a lost answer from being sent again"},
	{3935, "BullMQ: another's second run was taken, by the order in the queue"},
	{6947, "before 0.25.4: a restart leaves the row running, and it was followed forever"},
	{10178, "BullMQ: the wait for the second run went on while Dokploy was down"},
	{52174, "one refused read right after the row was found cancelled ended the run"},
	{57355, "not waited for, a trigger that was lost counted as queued, since another's Git text might have been ours"},
	{60483, "BullMQ: a restart came before our row, and the next one's was taken for it"},
	{10245, "a member's key: a container of the deployment before was taken for one of ours that had ended"},
	{62479, "before 0.25: a restart within one long look was not noticed, and a push of that time taken for ours"},
	{70814, "BullMQ: done, but a restart found its job still in the queue, and it ran again"},
	{75167, "BullMQ without Redis: a trigger on its way was given up when the time for trying was over, and sent again"},
	{76220, "BullMQ: ours was pushed out by others during an outage, and one of those taken"},
	{76384, "ours was taken from the queue before it could be seen, and a fast Git deployment of another taken for it"},
	{77071, "before 0.25: one that waited before the run was taken, as a third service was built behind it"},
	{78294, "hidden queue: ours still waited in the moment between two deployments in which nothing runs"},
	{201242, "hidden queue: ours was pushed out by others, and waited for until the time was over"},
	{204432, "BullMQ: a container that others had started before the second run was taken for ours that ended"},
	{208449, "hidden queue: ours was pushed out by others, and the last of those taken"},
	{211228, "BullMQ: the first run was taken for the second one"},
	{302304, "what another had begun between the baseline and the trigger was taken, as ours was taken from the queue at once"},
	{303866, "started again, the containers of the first one were taken for those of the second one that ended"},
	{338079, "ours was taken from the queue, and a later one taken by the order in it"},
	{413672, "a remote server refused SSH: ours left no row, and the next one was taken by the order in the queue"},
	{1205645, "a push to a remote server stands in no line: the order in the queue was one off"},
	{1318653, "a member's key: the container that another's deployment had started right before was taken for ours that ended"},
	{77193375834353, "it failed right before the timeout, and its log was cut off without a word"},
	{211231, "a key that was over its limit counted as one that may not see the queue"},
	{200_000_000_010_207, "a row that a restart cancelled before it began was final, and its deployment never started again"},
	{200_000_000_012_471, "BullMQ: a container of others that came between its two runs was taken for one of ours that had ended"},
	{200_000_000_103_660, "before 0.25.4: a row that stayed running with others after it was called cancelled by a restart"},
	{200_000_000_084_579, "BullMQ: it ran again while Dokploy could not be asked, and the first run's end was taken"},
	{300_000_000_102_210, "an upload that somebody removed from the queue was lost, as its row was taken for another's"},
	{400_000_000_703_518, "the end of a log that did not come was waited for far beyond the time of its target"},
	{300_000_000_400_266, "a log that could never be read kept a deployment that had ended open until the time was over"},
	{300_000_000_103_115, "before 0.25.4: called cancelled, though two restarts had left the row running"},
	{300_000_011_001_602, "before 0.25.4, with a hidden queue: a server at work counted as idle, and another's upload was taken"},
	{500_000_000_000_310, "the preview of a pull request counted as a row of its application's, and another's deployment was taken"},
	{500_000_000_000_019, "a preview was built when ours was triggered: ours counted as forgotten, and was started again"},
	{500_000_000_001_614, "a preview that began counted as one of its application's rows, and the row with our marker as another's"},
	{592_312_790_553_864, "BullMQ, a member's key: a container of the first run that had ended was taken for one of the second run"},
	{900_000_000_050_792, "a server that restores its queue: found as cancelled before that, a pushed deployment was final, and ran again"},
	{900_000_041_000_674, "a restart cancelled a later deployment and left the service idle, which was taken for a stop"},
}

func TestFoundSchedules(t *testing.T) {
	times := 3 // see above: jitter
	if dokploytest.RaceDetector() {
		times = 1
	}
	for _, f := range foundSchedules {
		for range times {
			if !holds(t, f.seed) {
				t.Logf("seed %d: %s", f.seed, f.was)
				break
			}
		}
	}
}

// holds runs the schedule of a seed and reports whether all went well. With -v
// the seed is printed before it begins: a panic of the stand-in does not say
// it.
func holds(t *testing.T, seed uint64) bool {
	t.Helper()
	return t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
		if problems, story := newSchedule(seed).run(t); len(problems) > 0 {
			report(t, seed, problems, story)
		}
	})
}

func report(t *testing.T, seed uint64, problems []string, story string) {
	t.Helper()
	t.Errorf("seed %d: %s\n%s\nrun it again: go test ./internal/deploy -run '^TestSchedules$' -schedule.seed=%d -v",
		seed, strings.Join(problems, "\n  "), story, seed)
}

// schedule is one world and what happens in it.
type schedule struct {
	seed      uint64
	reader    *outputReader // nil: nothing is printed
	server    dokploytest.Options
	kind      string // application, compose
	source    string // docker, git, raw
	stack     bool   // of compose
	remote    string // id of the server it runs on
	operation string
	wait      bool
	timeout   time.Duration
	limit     time.Duration // unreachable-timeout
	logs      LogMode
	verify    VerifyMode
	member    bool // the key is a plain member's
	history   int  // old deployments
	prepare   string
	upload    bool   // the source is sent
	builder   string // id of the server it is built on
	rollback  bool
	rollout   string // of this run's version: good, crash, crash8, stuck
	own       work   // what this run's deployment does
	others    []work // what others' deployments do, in turn
	lead      time.Duration
	events    []event
	fleeting  int             // events that are faults that nobody may notice
	hurts     map[string]bool // kinds of trouble that the oracle makes allowances for
	date      string          // whose clock the Date header shows
	previews  *dokploytest.Previews
	follow    *followed // nil: a deployment is started
}

// work is what one deployment does.
type work struct {
	takes   time.Duration
	lines   int
	outcome string
	odd     string // what is unusual about it
}

func (w work) String() string {
	s := fmt.Sprintf("%s, %d lines, %s", w.takes, w.lines, w.outcome)
	if w.odd != "" {
		s += ", " + w.odd
	}
	return s
}

// anchor is a moment that an event is counted from.
type anchor string

const (
	atLead    anchor = "before the run" // the lead passes after these
	atStart   anchor = "start"
	atTrigger anchor = "trigger" // the server has accepted this run's first one
	atRow     anchor = "row"     // this run's first row exists
	atEnd     anchor = "end"     // that row's deployment has just ended
)

type event struct {
	from  anchor
	after time.Duration
	what  string
	do    func(*sim)
}

// chooser makes the choices of a schedule.
type chooser struct{ *rand.Rand }

func (c chooser) one(in int) bool { return c.IntN(in) == 0 }

func pickOf[T any](c chooser, of ...T) T { return of[c.IntN(len(of))] }

// span returns a time of any order of magnitude, up to most.
func (c chooser) span(most time.Duration) time.Duration {
	d := time.Duration(c.Int64N(int64(most)) + 1)
	for range c.IntN(4) {
		d /= 8
	}
	return d.Round(time.Millisecond)
}

func newSchedule(seed uint64) *schedule {
	c := chooser{rand.New(rand.NewPCG(seed, 0x5eed))}
	s := &schedule{seed: seed, reader: readerOf(seed), hurts: map[string]bool{}}
	s.server = dokploytest.Options{
		Version:     pickOf(c, "v0.30.2", "v0.30.2", "v0.30.2", "v0.29.5", "v0.28.8", "v0.28.3", "v0.25.11", "v0.25.0"),
		Concurrency: pickOf(c, 1, 1, 2),
		Latency:     pickOf(c, 0, 0, 5*time.Millisecond, 120*time.Millisecond),
		ClockSkew:   pickOf(c, 0, 0, 0, -26*time.Hour, 7*time.Minute, -1300*time.Millisecond, 400*time.Millisecond),
		FrameSize:   pickOf(c, 0, 0, 0, 1, 7),
	}
	s.kind = pickOf(c, "application", "application", "application", "compose")
	s.source = pickOf(c, "docker", "git")
	if s.kind == "compose" {
		s.source = pickOf(c, "raw", "git")
		s.stack = c.one(3)
	}
	if c.one(6) {
		s.remote = "server-1"
	}
	s.operation = pickOf(c, "deploy", "deploy", "deploy", "redeploy")
	s.wait = !c.one(12)
	s.timeout = pickOf(c, 30*time.Minute, 30*time.Minute, 30*time.Minute, 4*time.Minute, 20*time.Second)
	s.limit = pickOf(c, 5*time.Minute, 5*time.Minute, 40*time.Second)
	s.logs = pickOf(c, LogLive, LogLive, LogLive, LogFailure, LogOff)
	s.verify = pickOf(c, VerifyOff, VerifyOff, VerifyAuto, VerifyAuto, VerifyRequire)
	s.member = c.one(8) && s.modern(0, 28, 7)
	s.history = pickOf(c, 0, 1, 3, 9, 11)
	s.rollout = pickOf(c, "good", "good", "good", "crash", "crash8", "stuck")
	switch {
	case s.kind == "compose" && c.one(3):
		s.prepare = "compose-file"
	case s.source == "docker" && c.one(3):
		s.prepare = "image"
	case c.one(6):
		s.prepare = "env"
	}
	s.rollback = c.one(4)
	s.own = c.work()
	opposite := map[string]string{"done": "error", "error": "done"}
	for range 3 {
		w := c.work()
		w.outcome = opposite[s.own.outcome] // so that a mix-up shows
		if c.one(8) {
			w.outcome = s.own.outcome
		}
		s.others = append(s.others, w)
	}
	s.lead = c.span(3 * time.Second)
	for range pickOf(c, 0, 1, 1, 2, 2, 3, 3, 4) {
		s.trouble(c)
	}
	slices.SortStableFunc(s.events, func(a, b event) int { return strings.Compare(string(a.from), string(b.from)) })
	if s.own.odd == "NoRow" && s.history < 11 {
		s.own.odd = "" // only if eleven are kept (docs/dokploy.md, Remote servers)
	}
	if seed >= moreFrom {
		s.more(c)
	}
	if seed >= evenMoreFrom {
		s.evenMore(c)
	}
	if seed >= streamsFrom {
		s.streams(c)
	}
	if seed >= dockerFrom {
		s.dockersTroubles(c)
	}
	if seed >= newerFrom {
		s.newer(c)
	}
	if seed >= settingsFrom {
		s.buildArguments(c)
	}
	if seed >= followFrom {
		s.follows(c)
	}
	return s
}

// moreFrom and evenMoreFrom are the first seeds with choices that were added
// later: earlier seeds still mean what they meant when they found something.
const (
	moreFrom     = 1_000_000
	evenMoreFrom = 200_000_000_000_000
)

// evenMore makes the choices that were added after those: a Date header that
// something in between writes by its own clock, a queue that comes back after a
// restart, rows of waiting deployments.
func (s *schedule) evenMore(c chooser) {
	made := time.Now()
	by := func(skew time.Duration) func(time.Time) string {
		return func(now time.Time) string { return now.Add(skew).UTC().Format(http.TimeFormat) }
	}
	s.date = pickOf(c, "the server's", "none", "constant", "-5s", "5s", "-1m", "24h")
	switch s.date {
	case "the server's":
	case "none":
		s.server.Date = func(time.Time) string { return "" }
	case "constant":
		s.server.Date = func(time.Time) string { return made.UTC().Format(http.TimeFormat) }
	default:
		skew, _ := time.ParseDuration(s.date)
		s.server.Date = by(skew)
	}
	if c.one(3) && s.modern(0, 29, 9) {
		s.server.KeepsQueue = true
		s.server.ReturnsAfter = pickOf(c, 0, time.Second, 2*time.Second, 8*time.Second, 14*time.Second)
	}
	if c.one(6) && s.modern(0, 29, 9) {
		s.server.QueuedRows = true
	}
	if c.one(8) {
		s.silent404(c)
	}
	// Fast builds of one service, one after the other, hide everything except
	// their order.
	if c.one(8) && s.source == "git" {
		s.own.takes = time.Duration(5+c.IntN(200)) * time.Millisecond
		for i := range s.others {
			s.others[i].takes = time.Duration(5+c.IntN(200)) * time.Millisecond
		}
		for range 2 + c.IntN(4) {
			if c.one(2) {
				s.add(atLead, 0, "a push deploys the service", func(w *sim) { w.webhook() })
			} else {
				s.add(atLead, 0, "another service is deployed", func(w *sim) { w.enqueue(w.web) })
			}
		}
	}
}

// more makes the choices that were added later.
func (s *schedule) more(c chooser) {
	if c.one(10) {
		s.server.SubPath = "/dokploy"
	}
	if c.one(12) {
		s.server.Documented = true
	}
	if s.kind != "application" {
		return
	}
	if c.one(10) && s.modern(0, 28, 0) && s.source == "git" {
		s.builder = "build-server-1"
	}
	if c.one(7) && s.operation == "deploy" && s.prepare != "image" {
		s.upload, s.source = true, "drop"
		s.own.odd = strings.Replace(s.own.odd, "CloneFailed", "", 1)
	}
}

// trigger returns the call that starts this run's deployment.
func (s *schedule) trigger() string {
	if s.upload {
		return "application.dropDeployment"
	}
	return s.kind + "." + s.operation
}

func (c chooser) work() work {
	w := work{
		takes:   pickOf(c, 5*time.Millisecond, 150*time.Millisecond, 700*time.Millisecond, 4*time.Second, 4*time.Second, 25*time.Second, 3*time.Minute),
		lines:   1 + c.IntN(9),
		outcome: pickOf(c, "done", "done", "error"),
	}
	w.takes += time.Duration(c.IntN(50)) * time.Millisecond
	return w
}

// modern reports whether the server has this version or a newer one.
func (s *schedule) modern(major, minor, patch int) bool {
	v, _ := dokploy.ParseVersion(s.server.Version)
	return !v.Less(major, minor, patch)
}

func (s *schedule) git() bool { return s.source == "git" }

func (s *schedule) add(from anchor, after time.Duration, what string, do func(*sim)) {
	s.events = append(s.events, event{from, after, what, do})
}

// moment returns some time in a deployment's life.
func (s *schedule) moment(c chooser) (anchor, time.Duration) {
	switch pickOf(c, 0, 0, 1, 1, 2, 2, 3) {
	case 0:
		return atStart, c.span(20 * time.Second)
	case 1:
		return atTrigger, c.span(20 * time.Second)
	case 2:
		return atRow, c.span(max(s.own.takes, time.Second))
	}
	return atEnd, c.span(10 * time.Second)
}

// trouble adds one thing that happens.
func (s *schedule) trouble(c chooser) {
	from, after := s.moment(c)
	switch c.IntN(21) {
	case 0, 1: // others of the same service
		for range 1 + c.IntN(3) {
			at, d := from, after
			if c.one(3) {
				at, d = atLead, 0
			}
			s.add(at, d, "another deploys the service", func(w *sim) { w.enqueue(w.v) })
			from, after = s.moment(c)
		}
	case 2: // a busy server
		for range 1 + c.IntN(3) {
			s.add(atLead, 0, "another service is deployed", func(w *sim) { w.enqueue(w.web) })
		}
	case 3: // others of other services, at any time
		s.add(from, after, "another service is deployed", func(w *sim) { w.enqueue(w.web) })
	case 4, 5:
		s.triggerFault(c)
	case 6, 7:
		s.readFault(c, from, after)
	case 8:
		down := pickOf(c, 3*time.Second, 20*time.Second, 70*time.Second, 6*time.Minute)
		s.hurts["outage"], s.hurts["trigger"] = true, true
		kind := pickOf(c, dokploytest.Gateway, dokploytest.Lost, dokploytest.Page, dokploytest.ServerError, dokploytest.Unauthorized)
		s.hurts["own words"] = s.hurts["own words"] || kind == dokploytest.ServerError
		s.add(from, after, fmt.Sprintf("nothing but %q for %s", kind, down), func(w *sim) {
			w.srv.Fault(dokploytest.Fault{Procedure: "*", Kind: kind, Times: -1, CarriedOut: false})
			w.later(down, "it is over", func() { w.srv.ClearFaults() })
		})
	case 9, 10, 11: // restarts, while queued, running and after the end
		for range pickOf(c, 1, 1, 1, 2) {
			s.hurts["outage"], s.hurts["trigger"] = true, true
			// 5 to 20 s were seen.
			down := pickOf(c, 5*time.Second, 5*time.Second, 8*time.Second, 20*time.Second, 70*time.Second)
			s.add(from, after, fmt.Sprintf("Dokploy restarts, down for %s", down), func(w *sim) { w.restart(down) })
			from, after = s.moment(c)
		}
	case 12:
		switch pickOf(c, 0, 1, 1, 2) {
		case 0:
			// Not before it can have been seen: what nobody saw shows nothing.
			s.add(atRow, 1500*time.Millisecond+c.span(s.own.takes+5*time.Second), "this run's row is removed", func(w *sim) { w.removeOwn() })
		case 1:
			s.add(atRow, c.span(s.own.takes), `this run's row says "thinking"`, func(w *sim) { w.confuse("thinking") })
		default:
			s.add(from, after, "twelve others of the service", func(w *sim) {
				for range 12 {
					w.enqueue(w.v)
				}
			})
		}
	case 13:
		s.add(from, after, "somebody cleans the service's queue", func(w *sim) { w.clean() })
		if c.one(2) {
			s.add(atLead, 0, "another service is deployed", func(w *sim) { w.enqueue(w.web) })
			s.add(atLead, 0, "another service is deployed", func(w *sim) { w.enqueue(w.web) })
		}
	case 14, 15:
		s.streamFault(c)
	case 16:
		s.hurts["outage"] = true
		n, back := 2*c.IntN(6), pickOf(c, 0, 3*time.Second, 45*time.Second)
		s.add(from, after, fmt.Sprintf("the key is limited to %d more verifications, for %s", n, back), func(w *sim) {
			w.limitKey(max(n, 1))
			if back > 0 {
				w.later(back, "the key is good again", func() { w.limitKey(0) })
			}
		})
	case 17:
		n := pickOf(c, 1, 2)
		s.add(from, after, fmt.Sprintf("%d builds at once", n), func(w *sim) { w.srv.SetConcurrency(n) })
	case 18:
		switch {
		case !s.modern(0, 29, 9):
			s.hurts["trigger"] = true
			d := pickOf(c, time.Second, 5*time.Second, 40*time.Second)
			s.add(atStart, c.span(2*time.Second), fmt.Sprintf("Redis is away for %s", d), func(w *sim) {
				w.srv.RedisDown(d)
			})
		case s.remote != "":
			state, d := pickOf(c, dokploytest.SSHRefused, dokploytest.SSHSilent, dokploytest.SSHWrongKey), c.span(time.Minute)
			s.add(from, after, fmt.Sprintf("SSH broken (%d) for %s", state, d), func(w *sim) {
				w.sshBroke = true
				w.srv.SetSSH(w.remote, state)
				w.later(d, "SSH is fixed", func() { w.srv.SetSSH(w.remote, dokploytest.SSHUp) })
			})
		}
		if s.remote != "" {
			s.own.odd = pickOf(c, "", "StayRunning", "NoRow", "NoLogPath")
			if s.own.odd == "NoLogPath" {
				s.own.outcome = "error"
			}
		}
	case 19:
		if s.git() {
			s.add(from, after, "a push deploys the service", func(w *sim) { w.webhook() })
		}
		if s.git() && s.own.outcome == "error" && c.one(3) {
			s.own.odd = "CloneFailed"
		}
	case 20:
		if c.one(3) {
			s.add(from, after, "interrupted", func(w *sim) { w.interrupt() })
		} else if s.prepare != "" {
			s.add(from, after, "another pipeline sets the image", func(w *sim) { w.setByAnother() })
		}
	}
}

// carriedOut describes a fault.
func carriedOut(yes bool) string {
	if yes {
		return ", carried out"
	}
	return ""
}

// retryAfters are the values that a proxy may send, including absurd ones.
var retryAfters = []string{"", "0", "1", "30", "3600", "99999999999999999999", "-5", "soon", "Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"}

func (c chooser) tooMany() (dokploytest.Fault, string) {
	f := dokploytest.Fault{Kind: dokploytest.Custom, Status: http.StatusTooManyRequests, Body: `{"message":"Too many requests"}`}
	after := retryAfters[c.IntN(len(retryAfters))]
	if after != "" {
		f.Header = http.Header{"Retry-After": {after}}
	}
	return f, fmt.Sprintf("429, Retry-After %q", after)
}

// triggerFault makes the answer to a trigger go wrong.
func (s *schedule) triggerFault(c chooser) {
	f := dokploytest.Fault{
		CarriedOut: c.one(2), Times: pickOf(c, 1, 1, 1, 2),
		Kind: pickOf(c, dokploytest.Lost, dokploytest.Lost, dokploytest.LostInBody, dokploytest.Gateway, dokploytest.Gateway, dokploytest.Page,
			dokploytest.ServerError, dokploytest.Cloudflare, dokploytest.Hang, dokploytest.TooMany),
	}
	s.hurts["trigger"] = true
	text := string(f.Kind)
	switch f.Kind {
	case dokploytest.ServerError:
		s.hurts["own words"] = true
	case dokploytest.Gateway:
		f.Status = pickOf(c, 502, 503, 504)
		text = fmt.Sprint(f.Status)
	case dokploytest.Cloudflare:
		f.Status = pickOf(c, 521, 522, 524)
		text = fmt.Sprintf("Cloudflare %d", f.Status)
	case dokploytest.Hang:
		// What shows up more than 40 s after it was sent exceeds the program's
		// patience (20 s for an answer, 20 s of looking).
		f.After = pickOf(c, time.Second, 8*time.Second, 25*time.Second, 35*time.Second)
		f.Late = !f.CarriedOut && c.one(2)
		text = fmt.Sprintf("hangs for %s (late %v)", f.After, f.Late)
	case dokploytest.TooMany:
		times := f.Times
		f, text = c.tooMany()
		f.Times = times
	}
	s.add(atLead, 0, fmt.Sprintf("the trigger's answer, %d times: %s%s", f.Times, text, carriedOut(f.CarriedOut)), func(w *sim) {
		f.Procedure = s.trigger()
		w.srv.Fault(f)
	})
}

// readFault makes some reads go wrong.
func (s *schedule) readFault(c chooser, from anchor, after time.Duration) {
	list := "deployment.all"
	if s.kind == "compose" {
		list = "deployment.allByCompose"
	}
	f := dokploytest.Fault{Kind: pickOf(c,
		dokploytest.Gateway, dokploytest.Page, dokploytest.Lost, dokploytest.Truncated, dokploytest.Empty, dokploytest.TooMany, dokploytest.Unauthorized,
		dokploytest.ServerError, dokploytest.Cloudflare, dokploytest.Redirect, dokploytest.Hang, dokploytest.Custom)}
	s.hurts["outage"] = true
	text := string(f.Kind)
	switch f.Kind {
	case dokploytest.Cloudflare:
		f.Status = 522
	case dokploytest.Redirect:
		f.Status, f.Location = 302, "https://elsewhere.example/login"
	case dokploytest.Hang:
		f.After = pickOf(c, 2*time.Second, time.Minute)
		text = "hangs for " + f.After.String()
	case dokploytest.Custom:
		f.Body = pickOf(c, `null`, `{"ok":true}`, `[]`)
		text = "answered with " + f.Body
	case dokploytest.TooMany:
		f, text = c.tooMany()
	case dokploytest.Truncated:
		s.hurts["half answers"] = true // they count as read
	}
	f.Times = 1 + c.IntN(6)
	f.Procedure = pickOf(c, list, list, "deployment.queueList", "*", s.kind+".one", "docker.getConfig", "docker.getContainersByAppNameMatch")
	if f.Procedure == "*" && (f.Kind == dokploytest.Empty || f.Kind == dokploytest.Custom) {
		f.Procedure = list // a trigger's own answer is empty
	}
	s.hurts["trigger"] = s.hurts["trigger"] || f.Procedure == "*"
	s.hurts["queue"] = s.hurts["queue"] || f.Procedure == "deployment.queueList"
	s.hurts["own words"] = s.hurts["own words"] || f.Procedure == "*" && f.Kind == dokploytest.ServerError
	if f.Body == "[]" || f.Kind == dokploytest.Empty {
		f.Times = min(f.Times, 2) // three times the truth would be another one
	}
	s.add(from, after, fmt.Sprintf("%s, %d times: %s", f.Procedure, f.Times, text), func(w *sim) { w.srv.Fault(f) })
}

func (s *schedule) streamFault(c chooser) {
	s.hurts["stream"] = true
	f := dokploytest.Fault{
		Procedure: "listen-deployment", Times: pickOf(c, 1, 1, 2, 5, -1), Bytes: c.IntN(200), NoResume: c.one(4),
		Kind: pickOf(c, dokploytest.StreamRefused, dokploytest.StreamClosed, dokploytest.StreamCut, dokploytest.StreamCut,
			dokploytest.StreamFrames, dokploytest.StreamSilent, dokploytest.StreamHang),
	}
	if f.Kind == dokploytest.StreamFrames {
		f.Frames = []string{"tail error: tail: cannot open '/etc/dokploy/x' for reading: No such file or directory\n"}
	}
	s.add(atLead, 0, fmt.Sprintf("%s, %d times, after %d bytes", f.Kind, f.Times, f.Bytes), func(w *sim) { w.srv.Fault(f) })
}

// silent404 has something in front of Dokploy answer 404 without a message.
func (s *schedule) silent404(c chooser) {
	from, after := s.moment(c)
	f := dokploytest.Fault{Kind: dokploytest.Empty, Status: http.StatusNotFound, Times: 1 + c.IntN(4)}
	f.Procedure = pickOf(c, "*", "deployment.all", "deployment.queueList", s.trigger())
	s.hurts["queue"] = s.hurts["queue"] || f.Procedure == "deployment.queueList"
	s.hurts["outage"], s.hurts["trigger"] = true, true
	s.add(from, after, fmt.Sprintf("%s, %d times: 404 without a word", f.Procedure, f.Times), func(w *sim) { w.srv.Fault(f) })
}

// String describes the schedule for a person.
func (s *schedule) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Dokploy %s, %d at once, latency %s, clock %+v, frames of %d; key of a member: %v\n",
		s.server.Version, s.server.Concurrency, s.server.Latency, s.server.ClockSkew, s.server.FrameSize, s.member)
	fmt.Fprintf(&b, "%s.%s of a %s source (stack: %v) on server %q, %d earlier deployments\n", s.kind, s.operation, s.source, s.stack, s.remote, s.history)
	fmt.Fprintf(&b, "Date: %s; the queue survives: %v (back after %s); rows of what waits: %v, ids in answers: %v\n", s.date, s.server.KeepsQueue, s.server.ReturnsAfter, s.server.QueuedRows, s.server.AnswersID)
	fmt.Fprintf(&b, "previews: %v; follows %s\n", s.previews != nil, s.follow)
	fmt.Fprintf(&b, "built on %q, uploaded %v, under %q, dialect as documented %v\n", s.builder, s.upload, s.server.SubPath, s.server.Documented)
	fmt.Fprintf(&b, "wait %v, timeout %s, unreachable %s, logs %s, verify %q, sets %q, rollback %v\n",
		s.wait, s.timeout, s.limit, s.logs, s.verify, s.prepare, s.rollback)
	fmt.Fprintf(&b, "ours: %s, then %s; others: %v\n", s.own, s.rollout, s.others)
	fmt.Fprintf(&b, "who reads the output: %s\n", s.reader)
	fmt.Fprintf(&b, "the run begins %s after what comes before it\n", s.lead)
	for _, e := range s.events {
		fmt.Fprintf(&b, "  %s + %s: %s\n", e.from, e.after, e.what)
	}
	return b.String()
}

// sim is a schedule that is being played.
type sim struct {
	*schedule
	srv    *dokploytest.Server
	v, web *dokploytest.Service
	key    string
	rec    *recorder
	cancel context.CancelCauseFunc
	start  time.Time

	// rollouts is by the number of the build; read with the stand-in's lock
	// held.
	rollouts sync.Map

	mu       sync.Mutex // taken before the stand-in's
	truth    truth
	diary    []string
	fired    map[anchor]bool
	over     bool
	otherN   int
	ownIDs   map[string]bool // jobs of this run, if there is no marker
	otherIDs map[string]bool
	dialed   []string
	sshBroke bool
	before   string // image, environment or compose file before the run
}

const (
	oldFile  = "services:\n  web:\n    image: acme/web:1\n"
	newFile  = "services:\n  web:\n    image: acme/web:2\n"
	addedEnv = "NEW=SECRET-new-value"
)

// run plays the schedule and asks the oracle.
func (s *schedule) run(t *testing.T) (problems []string, story string) {
	t.Helper()
	// A deadlock is a panic out here, any other panic is one in there.
	named := func() {
		if p := recover(); p != nil {
			_, _ = fmt.Fprintf(os.Stderr, "seed %d: %v\n%s", s.seed, p, s)
			panic(p)
		}
	}
	defer named()
	synctest.Test(t, func(t *testing.T) {
		defer named()
		w := &sim{
			schedule: s, rec: &recorder{}, fired: map[anchor]bool{}, ownIDs: map[string]bool{}, otherIDs: map[string]bool{},
			truth: truth{status: map[string]dokploytest.Row{}, removed: map[string]bool{}},
		}
		w.build()
		defer w.srv.Close()
		report := w.play(t.Context())
		problems = w.judge(report)
		story = w.story(report)
	})
	return problems, story
}

// build makes the world.
func (w *sim) build() {
	w.srv = dokploytest.New(w.server)
	w.srv.Start()
	if w.kind == "compose" {
		c := dokploytest.Compose{
			Name: "svc", SourceType: w.source, ServerID: w.remote, BuildFunc: w.buildOf, ComposeFile: oldFile,
			RolloutFunc: func(_ string, v dokploytest.Version) dokploytest.Rollout { return w.rolloutOf(v) },
		}
		if w.stack {
			c.ComposeType = "stack"
		}
		w.v = w.srv.AddCompose(c)
	} else {
		source := w.source
		if w.previews != nil {
			source = "github" // nothing else has previews
		}
		if w.follow != nil && w.follow.pull != 0 {
			w.previews.BuildFunc = w.buildOfPreview
		}
		w.v = w.srv.AddApplication(w.builtFromDockerfile(dokploytest.Application{
			Name: "svc", SourceType: source, Previews: w.previews, ServerID: w.remote, BuildServerID: w.builder, BuildFunc: w.buildOf, RolloutFunc: w.rolloutOf,
		}))
	}
	w.web = w.srv.AddApplication(dokploytest.Application{Name: "web", Build: dokploytest.Build{Steps: dokploytest.Lines(9*time.Second, "web 1", "web 2")}})
	for i := range w.history {
		at := time.Now().Add(w.server.ClockSkew - time.Duration(i+1)*time.Hour)
		w.srv.AddRow(w.v, dokploytest.Row{Status: "done", Title: "old", CreatedAt: at, StartedAt: at, FinishedAt: at.Add(20 * time.Second)}, "")
	}
	for _, r := range w.srv.Deployments(w.v) {
		w.truth.old = append(w.truth.old, r.ID)
	}
	w.key = w.srv.Key
	if w.member {
		w.key = w.srv.AddKey(w.membership(0))
	}
	w.srv.OnCall(w.kind+".deploy", w.accepted)
	w.srv.OnCall(w.kind+".redeploy", w.accepted)
	w.srv.OnCall("application.dropDeployment", w.accepted)
	for _, p := range []string{"deployment.all", "deployment.allByCompose", "deployment.queueList", "previewDeployment.all"} {
		w.srv.OnCall(p, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.shows(p != "deployment.queueList")
			if p == "deployment.queueList" {
				w.truth.queues = append(w.truth.queues, time.Now())
			} else {
				w.truth.lists = append(w.truth.lists, time.Now())
			}
		})
	}
	w.before = w.setting()
	if w.follow != nil {
		w.v.SetPush(w.follow.settings)
	}
}

// aSource is what is uploaded, opened once: no run changes it.
var aSource = sync.OnceValue(func() *upload.Source {
	dir, err := os.MkdirTemp("", "schedule")
	if err != nil {
		panic(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"), 0o644); err != nil {
		panic(err)
	}
	src, err := upload.Open(dir)
	if err != nil {
		panic(err)
	}
	return src
})

// setting returns what prepare sets.
func (w *sim) setting() string {
	switch w.prepare {
	case "image":
		return w.v.Image()
	case "env":
		return w.v.Env()
	case "build-args":
		return w.v.BuildArgs()
	case "compose-file":
		return w.v.ComposeFile()
	}
	return ""
}

// play runs the program, and the world for some time after it.
func (w *sim) play(ctx context.Context) *verdict.Report {
	reporter, end := w.reader.reporter(w.rec)
	w.start = time.Now()
	w.happens(atLead)
	time.Sleep(w.lead)
	w.mu.Lock()
	ctx, w.cancel = context.WithCancelCause(ctx)
	w.mu.Unlock()
	// Nothing may last longer: two deployments, each with its timeout.
	watchdog := time.AfterFunc(3*time.Hour, func() { w.cancel(errTooLong) })
	defer watchdog.Stop()
	u, _ := url.Parse(w.srv.URL())
	client := dokploy.New(dokploy.Options{
		URL: u, Key: w.key, UserAgent: "test", Header: http.Header{"Cf-Access-Client-Secret": {"SECRET-header"}},
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			w.mu.Lock()
			w.dialed = append(w.dialed, addr)
			w.mu.Unlock()
			return w.srv.Dial(ctx, network, addr)
		},
	})
	o := Options{
		Client: client, Reporter: reporter, URL: u.String(), Program: "test", Operation: w.operation,
		Targets: []Target{{dokploy.Kind(w.kind), "shop/svc"}},
		Title:   "feat: a title", Description: "3f2a91c by alice", Wait: w.wait,
		Timeout: w.timeout, Unreachable: w.limit, Logs: w.logs, Verify: w.verify, StableFor: 10 * time.Second,
		Rollback: w.rollback, MaxParallel: 4,
	}
	if w.upload {
		o.Prepare.Source, o.Prepare.SourcePath = aSource(), "src"
	}
	switch w.prepare {
	case "image":
		o.Prepare.Image = newImage
	case "env":
		o.Prepare.Env = addedEnv
	case "build-args":
		o.Prepare.BuildArgs = newArgs
	case "compose-file":
		o.Prepare.ComposeFile, o.Prepare.ComposePath = newFile, "c.yml"
	}
	if f := w.follow; f != nil {
		o.Title, o.Description = "", ""
		o.Follow = &Follow{Commit: f.asks, Preview: f.pull, StartTimeout: f.within, SkipIfNone: f.skip, Pushed: f.pushed}
	}
	w.truth.began = time.Now()
	w.happens(atStart)
	report := Run(ctx, o)
	client.CloseIdle()
	w.truth.ended = time.Now()
	w.cancel(nil)
	w.mu.Lock()
	w.over = true
	w.note("the run ends")
	w.truth.atVerdict = w.srv.Queue()
	w.look()
	w.truth.verdict = maps.Clone(w.truth.status)
	for _, r := range w.allRows() {
		w.truth.kept = append(w.truth.kept, r.ID)
	}
	w.truth.set = w.setting()
	w.mu.Unlock()
	end()
	// What was sent may still show up.
	time.Sleep(4 * time.Minute)
	w.mu.Lock()
	w.look()
	w.classify()
	w.truth.later = w.srv.Queue()
	w.mu.Unlock()
	return report
}

// note writes the diary; with w.mu held.
func (w *sim) note(format string, args ...any) {
	w.diary = append(w.diary, fmt.Sprintf("%8.3f  ", time.Since(w.start).Seconds())+fmt.Sprintf(format, args...))
}

// happens starts the events of an anchor, the first time only.
func (w *sim) happens(from anchor) {
	w.mu.Lock()
	if w.fired[from] {
		w.mu.Unlock()
		return
	}
	w.fired[from] = true
	w.note("%s", from)
	w.mu.Unlock()
	for _, e := range w.events {
		if e.from != from {
			continue
		}
		if from == atLead {
			w.mu.Lock()
			w.note("%s", e.what)
			w.mu.Unlock()
			e.do(w)
			continue
		}
		w.later(e.after, e.what, func() { e.do(w) })
	}
}

// later runs f after d, unless the run is over by then.
func (w *sim) later(d time.Duration, what string, f func()) {
	time.AfterFunc(d, func() {
		w.mu.Lock()
		w.note("%s", what)
		w.mu.Unlock()
		f()
	})
}

func (w *sim) enqueue(v *dokploytest.Service) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.otherN++
	w.look()
	w.classify() // what came meanwhile is this run's
	text := fmt.Sprintf("another's %d", w.otherN)
	if w.upload && w.otherN%3 == 0 && !w.hurts["trigger"] && !w.hurts["outage"] {
		// By hand, in the dashboard: it looks like the upload's. Together with
		// a lost answer or a restart, nothing distinguishes them (protocol.md).
		text = ""
	}
	w.srv.Enqueue(v, "Manual deployment", text)
	w.disown()
}

func (w *sim) webhook() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.look()
	w.classify()
	w.srv.Webhook(w.v)
	w.disown()
}

// accepted is called when the server has accepted a deployment of this run.
func (w *sim) accepted() {
	w.mu.Lock()
	w.classify()
	w.mu.Unlock()
	w.happens(atTrigger)
}

// disown records that the newest jobs are others'; with w.mu held since before
// they came.
func (w *sim) disown() {
	for _, j := range w.srv.Queue() {
		if key := w.jobKey(j); j.ServiceID == w.v.ID && !w.ownIDs[key] {
			w.otherIDs[key] = true
		}
	}
}

// classify records which jobs belong to this run; with w.mu held. What nobody
// else has begun is this run's.
func (w *sim) classify() {
	for _, j := range w.srv.Queue() {
		key := w.jobKey(j)
		if j.ServiceID != w.v.ID || w.ownIDs[key] || w.otherIDs[key] {
			continue
		}
		w.ownIDs[key] = true
		title := `"title":"` + j.Title
		if !w.modern(0, 25, 0) { // not kept
			for _, r := range w.srv.Requests() {
				if r.Procedure == w.trigger() || r.Procedure == w.kind+".deploy" {
					title = r.Body
				}
			}
		}
		w.truth.triggers = append(w.truth.triggers, &trigger{
			key: key, at: time.Now(), rollback: strings.Contains(title, `"title":"Rollback: `),
		})
		w.note("the server has taken deployment %d of this run", len(w.truth.triggers))
	}
}

// jobKey distinguishes jobs. Their ids change after a restart.
func (w *sim) jobKey(j dokploytest.Job) string { return fmt.Sprint(j.Number) }

// buildOf says what the nth deployment of the service does, and records whose
// it is.
func (w *sim) buildOf(n int) dokploytest.Build {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.look()
	w.classify()
	b := &build{n: n, at: time.Now()}
	if k := len(w.truth.downs); k > 0 && w.truth.downs[k-1].at.Equal(b.at) {
		b.orphan = true // by a restart of the same moment
	}
	// Those that begin at once are numbered in the order of the queue, but may
	// come here in any order: first what never began, then what BullMQ runs
	// again. A server that keeps its queue begins both in the queue's order.
	var anew, again []dokploytest.Job
	for _, j := range w.srv.Queue() {
		before := w.truth.buildOf(w.jobKey(j))
		switch {
		case j.ServiceID != w.v.ID || !j.Active || j.Stalled:
		case before == nil, before.orphan && w.server.KeepsQueue:
			anew = append(anew, j)
		case before.orphan:
			again = append(again, j)
		}
	}
	earlier := n - 1
	for _, x := range w.truth.builds {
		if x.n < n {
			earlier--
		}
	}
	if jobs := slices.Concat(anew, again); len(jobs) > 0 {
		j := jobs[min(earlier, len(jobs)-1)]
		b.key, b.description = w.jobKey(j), j.Description
	}
	for _, tr := range w.truth.triggers {
		if tr.key == b.key {
			tr.builds = append(tr.builds, b)
			b.own, b.rollback = true, tr.rollback
		}
	}
	w.truth.builds = append(w.truth.builds, b)
	if w.follow != nil {
		b.own = b.key == w.follow.lead // until it is known which one is followed
	}
	work := w.others[n%len(w.others)]
	rollout := "good"
	switch {
	case b.rollback:
		work = w.own
		work.outcome, work.odd = "done", ""
	case b.own:
		work, rollout = w.own, w.rollout
	}
	if rollout != "good" && w.prepare != "image" && w.prepare != "compose-file" && w.kind == "application" {
		w.rollouts.Store(n, rollout)
	}
	b.work = work
	w.note("build %d begins (%s; this run's: %v)", n, b.description, b.own)
	return w.realBuild(b)
}

// realBuild returns the build for the stand-in.
func (w *sim) realBuild(b *build) dokploytest.Build {
	out := dokploytest.Build{
		CommitSHA: fmt.Sprintf("%040d", b.n),
		LogWriter: func(io.Writer) { w.begun(b) }, // called once the row is there
	}
	if w.follow != nil {
		out.CommitSHA = "" // the head of the branch
	}
	if b.work.outcome != "done" {
		out.Outcome = b.work.outcome
	}
	each := b.work.takes / time.Duration(b.work.lines)
	for i := range b.work.lines {
		b.lines = append(b.lines, fmt.Sprintf("b%d line %d of %d é", b.n, i+1, b.work.lines))
	}
	out.Steps = dokploytest.Lines(each, b.lines...)
	switch b.work.odd {
	case "StayRunning":
		out.StayRunning, out.LeaveAt = true, b.work.lines/2
	case "NoRow":
		out.NoRow = true
	case "NoLogPath":
		out.NoLogPath, out.ErrorMessage, out.StartDelay = true, "An error have occurred: no way there", time.Second
	case "CloneFailed":
		out.CloneFailed = true
	}
	return out
}

// begun is called when a build has its row.
func (w *sim) begun(b *build) {
	w.mu.Lock()
	for _, r := range w.allRows() {
		if w.truth.ofRow(r.ID) == nil && !r.StartedAt.IsZero() && r.Description == b.description && !slices.Contains(w.truth.old, r.ID) {
			b.row, b.logPath = r.ID, r.LogPath
			break
		}
	}
	w.note("build %d has the row %s", b.n, b.row)
	w.look()
	own := b.own
	w.mu.Unlock()
	if own {
		w.happens(atRow)
		time.AfterFunc(b.work.takes+15*time.Millisecond, func() { w.happens(atEnd) })
	}
}

// look records what the rows say now; with w.mu held.
func (w *sim) look() {
	for _, r := range w.allRows() {
		if w.truth.status[r.ID].Status != r.Status {
			w.note("%s is %s", r.ID, r.Status)
		}
		w.truth.status[r.ID] = r
		// A deployment that could not even begin has no log.
		if w.truth.ofRow(r.ID) == nil && !slices.Contains(w.truth.old, r.ID) {
			for _, b := range w.truth.builds {
				if b.row == "" && r.LogPath == "" && r.Status != "queued" && !r.StartedAt.IsZero() && r.Description == b.description {
					b.row = r.ID
					break
				}
			}
		}
	}
}

func (w *sim) rolloutOf(v dokploytest.Version) dokploytest.Rollout {
	kind := "good"
	switch {
	case v.N == 0:
	case w.prepare == "image" && v.Image == newImage, w.prepare == "compose-file" && v.ComposeFile == newFile:
		kind = w.rollout
	default:
		if k, ok := w.rollouts.Load(v.N); ok {
			kind = k.(string)
		}
	}
	switch kind {
	case "crash":
		return dokploytest.Rollout{Crash: true, Log: []string{"boom: no database"}}
	case "crash8":
		return dokploytest.Rollout{Crash: true, CrashAfter: 8 * time.Second}
	case "stuck":
		return dokploytest.Rollout{Unplaced: "no suitable node (insufficient resources on 1 node)"}
	}
	return dokploytest.Rollout{}
}

func (w *sim) restart(down time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.look()
	active := map[string]bool{}
	for _, j := range w.srv.Queue() {
		if j.Active {
			active[w.jobKey(j)] = true
		}
	}
	for _, b := range w.truth.builds {
		b.orphan = b.orphan || active[b.key]
	}
	w.truth.restarts++
	w.truth.downs = append(w.truth.downs, outage{time.Now(), down})
	w.srv.Restart(down)
}

func (w *sim) removeOwn() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.look()
	if b := w.truth.newest(); b != nil && b.row != "" {
		w.truth.removed[b.row] = true
		w.truth.blink = w.truth.blink || since(w.truth.lists, b.at, time.Now()) == 0
		w.srv.RemoveRow(b.row)
	}
}

func (w *sim) confuse(status string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.look()
	if b := w.truth.newest(); b != nil && b.row != "" && w.truth.status[b.row].Status == "running" && !b.orphan {
		w.srv.SetRowStatus(b.row, status)
	}
}

func (w *sim) clean() {
	w.mu.Lock()
	defer w.mu.Unlock()
	waiting := w.srv.Queue()
	for _, j := range waiting {
		for _, tr := range w.truth.triggers {
			if tr.key == w.jobKey(j) && !j.Active {
				tr.cleaned = true
				tr.unseen = since(w.truth.queues, tr.at.Add(-1), time.Now()) == 0
			}
		}
	}
	w.srv.CleanQueue(w.v)
	if w.follow == nil {
		return
	}
	// The jobs of the application's previews go, too.
	left := w.srv.Queue()
	for _, j := range waiting {
		if !slices.ContainsFunc(left, func(l dokploytest.Job) bool { return w.jobKey(l) == w.jobKey(j) }) {
			w.follow.cleaned[w.jobKey(j)] = true
		}
	}
}

func (w *sim) limitKey(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.truth.keyed = true
	w.srv.SetKey(w.key, w.membership(n))
}

// membership returns the key of this schedule, which may do what is requested
// of it.
func (w *sim) membership(limit int) dokploytest.Key {
	k := dokploytest.Key{Limit: limit}
	if w.member {
		k.Member, k.Access, k.CreateServices = true, []string{w.v.ID}, true
	}
	return k
}

func (w *sim) interrupt() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.over && w.cancel != nil { // if a run has begun
		w.truth.interrupted = time.Now()
		w.cancel(ErrInterrupted)
	}
}

func (w *sim) setByAnother() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.truth.meddled = true
	switch w.prepare {
	case "image":
		w.v.SetImage("ghcr.io/acme/api:another")
	case "env":
		w.v.SetEnv("ANOTHER=SECRET-another")
	case "build-args":
		w.v.SetBuildArgs("VERSION=another")
	case "compose-file":
		w.v.SetComposeFile("services: {web: {image: acme/another}}\n")
	}
}

// story returns the schedule, what happened, and what the program reported and
// did.
func (w *sim) story(report *verdict.Report) string {
	w.rec.mu.Lock()
	defer w.rec.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "%s--- what happened\n%s\n--- what was said\n%s\n%s\n--- requests\n",
		w.schedule, strings.Join(w.diary, "\n"), strings.Join(w.rec.notes, "\n"), strings.Join(w.rec.log, "\n"))
	for i, r := range w.srv.Requests() {
		if i == 400 {
			fmt.Fprintf(&b, "…\n")
			break
		}
		fmt.Fprintf(&b, "%8.3f  %s %d\n", r.At.Sub(w.start).Seconds(), r.Procedure, r.Status)
	}
	r := report.Results[0]
	fmt.Fprintf(&b, "--- verdict: %s (exit %d), deployment %q, verified %q, after %s\n%s | %s\n", r.Status, report.ExitCode(), r.DeploymentID, r.Verified, r.Took, r.Error(), r.Advice())
	return b.String()
}
