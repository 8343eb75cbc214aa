package dokploy

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"dokploy-deploy/internal/neterr"
	"dokploy-deploy/internal/text"
)

// Odd says what an answer is that does not come from Dokploy's API.
type Odd string

const (
	// OddHTML is a page where JSON was due.
	OddHTML Odd = "an HTML page"
	// OddCloudflare is a page of Cloudflare's, in front of the server.
	OddCloudflare Odd = "a page of Cloudflare"
	// OddEmpty is an answer that says no without a word: Dokploy's have some.
	OddEmpty Odd = "an empty answer"
	// OddOther is JSON that says no in other words than Dokploy's API.
	OddOther Odd = "an answer of another program"
	// OddText is neither JSON nor a page.
	OddText Odd = "no JSON"
	// OddLarge is more than is read of an answer.
	OddLarge Odd = "more than can be taken"
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
		if odd == OddHTML || odd == OddCloudflare {
			return &Error{Procedure: procedure, Status: a.status, Odd: odd, Location: a.from, hops: a.hops}
		}
		return nil
	}
	e := &Error{Procedure: procedure, Status: a.status, Odd: odd, Pause: parseRetryAfter(a.header.Get("Retry-After")), hops: a.hops}
	if a.status >= 300 && a.status < 400 {
		e.Odd = OddHTML
		if u, err := url.Parse(a.header.Get("Location")); err == nil {
			u.RawQuery, u.Fragment, u.User = "", "", nil
			e.Location = text.OneLine(u.String())
			if a.hops > 0 && e.Location == "" {
				e.Location = a.from // itself, with another query
			}
		}
	}
	if a.hops > 0 && e.Location == "" && (odd == OddHTML || odd == OddCloudflare) {
		e.Location = a.from
	}
	switch odd {
	case "":
		e.decode(a.body)
		// A 404 of Dokploy's has a code in every version.
		if e.Status >= 400 && e.Code == "" && (e.Message == "" && len(e.Fields) == 0 || e.Status == http.StatusNotFound) {
			e.Odd = OddOther
		}
	case OddText:
		e.Message = text.OneLine(string(a.body))
		if a.status == http.StatusBadRequest && e.Message == "Invalid JSON" ||
			a.large && strings.Contains(a.header.Get("Content-Type"), "json") { // only its beginning was read
			e.Odd = ""
		}
	}
	return e
}

// maxFields bounds the fields that an error names, and how much it says of one.
const maxFields = 20

type issue struct {
	Path    listOf[any] `json:"path"`
	Message string      `json:"message"`
}

// decode reads the three forms of an error (docs/dokploy.md, The API).
func (e *Error) decode(body []byte) {
	type data struct {
		Code     string `json:"code"`
		ZodError *struct {
			FormErrors  listOf[string]            `json:"formErrors"`
			FieldErrors map[string]listOf[string] `json:"fieldErrors"`
		} `json:"zodError"`
	}
	type shape struct {
		Message string          `json:"message"`
		Code    json.RawMessage `json:"code"`
		Data    *data           `json:"data"`
		Issues  listOf[issue]   `json:"issues"`
	}
	var outer struct {
		shape
		Error json.RawMessage `json:"error"`
	}
	// It is valid JSON. What is of another type than it should be is left out.
	_ = json.Unmarshal(body, &outer)
	s := outer.shape
	if len(outer.Error) > 0 && outer.Error[0] == '{' {
		var inner struct {
			shape
			JSON *shape `json:"json"`
		}
		_ = json.Unmarshal(outer.Error, &inner)
		s = inner.shape
		if inner.JSON != nil {
			s = *inner.JSON
		}
	}
	e.Message = text.OneLine(s.Message)
	var code string
	if json.Unmarshal(s.Code, &code) == nil {
		e.Code = code
	} else if s.Data != nil {
		e.Code = s.Data.Code
	}
	fields := map[string][]string{}
	add := func(name string, messages ...string) {
		name = text.OneLine(name)
		for _, m := range messages {
			if len(fields) < maxFields && len(fields[name]) < maxFields {
				fields[name] = append(fields[name], text.OneLine(m))
			}
		}
	}
	if s.Data != nil && s.Data.ZodError != nil {
		for name, messages := range s.Data.ZodError.FieldErrors {
			add(name, messages...)
		}
		add("input", s.Data.ZodError.FormErrors...)
	}
	if len(fields) == 0 {
		for _, issue := range s.Issues {
			var path []string
			for _, p := range issue.Path {
				path = append(path, fmt.Sprint(p))
			}
			add(strings.Join(path, "."), issue.Message)
		}
	}
	if len(fields) > 0 {
		e.Fields = fields
	}
}

// oddBody tells answers that are not of Dokploy's API. Empty bodies are where
// they say yes: the deploy calls answer so.
func oddBody(a *answer) Odd {
	body := bytes.TrimSpace(a.body)
	cloudflare := a.header.Get("Cf-Mitigated") != "" || a.status >= 520 && a.status <= 530 ||
		strings.EqualFold(a.header.Get("Server"), "cloudflare")
	switch {
	case len(body) == 0:
		switch {
		case a.status < 400:
			return ""
		case cloudflare:
			return OddCloudflare
		}
		return OddEmpty
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
		return min(max(0, time.Until(t)), time.Hour)
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
		broken  *brokenAnswer
		stalled *StalledError
		te      *TransportError
	)
	errors.As(err, &te)
	if errors.As(err, &stalled) {
		return stalled.Error(), "the network, a proxy in front of Dokploy or Dokploy itself takes no more of it: look at them, then run the job again"
	}
	if te != nil && errors.As(err, &broken) {
		return broken.explain(te.Procedure)
	}
	f := neterr.Of(err)
	switch f.Kind {
	case neterr.ProxyFailed:
		return neterr.Words(err), f.Hint
	case neterr.NotHTTP:
		// What came says more than that it is not HTTP.
		if te != nil {
			return fmt.Sprintf("the answer to %s is not HTTP: %s", te.Procedure, ownWords(te.Err)), "something else listens on this port"
		}
	case neterr.Other:
		switch {
		case te == nil:
			return ownWords(err), ""
		case strings.Contains(te.Err.Error(), "server response headers exceeded"):
			return fmt.Sprintf("the answer to %s has more than %d kB of headers", te.Procedure, maxHeader>>10), notDokploy
		}
		return te.Procedure + ": " + ownWords(te.Err), ""
	}
	return f.What, cmp.Or(f.Hint, netHints[f.Kind])
}

// ownWords are those of an error, without what net/http puts before them.
func ownWords(err error) string {
	return text.OneLine(strings.TrimPrefix(err.Error(), "net/http: HTTP/1.x transport connection broken: "))
}

// netHints are what can be done when the API cannot be asked.
var netHints = map[neterr.Kind]string{
	neterr.UnknownName:        "check the input url; a private name may be known on your machine but not where this job runs",
	neterr.NoDNS:              "the DNS of the machine this job runs on does not answer",
	neterr.UnknownAuthority:   "give the authority's certificate in the input ca-cert; Dokploy's own default is a self-signed one until a domain is set",
	neterr.OtherHost:          "use the host name that the certificate names in the input url",
	neterr.InvalidCertificate: "look at its dates, and at this machine's clock",
	neterr.PlainHTTP:          "write http:// in the input url (Dokploy's port 3000 has no TLS), or use the domain behind its proxy",
	neterr.NoTLS:              "something else listens on this port: check the input url",
	neterr.OnlyTLS:            "write https:// in the input url",
	neterr.HandshakeTimeout:   "the server, or a proxy or firewall in front of it, hangs",
	neterr.Refused:            "Dokploy is not running there, or listens on another port (3000 by default)",
	neterr.Unreachable:        "a private address cannot be reached from a hosted runner",
	neterr.Timeout:            "a firewall may drop the connection: allow this runner, or run the job on a runner inside the network",
}

const notDokploy = "this is no Dokploy API, or a proxy stands in between: the input url is the address of the dashboard, without a path of it"

func (e *brokenAnswer) explain(procedure string) (what, hint string) {
	switch neterr.Of(e.err).Kind {
	case neterr.Timeout:
		return fmt.Sprintf("the answer to %s did not end in time (%d bytes came)", procedure, e.got), "the server, or a proxy in front of it, hangs"
	case neterr.Closed, neterr.Reset:
		return fmt.Sprintf("the connection was closed in the middle of the answer to %s (%d bytes came)", procedure, e.got), ""
	}
	return fmt.Sprintf("the answer to %s cannot be read: %s", procedure, text.OneLine(e.err.Error())), ""
}

// limitHint is the reason nobody thinks of (docs/dokploy.md, Keys and rights).
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
	case e.Odd == OddLarge:
		hint = notDokploy
		if e.Procedure == listProcedure {
			hint = "name the service by its id: then the list of all is not needed"
		}
		return fmt.Sprintf("%s: %s", e.Procedure, e.Message), hint
	case e.Location != "" && (e.Status < 300 || e.Status >= 400):
		return fmt.Sprintf("the server redirects to %s, where %s came (%d)", e.Location, e.Odd, e.Status), "a login page stands in front of Dokploy: pass its token in the input headers, or let /api/ through"
	case e.Location != "" && e.hops >= maxRedirects:
		return fmt.Sprintf("the server redirects again and again, at last to %s (%d)", e.Location, e.Status), "look at the redirects of the proxy in front of Dokploy"
	case e.Location != "":
		hint = "write the address it leads to in the input url"
		if strings.Contains(e.Location, "cloudflareaccess.com") || strings.Contains(e.Location, "login") || strings.Contains(e.Location, "auth") {
			hint = "a login page stands in front of Dokploy: pass its token in the input headers, or let /api/ through"
		}
		return fmt.Sprintf("the server redirects to %s (%d); the key is not sent there", e.Location, e.Status), hint
	case e.Status == http.StatusRequestEntityTooLarge:
		return fmt.Sprintf("%s: what was sent is too large (413)", e.Procedure), "a proxy in front of Dokploy limits the size of a request (nginx: client_max_body_size), or Dokploy itself does: 1 MB for an environment or compose file"
	case e.Odd == OddEmpty && e.Status >= 500:
		return fmt.Sprintf("the answer to %s was %d %s without a body", e.Procedure, e.Status, http.StatusText(e.Status)), "Dokploy, or a proxy in front of it, is down or restarting"
	case e.Odd != "" && e.Status >= 500:
		return fmt.Sprintf("a proxy in front of Dokploy answered %d %s", e.Status, http.StatusText(e.Status)), "Dokploy is down or restarting behind it"
	case e.Odd != "" && e.Status == http.StatusUnauthorized:
		return "something in front of Dokploy asks for a login (401)", "pass what it wants in the input headers, or let /api/ through"
	case e.Odd == OddOther && e.Message != "":
		return fmt.Sprintf("%s came where Dokploy's API was expected (%s: %d %s)", e.Odd, e.Procedure, e.Status, e.Message), notDokploy
	case e.Odd != "":
		return fmt.Sprintf("%s came where Dokploy's API was expected (%s: %d)", e.Odd, e.Procedure, e.Status), notDokploy
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
