package deploy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
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

// typicalDuration returns the median duration of the earlier successful
// deployments; zero if there are none.
func typicalDuration(rows []dokploy.Deployment) time.Duration {
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

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// unwrapped returns the innermost words of an error.
func unwrapped(err error) string {
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return strings.TrimSpace(fmt.Sprint(err))
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func lineCount(text string) int {
	return strings.Count(strings.TrimRight(text, "\n"), "\n") + 1
}

// size formats a number of bytes for people.
func size(n int64) string {
	switch {
	case n < 1000:
		return count(int(n), "byte")
	case n < 1_000_000:
		return fmt.Sprintf("%d kB", (n+500)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

func have(n int) string { return number(n == 1, "has", "have") }

func are(n int) string { return number(n == 1, "is", "are") }

func was(n int) string { return number(n == 1, "was", "were") }

func number(one bool, singular, plural string) string {
	if one {
		return singular
	}
	return plural
}
