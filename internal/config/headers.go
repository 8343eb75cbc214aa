package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"
)

// ownHeaders cannot be set by users: they belong to the connection or to this
// program.
var ownHeaders = []string{
	"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade", "Host", "Content-Length", "X-Api-Key",
	"Accept-Encoding", "Content-Encoding", // net/http leaves answers packed then
}

// repeatingHeaders make net/http and some proxies repeat a POST.
var repeatingHeaders = []string{"Idempotency-Key", "X-Idempotency-Key"}

// refusedHealthHeader says why a header cannot be sent to a health URL. Only
// those of the connection are refused: the application may need any other.
func refusedHealthHeader(name string) string {
	if name = http.CanonicalHeaderKey(name); name == "Host" || name == "X-Api-Key" {
		return ""
	}
	if slices.Contains(ownHeaders, name) || strings.HasPrefix(name, "Sec-Websocket-") {
		return ": it belongs to the connection"
	}
	return ""
}

// refusedHeader says why a header cannot be sent to Dokploy; empty: it can be.
func refusedHeader(name string) string {
	switch canonical := http.CanonicalHeaderKey(name); {
	case canonical == "X-Api-Key":
		return " here; use the input api-key"
	case canonical == "Host":
		return ": it belongs to the connection"
	case slices.Contains(repeatingHeaders, canonical):
		return ": a request that carries it may be sent twice when a connection breaks, and would deploy twice"
	}
	return refusedHealthHeader(name)
}

// headers reads an input of headers. Refused values are hidden too.
func (l *loader) headers(input string, refused func(name string) string) http.Header {
	return parse(l, input, func(value string) (http.Header, error) {
		c := l.config
		if err := l.joined(input, headerLine, "`Name: value`"); err != nil {
			c.rejected = append(c.rejected, value)
			for piece := range entriesOf(value) {
				_, value, _ := strings.Cut(piece, ":")
				c.rejected = append(c.rejected, strings.TrimSpace(value))
			}
			return nil, err
		}
		headers, rejected, err := parseHeaders(value, refused)
		c.rejected = append(c.rejected, rejected...)
		return headers, err
	})
}

// parseHeaders parses "Name: value" lines, or the JSON object into which
// Woodpecker and Drone turn a map. The function refused says why a name cannot
// be set; empty: it can be. Problems show the name, never the value. The values
// of refused lines are returned for masking.
func parseHeaders(v string, refused func(name string) string) (headers http.Header, rejected []string, err error) {
	lines := strings.Split(v, "\n")
	var object map[string]string
	if strings.HasPrefix(v, "{") && json.Unmarshal([]byte(v), &object) == nil {
		lines = nil
		for _, name := range slices.Sorted(maps.Keys(object)) {
			lines = append(lines, name+": "+object[name])
		}
	}
	headers = http.Header{}
	var problems []error
	for i, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		var text string
		switch {
		case !ok && notExpanded(line) != "":
			value = line
			text = fmt.Sprintf("line %d %s", i+1, notExpanded(line))
		case !ok:
			value = line
			text = fmt.Sprintf("line %d has no colon; each line is `Name: value`", i+1)
		case !isToken(name):
			value = line
			text = fmt.Sprintf("line %d does not begin with a header name; each line is `Name: value`", i+1)
		case refused(name) != "":
			text = name + " cannot be set" + refused(name)
		case notExpandedHeader(name, value) != "":
			text = "the value of " + name + " " + notExpandedHeader(name, value)
		case value == "":
			text = name + " has no value; is its secret set?"
		case strings.ContainsFunc(value, unicode.IsControl):
			text = "the value of " + name + " contains a control character"
		default:
			headers.Add(name, value)
			continue
		}
		problems = append(problems, errors.New(text))
		rejected = append(rejected, value)
	}
	return headers, rejected, errors.Join(problems...)
}
