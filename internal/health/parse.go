package health

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"dokploy-deploy/internal/text"
)

// Range is a range of status codes, including both ends.
type Range struct{ From, To int }

func (r Range) String() string {
	if r.From == r.To {
		return strconv.Itoa(r.From)
	}
	return fmt.Sprintf("%d-%d", r.From, r.To)
}

func (r Range) has(status int) bool { return r.From <= status && status <= r.To }

// ParseStatus parses codes and ranges, separated by commas or newlines:
// "200,204,301-302".
func ParseStatus(s string) ([]Range, error) {
	var list []Range
	for piece := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		piece = strings.TrimSpace(piece)
		if piece == "" {
			continue
		}
		from, to, isRange := strings.Cut(piece, "-")
		if !isRange {
			to = from
		}
		a, aErr := strconv.ParseUint(strings.TrimSpace(from), 10, 32)
		b, bErr := strconv.ParseUint(strings.TrimSpace(to), 10, 32)
		switch {
		case aErr != nil || bErr != nil:
			return nil, fmt.Errorf("%s is neither a status code nor a range of them; write 200 or 200-399", quote(piece))
		case min(a, b) < 100 || max(a, b) > 599:
			return nil, fmt.Errorf("%s is not a status code (100 to 599)", quote(piece))
		case a > b:
			return nil, fmt.Errorf("%s is backwards; write %d-%d", quote(piece), b, a)
		}
		list = append(list, Range{int(a), int(b)})
	}
	if len(list) == 0 {
		return nil, errors.New("has no status code; write 200 or 200-399")
	}
	return list, nil
}

// ParseURL parses an address. Errors never show its query, which may contain a
// token, nor a user name or password. A fragment is dropped.
func ParseURL(s string) (*url.URL, error) {
	const want = "write the address to request, such as https://app.example.com/healthz"
	login := errors.New("contains a user name or password, which would be shown; use an address that needs none")
	address, _, _ := strings.Cut(s, "#") // fragments are never sent
	given, _, _ := strings.Cut(address, "?")
	// A password may contain characters that end a host: nothing with an @ is
	// shown.
	broken := func(what string) error {
		if strings.Contains(s, "@") {
			return login
		}
		return fmt.Errorf("%s %s; %s", quote(given), what, want)
	}
	scheme, rest, ok := strings.Cut(given, "://")
	authority, _, _ := strings.Cut(rest, "/")
	switch {
	case strings.Contains(authority, "@"), !ok && strings.Contains(s, "@"):
		return nil, login
	case strings.ContainsFunc(s, unicode.IsSpace):
		return nil, errors.New("contains a space or a line break; " + want)
	case !ok:
		return nil, fmt.Errorf("%s has no scheme; write https://%s", quote(given), text.Printable(strings.TrimLeft(given, "/")))
	case !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https"):
		return nil, broken("is not http or https")
	}
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, broken("is not a URL") // err would show the query
	case u.Hostname() == "":
		return nil, broken("has no host")
	case u.Port() != "" || strings.HasSuffix(u.Host, ":"):
		if n, err := strconv.ParseUint(u.Port(), 10, 16); err != nil || n == 0 {
			return nil, broken("has no valid port")
		}
	}
	return u, nil
}

// shown formats an address for a message, without the parts that may be secret.
func shown(u *url.URL) string {
	return text.Printable(u.Scheme + "://" + u.Host + u.EscapedPath())
}

func quote(s string) string { return text.Quote(text.Printable(s), "text") }
