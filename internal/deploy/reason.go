package deploy

import (
	"path/filepath"
	"slices"
	"strings"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/reason"
)

// locate makes the file that a builder names one of the repository: a builder
// names it without the folders that lead to it.
func (t target) locate(why reason.Reason) reason.Reason {
	s, place := t.service, &why.Place
	if place.Line == 0 {
		return why
	}
	file := s.BuildFile
	switch p := t.o.Prepare; {
	case s.Kind == dokploy.Compose && p.ComposeFile != "":
		file = local(p.ComposePath)
	case s.Kind == dokploy.Application && p.Source != nil:
		file = ""
		if s.SourceType == "drop" && !strings.HasSuffix(p.SourcePath, ".zip") {
			file = local(filepath.Join(p.SourcePath, filepath.FromSlash(s.BuildFile)))
		}
	}
	ofCompose := why.Step == reason.ComposeFile
	switch {
	case s.Kind == dokploy.Compose && ofCompose && place.File == "":
		place.File = file
	case s.Kind == dokploy.Compose: // each of its services has a Dockerfile of its own
	case s.Build.Type == "static":
		return why.WrittenBy("Dokploy's")
	case file != "" && (place.File == "" || filepath.Base(file) == filepath.Base(place.File)):
		place.File = file
	}
	return why
}

// local is a path of this machine as one of the repository; empty if it leads
// out of it.
func local(p string) string {
	if p = filepath.Clean(p); !filepath.IsLocal(p) {
		return ""
	}
	return filepath.ToSlash(p)
}

// quote gives the lines to quote: what the instruction that failed wrote, else
// the last ones of the log that say more than the reason does.
func quote(tail []string, why reason.Reason) []string {
	if len(why.Output) > 0 {
		return why.Output
	}
	return slices.DeleteFunc(tail, why.Says)
}

// lastWords is what Dokploy writes last into the log of a failed deployment.
const lastWords = "Error occurred ❌"

// continuesAfterError reports whether a log goes on after Dokploy's last words: on a remote
// server the connection broke, and the build goes on there.
func continuesAfterError(tail []string) bool {
	said := false
	for _, line := range tail {
		switch {
		case strings.HasPrefix(line, lastWords):
			said = true
		case said && strings.TrimSpace(line) != "":
			return true
		}
	}
	return false
}
