package health

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseStatus(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want []Range
		err  string
	}{
		{in: "200-399", want: []Range{{200, 399}}},
		{in: "200", want: []Range{{200, 200}}},
		{in: "200,204,301-302", want: []Range{{200, 200}, {204, 204}, {301, 302}}},
		{in: " 200 , 204 - 206,\n", want: []Range{{200, 200}, {204, 206}}},
		{in: "100-599", want: []Range{{100, 599}}},
		{in: "", err: `has no status code; write 200 or 200-399`},
		{in: " , ", err: `has no status code; write 200 or 200-399`},
		{in: "2xx", err: `"2xx" is neither a status code nor a range of them; write 200 or 200-399`},
		{in: "200 204", err: `"200 204" is neither a status code nor a range of them; write 200 or 200-399`},
		{in: "200-", err: `"200-" is neither a status code nor a range of them; write 200 or 200-399`},
		{in: "-200", err: `"-200" is neither a status code nor a range of them; write 200 or 200-399`},
		{in: "+200", err: `"+200" is neither a status code nor a range of them; write 200 or 200-399`},
		{in: "200-300-400", err: `"200-300-400" is neither a status code nor a range of them; write 200 or 200-399`},
		{in: "99999999999999999999", err: `"99999999999999999999" is neither a status code nor a range of them; write 200 or 200-399`},
		{in: "99", err: `"99" is not a status code (100 to 599)`},
		{in: "200-600", err: `"200-600" is not a status code (100 to 599)`},
		{in: "399-200", err: `"399-200" is backwards; write 200-399`},
	} {
		got, err := ParseStatus(tt.in)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if text != tt.err || !cmp.Equal(got, tt.want) {
			t.Errorf("%q: %v, error %q\nwant %v, error %q", tt.in, got, text, tt.want, tt.err)
		}
	}
}

func TestParseURL(t *testing.T) {
	const want = "; write the address to request, such as https://app.example.com/healthz"
	const login = "contains a user name or password, which would be shown; use an address that needs none"
	for _, tt := range []struct{ in, want, err string }{
		{in: "https://app.example.com", want: "https://app.example.com"},
		{in: "HTTP://app.example.com:8080/a/@b?token=secret#part", want: "http://app.example.com:8080/a/@b?token=secret"},
		{in: "https://app.example.com/?mail=a@b.example", want: "https://app.example.com/?mail=a@b.example"},
		{in: "https://[2001:db8::1]:8443/x", want: "https://[2001:db8::1]:8443/x"},
		{in: "app.example.com/x?token=secret", err: `"app.example.com/x" has no scheme; write https://app.example.com/x`},
		{in: "//app.example.com", err: `"//app.example.com" has no scheme; write https://app.example.com`},
		{in: "ftp://app.example.com/?token=secret", err: `"ftp://app.example.com/" is not http or https` + want},
		{in: "https://", err: `"https://" has no host` + want},
		{in: "https:///healthz", err: `"https:///healthz" has no host` + want},
		{in: "https://:443/", err: `"https://:443/" has no host` + want},
		{in: "https://app.example.com:/", err: `"https://app.example.com:/" has no valid port` + want},
		{in: "https://app.example.com:0", err: `"https://app.example.com:0" has no valid port` + want},
		{in: "https://app.example.com:65536?token=secret", err: `"https://app.example.com:65536" has no valid port` + want},
		{in: "https://app.example.com/%zz?token=secret", err: `"https://app.example.com/%zz" is not a URL` + want},
		{in: "https://app.example.com/\x00?token=secret", err: `"https://app.example.com/?" is not a URL` + want},
		{in: "https://app.example.com/?token=secret\x00", err: `"https://app.example.com/" is not a URL` + want},
		{in: "https://app.example.com/ healthz", err: "contains a space or a line break" + want},
		{in: "https://me:secret@app.example.com/", err: login},
		{in: "me:secret@app.example.com/", err: login},
		{in: "me:sec?ret@app.example.com/", err: login},
		{in: "me:secret@https://app.example.com/", err: login},
		{in: "https://me:sec/ret@app.example.com/", err: login},
		{in: "https://me:sec?ret@app.example.com/", err: login},
		{in: "https://me:sec#ret@app.example.com/", err: login},
	} {
		u, err := ParseURL(tt.in)
		got, text := "", ""
		if err != nil {
			text = err.Error()
		} else {
			got = u.String()
		}
		if got != tt.want || text != tt.err {
			t.Errorf("%q: %q, error %q\nwant %q, error %q", tt.in, got, text, tt.want, tt.err)
		}
	}
}

func FuzzParseStatus(f *testing.F) {
	for _, s := range []string{"200-399", "200,204,301-302", "2xx", "399-200", ",", "200 - 204"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		list, err := ParseStatus(s)
		if err != nil {
			if list != nil || strings.Contains(err.Error(), "\n") {
				t.Fatalf("%q: %v, error %q", s, list, err)
			}
			return
		}
		var pieces []string
		for _, r := range list {
			if r.From < 100 || r.From > r.To || r.To > 599 {
				t.Fatalf("%q: %v", s, list)
			}
			pieces = append(pieces, r.String())
		}
		again, err := ParseStatus(strings.Join(pieces, ","))
		if err != nil || !cmp.Equal(again, list) || len(list) == 0 {
			t.Fatalf("%q: %v, read again %v, error %v", s, list, again, err)
		}
	})
}

func FuzzParseURL(f *testing.F) {
	for _, s := range []string{
		"https://app.example.com/healthz?token=secret#x", "http://[::1]:80", "me:secret@host", "https://me:sec/ret@host", "https://h/%zz", "https://h:x", "//h", "https://%68/",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		const secret = "zqsecretqz"
		u, err := ParseURL(s)
		if err == nil {
			if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
				t.Fatalf("%q: %#v", s, u)
			}
			again, err := ParseURL(u.String())
			if err != nil || again.String() != u.String() {
				t.Fatalf("%q: %q, read again %v, error %v", s, u, again, err)
			}
		} else if strings.Contains(err.Error(), "\n") {
			t.Fatalf("%q: error %q", s, err)
		}
		if strings.Contains(s, secret) {
			return
		}
		for _, s := range []string{s + "?" + secret, s + "?token=" + secret + "\x7f", "https://me:" + secret + "@" + s, "me:" + secret + "@" + s} {
			u, err := ParseURL(s)
			if err != nil && strings.Contains(err.Error(), secret) || err == nil && strings.Contains(shown(u), secret) {
				t.Fatalf("%q: shows the secret: %v, %v", s, u, err)
			}
		}
	})
}
