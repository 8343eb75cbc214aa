package deploy

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
	"dokploy-deploy/internal/wait"
)

func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprintf("%d%s", n, suffix)
}

// explainOutage says why Dokploy could not be reached, and for how long.
func explainOutage(err error) (verdict.Reason, verdict.Hint) {
	what, hint := dokploy.Explain(err)
	why := verdict.Reason{Kind: verdict.Answered, Text: what}
	switch {
	case dokploy.Denied(err):
		why.Kind = verdict.KeyDenied
	case dokploy.Refused(err):
		why.Kind = verdict.KeyRefused
	}
	var ue *wait.UnreachableError
	if errors.As(err, &ue) {
		what, hint = dokploy.Explain(ue.Err)
		why = verdict.Reason{Kind: verdict.Answered, Text: what}
		switch {
		case dokploy.Refused(ue.Err):
			why = verdict.Reason{Kind: verdict.KeyRefusedLater, For: ue.For}
		case ue.For >= time.Second:
			why = verdict.Reason{Kind: verdict.NotReachable, Text: what, For: ue.For}
		}
	}
	return why, verdict.Hint(hint)
}

// usual is the median duration of the earlier successful deployments; zero if
// there are none.
func usual(rows []dokploy.Deployment) time.Duration {
	var took []time.Duration
	for _, r := range rows {
		if r.Status == dokploy.StatusDone && !r.StartedAt.IsZero() && r.FinishedAt.After(r.StartedAt) {
			took = append(took, r.FinishedAt.Sub(r.StartedAt))
		}
	}
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[len(took)/2]
}
