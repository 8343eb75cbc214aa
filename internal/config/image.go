package config

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/distribution/reference"
)

// parseImage validates an image reference; Dokploy accepts anything.
func parseImage(v string) (string, error) {
	_, err := reference.ParseNormalizedNamed(v)
	if err == nil && !bareDigest.MatchString(v) {
		return v, nil
	}
	what := notAnImage(v)
	if what == "" {
		what = strings.TrimPrefix(err.Error(), "invalid reference format: ")
	}
	return "", fmt.Errorf("%s is not the name of an image (%s); write one such as ghcr.io/acme/api:1.4.2", quote(v), what)
}

var bareDigest = regexp.MustCompile(`^sha(256|512):[0-9a-fA-F]{64,}$`)

// notAnImage says what people get wrong in the name of an image, where the
// parser would say less; empty if it is something else.
func notAnImage(v string) string {
	_, digest, hasDigest := strings.Cut(v, "@")
	switch {
	case strings.Contains(v, "://"):
		return "leave out the scheme: it is not part of a name"
	case strings.ContainsFunc(v, unicode.IsSpace), strings.Contains(v, ","):
		return "it contains a space, a line break or a comma: only one image can be set"
	case strings.ContainsAny(v, "$%{}<>"):
		return "it contains a variable that was not expanded"
	case bareDigest.MatchString(v):
		return "it is only a digest: put the name and @ in front of it"
	case hasDigest && digest == "":
		return "nothing follows the @: is the variable for the digest set?"
	case hasDigest && !bareDigest.MatchString(digest):
		return "what follows the @ is not a digest, such as sha256: and 64 hex digits"
	case strings.HasSuffix(v, ":"):
		return "nothing follows the colon: is the variable for the tag set?"
	}
	return ""
}
