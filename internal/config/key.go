package config

import (
	"errors"
	"regexp"
	"strings"
)

// parseKey parses the input api-key.
func (l *loader) parseKey(v string) (string, error) {
	if text := keyProblem(v, l.given("url")); text != "" {
		return "", errors.New(text)
	}
	return v, nil
}

// namedKey matches a key together with what stood in front of it in a file.
var namedKey = regexp.MustCompile(`^(?i)(export\s+)?([A-Z]+[_-])?API[_-]?KEY\s*[=:]`)

// keyProblem says why a value cannot be a key; empty: it can be one. It never
// shows any part of it. The argument url is the value of that input.
func keyProblem(key, url string) string {
	const want = "; give the key that Dokploy showed when it was created"
	switch {
	case isWebhook(key):
		return errWebhook.Error()
	case swapped(url, key):
		return "is an address, but url is not: the two are swapped"
	case looksLikeAddress(key):
		return "is an address" + want
	case isStars(key):
		return "consists only of asterisks: a hidden key was copied" + want
	case strings.EqualFold(key, "[masked]"), strings.EqualFold(key, "[redacted]"):
		return "is what a log shows in place of a key" + want
	case namedKey.MatchString(key):
		return "begins with the name of a variable or header: give only what comes after it"
	case !printable(key):
		return "contains a space, a line break or another character that cannot be part of a key; give only the key, without a scheme"
	}
	return ""
}

// isStars reports whether s is the mask that forms and logs show in place of a
// key.
func isStars(s string) bool { return strings.Trim(s, "*•●") == "" }
