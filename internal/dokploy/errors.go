package dokploy

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"dokploy-deploy/internal/neterr"
	"dokploy-deploy/internal/text"
)

// Odd says what an answer is that does not come from Dokploy's API.
type Odd string

const (
	// oddHTML is a page where JSON was due.
	oddHTML Odd = "an HTML page"
	// oddCloudflare is a page of Cloudflare's, in front of the server.
	oddCloudflare Odd = "a Cloudflare page"
	// oddEmpty is an answer that says no without a word: Dokploy's have some.
	oddEmpty Odd = "an empty answer"
	// oddOther is JSON that says no in other words than Dokploy's API.
	oddOther Odd = "an answer from another program"
	// oddText is neither JSON nor a page.
	oddText Odd = "something other than JSON"
	// oddLarge is more than is read of an answer.
	oddLarge Odd = "more than can be taken"
)

// Error is an answer that says no: Dokploy's own, or that of something in
// front of it. It never holds a query, a header or a whole body.
type Error struct {
	Procedure string
	Status    int
	Code      string              // UNAUTHORIZED, NOT_FOUND, …; empty: none was given
	Message   string              // Dokploy's words
	Fields    map[string][]string // field errors of bad input
	Odd       Odd                 // set: not Dokploy's API that answered
	Location  string              // where a redirect leads, without its query
	Pause     time.Duration       // Retry-After
	hops      int                 // redirects that were followed before
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d", e.Procedure, e.Status)
	switch {
	case e.Location != "":
		fmt.Fprintf(&b, " redirect to %s", e.Location)
	case e.Odd != "" && e.Message == "":
		fmt.Fprintf(&b, " %s", e.Odd)
	case e.Message != "":
		fmt.Fprintf(&b, " %s", e.Message)
	default:
		fmt.Fprintf(&b, " %s", http.StatusText(e.Status))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		fmt.Fprintf(&b, "; %s: %s", name, strings.Join(e.Fields[name], ", "))
	}
	return b.String()
}

// RetryAfter is the pause the server asked for, zero if none.
func (e *Error) RetryAfter() time.Duration { return e.Pause }

// TransportError is a request without an answer.
type TransportError struct {
	Procedure string
	// Made: the connection was made, so that the request may have arrived.
	Made bool
	Err  error
}

func (e *TransportError) Error() string {
	return fmt.Sprintf("%s: %v", e.Procedure, e.Err)
}

func (e *TransportError) Unwrap() error { return e.Err }

// Refused reports whether Dokploy refuses the key, or does not let it do this.
func Refused(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Odd == "" && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden)
}

// Denied reports whether the key is good, but its owner may not do this.
func Denied(err error) bool {
	var e *Error
	return Refused(err) && errors.As(err, &e) && e.Code != "" && e.Message != "" && !strings.EqualFold(e.Message, "unauthorized")
}

// Unsupported reports whether the server has no such procedure, since it is too
// old for it (docs/dokploy.md, The API).
func Unsupported(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound && e.Odd == "" &&
		(strings.EqualFold(e.Message, "Not found") || strings.HasPrefix(e.Message, "No procedure found"))
}

// NotFound reports whether the service does not exist (any more).
func NotFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound && e.Odd == "" && !Unsupported(err)
}

// Permanent reports what no waiting fixes (before a deployment was started; while
// one is followed only time decides).
func Permanent(err error) bool {
	var e *Error
	if errors.As(err, &e) {
		switch {
		case e.Status == http.StatusTooManyRequests, e.Status == http.StatusRequestTimeout, e.Status >= 500:
			return false
		}
		return true
	}
	var old *NoEnvironmentsError
	return errors.As(err, &old) || permanent(err)
}

// permanent transport failures: the certificate, the protocol, the name.
func permanent(err error) bool {
	switch kind := neterr.Of(err).Kind; kind {
	case neterr.UnknownName, neterr.PlainHTTP, neterr.NoTLS, neterr.OnlyTLS:
		return true
	case neterr.ProxyFailed:
		return permanent(neterr.Of(err).Cause)
	default:
		return kind.Certificate()
	}
}

// answerError is nil for a good answer.
func answerError(procedure string, a *answer) error {
	odd := a.odd
	if a.status >= 200 && a.status < 300 {
		if odd == oddHTML || odd == oddCloudflare {
			return &Error{Procedure: procedure, Status: a.status, Odd: odd, Location: a.from, hops: a.hops}
		}
		return nil
	}
	e := &Error{Procedure: procedure, Status: a.status, Odd: odd, Pause: parseRetryAfter(a.header.Get("Retry-After")), hops: a.hops}
	if a.status >= 300 && a.status < 400 {
		e.Odd = oddHTML
		if u, err := url.Parse(a.header.Get("Location")); err == nil {
			u.RawQuery, u.Fragment, u.User = "", "", nil
			e.Location = text.OneLine(u.String())
			if a.hops > 0 && e.Location == "" {
				e.Location = a.from // itself, with another query
			}
		}
	}
	if a.hops > 0 && e.Location == "" && (odd == oddHTML || odd == oddCloudflare) {
		e.Location = a.from
	}
	switch odd {
	case "":
		e.decode(a.body)
		// A 404 of Dokploy's has a code in every version.
		if e.Status >= 400 && e.Code == "" && (e.Message == "" && len(e.Fields) == 0 || e.Status == http.StatusNotFound) {
			e.Odd = oddOther
		}
	case oddText:
		e.Message = text.OneLine(string(a.body))
		if a.status == http.StatusBadRequest && e.Message == "Invalid JSON" ||
			a.large && strings.Contains(a.header.Get("Content-Type"), "json") { // only its beginning was read
			e.Odd = ""
		}
	}
	return e
}

// cleanURLError drops method and URL, which net/http puts before each failure:
// the procedure says it, and a query is not for a log.
func cleanURLError(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err
	}
	return err
}
