package rollout_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploytest"
	"dokploy-deploy/internal/rollout"
)

const stableFor = 10 * time.Second

var (
	owner     = rights{name: "owner", docker: true}
	member    = rights{name: "member"}
	oldOwner  = rights{name: "owner of v0.25", docker: true, old: true}
	oldMember = rights{name: "member of v0.25", old: true}
)

// Why a view may reach the end of a recording without a verdict.
const (
	// failing: the service had been failing within the minute before the
	// deployment (or swarm had just restored it), so a member cannot tell the
	// tries of the old version from those of the new one.
	failing = "was failing before"
	// places: swarm has no place for the task; there is no container to see.
	places = "a task without a container"
	// rejected: an image that does not exist makes no container; a member sees
	// it only in the moments when the rejected task should run.
	rejected = "a task that is rejected at once"
	// health: v0.25 does not show health, and no update by swarm vouches for
	// it: a first deployment, stop-first, or a switch that was not seen.
	health = "health is not shown"
	// how: v0.25 does not show how a task ended, and it ended only once.
	how = "how it ended is not shown"
	// restarts: v0.25 does not show whether containers restart.
	restarts = "restarts are not shown"
	// slow: at the slowest rhythm the recording ends first.
	slow = "recording too short for the slowest rhythm"
)

// expectation is what the truth of a recording says, and who need not see it.
type expectation struct {
	want     rollout.State
	reason   string // part of the reason, with access to Docker
	loops    bool   // the truth still changes when the recording ends
	refused  bool   // Dokploy itself reported an error: nothing is verified, nor may it be
	replicas int    // Dokploy's number, if swarm did not know the service before
	unseen   map[string]string
}

func except(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

const (
	m, om, oo = "member", "member of v0.25", "owner of v0.25"
	ran       = rollout.Running
	same      = rollout.Unchanged
	bad       = rollout.Failed
)

var expectations = map[string]expectation{
	"app-01-first-deploy-v1":              {want: ran, unseen: except(oo, health, om, health)},
	"app-02-same-image-redeploy":          {want: ran, unseen: except(om, health)},
	"app-03-v2-over-v1":                   {want: ran, unseen: except(om, health)},
	"app-04-crash0-over-v2":               {want: bad, reason: "the previous version: task: non-zero exit (1)"},
	"app-05-v2-after-crash":               {want: ran, unseen: except(om, health)},
	"app-06-crash3-over-v2":               {want: bad, reason: "the previous version: task: non-zero exit (1)", unseen: except(om, how)},
	"app-07-v3-after":                     {want: ran, unseen: except(m, failing, om, health)},
	"app-08-crash8-over-v3":               {want: bad, reason: "task: non-zero exit (1)", loops: true, unseen: except(oo, slow, om, slow)},
	"app-09-v2":                           {want: ran, unseen: except(m, failing, om, how)},
	"app-10-badcmd-over-v2":               {want: bad, reason: "no such file or directory", unseen: except(m, failing, om, how)},
	"app-11-v2":                           {want: ran, unseen: except(m, failing, om, health)},
	"app-12-hcok-over-v2":                 {want: ran},
	"app-13-v2":                           {want: ran, unseen: except(om, health)},
	"app-14-hcfail-over-v2":               {want: bad, reason: "the previous version: "},
	"app-15-v2":                           {want: ran, unseen: except(om, health)},
	"app-16-exit0-over-v2":                {want: bad, reason: "the previous version: the process ended with exit code 0", unseen: except(om, how)},
	"app-17-v2":                           {want: ran},
	"app-18-nosuchtag-over-v2":            {refused: true},
	"app-19-v2":                           {want: ran, unseen: except(om, health)},
	"app-20-healthCheckSwarm-ok":          {want: ran},
	"app-21-healthCheckSwarm-fail":        {want: bad, reason: "the previous version: "},
	"app-22-v2":                           {want: ran, unseen: except(om, health)},
	"app-23-crash0-stopfirst-rollback":    {want: bad, reason: "the previous version: task: non-zero exit (1)", unseen: except(om, how)},
	"app-24-v2":                           {want: ran, unseen: except(m, failing, om, health)},
	"app-25-crash0-pause":                 {want: bad, reason: "Swarm paused the update: task: non-zero exit (1)", loops: true},
	"app-26-v3-after-pause":               {want: ran, unseen: except(m, failing, om, health)},
	"app-27-crash0-continue":              {want: bad, reason: "task: non-zero exit (1)", loops: true},
	"app-28-v2-end":                       {want: ran, unseen: except(m, failing, om, health)},
	"app-crash-01-deploy-over-0-replicas": {want: bad, reason: "task: non-zero exit (1)", loops: true},
	"crash-01-first-ever-deploy":          {want: bad, reason: "task: non-zero exit (1)", loops: true},
	"crash-02-crash-over-crash":           {want: bad, reason: "the previous version: task: non-zero exit (1)", loops: true, unseen: except(m, failing)},
	"crash-03-v1-over-crash":              {want: ran, unseen: except(m, failing, om, health)},
	"crash-04-v2-after-stop":              {want: ran, unseen: except(oo, health, om, health)},
	"crash-05-v2-again":                   {want: ran, unseen: except(om, health)},
	"crash-06-crash8-restart-none":        {want: bad, reason: "task: non-zero exit (1)", unseen: except(oo, how, om, how)},
	"docker-ok-01-redeploy":               {want: ran},
	"port-01-first-v1":                    {want: ran, unseen: except(oo, health, om, health)},
	"port-02-v2-pending":                  {want: bad, reason: "Swarm never placed it: no suitable node (host-mode port already in use on 1 node)", unseen: except(m, places, oo, places, om, places)},
	"two-01-first-deploy-v1":              {want: ran, replicas: 2, unseen: except(oo, health, om, health)},
	"two-02-v2-over-v1":                   {want: ran, unseen: except(om, health)},
	"two-03-crash0-over-v2":               {want: bad, reason: "the previous version: task: non-zero exit (1)"},
	"two-04-v3":                           {want: ran, unseen: except(om, health)},
	"two-05-scale-to-3":                   {want: ran, replicas: 3},
	"two-06-crash3":                       {want: bad, reason: "the previous version: task: non-zero exit (1)"},

	"compose-01-first":                 {want: ran, unseen: except(om, restarts)},
	"compose-02-unchanged":             {want: same, unseen: except(om, restarts)},
	"compose-03-v2":                    {want: ran, unseen: except(om, restarts)},
	"compose-04-crash-restart-always":  {want: bad, loops: true, unseen: except(om, restarts)},
	"compose-05-crash0-norestart":      {want: bad, unseen: except(om, how)},
	"compose-06-crash0-restart-always": {want: bad, loops: true},
	"compose-07-hcfail":                {want: bad, unseen: except(om, health)},
	"compose-08-hcok":                  {want: ran, unseen: except(om, restarts)},
	"compose-09-oneshot+web":           {want: ran, unseen: except(om, how)},
	"compose-10-depends-unhealthy":     {refused: true},
	"compose-11-oneshot-fails-depends": {refused: true},
	"compose-12-web-x2+restored":       {want: ran, unseen: except(om, restarts)},
	"compose-13-one-of-two":            {want: ran, unseen: except(om, restarts)},

	"stack-01-first":           {want: ran, unseen: except(oo, health, om, health)},
	"stack-02-unchanged":       {want: same, unseen: except(oo, health)},
	"stack-03-v2":              {want: ran, unseen: except(om, health)},
	"stack-04-crash3":          {want: bad, reason: "Swarm paused the update: task: non-zero exit (1)", loops: true, unseen: except(om, slow)},
	"stack-05-v3":              {want: ran, unseen: except(m, failing, om, health)},
	"stack-06-crash3-rollback": {want: bad, reason: "the previous version: task: non-zero exit (1)", unseen: except(m, failing, om, how)},
	"stack-07-oneshot":         {want: ran, unseen: except(m, failing, oo, how, om, how)},
	"stack-08-hcfail":          {want: bad, reason: "Swarm paused the update: ", loops: true, unseen: except(m, failing, om, how)},
	"stack-09-v2-end":          {want: ran, unseen: except(m, failing, om, health)},
	"stack-10-nosuchimage":     {want: bad, reason: "No such image: 127.0.0.1:5000/r2-app:nope", loops: true, unseen: except(m, rejected, om, rejected)},
	"stack-11-v2":              {want: ran, unseen: except(om, health)},
}

func (rec *recording) judge(who rights, e expectation) rollout.Judge {
	switch before := (rollout.Before{View: rec.first(who)}); {
	case strings.HasPrefix(rec.name, "compose-"):
		return rollout.NewCompose(before, false, stableFor)
	case strings.HasPrefix(rec.name, "stack-"):
		return rollout.NewStack(rec.names, before, stableFor)
	default:
		replicas := e.replicas
		if s := rec.before.Services[rec.app]; replicas == 0 && s != nil {
			replicas = s.Replicas
		}
		return rollout.NewApplication(rec.app, max(1, replicas), before, stableFor)
	}
}

// replay looks at a recording at regular intervals, from done on, until the
// judge knows, and returns the verdict and its time. Every look is compared
// with what is expected.
func (rec *recording) replay(t *testing.T, who rights, e expectation, every, phase time.Duration) (v rollout.Verdict, at time.Duration) {
	judge := rec.judge(who, e)
	last := rec.done + 100*time.Second
	if e.loops {
		last = rec.end
	}
	for at = rec.done + phase; at <= last; at += every {
		v = judge.Look(rec.at(at, who))
		if (v.State == ran || v.State == same) && (e.want != v.State || e.refused) || v.State == bad && e.want != bad && !e.refused {
			t.Errorf("every %s after %s: wrong verdict %v at %s: %s", every, phase, v.State, at, v.Reason)
		}
		if v.State == rollout.Undecided && v.Final || v.State != bad && v.State != rollout.Undecided && !v.Final {
			t.Errorf("%v at %s, final %v", v.State, at, v.Final)
		}
		if v.State != rollout.Undecided && v.Reason == "" && v.State != ran && v.State != same {
			t.Errorf("%v at %s without a reason", v.State, at)
		}
		if v.Final {
			break
		}
	}
	return v, at
}

// rhythms returns the intervals between looks: with the race detector only the
// slowest, as a judge has no goroutines.
func rhythms() []time.Duration {
	if dokploytest.RaceDetector() {
		return []time.Duration{5 * time.Second}
	}
	return []time.Duration{300 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second}
}

// phases returns four starting points for a rhythm, so that looks come before
// and after each change.
func phases(every time.Duration) []time.Duration {
	return []time.Duration{0, every / 4, every / 2, 3 * every / 4}
}

func recorded(t *testing.T) []*recording {
	files, err := filepath.Glob(recordings + "/*.jsonl")
	if err != nil || len(files) != len(expectations) {
		t.Fatalf("%d recordings for %d expectations, %v", len(files), len(expectations), err)
	}
	r := newReader(t)
	var recs []*recording
	for _, file := range files {
		recs = append(recs, r.load(t, file))
	}
	return recs
}

func TestReplayEveryRecording(t *testing.T) {
	var (
		mu     sync.Mutex
		counts = map[string]int{}
	)
	for _, rec := range recorded(t) {
		e, ok := expectations[rec.name]
		if !ok {
			t.Errorf("nothing is expected of %s", rec.name)
			continue
		}
		if refused := rec.status == "error"; refused != e.refused {
			t.Errorf("%s: Dokploy said %s", rec.name, rec.status)
		}
		for _, who := range []rights{owner, member, oldOwner, oldMember} {
			if who.docker && strings.HasPrefix(rec.name, "compose-") {
				continue // judged by containers alone, which everybody may see
			}
			t.Run(rec.name+"/"+who.name, func(t *testing.T) {
				t.Parallel()
				why := e.unseen[who.name]
				used := e.refused
				for _, every := range rhythms() {
					for _, phase := range phases(every) {
						v, at := rec.replay(t, who, e, every, phase)
						mu.Lock()
						counts[fmt.Sprintf("%s: %v", who.name, v.State)]++
						mu.Unlock()
						switch {
						case e.refused, v.State == e.want && (who != owner || strings.Contains(v.Reason, e.reason)):
						case v.State == e.want:
							t.Errorf("every %s after %s: the reason is %q, want %q in it", every, phase, v.Reason, e.reason)
						case why == "" || v.State == ran || v.State == same || v.State == bad:
							t.Errorf("every %s after %s: %v at %s, want %v: %s", every, phase, v.State, at, e.want, v.Reason)
						default:
							used = true
						}
					}
				}
				if why != "" && !used && !dokploytest.RaceDetector() {
					t.Errorf("always %v, so %q is no reason not to see it", e.want, why)
				}
			})
		}
	}
	t.Cleanup(func() {
		var lines []string
		for k, n := range counts {
			lines = append(lines, fmt.Sprintf("%s %d", k, n))
		}
		slices.Sort(lines)
		t.Log(strings.Join(lines, "; "))
	})
}

// The table agrees with the truth of each recording.
func TestExpectationsAreTheTruth(t *testing.T) {
	for _, rec := range recorded(t) {
		e := expectations[rec.name]
		if e.refused {
			continue
		}
		last := rec.truths[len(rec.truths)-1]
		broken := slices.ContainsFunc(last.lines, func(l string) bool {
			return strings.Contains(l, "no suitable node") || rec.isNew(l) &&
				(strings.Contains(l, " Failed ") || strings.Contains(l, " Rejected ") || strings.Contains(l, " Complete ") && !strings.Contains(l, "_migrate."))
		})
		if strings.HasPrefix(rec.name, "compose-") {
			for _, at := range rec.truths {
				broken = broken || slices.ContainsFunc(at.lines, func(l string) bool {
					return rec.isNew(l) && (strings.Contains(l, "Restarting") || strings.Contains(l, "(unhealthy)") || strings.Contains(l, "Exited (1)"))
				})
			}
		}
		for _, u := range last.updates {
			state, _, _ := strings.Cut(u, " ")
			broken = broken || strings.HasPrefix(state, "rollback") || state == "paused"
		}
		if broken != (e.want == bad) {
			t.Errorf("%s: the table says %v, the truth ends with %q, %v", rec.name, e.want, last.lines, last.updates)
		}
	}
}

func (rec *recording) isNew(line string) bool {
	for _, task := range rec.before.Tasks {
		if strings.HasPrefix(line, task.ID) {
			return false
		}
	}
	for _, container := range rec.before.Containers {
		if strings.HasPrefix(line, container.ID) {
			return false
		}
	}
	return true
}

// A healthy service with one replica is confirmed within stable-for plus 2 s
// after swarm's own verdict, with a look every second.
func TestTimeToConfirm(t *testing.T) {
	var worst time.Duration
	var of string
	n := 0
	for _, rec := range recorded(t) {
		e := expectations[rec.name]
		if e.want != ran || e.refused || e.replicas > 1 || strings.HasPrefix(rec.name, "two-") || strings.HasPrefix(rec.name, "compose-") {
			continue
		}
		swarms := rec.truths[len(rec.truths)-1].at
		for _, phase := range phases(time.Second) {
			v, at := rec.replay(t, owner, e, time.Second, phase)
			if v.State != ran {
				t.Errorf("%s: %v, %s", rec.name, v.State, v.Reason)
				continue
			}
			n++
			if took := at - swarms; took > worst {
				worst, of = took, rec.name
			}
			if took := at - max(swarms, rec.done); took > stableFor+2*time.Second {
				t.Errorf("%s: confirmed %s after swarm's verdict", rec.name, took)
			}
		}
	}
	if n < 80 {
		t.Errorf("%d replays only", n)
	}
	t.Logf("%d replays; the longest took %s after swarm's own verdict (%s)", n, worst, of)
}
