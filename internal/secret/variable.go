package secret

import (
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// variable adds what is secret in a variable.
func (f *found) variable(name, value string) {
	value = strings.TrimSpace(value)
	if isReference(value) {
		return
	}
	f.credentials(value)
	if strings.Contains(value, "-----BEGIN ") {
		f.pem(value)
		return
	}
	isJSON := f.json(value)
	switch called := nameSays(name); {
	case called == saysSecret && !isPlainAddress(value) && !isPlainPath(value):
		f.named(value)
	case called == saysNothing:
		f.random(value, !isJSON)
	}
}

type evidence int

const (
	saysNothing evidence = iota
	saysSecret
	saysPublic // or a hash
)

// secretWords in a name make its value secret.
var secretWords = strings.Fields("PASSWORD PASS PASSWD PWD SECRET TOKEN PRIVATE CREDENTIAL CREDENTIALS DSN AUTH SALT KEY PASSPHRASE APIKEY")

// secretEnds do so at the end of a word, where people write no separator:
// PGPASSWORD. They are chosen so that no other word ends in one, as MONKEY and
// COMPASS do in KEY and PASS.
var secretEnds = strings.Fields("PASSWORD PASSWD SECRET TOKEN APIKEY SECRETKEY ACCESSKEY PRIVATEKEY")

// nameSays returns what a variable's name says about its value.
func nameSays(name string) evidence {
	says := saysNothing
	for _, word := range words(name) {
		switch {
		case word == "PUBLIC":
			return saysPublic
		case slices.Contains(secretWords, word), slices.ContainsFunc(secretEnds, func(end string) bool { return strings.HasSuffix(word, end) }):
			says = saysSecret
		}
	}
	return says
}

// words splits a name into words, in upper case: DB_PASSWORD2, dbPassword and
// db-password contain PASSWORD; MONKEY does not contain KEY.
func words(name string) []string {
	var words []string
	runes := []rune(name)
	start := 0
	for i := range len(runes) + 1 {
		if i < len(runes) && i > start && !breaks(runes, i) {
			continue
		}
		if word := strings.TrimFunc(string(runes[start:i]), func(r rune) bool { return !unicode.IsLetter(r) }); word != "" {
			words = append(words, strings.ToUpper(word))
		}
		start = i
	}
	return words
}

// breaks reports whether a word starts at i: after something that is not a
// letter, or at a capital next to lower case.
func breaks(r []rune, i int) bool {
	switch {
	case !unicode.IsLetter(r[i]) || !unicode.IsLetter(r[i-1]):
		return true
	case unicode.IsUpper(r[i]):
		return unicode.IsLower(r[i-1]) || i+1 < len(r) && unicode.IsLower(r[i+1]) // dbKey, APIKey
	}
	return false
}

// usual are values that are never secret, whatever their name: everybody tries
// them.
var usual = strings.Fields("postgres password changeme admin root secret")

func isUsual(v string) bool { return slices.Contains(usual, strings.ToLower(v)) }

// isFrame reports whether a line starts or ends a PEM block. These lines are
// always the same.
func isFrame(line string) bool {
	return strings.HasPrefix(line, "-----BEGIN ") || strings.HasPrefix(line, "-----END ")
}

var reference = regexp.MustCompile(`^\$(\w+|\{[^{}]*\}|\{\{[^{}]*\}\})$`)

// isReference reports whether a value refers to another variable.
func isReference(v string) bool { return reference.MatchString(v) }

var (
	address = regexp.MustCompile("[A-Za-z][A-Za-z0-9+.-]*://[^\\s\"'`<>]+")
	// The address for a database driver sometimes has no scheme. An image with
	// a digest has the same form.
	bare = regexp.MustCompile(`^([^\s:/@]+):([^\s/@]+)@([\w.(\[-]+)`)
	port = regexp.MustCompile(`^\d+([/?#]|$)`)
	pair = regexp.MustCompile(`([A-Za-z][\w.-]*)=([^&;\s"',]+)`)
)

// credentials adds those in addresses: passwords, tokens in place of a user
// name, and parameters with secret names.
func (f *found) credentials(text string) {
	for _, a := range address.FindAllString(text, -1) {
		_, rest, _ := strings.Cut(a, "://")
		if info := userinfo(rest); info != "" {
			f.userinfo(info, a)
		}
	}
	for line := range lines(text) {
		if m := bare.FindStringSubmatch(line); m != nil && !strings.HasPrefix(m[3], "sha256") && !strings.Contains(line, "://") {
			f.userinfo(m[1]+":"+m[2], line)
		}
	}
	for _, m := range pair.FindAllStringSubmatch(text, -1) {
		if nameSays(m[1]) == saysSecret && !isPlainAddress(m[2]) && !isPlainPath(m[2]) {
			f.named(m[2])
			f.named(unescaped(m[2]))
		}
	}
}

// userinfo returns the part of an address before the @; empty: none. A password
// may contain a slash that should have been escaped.
func userinfo(rest string) string {
	if at := strings.LastIndexByte(authority(rest), '@'); at >= 0 {
		return rest[:at]
	}
	at := strings.LastIndexByte(rest, '@')
	if at < 0 {
		return ""
	}
	user, password, ok := strings.Cut(rest[:at], ":")
	if !ok || strings.ContainsAny(user, "/?#") || port.MatchString(password) {
		return ""
	}
	return rest[:at]
}

// noPassword follows a GitHub token that is used as the user name.
const noPassword = "x-oauth-basic" //nolint:gosec // it is none

// authority returns the part of an address before the path.
func authority(rest string) string {
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		return rest[:end]
	}
	return rest
}

func (f *found) userinfo(info, all string) {
	user, password, _ := strings.Cut(info, ":")
	if len(user) >= 16 && hasLetter(user) && hasDigit(user) && !isReference(user) {
		f.add(user)
		f.add(unescaped(user))
	}
	if password == "" || password == noPassword || isReference(password) {
		return
	}
	if len(password) < minNamed || isUsual(password) || strings.Count(all, password) > 1 {
		// By itself it would make the log unreadable, between : and @ it does
		// not.
		f.add(":" + password + "@")
		return
	}
	f.add(password)
	f.add(unescaped(password))
}

func (f *found) pem(value string) {
	value = strings.NewReplacer(`\r`, "", `\n`, "\n").Replace(value)
	for {
		_, rest, ok := strings.Cut(value, "-----BEGIN ")
		if !ok {
			return
		}
		_, rest, _ = strings.Cut(rest, "-----")
		body, next, _ := strings.Cut(rest, "-----END ")
		for line := range lines(body) {
			if !strings.Contains(line, ": ") { // "Proc-Type: 4,ENCRYPTED"
				f.named(line)
			}
		}
		value = next
	}
}

// json adds what is secret in a value that is JSON, and reports whether it is.
// Its members are treated as variables.
func (f *found) json(value string) bool {
	if !strings.HasPrefix(value, "{") && !strings.HasPrefix(value, "[") {
		return false
	}
	var v any
	if json.Unmarshal([]byte(value), &v) != nil {
		return false
	}
	f.member("", v)
	return true
}

func (f *found) member(name string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, v := range v {
			f.member(name, v)
		}
	case []any:
		for _, v := range v {
			f.member(name, v)
		}
	case string:
		if !strings.HasPrefix(v, "{") && !strings.HasPrefix(v, "[") {
			f.variable(name, v)
		}
	}
}

const (
	minRandom  = 20
	bitsRandom = 3.5 // per character
)

// random adds the words of a value that look random: each whole word, or only
// the pieces of it.
func (f *found) random(value string, whole bool) {
	for _, field := range strings.Fields(value) {
		// In an address, only the part after the host counts.
		if _, rest, ok := strings.Cut(field, "://"); ok {
			field = strings.TrimPrefix(rest, authority(rest))
		} else if whole && isRandom(field) {
			f.add(field)
		}
		for piece := range strings.FieldsFuncSeq(field, func(r rune) bool { return strings.ContainsRune(`/?&=#,;@"'{}[]`, r) }) {
			if isRandom(piece) {
				f.add(piece)
			}
		}
	}
}

var (
	// Look random but are shown anyway: UUIDs, hashes of commits and images,
	// and ids of Dokploy.
	uuid   = regexp.MustCompile(`(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`)
	hash   = regexp.MustCompile(`\b(sha256:[0-9a-f]{64}|[0-9a-f]{40})\b`)
	idForm = regexp.MustCompile(`^[A-Za-z0-9_-]{21}$`)
	// Clouds give hosts names with random parts.
	host = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.){2,}[a-z]{2,}(:[0-9]{1,5})?$`)
)

// isRandom reports whether a text looks like a secret: long, with letters and
// digits, and with over 3.5 bits per character. Paths, hosts, images, options
// and other texts composed of words and numbers do not.
func isRandom(s string) bool {
	if len(s) < minRandom || idForm.MatchString(s) || host.MatchString(s) {
		return false
	}
	if rest := hash.ReplaceAllString(uuid.ReplaceAllString(s, ""), ""); rest != s {
		return isRandom(rest)
	}
	return hasLetter(s) && hasDigit(s) && !isComposed(s) && entropy(s) > bitsRandom
}

var (
	// A word, possibly with a number before or after it: v1, alpine3, 256MB. A
	// short commit hash or a time counts as one.
	piece = regexp.MustCompile(`^([0-9]{0,4}([A-Za-z]{1,12})[0-9]{0,4}|[0-9]{1,13}|[0-9a-f]{7,12}|[0-9]{8}T[0-9]{6}Z?)$`)
	joint = func(r rune) bool { return strings.ContainsRune("-_./:,=@+~% ", r) }
)

// manyOdd is how many pieces may look like a short hash, or like capitals with
// digits, before the text counts as a key: ABCD1-EFGH2-IJKL3-MNOP4.
const manyOdd = 3

// isComposed reports whether a text consists of words and numbers.
func isComposed(s string) bool {
	odd := 0
	for part := range strings.FieldsFuncSeq(s, joint) {
		m := piece.FindStringSubmatch(part)
		if m == nil || m[2] != "" && !isWord(m[2]) {
			return false
		}
		if hasDigit(part) && hasLetter(part) && (m[2] == "" || m[2] == strings.ToUpper(m[2])) {
			odd++
		}
	}
	return odd < manyOdd
}

// isPlainAddress reports whether a value is an address with nothing in it that
// may be secret, whatever the variable's name: AUTH_URL.
func isPlainAddress(v string) bool {
	scheme, rest, ok := strings.Cut(v, "://")
	return ok && isComposed(scheme) && !strings.ContainsAny(rest, "@?#") && isComposed(rest)
}

var path = regexp.MustCompile(`^(\.{0,2}|~)/[a-z0-9._/-]*$`)

// isPlainPath reports the same for a path: SSL_KEY_FILE.
func isPlainPath(v string) bool { return path.MatchString(v) && isComposed(v) }

func hasLetter(s string) bool { return strings.ContainsFunc(s, unicode.IsLetter) }
func hasDigit(s string) bool  { return strings.ContainsFunc(s, unicode.IsDigit) }

// entropy returns the entropy of a text's characters, in bits per character.
func entropy(s string) (bits float64) {
	count := map[rune]int{}
	n := 0
	for _, r := range s {
		count[r]++
		n++
	}
	for _, c := range count {
		p := float64(c) / float64(n)
		bits -= p * math.Log2(p)
	}
	return bits
}
