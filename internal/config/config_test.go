package config

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"dokploy-deploy/internal/health"
)

// load reads inputs, each given by its name, in addition to the required ones.
func load(inputs ...string) (*Config, error) {
	vars := map[string]string{"DOKPLOY_URL": "https://h", "DOKPLOY_API_KEY": "key-123", "DOKPLOY_APPLICATION": "api"}
	for i := 0; i < len(inputs); i += 2 {
		vars["DOKPLOY_"+strings.ToUpper(strings.ReplaceAll(inputs[i], "-", "_"))] = inputs[i+1]
	}
	return Load(vars, Facts{})
}

// problems returns the problems that Load reports, each as "input: text".
func problems(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error of type %T", err)
	}
	return strings.Split(e.Error(), "\n")
}

func TestDefaults(t *testing.T) {
	c, err := load()
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		URL: &url.URL{Scheme: "https", Host: "h"}, APIKey: "key-123", Applications: []string{"api"},
		Operation: "deploy", Wait: true, Timeout: 30 * time.Minute, UnreachableTimeout: 5 * time.Minute,
		Logs: "live", MaxParallel: 4, EnvMode: "merge", Verify: "auto", StableFor: 10 * time.Second,
		HealthStatus: []health.Range{{From: 200, To: 399}}, HealthTimeout: 2 * time.Minute,
	}
	if diff := cmp.Diff(want, c, cmpopts.IgnoreUnexported(Config{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAllInputs(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.env")
	c, err := Load(map[string]string{
		"INPUT_URL":                   " https://h/sub/api/ ",
		"INPUT_API-KEY":               "key-123\n",
		"INPUT_APPLICATION":           "a, b\n\n c ,a,",
		"INPUT_COMPOSE":               "p/e/x\r\np/e/y",
		"INPUT_OPERATION":             "redeploy",
		"INPUT_TITLE":                 "one\r\n  two",
		"INPUT_DESCRIPTION":           "one\r\ntwo\x1b",
		"INPUT_WAIT":                  "True",
		"INPUT_TIMEOUT":               "90",
		"INPUT_UNREACHABLE-TIMEOUT":   "1m30s",
		"INPUT_LOGS":                  "failure",
		"INPUT_HEADERS":               "X-A: 1, 2\n\n x-a:3 ",
		"INPUT_TLS-SKIP-VERIFY":       "TRUE",
		"INPUT_MAX-PARALLEL":          "32",
		"INPUT_OUTPUT-FILE":           out,
		"INPUT_DEBUG":                 "true",
		"INPUT_VERIFY":                "off",
		"INPUT_STABLE-FOR":            "3",
		"INPUT_IMAGE":                 " ghcr.io/acme/api@sha256:" + strings.Repeat("a", 64),
		"INPUT_ENV":                   "# of this run\nA=1, 2\nB=\"x\"\n",
		"INPUT_HEALTH-URL":            "AUTO",
		"INPUT_HEALTH-STATUS":         "200, 301-302",
		"INPUT_HEALTH-TIMEOUT":        "45s",
		"INPUT_ROLLBACK":              "FALSE",
		"INPUT_DRY-RUN":               "false",
		"INPUT_SOMETHING-OF-THE-HOST": "x",
	}, Facts{})
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		URL: &url.URL{Scheme: "https", Host: "h", Path: "/sub"}, APIKey: "key-123",
		Applications: []string{"a", "b", "c"}, Composes: []string{"p/e/x", "p/e/y"}, Operation: "redeploy",
		Title: "one two", Description: "one\ntwo", Wait: true, Timeout: 90 * time.Second, UnreachableTimeout: 90 * time.Second,
		Logs: "failure", Headers: http.Header{"X-A": {"1, 2", "3"}}, TLSSkipVerify: true, MaxParallel: 32,
		OutputFile: out, Debug: true,
		Image: "ghcr.io/acme/api@sha256:" + strings.Repeat("a", 64), Env: "# of this run\nA=1, 2\nB=\"x\"", EnvMode: "merge",
		Verify: "off", StableFor: 3 * time.Second, HealthURL: &HealthURL{},
		HealthStatus: []health.Range{{From: 200, To: 200}, {From: 301, To: 302}}, HealthTimeout: 45 * time.Second,
	}
	if diff := cmp.Diff(want, c, cmpopts.IgnoreUnexported(Config{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("looking at the output file left it behind")
	}
}

func TestSpellings(t *testing.T) {
	order := []string{"INPUT_API-KEY", "INPUT_API_KEY", "PLUGIN_API_KEY", "PLUGIN_API-KEY", "DOKPLOY_API_KEY"}
	if diff := cmp.Diff(order, Spellings("api-key")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"INPUT_URL", "PLUGIN_URL", "DOKPLOY_URL"}, Spellings("url")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	vars := map[string]string{"DOKPLOY_URL": "https://h", "DOKPLOY_COMPOSE": "x"}
	for i, name := range order {
		vars[name] = "key-" + string(rune('0'+i))
	}
	for i, name := range order {
		c, err := Load(vars, Facts{})
		if want := "key-" + string(rune('0'+i)); err != nil || c.APIKey != want {
			t.Errorf("%q, %v; want %q from %s", c.APIKey, err, want, name)
		}
		vars[name] = " \n" // empty means unset
	}
	if _, err := Load(vars, Facts{}); err == nil {
		t.Error("no key, no error")
	}
}

func TestProblems(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		inputs string // name=value;name=value
		want   []string
	}{
		{"url=", []string{"url: is required but not set (looked for INPUT_URL, PLUGIN_URL, DOKPLOY_URL)"}},
		{"api-key=", []string{"api-key: is required but not set (looked for INPUT_API-KEY, INPUT_API_KEY, PLUGIN_API_KEY, PLUGIN_API-KEY, DOKPLOY_API_KEY)"}},
		{"application=", []string{"application: nothing to deploy: give application, compose or both, each as an id, name, project/name or project/environment/name"}},
		{"application= , ,", []string{"application: nothing to deploy: give application, compose or both, each as an id, name, project/name or project/environment/name"}},
		{"application=a\tb", []string{`application: "a\tb" contains a control character; separate several targets with newlines or commas`}},
		{"operation=Deploy", []string{`operation: "Deploy" is not one of deploy, redeploy, follow; write deploy`}},
		{"logs=on", []string{`logs: "on" is not one of live, failure, off`}},
		{"wait=yes;debug=1", []string{`wait: "yes" is neither true nor false; write true`, `debug: "1" is neither true nor false; write true`}},
		{"timeout=soon", []string{`timeout: "soon" is not a duration; write one such as 90s or 30m, or whole seconds`}},
		{"timeout=1.5", []string{`timeout: "1.5" is not a duration; write 1.5s`}},
		{"timeout=-5", []string{`timeout: "-5" is not a duration; write one such as 90s or 30m, or whole seconds`}},
		{"timeout=-5m", []string{`timeout: "-5m" is not greater than zero; write a duration such as 90s or 30m, or whole seconds`}},
		{"timeout=0", []string{`timeout: "0" is not greater than zero; write a duration such as 90s or 30m, or whole seconds`}},
		{"timeout=86401", []string{`timeout: "86401" is too long; at most 24h`}},
		{"timeout=25h", []string{`timeout: "25h" is too long; at most 24h`}},
		{"timeout=9223372037", []string{`timeout: "9223372037" is too long; at most 24h`}},
		{"timeout=18446744073709551616", []string{`timeout: "18446744073709551616" is too long; at most 24h`}},
		{"timeout=9999999999h", []string{`timeout: "9999999999h" is not a duration; write one such as 90s or 30m, or whole seconds`}},
		{"max-parallel=0", []string{`max-parallel: "0" is not a whole number from 1 to 32`}},
		{"max-parallel=33", []string{`max-parallel: "33" is not a whole number from 1 to 32`}},
		{"max-parallel=two", []string{`max-parallel: "two" is not a whole number from 1 to 32`}},
		{"ca-cert=" + dir + "/none.pem", []string{"ca-cert: is not PEM text, and there is no file \"" + dir + "/none.pem\""}},
		{"ca-cert=one\ntwo", []string{"ca-cert: is neither PEM text nor a path"}},
		{"output-file=" + dir, []string{`output-file: "` + dir + `" is a directory; give a file`}},
		{"output-file=" + dir + "/no/file", []string{`output-file: the folder "` + dir + `/no" does not exist`}},
		{"output-file=" + dir + "/new/", []string{`output-file: the folder "` + dir + `/new" does not exist`}},
		// In the order of the table, whatever is wrong.
		{"url=h;env=A;verify=yes;rollback=on;debug=x;image=a b;env-mode=add;stable-for=0;health-status=2xx", []string{
			`url: is not an address that begins with https:// or http://; write the address of the Dokploy instance, such as https://dokploy.example.com`,
			`image: "a b" is not the name of an image (it contains a space, a line break or a comma: only one image can be set); write one such as ghcr.io/acme/api:1.4.2`,
			`env: line 1 has no "="; each line is KEY=VALUE. The variable DOKPLOY_ENV is read as this input: if it is your own, unset it for this step, or give the lines in INPUT_ENV`,
			`env-mode: "add" is not one of merge, replace`,
			`verify: "yes" is not one of auto, require, off`,
			`stable-for: "0" is not greater than zero; write a duration such as 90s or 30m, or whole seconds`,
			`health-status: "2xx" is neither a status code nor a range of them; write 200 or 200-399`,
			`rollback: "on" is neither true nor false; write true`,
			`debug: "x" is neither true nor false; write one of the two`,
		}},
	} {
		var inputs []string
		for _, input := range strings.Split(tt.inputs, ";") {
			name, value, _ := strings.Cut(input, "=")
			inputs = append(inputs, name, value)
		}
		c, err := load(inputs...)
		if diff := cmp.Diff(tt.want, problems(t, err)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.inputs, diff)
		}
		if c == nil {
			t.Fatal("no Config")
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestURL(t *testing.T) {
	for _, tt := range []struct{ in, want, problem string }{
		{"https://h", "https://h", ""},
		{"HTTP://H:3000/", "http://H:3000", ""},
		{"https://h//", "https://h", ""},
		{"https://h/api", "https://h", ""},
		{"https://h/api//", "https://h", ""},
		{"https://h/sub", "https://h/sub", ""},
		{"https://h/sub/api/", "https://h/sub", ""},
		{"https://h/a%2Fb/", "https://h/a%2Fb", ""},
		{"https://h/myapi", "https://h/myapi", ""},
		{"https://h/dashboards", "https://h/dashboards", ""},
		{"http://[::1]:3000/api", "http://[::1]:3000", ""},
		{"h", "", "is not an address that begins with https://"},
		{"h:3000/api", "", "has no scheme; write https://h:3000"},
		{"dokploy.example.com", "", "has no scheme; write https://dokploy.example.com"},
		{"//h.example.com/x", "", "has no scheme; write https://h.example.com"},
		{"//h", "", "is not an address that begins with https://"},
		{"ftp://h", "", `"ftp://" is not http or https`},
		{"https://", "", "has no host"},
		{"https:///api", "", "has no host"},
		{"https:///h.example.com", "", "has no host between the slashes; write https://h.example.com"},
		{"https://:3000", "", "has no host"},
		{"https://h:", "", "no valid port"},
		{"https://h:0", "", "no valid port"},
		{"https://h:65536", "", "no valid port"},
		{"https://h:x", "", "no valid port"},
		{"https://h/%zz", "", "is not a URL (it has a % that"},
		{"https://h/\x01", "", "is not a URL"},
		{"https://h h", "", "contains a space"},
		{"https://h\nhttps://i", "", "contains several addresses"},
		{"https://h\n/api", "", "contains a space or a line break"},
		{"https://bob:hunter2@h", "", "the input headers"},
		{"https://hunter2@h/%zz", "", "the input headers"},
		{"https://me:hun/hunter2@h", "", "the input headers"},
		{"https://bob:hun?ter2@h", "", "the input headers"},
		{"https://bob:hunter2#@h", "", "the input headers"},
		{"https://bob:hunter2", "", "no valid port"},
		{"bob:hunter2@h", "", "the input headers"},
		{"http//h.example.com:3000/hunter2", "", `begins with "http//", and not with "http://"; write http://h.example.com:3000`},
		{"https//h.example.com", "", "write https://h.example.com"},
		{"https:/h.example.com", "", "write https://h.example.com"},
		{"HTTPS:h.example.com", "", "write https://h.example.com"},
		{`https:\\h.example.com\hunter2`, "", "write https://h.example.com"},
		{"https;//h.example.com", "", "write https://h.example.com"},
		{"https/h", "", "write https://, followed by the host"},
		{"htps://h.example.com", "", `begins with "htps://", which is not a scheme; write https://h.example.com`},
		{"htpp://10.0.0.1:3000", "", "write http://10.0.0.1:3000"},
		{"httpss://h.example.com/hunter2", "", "write https://h.example.com"},
		{"hunter2hunter2://h", "", "is not http or https"},
		{"https://$HOST/", "", "has an unexpanded variable where its host or port should be"},
		{"https://${HOST}/hunter2", "", "has an unexpanded variable where its host or port should be"},
		{"https://%HOST%/", "", "has an unexpanded variable where its host or port should be"},
		{"https://{{host}}/", "", "has an unexpanded variable where its host or port should be"},
		{"https://h:${PORT}", "", "has an unexpanded variable where its host or port should be"},
		{"http://::1:3000", "", "has an IPv6 address without brackets around it, as in http://[2001:db8::1]:3000"},
		{"http://fe80::1/dashboard", "", "has an IPv6 address without brackets around it"},
		{"https://a.example.com,https://hunter2.example.com", "", "contains several addresses, but takes only one"},
		{"https://a.example.com; https://b.example.com", "", "contains several addresses"},
	} {
		c, err := load("url", tt.in)
		got := problems(t, err)
		if tt.problem == "" {
			if err != nil || c.URL.String() != tt.want {
				t.Errorf("%q: %v, %q; want %s", tt.in, c.URL, got, tt.want)
			}
			continue
		}
		if len(got) != 1 || !strings.HasPrefix(got[0], "url: ") || !strings.Contains(got[0], tt.problem) {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.problem)
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", tt.in, err)
		}
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	for _, tt := range []struct{ input, value, want string }{
		{"api-key", "hunter2 hunter2", "contains a space, a line break"},
		{"api-key", "hunter2\nhunter2", "contains a space, a line break"},
		{"api-key", "hunter2é", "cannot be part of a key"},
		{"headers", "hunter2", "line 1 has no colon"},
		{"headers", "Idempotency-Key: hunter2", "Idempotency-Key cannot be set"},
		{"headers", "idempotency-key: hunter2", "would deploy twice"},
		{"headers", "X-IDEMPOTENCY-KEY : hunter2", "would deploy twice"},
		{"headers", `{"x-idempotency-key":"hunter2"}`, "would deploy twice"},
		{"headers", "A: 1\n\nhunter2 b: x", "line 3 does not begin with a header name"},
		{"headers", ": hunter2", "line 1 does not begin with a header name"},
		{"headers", "A(: hunter2", "line 1 does not begin with a header name"},
		{"headers", "Ä: hunter2", "line 1 does not begin with a header name"},
		{"headers", "A: hunter2\x01", "the value of A contains a control character"},
		{"headers", "A: hunter2\u0085x", "the value of A contains a control character"},
		{"headers", "A:", "A has no value; is its secret set?"},
		{"headers", "host: hunter2", "host cannot be set: it belongs to the connection"},
		{"headers", "accept-encoding: hunter2", "accept-encoding cannot be set: it belongs to the connection"},
		{"headers", "Content-Encoding: hunter2", "Content-Encoding cannot be set: it belongs to the connection"},
		{"headers", "Content-length: hunter2", "Content-length cannot be set"},
		{"headers", "transfer-encoding: hunter2", "transfer-encoding cannot be set"},
		{"headers", "TE: hunter2", "TE cannot be set"},
		{"headers", "Sec-WebSocket-Key: hunter2", "Sec-WebSocket-Key cannot be set"},
		{"headers", "X-API-Key: hunter2", "X-API-Key cannot be set here; use the input api-key"},
		{"headers", `{"A":"hunter2"`, "line 1 does not begin with a header name"},
		{"env", "hunter2", "line 1 has no \"=\""},
		{"env", "A='hunter2", "a quote that is never closed"},
		{"env", "hunter2!=1", "does not begin with a name"},
		{"ca-cert", "-----BEGIN hunter2", "the text contains no PEM certificate"},
	} {
		c, err := load(tt.input, tt.value)
		got := problems(t, err)
		if len(got) != 1 || !strings.HasPrefix(got[0], tt.input+": ") || !strings.Contains(got[0], tt.want) {
			t.Errorf("%s=%q: %q, want %q", tt.input, tt.value, got, tt.want)
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s=%q: %v", tt.input, tt.value, err)
		}
		masked := strings.Join(c.Secrets(), " ")
		if tt.input == "api-key" || tt.input == "headers" && strings.Contains(tt.value, "hunter2") {
			if !strings.Contains(masked, "hunter2") {
				t.Errorf("%s=%q: not among the secrets: %q", tt.input, tt.value, masked)
			}
		}
	}
}

func TestHeaderProblemsTogether(t *testing.T) {
	c, err := load("headers", "A: 1\nHost: x\nB\nC: 3")
	if got := problems(t, err); len(got) != 2 {
		t.Errorf("%q", got)
	}
	if diff := cmp.Diff(http.Header{"A": {"1"}, "C": {"3"}}, c.Headers); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Woodpecker and Drone turn a map into JSON.
func TestHeadersOfMap(t *testing.T) {
	c, err := load("headers", `{"X-B":"2, 3","x-a":"1"}`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(http.Header{"X-A": {"1"}, "X-B": {"2, 3"}}, c.Headers); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSecrets(t *testing.T) {
	c := &Config{
		APIKey: "key-123",
		Headers: http.Header{
			"A": {"1", "key-123", "four5"}, "Authorization": {"Bearer abc.def"}, "B": {"Basic x"}, "X-Forwarded-Proto": {"https"},
			"Cookie": {"session=s3ss10n; lang=en; theme=dark"}, "C": {"Basic ZGVwbG95Omh1bnRlcjI="},
		},
	}
	want := []string{
		"Basic ZGVwbG95Omh1bnRlcjI=", "Basic x", "Bearer abc.def", "ZGVwbG95Omh1bnRlcjI=", "abc.def", "deploy:hunter2", "four5", "hunter2", "key-123",
		"s3ss10n", "session=s3ss10n; lang=en; theme=dark",
	}
	if diff := cmp.Diff(want, c.Secrets()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := new(Config).Secrets(); len(got) > 0 {
		t.Errorf("%q", got)
	}
	c.APIKey = "first line\n  second\r\n"
	for _, line := range []string{"first line", "second"} {
		if !slices.Contains(c.Secrets(), line) {
			t.Errorf("%q is missing in %q", line, c.Secrets())
		}
	}
}

func certificate(t *testing.T, name string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestCertificates(t *testing.T) {
	one, two := certificate(t, "one"), certificate(t, "two")
	other := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")}))
	broken := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}))
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, tt := range []struct{ name, in, want, problem string }{
		{"text", one, "one", ""},
		{"several, with other things", "# comment\n" + one + other + two, "one two", ""},
		{"on one line", strings.ReplaceAll(one, "\n", `\n`), "one", ""},
		{"file", file("ca.pem", one+two), "one two", ""},
		{"no certificate", other, "", "the text contains no PEM certificate"},
		{"file without", file("empty.pem", "hello"), "", filepath.Join(dir, "empty.pem") + " contains no PEM certificate"},
		{"folder", dir, "", "is a directory; give a file in it"},
		{"too long", file("long.pem", one+strings.Repeat("\n", maxCertificates)), "", "is larger than 1048576 bytes"},
		{"broken", one + broken, "", "certificate 2 in the text is broken"},
		{"cut off", one + two[:len(two)-40], "", "certificate 2 in the text is not valid PEM"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := load("ca-cert", tt.in)
			got := problems(t, err)
			if tt.problem != "" {
				if len(got) != 1 || !strings.Contains(got[0], tt.problem) {
					t.Errorf("%q, want %q", got, tt.problem)
				}
				return
			}
			var names []string
			for _, cert := range c.CACerts {
				names = append(names, cert.Subject.CommonName)
			}
			if err != nil || strings.Join(names, " ") != tt.want {
				t.Errorf("%q, %v; want %s", names, err, tt.want)
			}
		})
	}
}

// An output file that exists stays as it is, and is known whatever else is
// wrong.
func TestOutputFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(path, []byte("A=1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := load("output-file", path, "timeout", "x")
	if got := problems(t, err); len(got) != 1 || c.OutputFile != path {
		t.Errorf("%q, output file %q", got, c.OutputFile)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "A=1\n" {
		t.Errorf("the file holds %q, %v", text, err)
	}
	file, folder := path, filepath.Dir(path)
	if os.Geteuid() == 0 {
		// Root can write everywhere except where the kernel itself refuses.
		file, folder = "/sys/kernel/uevent_seqnum", "/sys/kernel"
	} else {
		for path, mode := range map[string]os.FileMode{file: 0o444, folder: 0o555} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
		}
		t.Cleanup(func() { _ = os.Chmod(folder, 0o755) })
	}
	if _, err := load("output-file", file); err == nil {
		t.Error("a file for reading only is accepted")
	}
	if _, err := load("output-file", filepath.Join(folder, "new")); err == nil {
		t.Error("a folder for reading only is accepted")
	}
}

func TestUsage(t *testing.T) {
	var b bytes.Buffer
	Usage(&b)
	at := 0
	for _, g := range Groups {
		for _, s := range g.Settings() {
			i := strings.Index(b.String()[at:], "\n  "+s.Name+" ")
			if j := strings.Index(b.String()[at:], "\n  "+s.Name+"\n"); i < 0 {
				i = j
			}
			if i < 0 {
				t.Fatalf("%s is missing or out of order", s.Name)
			}
			at += i
		}
	}
	for line := range strings.Lines(b.String()) {
		if n := len([]rune(line)); n > 80 {
			t.Errorf("%d columns: %s", n-1, line)
		}
	}
	for _, want := range []string{"  url (required)\n", "  timeout (default: 30m)\n", "  verify (default: auto)\n", "INPUT_API-KEY"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing", want)
		}
	}
}

// The inputs accept the defaults in the table.
func TestDefaultsAreAccepted(t *testing.T) {
	for _, s := range Settings {
		if s.Default == "" {
			continue
		}
		if _, err := load(s.Name, s.Default); err != nil {
			t.Error(err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("https://h/api", "a,b", "90s", "A: b")
	f.Add("h:1", "\n,", "99999999999999999999", "{\"A\":\"b\"}")
	f.Fuzz(func(t *testing.T, u, targets, timeout, headers string) {
		c, err := load("url", u, "application", targets, "timeout", timeout, "headers", headers)
		if err != nil {
			if len(problems(t, err)) == 0 {
				t.Error("an error without a problem")
			}
			return
		}
		if c.URL.Host == "" || c.URL.User != nil || strings.HasSuffix(c.URL.Path, "/") || len(c.Applications) == 0 ||
			c.Timeout <= 0 || c.Timeout > maxDuration {
			t.Errorf("accepted %q %q %q %q: %+v", u, targets, timeout, headers, c)
		}
		for name, values := range c.Headers {
			if !isToken(name) || slices.ContainsFunc(values, func(v string) bool { return strings.ContainsAny(v, "\r\n\x00") }) {
				t.Errorf("accepted %q", headers)
			}
		}
	})
}
