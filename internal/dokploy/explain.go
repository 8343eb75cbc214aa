package dokploy

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"dokploy-deploy/internal/neterr"
	"dokploy-deploy/internal/text"
)

// Explain says in plain words what an error of this package means, and what to
// do about it, if anything.
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
		return stalled.Error(), "the network, a proxy in front of Dokploy or Dokploy itself has stopped taking data: check them, then run the job again"
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
			return fmt.Sprintf("the answer to %s is not HTTP: %s", te.Procedure, ownWords(te.Err)), "something else is listening on this port"
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

// ownWords returns an error's own words, without what net/http puts in front.
func ownWords(err error) string {
	return text.OneLine(strings.TrimPrefix(err.Error(), "net/http: HTTP/1.x transport connection broken: "))
}

// netHints say what to do when the API cannot be reached.
var netHints = map[neterr.Kind]string{
	neterr.UnknownName:        "check the input url; a private name may resolve on your machine but not where this job runs",
	neterr.NoDNS:              "DNS does not answer on the machine this job runs on",
	neterr.UnknownAuthority:   "pass the authority's certificate in the input ca-cert; until a domain is set, Dokploy uses a self-signed one",
	neterr.OtherHost:          "use a host name that the certificate covers in the input url",
	neterr.InvalidCertificate: "check its dates and this machine's clock",
	neterr.PlainHTTP:          "write http:// in the input url (Dokploy's port 3000 has no TLS), or use the domain behind its proxy",
	neterr.NoTLS:              "something else is listening on this port: check the input url",
	neterr.OnlyTLS:            "write https:// in the input url",
	neterr.HandshakeTimeout:   "the server, or a proxy or firewall in front of it, hangs",
	neterr.Refused:            "Dokploy is not running there, or listens on another port (3000 by default)",
	neterr.Unreachable:        "a private address cannot be reached from a hosted runner",
	neterr.Timeout:            "a firewall may be dropping the connection: allow this runner, or run the job on a runner inside the network",
}

const notDokploy = "this is not a Dokploy API, or a proxy is in the way: the input url is the dashboard's address, without a page's path"

func (e *brokenAnswer) explain(procedure string) (what, hint string) {
	switch neterr.Of(e.err).Kind {
	case neterr.Timeout:
		return fmt.Sprintf("the answer to %s did not end in time (%d bytes received)", procedure, e.got), "the server, or a proxy in front of it, hangs"
	case neterr.Closed, neterr.Reset:
		return fmt.Sprintf("the connection was closed in the middle of the answer to %s (%d bytes received)", procedure, e.got), ""
	}
	return fmt.Sprintf("the answer to %s cannot be read: %s", procedure, text.OneLine(e.err.Error())), ""
}

// limitHint is the cause that nobody thinks of (docs/dokploy.md, Keys and
// rights).
const limitHint = "A key made through the API is limited to 10 requests a day and every call counts twice; create one in the dashboard under Settings → Profile → API/CLI without a rate limit."

func (e *Error) explain() (what, hint string) {
	switch {
	case e.Odd == oddCloudflare:
		switch {
		case e.Status == http.StatusForbidden || e.Status == http.StatusServiceUnavailable || e.Status == http.StatusTooManyRequests:
			return fmt.Sprintf("Cloudflare blocked the request (%d)", e.Status), "let this runner through with a rule for /api/, or with a Cloudflare Access service token in the input headers"
		case e.Status >= 500:
			return fmt.Sprintf("Cloudflare gets no answer from the server (%d)", e.Status), "Dokploy is down or restarting, or Cloudflare cannot reach it"
		}
		return fmt.Sprintf("Cloudflare answered with a page of its own (%d)", e.Status), ""
	case e.Odd == oddLarge:
		hint = notDokploy
		if e.Procedure == listProcedure {
			hint = "give the service's id: then the list of all services is not needed"
		}
		return fmt.Sprintf("%s: %s", e.Procedure, e.Message), hint
	case e.Location != "" && (e.Status < 300 || e.Status >= 400):
		return fmt.Sprintf("the server redirects to %s, which answered with %s (%d)", e.Location, e.Odd, e.Status), "a login page is in front of Dokploy: pass its token in the input headers, or let /api/ through"
	case e.Location != "" && e.hops >= maxRedirects:
		return fmt.Sprintf("the server keeps redirecting, finally to %s (%d)", e.Location, e.Status), "look at the redirects of the proxy in front of Dokploy"
	case e.Location != "":
		hint = "use the address it redirects to as the input url"
		if strings.Contains(e.Location, "cloudflareaccess.com") || strings.Contains(e.Location, "login") || strings.Contains(e.Location, "auth") {
			hint = "a login page is in front of Dokploy: pass its token in the input headers, or let /api/ through"
		}
		return fmt.Sprintf("the server redirects to %s (%d); the key is not sent there", e.Location, e.Status), hint
	case e.Status == http.StatusRequestEntityTooLarge:
		return fmt.Sprintf("%s: the request is too large (413)", e.Procedure), "a proxy in front of Dokploy limits the size of a request (nginx: client_max_body_size), or Dokploy itself does: 1 MB for an environment or compose file"
	case e.Odd == oddEmpty && e.Status >= 500:
		return fmt.Sprintf("the answer to %s was %d %s without a body", e.Procedure, e.Status, http.StatusText(e.Status)), "Dokploy, or a proxy in front of it, is down or restarting"
	case e.Odd != "" && e.Status >= 500:
		return fmt.Sprintf("a proxy in front of Dokploy answered %d %s", e.Status, http.StatusText(e.Status)), "Dokploy is down or restarting behind it"
	case e.Odd != "" && e.Status == http.StatusUnauthorized:
		return "something in front of Dokploy asks for a login (401)", "pass the credentials that it expects in the input headers, or let /api/ through"
	case e.Odd == oddOther && e.Message != "":
		return fmt.Sprintf("expected Dokploy's API, but got %s (%s: %d %s)", e.Odd, e.Procedure, e.Status, e.Message), notDokploy
	case e.Odd != "":
		return fmt.Sprintf("expected Dokploy's API, but got %s (%s: %d)", e.Odd, e.Procedure, e.Status), notDokploy
	case e.Message == emptyAnswer: // with a good status: whose it is is not known
		return fmt.Sprintf("expected Dokploy's API, but got %s (%s: %d)", oddEmpty, e.Procedure, e.Status), notDokploy
	case e.Status == http.StatusTooManyRequests:
		return "too many requests (429): a proxy in front of Dokploy limits them", "Dokploy itself never answers this"
	case Denied(e):
		return fmt.Sprintf("Dokploy does not allow this key to do that (%d): %s", e.Status, e.Message), "the key's owner is a member without this permission: give access to the service in Settings → Users, or use an admin's key"
	case Refused(e):
		return fmt.Sprintf("Dokploy refuses the key (%d)", e.Status), "the key may be wrong, expired, disabled or over its rate limit. " + limitHint
	case Unsupported(e):
		return fmt.Sprintf("this Dokploy has no %s", e.Procedure), "its version is too old for that"
	case len(e.Fields) > 0:
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
			parts = append(parts, name+": "+strings.Join(e.Fields[name], ", "))
		}
		return fmt.Sprintf("Dokploy rejected the request (%d): %s", e.Status, strings.Join(parts, "; ")), ""
	case e.Message != "":
		return fmt.Sprintf("Dokploy answered %d to %s: %s", e.Status, e.Procedure, e.Message), ""
	}
	return fmt.Sprintf("Dokploy answered %d to %s", e.Status, e.Procedure), ""
}
