package deploy

import (
	"path/filepath"
	"slices"
	"strings"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/reason"
)

// locate turns the file that a builder names into one of the repository:
// builders name it without its folders.
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

// local turns a path of this machine into one of the repository; empty if it is
// outside.
func local(p string) string {
	if p = filepath.Clean(p); !filepath.IsLocal(p) {
		return ""
	}
	return filepath.ToSlash(p)
}

// quote returns the lines to quote: what the failed instruction wrote, else the
// last lines of the log that say more than the reason does.
func quote(tail []string, why reason.Reason) []string {
	if len(why.Output) > 0 {
		return why.Output
	}
	return slices.DeleteFunc(tail, why.Says)
}

// lastWords is what Dokploy writes last into the log of a failed deployment.
const lastWords = "Error occurred ❌"

// continuesAfterError reports whether a log continues after Dokploy's last
// words: the connection to a remote server broke, and the build goes on there.
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
