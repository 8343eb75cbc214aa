// Package secret decides what is secret in the texts that a run is given or
// reads. It decides by evidence, so that ordinary words are never masked in a
// log; docs/secrets.md has the rules with examples. Its functions are pure, and
// return the texts to mask, line by line.
package secret

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"dokploy-deploy/internal/dotenv"
)

const (
	// minDeclared is the length from which a value of a secret input is masked:
	// shorter ones occur everywhere.
	minDeclared = 4
	// minNamed is that length for a value that its name or place calls secret.
	minNamed = 6
)

// Key returns what to mask for the input api-key, even if the key is refused.
func Key(key string) []string {
	var f found
	for line := range lines(key) {
		if len(line) >= minDeclared {
			f.add(line)
		}
	}
	return f.list()
}

// Header returns what to mask for a header's value: the whole value, the
// credential after a scheme, the user and password of Basic, and the values of
// cookies and of parameters with secret names. Plain words, numbers and URL
// schemes are not secret.
func Header(name, value string) []string {
	var f found
	for line := range lines(value) {
		f.declared(line)
		f.credentials(line)
		if strings.EqualFold(strings.TrimSpace(name), "Cookie") {
			for part := range strings.SplitSeq(line, ";") {
				_, v, _ := strings.Cut(part, "=")
				v = strings.Trim(strings.TrimSpace(v), `"`)
				f.declared(v)
				f.declared(unescaped(v))
			}
			continue
		}
		scheme, credential, _ := strings.Cut(line, " ")
		credential = strings.TrimSpace(credential)
		f.declared(credential)
		if strings.EqualFold(scheme, "Basic") {
			if pair, ok := decodeBase64(credential); ok {
				f.declared(pair)
				_, password, _ := strings.Cut(pair, ":")
				f.declared(password)
			}
		}
	}
	return f.list()
}

func decodeBase64(s string) (string, bool) {
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	b, err := base64.RawStdEncoding.DecodeString(s)
	return string(b), err == nil && utf8.Valid(b)
}

// Declared returns what to mask for KEY=VALUE lines that are secret by
// declaration, such as build secrets: every value but plain words, numbers and
// URL schemes.
func Declared(text string) []string {
	var f found
	for v := range variables(text) {
		f.credentials(v.Value)
		for line := range lines(v.Value) {
			f.declared(line)
		}
	}
	return f.list()
}

// Credentials returns what to mask for values that are credentials because of
// where they are, such as a registry's password.
func Credentials(values ...string) []string {
	var f found
	for _, v := range values {
		f.named(v)
	}
	return f.list()
}

// Addresses returns the credentials in the addresses of a text.
func Addresses(text string) []string {
	var f found
	f.credentials(text)
	return f.list()
}

// Environment returns what to mask for the KEY=VALUE lines of an environment.
func Environment(text string) []string {
	var f found
	for v := range variables(text) {
		f.variable(v.Name, v.Value)
	}
	return f.list()
}

// variables yields the variables of a text, with their values both parsed and
// as written: other readers may take the latter for the value.
func variables(text string) func(yield func(dotenv.Var) bool) {
	return func(yield func(dotenv.Var) bool) {
		for _, v := range dotenv.Parse(text) {
			if !yield(v) {
				return
			}
			if single := strings.ReplaceAll(v.Value, "$$", "$"); single != v.Value && !yield(dotenv.Var{Name: v.Name, Value: single}) {
				return // as compose reads it
			}
		}
		for line := range strings.Lines(text) {
			name, raw, ok := strings.Cut(line, "=")
			name = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(name), "export "))
			if ok && isName(name) && !yield(dotenv.Var{Name: name, Value: strings.Trim(strings.TrimSpace(raw), "\"'`")}) {
				return
			}
		}
	}
}

func isName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && r != '-' && r != '.' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// found collects the texts to mask.
type found struct{ texts map[string]bool }

func (f *found) add(text string) {
	if f.texts == nil {
		f.texts = map[string]bool{}
	}
	f.texts[text] = true
}

func (f *found) list() []string {
	list := make([]string, 0, len(f.texts))
	for text := range f.texts {
		list = append(list, text)
	}
	slices.Sort(list)
	return list
}

// declared adds a value of a secret input.
func (f *found) declared(v string) {
	if v = strings.TrimSpace(v); len(v) >= minDeclared && !Plain(v) && !isFrame(v) {
		f.add(v)
	}
}

// named adds a value with a secret name.
func (f *found) named(v string) {
	for line := range lines(v) {
		if utf8.RuneCountInString(line) >= minNamed && !isUsual(line) && !isFrame(line) && !isReference(line) {
			f.add(line)
		}
	}
}

// lines yields the lines of a text that are not blank.
func lines(s string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for line := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '\n' || r == '\r' }) {
			if line = strings.TrimSpace(line); line != "" && !yield(line) {
				return
			}
		}
	}
}

// Plain reports whether a value is a word (https, no, XHR), a number, or a URL
// scheme, of at most eight characters. Such a value is not secret, and masking
// it would make every log unreadable.
func Plain(v string) bool {
	if len(v) > 8 && !strings.HasSuffix(v, ":") && !strings.HasSuffix(v, "://") {
		return false
	}
	word := strings.TrimSuffix(strings.TrimSuffix(v, "//"), ":")
	if len(word) > 8 {
		return false
	}
	if first, second, ok := strings.Cut(word, "+"); ok { // git+ssh
		return isLower(first) && isLower(second)
	}
	return isWord(word) || isNumber(v)
}

func isLower(s string) bool { return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz") == "" }

// isWord reports whether a text is all letters in the case of a word: lower
// case, upper case, or capitalised.
func isWord(s string) bool {
	return s != "" && (isLower(s) || isLower(strings.ToLower(s)) && (s == strings.ToUpper(s) || isLower(s[1:])))
}

func isNumber(s string) bool {
	whole, fraction, dot := strings.Cut(strings.TrimLeft(s, "+-"), ".")
	return isDigits(whole) && (!dot || isDigits(fraction))
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// unescaped decodes URL escapes. It returns the text itself if they are
// invalid.
func unescaped(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}
