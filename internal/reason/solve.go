package reason

import (
	"slices"
	"strconv"
	"strings"
)

// solveError returns what follows "failed to solve: " in BuildKit's final
// error. That stands at the start of the line, after "failed to build: " since
// buildx 0.26, and after "target web: " if there are several builds. Docker's
// own command (20.10) sometimes omits it.
func solveError(text string) (target, said string, ok bool) {
	rest := strings.TrimPrefix(text, "ERROR: ")
	rest = strings.TrimPrefix(rest, "failed to build: ")
	if name, after, found := strings.Cut(rest, ": "); found {
		if name, found = word(name, "target "); found {
			target, rest = name, after
		}
	}
	if said, ok = strings.CutPrefix(rest, "failed to solve: "); ok {
		return target, said, true
	}
	ok = strings.HasPrefix(rest, executorFailed) || strings.HasPrefix(rest, "process ") && strings.Contains(rest, processFailed)
	return target, rest, ok
}

// runsOn reports whether the error continues in a later line.
func runsOn(said string) bool {
	i := strings.Index(said, executorFailed)
	return i >= 0 && !strings.Contains(said[i:], "]: ") && len(said) < lineLimit
}

// executed parses the error of a command that was run,
//
//	process "/bin/sh -c npm ci" did not complete successfully: exit code: 1
//	executor failed running [/bin/sh -c npm ci]: exit code: 1
//
// and returns the command, and how it ended.
func executed(said string) (command, ended string, ok bool) {
	if i := strings.Index(said, executorFailed); i >= 0 {
		rest := said[i+len(executorFailed):]
		if j := strings.LastIndex(rest, "]: "); j >= 0 {
			return shellCommand(rest[:j]), rest[j+len("]: "):], true
		}
	}
	i := strings.LastIndex(said, processFailed)
	if i < 0 {
		return "", "", false
	}
	if _, quoted, found := strings.Cut(said[:i], "process "); found {
		quoted = strings.TrimSpace(quoted)
		if text, err := strconv.Unquote(quoted); err == nil {
			quoted = commands(text)
		}
		command = shellCommand(quoted)
	}
	return command, said[i+len(processFailed):], true
}

// commands joins the lines of a script.
func commands(script string) string {
	var lines []string
	for line := range strings.SplitSeq(strings.Trim(script, "\n"), "\n") {
		if line = plain([]byte(line)); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}

// shellCommand strips the shell from a command.
func shellCommand(s string) string {
	for _, shell := range []string{"/bin/sh -c ", "/bin/bash -c ", "sh -c ", "bash -c "} {
		if rest, ok := strings.CutPrefix(s, shell); ok {
			return rest
		}
	}
	return s
}

// exitCode parses how a command ended: an exit code, or something else.
func exitCode(ended string) (code int, cause string) {
	if rest, ok := strings.CutPrefix(ended, "exit code: "); ok {
		digits, _, _ := strings.Cut(rest, ":")
		if n, ok := number(strings.TrimSpace(digits)); ok && n > 0 {
			return n, ""
		}
	}
	return 0, ended
}

// parseError parses the error of an invalid Dockerfile. Its wording differs by
// version: "on line 2" and "line 2".
func parseError(said string) (cause string, line int, ok bool) {
	_, rest, ok := strings.Cut(said, "dockerfile parse error ")
	if !ok {
		return "", 0, false
	}
	rest = strings.TrimPrefix(strings.TrimPrefix(rest, "on "), "line ")
	n, cause, ok := strings.Cut(rest, ": ")
	if !ok {
		return "", 0, false
	}
	line, ok = number(n)
	return cause, line, ok
}

// unwrap strips what BuildKit puts around the actual cause, and the image if
// the instruction names it anyway.
func unwrap(said, instr string) string {
	for {
		first, rest, ok := strings.Cut(said, ": ")
		if !ok || rest == "" || !wrapping(first, instr) {
			return said
		}
		said = rest
	}
}

var wrappings = []string{
	"rpc error", "code =", // rpc error: code = Unknown desc = failed to solve with frontend …
	"failed to solve", "failed to create LLB definition", "failed to compute cache key", "failed to load cache key",
	"failed to calculate checksum of ref", "failed to resolve source metadata for", "failed to resolve image config for",
	"failed to do request", "failed to copy", "failed to prepare", "failed to extract layer", "failed to register layer",
}

func wrapping(part, instr string) bool {
	for _, w := range wrappings {
		if part == w || strings.HasPrefix(part, w+" ") {
			return true
		}
	}
	if strings.ContainsAny(part, " \"") || instr == "" {
		return false
	}
	// The instruction says node:22, the error docker.io/library/node:22.
	for name := range strings.FieldsFuncSeq(instr, func(r rune) bool { return strings.ContainsRune(" \t=,", r) }) { // --from=node:22, too
		if len(name) > 2 && (part == name || strings.HasSuffix(part, "/"+name)) {
			return true
		}
	}
	return false
}

// fromOutput returns what the last lines of a command say about its exit code.
func fromOutput(code int, output []string) string {
	for _, line := range slices.Backward(output) {
		_, start, notStarted := strings.Cut(line, "runc run failed: ")
		switch {
		case notStarted:
			return start
		case containsFold(line, noSpace):
			return noSpace
		case code == 127 && containsFold(line, "not found"):
			return line
		}
	}
	return ""
}

const noSpace = "no space left on device"

const (
	processFailed  = "did not complete successfully: "
	executorFailed = "executor failed running ["
)
