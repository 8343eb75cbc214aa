// Rules takes away one rule of the program after the other and sees a test
// fail each time. A rule is a row of a table of rules or kinds, or a case or an
// if that carries its name:
//
//	{"two-candidates", (*sight).twoCandidates},
//	if s.barred++; s.barred >= 3 { //rule:barred-queue
//
// A row is taken away whole, and a condition is made false, in a copy that only
// the compiler sees. A rule that no test misses is printed as SURVIVED, and the
// exit code is 1.
//
//	go run ./internal/rules             all rules
//	go run ./internal/rules -list       their names and places
//	go run ./internal/rules -only NAME  one of them
//	go run ./internal/rules -sample 3   as many, another choice each day
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// guarded are the packages that hold rules, and the tests that guard them, as
// arguments of go test. The quick ones come first: they ask the rules without a
// server.
var guarded = []struct {
	dir   string
	tests [][]string
}{
	{"internal/track", [][]string{{"./internal/track"}, {"./internal/deploy"}}},
	{"internal/deploy", [][]string{{"./internal/deploy"}}},
	{"internal/rollout", [][]string{{"./internal/rollout"}, {"./internal/deploy"}}},
}

func main() {
	list := flag.Bool("list", false, "print the rules, and take none away")
	only := flag.String("only", "", "the `name` of the only rule to take away")
	sample := flag.Int("sample", 0, "take away `n` rules, chosen by the day")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *list, *only, *sample)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, list bool, only string, sample int) error {
	var rules []rule
	for _, g := range guarded {
		found, err := rulesIn(g.dir)
		if err != nil {
			return err
		}
		for i := range found {
			found[i].tests = g.tests
		}
		rules = append(rules, found...)
	}
	if err := unique(rules); err != nil {
		return err
	}
	if only != "" {
		rules = slices.DeleteFunc(rules, func(r rule) bool { return r.name != only })
		if len(rules) == 0 {
			return fmt.Errorf("there is no rule %q: -list prints them", only)
		}
	}
	if sample > 0 {
		rules = ofTheDay(rules, sample, time.Now())
	}
	if list {
		for _, r := range rules {
			fmt.Printf("%-28s %s:%d\n", r.name, r.file, r.line)
		}
		return nil
	}
	survived := 0
	for _, r := range rules {
		missed, err := takeAway(ctx, r)
		switch {
		case err != nil:
			return fmt.Errorf("%s (%s:%d): %w", r.name, r.file, r.line, err)
		case missed == "":
			survived++
			fmt.Printf("%-28s SURVIVED (%s:%d)\n", r.name, r.file, r.line)
		default:
			fmt.Printf("%-28s %s\n", r.name, missed)
		}
	}
	if survived > 0 {
		return fmt.Errorf("%d of %d rules can be taken away without a test failing", survived, len(rules))
	}
	return nil
}

// unique makes sure that a name is that of one rule.
func unique(rules []rule) error {
	at := map[string]rule{}
	for _, r := range rules {
		if other, ok := at[r.name]; ok {
			return fmt.Errorf("two rules are called %s: %s:%d and %s:%d", r.name, other.file, other.line, r.file, r.line)
		}
		at[r.name] = r
	}
	return nil
}

// ofTheDay chooses n rules, others on other days.
func ofTheDay(rules []rule, n int, day time.Time) []rule {
	rank := func(r rule) uint64 {
		h := fnv.New64a()
		_, _ = h.Write([]byte(day.Format(time.DateOnly) + r.name))
		return h.Sum64()
	}
	slices.SortFunc(rules, func(a, b rule) int {
		if rank(a) < rank(b) {
			return -1
		}
		return 1
	})
	return rules[:min(n, len(rules))]
}

var (
	failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	panicked   = regexp.MustCompile(`(?m)^(panic: .*|fatal error: .*)$`)
)

// takeAway runs the tests without a rule. It returns the test that missed it;
// empty if none did.
func takeAway(ctx context.Context, r rule) (string, error) {
	dir, err := os.MkdirTemp("", "rules-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // temporary
	copied := filepath.Join(dir, "without.go")
	if err := os.WriteFile(copied, r.without, 0o600); err != nil {
		return "", err
	}
	original, err := filepath.Abs(r.file)
	if err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{original: copied}})
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		return "", err
	}
	args := []string{"test", "-vet=off", "-failfast", "-timeout=10m", "-overlay=" + file}
	var out []byte
	for _, more := range r.tests {
		out, err = exec.CommandContext(ctx, "go", slices.Concat(args, more)...).CombinedOutput() //nolint:gosec // the packages are named above
		if err != nil {
			break
		}
	}
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err == nil:
		return "", nil
	}
	if m := failedTest.FindAllSubmatch(out, -1); m != nil {
		// The deepest one says most: a test, or what it calls the case.
		slices.SortStableFunc(m, func(a, b [][]byte) int { return strings.Count(string(b[1]), "/") - strings.Count(string(a[1]), "/") })
		return string(m[0][1]), nil
	}
	if m := panicked.FindSubmatch(out); m != nil {
		return string(m[1]), nil
	}
	return "", fmt.Errorf("the tests did not run:\n%s", out)
}
