package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dokploy-deploy/internal/dokploytest"
)

// TestSecretsAreWhole lets servers and builds say secrets at every place and
// width at which texts are, or were, shortened: nowhere is a part of one shown.
func TestSecretsAreWhole(t *testing.T) {
	t.Parallel()
	const stored = "x7Kq2mZ9vW4tR1pL8nB3cF6hJ5sD0gY7uQ2eT9aM4kN1xV8zR3bH6wP5jC0fL7dS2yG"
	// at says both secrets so that they stand across a cut at n bytes.
	at := func(key string, n int) string {
		return strings.Repeat("x", n-30) + " " + key + " " + strings.Repeat("x", n) + " " + stored + " " + strings.Repeat("y", n)
	}
	said := func(text string) string {
		b, _ := json.Marshal(map[string]string{"message": text, "code": "BAD_REQUEST"})
		return string(b)
	}
	refused := func(procedure string, status int, body string, header http.Header) dokploytest.Fault {
		return dokploytest.Fault{Procedure: procedure, Kind: dokploytest.Custom, Status: status, Times: -1, Header: header, Body: body}
	}
	asJSON, asText := http.Header{"Content-Type": {"application/json"}}, http.Header{"Content-Type": {"text/plain"}}
	for name, tt := range map[string]func(srv *dokploytest.Server, a *dokploytest.Application, n int){
		"a refusal": func(srv *dokploytest.Server, _ *dokploytest.Application, n int) {
			srv.Fault(refused("application.deploy", 400, said(at(srv.Key, n)), asJSON))
		},
		"field errors": func(srv *dokploytest.Server, _ *dokploytest.Application, n int) {
			b, _ := json.Marshal(map[string]any{"message": "m", "data": map[string]any{"zodError": map[string]any{"fieldErrors": map[string]any{at(srv.Key, 100): []string{at(srv.Key, n)}}}}})
			srv.Fault(refused("application.deploy", 400, string(b), asJSON))
		},
		"an answer that is no JSON": func(srv *dokploytest.Server, _ *dokploytest.Application, n int) {
			srv.Fault(refused("application.deploy", 400, at(srv.Key, n), asText))
		},
		"a redirect": func(srv *dokploytest.Server, _ *dokploytest.Application, n int) {
			srv.Fault(dokploytest.Fault{Procedure: "application.one", Kind: dokploytest.Redirect, Status: 302, Times: -1, Location: "https://login.example.com/" + strings.ReplaceAll(at(srv.Key, n), " ", "/")})
		},
		"errorMessage": func(srv *dokploytest.Server, a *dokploytest.Application, n int) {
			a.Build = dokploytest.Build{Outcome: "error", ErrorMessage: at(srv.Key, n)}
		},
		"the log": func(srv *dokploytest.Server, a *dokploytest.Application, n int) {
			encoded := base64.StdEncoding.EncodeToString([]byte(":" + srv.Key))
			a.Build = dokploytest.Build{Outcome: "error", Steps: dokploytest.Lines(0, at(srv.Key, n), encoded, "ERROR: failed to solve: "+at(srv.Key, n))}
		},
		"a container's log": func(srv *dokploytest.Server, a *dokploytest.Application, n int) {
			a.Rollout = dokploytest.Rollout{Crash: true, Log: []string{at(srv.Key, n)}}
		},
	} {
		for _, n := range []int{100, 200, 300, 400, 500, 1500, 2000, 4000} {
			t.Run(fmt.Sprintf("%s/%d", name, n), func(t *testing.T) {
				t.Parallel()
				srv, env := listening(t, dokploytest.Options{})
				app := dokploytest.Application{Env: "SESSION=" + stored}
				tt(srv, &app, n)
				id := srv.AddApplication(app).ID
				file := filepath.Join(t.TempDir(), "out")
				c := call{env: with(env, "DOKPLOY_APPLICATION", id, "DOKPLOY_OUTPUT_FILE", file, "DOKPLOY_UNREACHABLE_TIMEOUT", "1", "DOKPLOY_STABLE_FOR", "1",
					"GITHUB_OUTPUT", file+"-github", "GITHUB_STEP_SUMMARY", file+"-summary", "GITHUB_ACTIONS", "true")}
				c.run(t.Context())
				all := strings.ReplaceAll(c.stdout.String()+c.stderr.String(), "::add-mask::"+srv.Key+"\n", "")
				for _, f := range []string{file, file + "-github", file + "-summary"} {
					text, err := os.ReadFile(f)
					if err != nil {
						t.Error(err)
					}
					all += string(text)
				}
				if c.code == 0 || n <= 500 && !strings.Contains(all, "***") && name != "an answer that is no JSON" && name != "a redirect" {
					t.Errorf("exit %d: the text is not shown", c.code)
				}
				encoded := base64.StdEncoding.EncodeToString([]byte(":" + srv.Key))
				for what, secret := range map[string]string{"the key": srv.Key, "a secret of the service": stored, "base64 of the key": encoded[4 : len(encoded)-4]} {
					for i := 0; i+6 <= len(secret); i++ {
						// An environment's secret is not known before it is read.
						if strings.Contains(all, secret[i:i+6]) && (name != "a redirect" || what == "the key") {
							t.Fatalf("of %s %q is shown in\n%s", what, secret[i:i+6], all)
						}
					}
				}
			})
		}
	}
}
