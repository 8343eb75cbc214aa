// Rules takes away one rule of the program after the other and sees a test
// fail each time. A rule is a row of a table of rules or kinds, or a case or an
// if that carries its name:
//
//	{"two-candidates", (*sight).twoCandidates},
//	if s.queueErrors++; s.queueErrors >= 3 { //rule:barred-queue
//
// A row is taken away whole, and a condition is made false, in copies that only
// the compiler sees: in them each rule has a switch, so that the tests are built
// once. A rule that no test misses is printed as SURVIVED, and the
// exit code is 1.
//
//	go run ./internal/rules             all rules
//	go run ./internal/rules -list       their names and places
//	go run ./internal/rules -only NAME  one of them, or NAME,NAME
//	go run ./internal/rules -quick      by the quick tests alone
//	go run ./internal/rules -sample 3   as many, another choice each day
package main

import (
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

// tests is a selection of a package's tests.
type tests struct {
	pkg       string
	run, skip string // as for go test; empty: all, and none
}

// guarded lists the packages that contain rules, and the tests that guard them.
// Quick ones come first: they test the rules without a server.
var guarded = []struct {
	dir   string
	tests []tests
}{
	{"internal/track", []tests{{pkg: "internal/track"}, onStandIn, schedules}},
	{"internal/deploy", []tests{{pkg: "internal/deploy", run: ofItsRules}, onStandIn, schedules}},
	{"internal/rollout", []tests{{pkg: "internal/rollout"}, onStandIn, schedules}},
}

// ofItsRules are the tests of internal/deploy that test its rules without a
// server, or only briefly with the stand-in.
const ofItsRules = "^(TestRule|TestWayBackIsTheTable|TestImage|TestNoWayBack|TestPriorNewer|" +
	"TestRollback|TestDokploysOwnRollback|TestNothingWasSet|TestAnotherImageRuns|TestStoppedByHand|TestWhatOthersReplaced|TestFollowVerifiesWhatWasMadeSince)"

var (
	onStandIn = tests{pkg: "internal/deploy", skip: "Schedule"}
	schedules = tests{pkg: "internal/deploy", run: "Schedule"}
)

func main() {
	list := flag.Bool("list", false, "list the rules, and remove none")
	only := flag.String("only", "", "remove only the rules with these `names`, separated by commas")
	quick := flag.Bool("quick", false, "run only the quick tests")
	sample := flag.Int("sample", 0, "remove `n` rules, chosen by the date")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *list, *quick, *only, *sample)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, list, quick bool, only string, sample int) error {
	rules, files, err := allRules(quick)
	if err != nil {
		return err
	}
	if only != "" {
		if rules, err = named(rules, strings.Split(only, ",")); err != nil {
			return err
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
	return takeAway(ctx, rules, files)
}

// allRules finds the rules of all packages, each with the tests that guard it, and
// the files in which they can be taken away.
func allRules(quick bool) ([]rule, map[string]string, error) {
	var rules []rule
	files := map[string]string{}
	for _, g := range guarded {
		found, replaced, err := rulesIn(g.dir)
		if err != nil {
			return nil, nil, err
		}
		maps.Copy(files, replaced)
		for i := range found {
			found[i].tests = g.tests
			if quick {
				found[i].tests = g.tests[:1]
			}
		}
		rules = append(rules, found...)
	}
	return rules, files, unique(rules)
}

// takeAway takes away one rule after the other. It is an error that one is not
// missed.
func takeAway(ctx context.Context, rules []rule, files map[string]string) error {
	dir, err := os.MkdirTemp("", "rules-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // temporary
	b, err := newBench(dir, files)
	if err != nil {
		return err
	}
	survived := 0
	for _, r := range rules {
		missed, err := b.takeAway(ctx, r)
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
		return fmt.Errorf("%d of %d rules can be removed without a failing test", survived, len(rules))
	}
	return nil
}

// unique checks that no two rules have the same name.
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

// named returns the rules with these names.
func named(rules []rule, names []string) (found []rule, err error) {
	for _, name := range names {
		i := slices.IndexFunc(rules, func(r rule) bool { return r.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no rule %q; -list shows them all", name)
		}
		found = append(found, rules[i])
	}
	return found, nil
}

// ofTheDay picks n rules, others each day.
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
