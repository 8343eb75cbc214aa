package health

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"dokploy-deploy/internal/text"
)

const hintContains = "the previous version may still be the one that answers, or the text is elsewhere: compare what came with health-contains"

// addHeaders adds the headers of a check if the request goes to the scheme,
// host and port of the check's URL.
func (c *Check) addHeaders(req *http.Request) {
	if !sameOrigin(c.URL, req.URL) {
		return
	}
	for name, values := range c.Headers {
		if name == "Host" { // net/http keeps it in a field of its own
			req.Host = values[0]
			continue
		}
		req.Header[name] = values
	}
}

func sameOrigin(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	switch p := u.Port(); {
	case p != "":
		return p
	case strings.EqualFold(u.Scheme, "https"):
		return "443"
	}
	return "80"
}

// search reads a body until it contains a text, up to the limit, and returns
// what it read.
func search(r io.Reader, wanted string) (read []byte, found bool, err error) {
	var (
		body  bytes.Buffer
		piece = make([]byte, 16<<10)
	)
	r = io.LimitReader(r, maxSearched)
	for {
		n, err := r.Read(piece)
		from := max(0, body.Len()-len(wanted)+1) // the text may straddle two reads
		body.Write(piece[:n])
		if bytes.Contains(body.Bytes()[from:], []byte(wanted)) {
			return body.Bytes(), true, nil
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return body.Bytes(), false, err
		}
	}
}

// maxInstead is how much is shown of an answer without the text, in characters.
const maxInstead = 160

// wanted returns the text that must be contained, for a message.
func (c *Check) wanted() string { return c.excerpt(c.Contains) }

// excerpt prepares a text for a message: masked, then on one line, then
// shortened.
func (c *Check) excerpt(s string) string {
	if c.Mask != nil {
		s = c.Mask(s)
	}
	return `"` + text.Shorten(text.Printable(text.OneLine(strings.ToValidUTF8(s, "?"))), maxInstead, maxInstead/4) + `"`
}

// instead says what came in place of the text that must be contained.
func (c *Check) instead(resp *http.Response, body []byte, err error) string {
	encoding := resp.Header.Get("Content-Encoding")
	switch {
	case encoding != "" && !strings.EqualFold(encoding, "identity"):
		return fmt.Sprintf("the answer is compressed (%s) and cannot be read", text.Printable(encoding))
	case err != nil && len(body) == 0:
		return "the connection was closed before anything of its body came"
	case len(bytes.TrimSpace(body)) == 0:
		return "the answer is empty"
	case len(body) >= maxSearched:
		return "the first MiB of the answer, which is all that is searched, is " + c.excerpt(string(body))
	case err != nil:
		return "what came until it broke off is " + c.excerpt(string(body))
	}
	return "the answer is " + c.excerpt(string(body))
}
