package dokploy

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// serving returns a client of a server that answers with handle.
func serving(t *testing.T, handle http.HandlerFunc) *Client {
	t.Helper()
	srv := httptest.NewServer(handle)
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	return New(Options{URL: u, Key: "key-123", UserAgent: "test"})
}

// saveEnvironment gets the fields next to the environment in the form of this
// version: it does not accept null, and fields that it does not know are not
// sent.
func TestSaveEnvironmentKeepsTheRest(t *testing.T) {
	for one, want := range map[string]string{
		`{"applicationId":"a","buildArgs":null,"buildSecrets":"S=1","createEnvFile":false}`: `{"applicationId":"a","buildArgs":"","buildSecrets":"S=1","createEnvFile":false,"env":"A=1"}`,
		`{"applicationId":"a","buildArgs":"B=2"}`:                                           `{"applicationId":"a","buildArgs":"B=2","env":"A=1"}`,
		`{"composeId":"c","createEnvFile":true}`:                                            `{"composeId":"c","createEnvFile":true,"env":"A=1"}`,
	} {
		var got string
		kind := Application
		if strings.Contains(one, "composeId") {
			kind = Compose
		}
		c := serving(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				body, _ := io.ReadAll(r.Body)
				got = string(body)
			}
			_, _ = io.WriteString(w, one)
		})
		s, err := c.Service(t.Context(), kind, "x")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.SaveEnvironment(t.Context(), s, Change{FieldEnv: "A=1"}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", one, diff)
		}
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	s := &Service{Env: "A=hunter2", ComposeFile: "hunter2"}
	change := Change{FieldEnv: s.Env, FieldComposeFile: s.ComposeFile}
	for _, text := range []string{fmt.Sprint(s.Env), fmt.Sprintf("%+v", *s), fmt.Sprintf("%#v", s.Env), fmt.Sprintf("%s %q", s.Env, s.Env), fmt.Sprintf("%+v", change)} {
		if strings.Contains(text, "hunter2") {
			t.Error(text)
		}
	}
	if raw, err := json.Marshal(s.Env); err != nil || string(raw) != `"A=hunter2"` {
		t.Errorf("%s, %v", raw, err)
	}
}
