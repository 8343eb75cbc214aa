package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// bench runs tests with a rule taken away.
type bench struct {
	dir     string            // for binaries
	overlay string            // files as the compiler sees them
	built   map[string]string // test binaries by package
	passed  map[tests]bool    // with all rules in place
}

func newBench(dir string, files map[string]string) (*bench, error) {
	replace := map[string]string{}
	for name, text := range files {
		original, err := filepath.Abs(name)
		if err != nil {
			return nil, err
		}
		replace[original] = filepath.Join(dir, fmt.Sprintf("%d.go", len(replace)))
		if err := os.WriteFile(replace[original], []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, err
	}
	b := &bench{dir: dir, overlay: filepath.Join(dir, "overlay.json"), built: map[string]string{}, passed: map[tests]bool{}}
	return b, os.WriteFile(b.overlay, overlay, 0o600)
}

// build builds the tests of a package, once.
func (b *bench) build(ctx context.Context, pkg string) (string, error) {
	if b.built[pkg] == "" {
		file := filepath.Join(b.dir, filepath.Base(pkg)+".test")
		out, err := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-overlay="+b.overlay, "-o="+file, "./"+pkg).CombinedOutput() //nolint:gosec // the packages are named above
		if err != nil {
			return "", fmt.Errorf("the tests of %s were not built: %w\n%s", pkg, err, out)
		}
		b.built[pkg] = file
	}
	return b.built[pkg], nil
}

// run runs tests with a rule taken away; empty: with all rules. It returns the
// test that failed; empty if none did.
func (b *bench) run(ctx context.Context, t tests, away string) (string, error) {
	file, err := b.build(ctx, t.pkg)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, file, "-test.failfast", "-test.timeout=10m", "-test.run="+t.run, "-test.skip="+t.skip) //nolint:gosec // built above
	cmd.Dir, cmd.Env = t.pkg, append(os.Environ(), awayVariable+"="+away)
	out, err := cmd.CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err == nil && strings.Contains(string(out), "no tests to run"):
		return "", fmt.Errorf("%s has no test %s", t.pkg, t.run)
	case err == nil:
		return "", nil
	}
	if missed := firstFailure(out); missed != "" {
		return missed, nil
	}
	return "", fmt.Errorf("the tests did not run: %w\n%s", err, out)
}

// takeAway runs a rule's tests without it. It returns the test that missed it;
// empty if none did.
func (b *bench) takeAway(ctx context.Context, r rule) (missed string, err error) {
	for _, t := range r.tests {
		if !b.passed[t] {
			switch failed, err := b.run(ctx, t, ""); {
			case err != nil:
				return "", err
			case failed != "":
				return "", errors.New(failed + " fails before any rule is removed")
			}
			b.passed[t] = true
		}
		if missed, err = b.run(ctx, t, r.name); err != nil || missed != "" {
			return missed, err
		}
	}
	return "", nil
}

var (
	failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	panicked   = regexp.MustCompile(`(?m)^(panic: .*|fatal error: .*)$`)
)

// firstFailure returns the first test that failed, or what else ended the
// tests.
func firstFailure(out []byte) string {
	if m := failedTest.FindAllSubmatch(out, -1); m != nil {
		// The deepest name says most: a subtest, or what it calls the case.
		slices.SortStableFunc(m, func(a, b [][]byte) int { return strings.Count(string(b[1]), "/") - strings.Count(string(a[1]), "/") })
		return string(m[0][1])
	}
	if m := panicked.FindSubmatch(out); m != nil {
		return string(m[1])
	}
	return ""
}
