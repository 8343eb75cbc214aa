package reason

import (
	"strconv"
	"strings"
	"unicode"
)

func decimal(n int) string { return strconv.Itoa(n) }

// succeeded reports whether Dokploy says that a stage ended well.
func succeeded(text string) bool {
	rest, ok := strings.CutPrefix(text, "✅ ")
	if !ok {
		return false
	}
	switch rest {
	case "Docker build completed.", "Nixpacks build completed.", "Railpack prepare completed.", "Railpack build completed.",
		"Heroku build completed.", "Paketo build completed.", "Pulling image completed.",
		"Registry Login Success", "Image Tagged", "Image Pushed":
		return true
	}
	return false
}

// firstLetters are the first bytes of all lines that mean something by
// themselves.
var firstLetters = func() (is [256]bool) {
	for _, c := range []byte("ISPBCEefpHsLNRt=") {
		is[c] = true
	}
	for c := 0x80; c < len(is); c++ {
		is[c] = true // ✅ ❌ ✖ 📦 ╔
	}
	return is
}()

// speaks reports whether a line is worth a closer look; most are not.
func speaks(text string) bool {
	return firstLetters[text[0]] || strings.HasSuffix(text, ": ✅") || strings.Contains(text, permissionDenied)
}

const permissionDenied = ": Permission denied ("

const (
	initializing     = "Initializing deployment"
	startingNixpacks = "Starting nixpacks build..."
	nixpacksDone     = "✅ Nixpacks build completed."
)

// begins reports whether Dokploy says that a stage begins.
func begins(text string) bool {
	switch text {
	case initializing, startingNixpacks, "Starting heroku build...", "Starting Paketo build...",
		"Preparing Railpack build plan...", "Building with Railpack frontend...":
		return true
	}
	for _, prefix := range []string{"Building ", "Pulling "} {
		if _, ok := word(text, prefix); ok {
			return true
		}
	}
	for _, prefix := range []string{"╔══", "Cloning Repo ", "Cloning into '", "📦 [", "🔄 ["} {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return strings.HasSuffix(text, ": ✅")
}

type dokployKind int

const (
	notDokploy    dokployKind = iota
	dokployReason             // says why
	dokployFailed             // says what failed; the reason precedes it
	dokployEnd                // the last line
)

// dokployWord recognises Dokploy's own messages about a failure. Between the
// output of programs (mixed), only messages that Dokploy is known to write
// count.
func dokployWord(text string, mixed bool) (own string, kind dokployKind) {
	if strings.HasPrefix(text, "Error occurred ❌") {
		return "", dokployEnd
	}
	rest, isError := strings.CutPrefix(text, "Error: ❌ ")
	if !isError {
		var ok bool
		if rest, ok = strings.CutPrefix(text, "❌ "); !ok {
			return "", notDokploy
		}
	}
	rest = strings.TrimPrefix(rest, "[ERROR] ")
	switch rest {
	case "Docker build failed", "Nixpacks build failed", "Railpack prepare failed", "Railpack build failed",
		"Heroku build failed", "Paketo build failed", "Pulling image failed", "Login failed", "DockerHub Failed",
		"Error tagging image", "Error pushing image", "Docker command failed", "Script execution failed":
		return rest, dokployFailed
	}
	switch {
	case strings.HasPrefix(rest, "Fail to clone the repository"),
		strings.HasPrefix(rest, "Copying ") && strings.HasSuffix(rest, " failed"):
		return rest, dokployFailed
	case mixed && !isError:
		return "", notDokploy
	case strings.HasSuffix(rest, " failed"):
		return rest, dokployFailed
	}
	rest = strings.TrimPrefix(rest, "Error: ")
	return strings.TrimSuffix(strings.TrimPrefix(rest, "Has occurred an error: "), ":"), dokployReason
}

// ownReason is a reason in Dokploy's words. For an invalid compose file it says
// where.
func ownReason(own string) Reason {
	said, rest, ok := strings.Cut(own, " at line ")
	n, _, ok2 := strings.Cut(rest, ", column ")
	if line, ok3 := number(n); ok && ok2 && ok3 {
		return Reason{Step: ComposeFile, Place: Place{Line: line}, Cause: said}
	}
	return Reason{Cause: own}
}

// noise reports whether a line cannot be a reason.
func noise(text string) bool {
	if drawn(text) || buildxRemoved(text) {
		return true
	}
	if nameOnly(text) {
		return true
	}
	for _, prefix := range []string{
		"✅", "⚠", "→", "📊",
		"View build details: ", "- ", // warnings of a Dockerfile's check
		"Please make sure you have the correct access rights", "and the repository exists.", "warning: ", "hint: ", "remote: ",
		"WARNING! ", "Configure a credential helper", "https://docs.docker.com/", "Login Succeeded",
		"DEPRECATED: The legacy builder", "Install the buildx component", "Sending build context to Docker daemon",
		"File 'docker-compose.yml' created", "Since --detach=false", "In a future release, --detach=false",
		"Creating network ", "Creating service ", "Updating service ", "Removing service ", "Creating config ", "Creating secret ",
		"Using default tag", "The push refers to repository", "Retrying in ", "Applying ",
	} {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	if strings.HasPrefix(text, "time=") && strings.Contains(text, " level=warning ") || checkWarning(text) {
		return true
	}
	switch text {
	case "Error: Docker build failed", "Docker build failed": // Nixpacks: the reason precedes it
		return true
	}
	return false
}

// drawn reports whether a line is a rule, a caret, or part of a box.
func drawn(text string) bool {
	for _, border := range []string{"║", "╔", "╚", "│", "╭", "╰", "┌", "└", "├"} {
		if strings.HasPrefix(text, border) {
			return true
		}
	}
	return strings.IndexFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) < 0
}

// buildxRemoved reports whether a line is about removing a builder, with which
// each Railpack build ends.
func buildxRemoved(text string) bool {
	name, ok := strings.CutSuffix(text, " removed")
	return ok && !strings.Contains(name, " ")
}

// nameOnly reports whether a line is only a name or an id, as docker create,
// docker rm and docker buildx create print.
func nameOnly(text string) bool {
	return !strings.Contains(text, " ") && strings.ContainsAny(text, "0123456789-_")
}

// opensExplanation reports whether a line is an error of a builder that
// explains itself on the next lines.
func opensExplanation(text string) bool {
	for _, prefix := range []string{"Nixpacks was unable to ", "Railpack could not determine ", "✖ ", "ERRO "} {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}

// gitProgress reports whether a line is git's progress.
func gitProgress(text string) bool {
	text = strings.TrimPrefix(text, "remote: ")
	for _, prefix := range []string{
		"Enumerating objects: ", "Counting objects: ", "Compressing objects: ", "Total ", "Receiving objects: ", "Resolving deltas: ", "Updating files: ",
	} {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}

// gitError reports whether a line is an error of git or ssh. The first one is
// the cause, the others are consequences.
func gitError(text string) bool {
	for _, prefix := range []string{"fatal: ", "error: ", "Host key verification failed", "ssh: ", "Load key \"", "ERROR: Repository not found"} {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return strings.Contains(text, permissionDenied)
}

const gitSays = "git: "

func gitCause(text string) string {
	for _, prefix := range []string{"fatal: ", "error: ", "ERROR: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return gitSays + text
}

// dockerError parses an error of Docker's or of a builder's own.
func dockerError(text string) Reason {
	for _, prefix := range []string{"✖ ", "ERRO ", "ERROR: ", "Error: ", "error: ", "failed to build: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	text = strings.ReplaceAll(text, "Error response from daemon: ", "")
	text = strings.TrimPrefix(text, "unable to prepare context: ")
	if cause, line, ok := parseError(text); ok {
		return Reason{Step: Dockerfile, Place: Place{Line: line}, Cause: cause}
	}
	return Reason{Cause: unwrap(text, "")}
}

// checkWarning reports whether a line is a finding of BuildKit's check of the
// Dockerfile, which never stops a build.
func checkWarning(text string) bool {
	if strings.HasSuffix(text, " (use docker --debug to expand):") {
		return true
	}
	rest, ok := strings.CutPrefix(text, "- ")
	_, ok2 := word(strings.SplitN(rest, ": ", 2)[0], "")
	return ok && ok2 && strings.Contains(rest, " (line ") && strings.HasSuffix(rest, ")")
}

// housekeeping reports whether a line is progress of BuildKit's internal steps:
// "#1 DONE 0.1s".
func housekeeping(text string) bool {
	_, rest, _ := strings.Cut(text, " ")
	if !isProgress([]byte(text)) {
		return false
	}
	for _, prefix := range []string{"[", "DONE ", "CACHED", "WARN: ", "building with ", "transferring ", "resolve ", "sha256:", "extracting ", "exporting ", "naming to "} {
		if strings.HasPrefix(rest, prefix) {
			return true
		}
	}
	return false
}

// composeProgress reports whether a line is progress of compose or docker stack
// deploy: "Container x-web-1  Started", "web Pulling".
func composeProgress(text string) bool {
	for _, prefix := range []string{"Since --detach=false", "In a future release, --detach=false", "Creating network ", "Creating service ", "Updating service ", "Creating config ", "Creating secret "} {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	words := strings.Fields(text)
	if len(words) == 3 {
		switch words[0] {
		case "Container", "Network", "Volume", "Image":
			words = words[1:]
		}
	}
	if len(words) != 2 {
		return false
	}
	switch words[1] {
	case "Creating", "Created", "Recreate", "Recreated", "Starting", "Started", "Running", "Waiting", "Healthy", "Exited",
		"Stopping", "Stopped", "Removing", "Removed", "Building", "Built", "Pulling", "Pulled", "Interrupted":
		return true
	}
	return false
}
