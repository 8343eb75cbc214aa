package deploy

import (
	"context"
	"fmt"
	"strings"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/track"
)

// place is a waiting job's position, and what is being built ahead of it.
type place struct {
	number   int
	building []building
}

// building is one build that a waiting job has to wait for.
type building struct {
	job   dokploy.Job
	name  string
	since time.Time // by the clock of Dokploy's process; zero: unknown
}

// placeOf adds names to what the tracker has seen.
func (t target) placeOf(p track.Place) place {
	named := place{number: p.Number}
	for _, j := range p.Building {
		named.building = append(named.building, building{j, t.serviceName(&j), j.ProcessedOn})
	}
	return named
}

// serviceName names a job's service.
func (t target) serviceName(j *dokploy.Job) string {
	switch {
	case j.ServiceID == t.deploys():
		return "an earlier deployment of " + t.name
	case j.PreviewOf == t.service.ID:
		return number(t.service.PullRequest == 0, "a preview of ", "another preview of ") + text.OneLine(t.service.Name)
	case t.service.PullRequest != 0 && j.ServiceID == t.service.ID:
		return text.OneLine(t.service.Name)
	case t.paths[j.PreviewOf] != "":
		return "a preview of " + text.OneLine(t.paths[j.PreviewOf])
	case t.paths[j.ServiceID] != "":
		return text.OneLine(t.paths[j.ServiceID])
	case j.Kind == dokploy.Compose:
		return "another compose service"
	}
	return "another " + string(j.Kind)
}

// deploys returns the id of what is deployed: the service's, or the preview's own.
func (t target) deploys() string {
	if t.service.PullRequest != 0 {
		return t.service.PreviewID
	}
	return t.service.ID
}

// took returns how long it has been building at the server's time now; zero:
// unknown, or less than a second.
func (b building) took(now time.Time) time.Duration {
	if now.IsZero() || b.since.IsZero() || now.Sub(b.since) < time.Second {
		return 0
	}
	return now.Sub(b.since)
}

// text describes the place at the server's time now; zero: without durations.
func (p place) text(now time.Time) string {
	line := "queued, next in line"
	if p.number > 1 {
		line = fmt.Sprintf("queued, %s in line", ordinal(p.number))
	}
	var names []string
	for _, b := range p.building {
		name := b.name
		if took := b.took(now); took > 0 {
			name += ", for " + text.Duration(took)
		}
		names = append(names, name)
	}
	if len(names) > 0 {
		line += "; building now: " + strings.Join(names, " and ")
	}
	return line
}

// waitsFor says what it waits for, and for how long that has been building;
// empty: for nothing that can be seen.
func (p place) waitsFor(now time.Time) string {
	var waits []string
	for _, b := range p.building {
		what := b.name
		switch took := b.took(now); {
		case took > 0:
			what += ", which has been building for " + text.Duration(took)
		default:
			what += ", which is building"
		}
		waits = append(waits, what)
	}
	if n := p.number - 1; n > 0 {
		waits = append(waits, fmt.Sprintf("%d %s ahead of it in line", n, number(n == 1, "other", "others")))
	}
	return strings.Join(waits, ", and for ")
}

// farBeyond returns the duration from which a build takes far longer than
// usual.
func farBeyond(typical time.Duration) time.Duration { return max(2*typical, typical+time.Minute) }

// late says that a build takes far longer than usual; empty: it does not, or
// that is unknown.
func (b building) late(typical time.Duration, now time.Time) string {
	took := b.took(now)
	if typical <= 0 || took < farBeyond(typical) {
		return ""
	}
	return fmt.Sprintf("%s, which is ahead, has been building for %s; it usually takes %s", b.name, text.Duration(took), text.Duration(typical))
}

// ahead is what is known about the builds that a waiting job has to wait for,
// by job.
type ahead struct {
	typical map[string]time.Duration // zero: unknown
	told    map[string]bool
}

// askAfter is how long a build ahead must take before its typical duration
// matters: none is far beyond it sooner.
const askAfter = time.Minute

// look reports once, for each build ahead, that it takes far longer than usual.
// It asks for each one's earlier deployments once. own is how long the target
// itself usually takes.
func (a *ahead) look(ctx context.Context, t target, own time.Duration, p place, now time.Time) string {
	if a.typical == nil {
		a.typical, a.told = map[string]time.Duration{}, map[string]bool{}
	}
	for _, b := range p.building {
		key := b.job.Key()
		if a.told[key] || b.took(now) < askAfter {
			continue
		}
		typical, asked := a.typical[key]
		if !asked {
			typical = t.typicalDurationOf(ctx, &b.job, own)
			a.typical[key] = typical
		}
		if text := b.late(typical, now); text != "" {
			a.told[key] = true
			return text
		}
	}
	return ""
}

// typicalDurationOf returns how long a job's service usually takes; zero:
// unknown. A key may not be allowed to see another service's deployments, and
// nothing depends on it.
func (t target) typicalDurationOf(ctx context.Context, j *dokploy.Job, own time.Duration) time.Duration {
	if j.ServiceID == t.deploys() {
		return own
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	rows, err := t.client.Deployments(ctx, j.Kind, j.ServiceID)
	if err != nil {
		return 0
	}
	return typicalDuration(rows)
}
