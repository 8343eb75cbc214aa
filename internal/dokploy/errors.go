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
	// oddHTML is a page where JSON was expected.
	oddHTML Odd = "an HTML page"
	// oddCloudflare is a page of Cloudflare, in front of the server.
	oddCloudflare Odd = "a Cloudflare page"
	// oddEmpty is an error without a body: Dokploy's errors have one.
	oddEmpty Odd = "an empty answer"
	// oddOther is a JSON error in a form that Dokploy's API does not use.
	oddOther Odd = "an answer from another program"
	// oddText is neither JSON nor a page.
	oddText Odd = "something other than JSON"
	// oddLarge is an answer over the size limit.
	oddLarge Odd = "an answer that is too large"
)

// Error is an answer with an error status, from Dokploy or from something in
// front of it. It never contains a query, a header or a whole body.
type Error struct {
	Procedure string
	Status    int
	Code      string              // UNAUTHORIZED, NOT_FOUND, …; empty: none
	Message   string              // in Dokploy's words
	Fields    map[string][]string // errors about fields of the input
	Odd       Odd                 // set: the answer did not come from Dokploy's API
	Location  string              // where a redirect leads, without the query
	Pause     time.Duration       // from Retry-After
	hops      int                 // redirects followed before
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

// RetryAfter returns the pause that the server asked for; zero: none.
func (e *Error) RetryAfter() time.Duration { return e.Pause }

// TransportError is a request that got no answer.
type TransportError struct {
	Procedure string
	// Made: a connection was made, so the request may have arrived.
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

// Denied reports whether the key is valid, but its owner may not do this.
func Denied(err error) bool {
	var e *Error
	return Refused(err) && errors.As(err, &e) && e.Code != "" && e.Message != "" && !strings.EqualFold(e.Message, "unauthorized")
}

// Unsupported reports whether the server is too old to have the procedure
// (docs/dokploy.md, The API).
func Unsupported(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound && e.Odd == "" &&
		(strings.EqualFold(e.Message, "Not found") || strings.HasPrefix(e.Message, "No procedure found"))
}

// NotFound reports whether the service does not exist, or no longer exists.
func NotFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound && e.Odd == "" && !Unsupported(err)
}

// Permanent reports whether waiting cannot fix the error. It is for the time
// before a deployment starts; while one is followed, only time decides.
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

// permanent reports whether a transport error will persist: the certificate,
// the protocol, the name.
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

// answerError returns nil for a successful answer.
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
			a.large && strings.Contains(a.header.Get("Content-Type"), "json") { // only its start was read
			e.Odd = ""
		}
	}
	return e
}

// cleanURLError drops the method and URL that net/http puts in front of each
// error: the procedure says the same, and a query must not be logged.
func cleanURLError(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err
	}
	return err
}
