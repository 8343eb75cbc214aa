package dokploy

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Odd says what an answer is that does not come from Dokploy's API.
type Odd string

const (
	// OddHTML is a page where JSON was due.
	OddHTML Odd = "an HTML page"
	// OddCloudflare is a page of Cloudflare's, in front of the server.
	OddCloudflare Odd = "a page of Cloudflare"
	// OddText is neither JSON nor a page.
	OddText Odd = "no JSON"
)

// Error is an answer that says no: Dokploy's own, or that of something in
// front of it. It never holds a query, a header or a whole body.
type Error struct {
	Method, Procedure string
	Status            int
	Code              string              // UNAUTHORIZED, NOT_FOUND, …; empty: none was given
	Message           string              // Dokploy's words
	Fields            map[string][]string // field errors of bad input
	Odd               Odd                 // set: not Dokploy's API that answered
	Location          string              // where a redirect leads, without its query
	Pause             time.Duration       // Retry-After
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
	for _, name := range sortedKeys(e.Fields) {
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

// Refused tells whether Dokploy refuses the key, or does not let it do this.
func Refused(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Odd == "" && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden)
}

// Denied tells whether the key is good, but its owner may not do this.
func Denied(err error) bool {
	var e *Error
	return Refused(err) && errors.As(err, &e) && e.Code != "" && e.Message != "" && !strings.EqualFold(e.Message, "unauthorized")
}

// Unsupported tells whether the server has no such procedure, since it is too
// old for it (section 1.12).
func Unsupported(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound && e.Odd == "" &&
		(strings.EqualFold(e.Message, "Not found") || strings.HasPrefix(e.Message, "No procedure found"))
}

// NotFound tells whether the service does not exist (any more).
func NotFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound && e.Odd == "" && !Unsupported(err)
}

// Permanent tells what no waiting mends (before a deployment was started; while
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
	return permanent(err)
}

// permanent transport failures: the certificate, the protocol, the name.
func permanent(err error) bool {
	var (
		dns     *net.DNSError
		record  tls.RecordHeaderError
		alert   tls.AlertError
		invalid *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &invalid), errors.As(err, &record), errors.As(err, &alert):
		return true
	case errors.As(err, &dns):
		return dns.IsNotFound
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return true
	}
	return false
}

// answerError is nil for a good answer.
func answerError(method, procedure string, a *answer) error {
	odd := oddBody(a)
	if a.status >= 200 && a.status < 300 {
		if odd == OddHTML || odd == OddCloudflare {
			return &Error{Method: method, Procedure: procedure, Status: a.status, Odd: odd}
		}
		return nil
	}
	e := &Error{Method: method, Procedure: procedure, Status: a.status, Odd: odd, Pause: parseRetryAfter(a.header.Get("Retry-After"))}
	if a.status >= 300 && a.status < 400 {
		e.Odd = OddHTML
		if u, err := url.Parse(a.header.Get("Location")); err == nil {
			u.RawQuery, u.Fragment, u.User = "", "", nil
			e.Location = u.String()
		}
	}
	switch odd {
	case "":
		e.decode(a.body)
	case OddText:
		e.Message = oneLine(string(a.body), 200)
		if a.status == http.StatusBadRequest && e.Message == "Invalid JSON" {
			e.Odd = ""
		}
	}
	return e
}

// decode reads the three forms of an error (section 2).
func (e *Error) decode(body []byte) {
	type data struct {
		Code     string `json:"code"`
		ZodError *struct {
			FormErrors  []string            `json:"formErrors"`
			FieldErrors map[string][]string `json:"fieldErrors"`
		} `json:"zodError"`
	}
	type shape struct {
		Message string          `json:"message"`
		Code    json.RawMessage `json:"code"`
		Data    *data           `json:"data"`
		Issues  []struct {
			Path    []any  `json:"path"`
			Message string `json:"message"`
		} `json:"issues"`
	}
	var outer struct {
		shape
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &outer) != nil {
		return
	}
	s := outer.shape
	if len(outer.Error) > 0 && outer.Error[0] == '{' {
		var inner struct {
			shape
			JSON *shape `json:"json"`
		}
		if json.Unmarshal(outer.Error, &inner) == nil {
			s = inner.shape
			if inner.JSON != nil {
				s = *inner.JSON
			}
		}
	}
	e.Message = oneLine(s.Message, 500)
	var code string
	if json.Unmarshal(s.Code, &code) == nil {
		e.Code = code
	} else if s.Data != nil {
		e.Code = s.Data.Code
	}
	fields := map[string][]string{}
	if s.Data != nil && s.Data.ZodError != nil {
		for name, messages := range s.Data.ZodError.FieldErrors {
			fields[name] = messages
		}
		if len(s.Data.ZodError.FormErrors) > 0 {
			fields["input"] = s.Data.ZodError.FormErrors
		}
	}
	if len(fields) == 0 {
		for _, issue := range s.Issues {
			var path []string
			for _, p := range issue.Path {
				path = append(path, fmt.Sprint(p))
			}
			name := strings.Join(path, ".")
			fields[name] = append(fields[name], issue.Message)
		}
	}
	if len(fields) > 0 {
		e.Fields = fields
	}
}

// oddBody tells answers that are not of Dokploy's API. Empty bodies are: the
// deploy calls answer so.
func oddBody(a *answer) Odd {
	body := bytes.TrimSpace(a.body)
	cloudflare := a.header.Get("Cf-Mitigated") != "" || a.status >= 520 && a.status <= 530 ||
		strings.EqualFold(a.header.Get("Server"), "cloudflare")
	switch {
	case len(body) == 0:
		if cloudflare && a.status >= 400 {
			return OddCloudflare
		}
		return ""
	case json.Valid(body):
		return ""
	case body[0] == '<' || strings.Contains(a.header.Get("Content-Type"), "html"):
		if cloudflare && a.status >= 300 || bytes.Contains(body[:min(len(body), 4096)], []byte("Just a moment...")) {
			return OddCloudflare
		}
		return OddHTML
	}
	return OddText
}

func parseRetryAfter(v string) time.Duration {
	if v == "" {
		return 0
	}
	if n, err := strconv.Atoi(v); err == nil {
		return max(0, time.Duration(min(n, 3600))*time.Second)
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, time.Until(t))
	}
	return 0
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

// Explain says an error of this package in plain words for the person in
// front of a failed job, and, where something can be done, what.
func Explain(err error) (what, hint string) {
	var e *Error
	if errors.As(err, &e) {
		return e.explain()
	}
	var (
		dns       *net.DNSError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		alert     tls.AlertError
		op        *net.OpError
	)
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Sprintf("the host name %q is not known to DNS", dns.Name), "check the input url; a private name may be known on your machine but not where this job runs"
	case errors.As(err, &dns):
		return fmt.Sprintf("the name %q cannot be looked up: %s", dns.Name, dns.Err), "the DNS of the machine this job runs on does not answer"
	case errors.As(err, &authority):
		return "the certificate is signed by an authority that is not trusted here", "give the authority's certificate in the input ca-cert; Dokploy's own default is a self-signed one until a domain is set"
	case errors.As(err, &hostname):
		return "the certificate is for another host: " + hostname.Error(), "use the host name that the certificate names in the input url"
	case errors.As(err, &invalid):
		return "the certificate is not valid: " + invalid.Error(), "look at its dates, and at this machine's clock"
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "the server speaks plain HTTP where TLS was tried", "write http:// in the input url (Dokploy's port 3000 has no TLS), or use the domain behind its proxy"
	case errors.As(err, &alert):
		return "the TLS handshake failed: " + alert.Error(), ""
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection is refused", "Dokploy is not running there, or listens on another port (3000 by default)"
	case errors.Is(err, syscall.ECONNRESET):
		return "the connection was reset", ""
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "there is no route to the host", "a private address cannot be reached from a hosted runner"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &op) && op.Timeout():
		return "no answer in time", "a firewall may drop the connection: allow this runner, or run the job on a runner inside the network"
	}
	var te *TransportError
	if errors.As(err, &te) {
		err = te.Err
	}
	if s := err.Error(); s == "EOF" || s == "unexpected EOF" {
		return "the connection was closed in the middle", ""
	}
	return err.Error(), ""
}

// limitHint is the reason nobody thinks of (section 3).
const limitHint = "A key made through the API is limited to 10 requests a day and every call counts twice: make one in the dashboard (Settings → Profile → API/CLI) without a rate limit."

func (e *Error) explain() (what, hint string) {
	switch {
	case e.Odd == OddCloudflare:
		switch {
		case e.Status == http.StatusForbidden || e.Status == http.StatusServiceUnavailable || e.Status == http.StatusTooManyRequests:
			return fmt.Sprintf("Cloudflare stopped the request (%d)", e.Status), "let this runner through with a rule for /api/, or with a Cloudflare Access service token in the input headers"
		case e.Status >= 500:
			return fmt.Sprintf("Cloudflare does not get an answer from the server (%d)", e.Status), "Dokploy is down or restarting, or Cloudflare cannot reach it"
		}
		return fmt.Sprintf("Cloudflare answered with a page of its own (%d)", e.Status), ""
	case e.Location != "":
		hint = "write the address it leads to in the input url"
		if strings.Contains(e.Location, "cloudflareaccess.com") || strings.Contains(e.Location, "login") || strings.Contains(e.Location, "auth") {
			hint = "a login page stands in front of Dokploy: pass its token in the input headers, or let /api/ through"
		}
		return fmt.Sprintf("the server redirects to %s (%d); the key is not sent there", e.Location, e.Status), hint
	case e.Status == http.StatusRequestEntityTooLarge:
		return fmt.Sprintf("%s: what was sent is too large (413)", e.Procedure), "a proxy in front of Dokploy limits the size of a request (nginx: client_max_body_size), or Dokploy itself does: 1 MB for an environment or compose file"
	case e.Odd != "" && e.Status >= 500:
		return fmt.Sprintf("a proxy in front of Dokploy answered %d %s", e.Status, http.StatusText(e.Status)), "Dokploy is down or restarting behind it"
	case e.Odd != "" && e.Status == http.StatusUnauthorized:
		return "something in front of Dokploy asks for a login (401)", "pass what it wants in the input headers, or let /api/ through"
	case e.Odd != "":
		return fmt.Sprintf("%s came where Dokploy's API was expected (%d)", e.Odd, e.Status), "this is no Dokploy API, or a proxy stands in between: the input url is the address of the dashboard, without a path of it"
	case e.Status == http.StatusTooManyRequests:
		return "too many requests (429): a proxy in front of Dokploy limits them", "Dokploy itself never says so"
	case Denied(e):
		return fmt.Sprintf("Dokploy does not allow this key to do that (%d): %s", e.Status, e.Message), "the key's owner is a member without this right: give access to the service in Settings → Users, or use an admin's key"
	case Refused(e):
		return fmt.Sprintf("Dokploy refuses the key (%d)", e.Status), "It may be wrong, expired, disabled, or over its rate limit. " + limitHint
	case Unsupported(e):
		return fmt.Sprintf("this Dokploy has no %s", e.Procedure), "it is too old for it"
	case len(e.Fields) > 0:
		var parts []string
		for _, name := range sortedKeys(e.Fields) {
			parts = append(parts, name+": "+strings.Join(e.Fields[name], ", "))
		}
		return fmt.Sprintf("Dokploy does not take the request (%d): %s", e.Status, strings.Join(parts, "; ")), ""
	case e.Message != "":
		return fmt.Sprintf("Dokploy answered %d to %s: %s", e.Status, e.Procedure, e.Message), ""
	}
	return fmt.Sprintf("Dokploy answered %d to %s", e.Status, e.Procedure), ""
}

func sortedKeys(m map[string][]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// oneLine folds white space and cuts to a number of bytes, on a character.
func oneLine(s string, limit int) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return s
}
