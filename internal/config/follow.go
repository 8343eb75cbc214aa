package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Follow says which deployment to follow. Dokploy starts it by itself.
type Follow struct {
	Commit       string // 7 to 64 lowercase hex digits
	Preview      int    // number of the pull request whose preview to follow; 0: follow the services themselves
	StartTimeout time.Duration
	SkipIfNone   bool // a setting that explains why there is no deployment makes it skipped, not failed
}

// follow is the operation that starts nothing.
const follow = "follow"

// onlyFollowing are the inputs that need the operation follow.
var onlyFollowing = []string{"commit", "preview", "start-timeout", "if-none"}

// notFollowing are the inputs that say what to start, or how. With follow
// nothing is started.
var notFollowing = []string{"image", "env", "env-mode", "compose-file", "source", "build-args", "build-secrets", "rollback", "title", "description"}

var hash = regexp.MustCompile(`^[0-9a-f]{7,64}$`)

// parseCommit parses the hash of a commit, whole or abbreviated.
func parseCommit(v string) (string, error) {
	short := strings.ToLower(v)
	switch {
	case hash.MatchString(short) && strings.Trim(short, "0") == "":
		return "", fmt.Errorf("%s stands for no commit: Git hosts send it where a branch is new or was deleted", quote(v))
	case hash.MatchString(short):
		return short, nil
	}
	return "", fmt.Errorf("%s is not the hash of a commit, which is 7 to 64 hex digits; in CI leave it empty for the commit of the run", quote(v))
}

// parsePreview parses the number of a pull request. "auto" is the run's own.
func parsePreview(v, ofRun string) (number int, note string, err error) {
	if strings.EqualFold(v, "auto") {
		if ofRun == "" {
			return 0, "", errors.New("auto is the pull request of the CI run, and this run is about none; give its number, or run the step for pull requests only")
		}
		if number, err = strconv.Atoi(ofRun); err != nil || number < 1 {
			return 0, "", fmt.Errorf("auto is the pull request of the CI run, and %s is no number of one; give it", quote(ofRun))
		}
		return number, "", nil
	}
	digits, marked := strings.CutPrefix(v, "#")
	if number, err = strconv.Atoi(digits); err != nil || number < 1 || digits[0] == '+' {
		return 0, "", fmt.Errorf("%s is neither auto nor the number of a pull request", quote(v))
	}
	if marked {
		note = fmt.Sprintf("taken to mean %d", number)
	}
	return number, note, nil
}

// following reads the inputs of follow, and refuses those that would start a
// deployment.
func (l *loader) following() *Follow {
	f := &Follow{Commit: parse(l, "commit", parseCommit)}
	f.Preview = parse(l, "preview", func(v string) (int, error) {
		number, note, err := parsePreview(v, l.facts.PullRequest)
		l.note("preview", note)
		return number, err
	})
	f.StartTimeout = parse(l, "start-timeout", parseDuration)
	f.SkipIfNone = parse(l, "if-none", oneOf("fail", "skip")) == "skip"
	if l.config.Operation != follow {
		l.withoutFollow()
		return nil
	}
	for _, input := range notFollowing {
		switch {
		case l.given(input) == "", input == "rollback" && !l.config.Rollback: // also neither true nor false
		case input == "env-mode" && l.config.EnvMode != "replace":
		default:
			l.problems = without(l.problems, input)
			l.problem(input, "cannot be combined with operation: follow, which starts nothing")
		}
	}
	if strings.EqualFold(l.given("wait"), "false") {
		l.problem("wait", "false cannot be combined with operation: follow, which does nothing but wait")
	}
	for _, input := range []string{"max-parallel", "fail-fast"} {
		if v := l.given(input); v != "" && !strings.EqualFold(v, "false") && l.valid(input) {
			l.note(input, "has no effect with operation: follow: all services are watched from the start")
		}
	}
	if f.Commit == "" && l.valid("commit") {
		f.Commit = strings.ToLower(l.facts.Commit)
		which := "which commit it is for"
		if f.Preview != 0 { // of a merged pull request the other is the merge
			f.Commit, which = strings.ToLower(l.facts.Head), "which commit is the pull request's newest"
		}
		switch {
		case hash.MatchString(f.Commit):
		case l.facts.Checkout == "": // not on a CI host
			l.problem("commit", "is required outside CI: give the hash of the commit whose deployment is meant, as git rev-parse HEAD prints it")
		default:
			l.problem("commit", "is not set, and this CI run does not say "+which+"; give its hash")
		}
	}
	if l.given("start-timeout") != "" && l.valid("start-timeout") && l.valid("timeout") && f.StartTimeout > l.config.Timeout {
		l.note("start-timeout", fmt.Sprintf("%s is more than timeout (%s), which cuts it short", l.given("start-timeout"), l.value("timeout")))
	}
	if l.given("preview") != "" && l.given("compose") != "" {
		l.problem("preview", "is for applications, and compose names a service that has no previews: follow it in a step of its own")
	}
	return f
}

// withoutFollow refuses inputs that would have no effect. A DOKPLOY_ variable
// may be meant for another job, so it only gets a warning.
func (l *loader) withoutFollow() {
	for _, input := range onlyFollowing {
		const text = "is for operation: follow"
		v := l.values[input]
		if v.text == "" {
			continue
		}
		l.problems = without(l.problems, input) // it is not what is wrong
		switch {
		case strings.HasPrefix(v.variable, "DOKPLOY_"):
			l.note(input, fmt.Sprintf("%s %s, and has no effect here", v.variable, text))
		case l.valid("operation"):
			l.problem(input, text+", which is not set; without it the step starts a deployment of its own")
		}
	}
}

// without returns the problems that are not about the input.
func without(problems []Problem, input string) []Problem {
	var out []Problem
	for _, p := range problems {
		if p.Input != input {
			out = append(out, p)
		}
	}
	return out
}
