package dokploy

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Credentials are read so that they can be hidden.
func TestCredentials(t *testing.T) {
	const answer = `{"applicationId":"a","name":"api","refreshToken":"r1","password":"p1","customGitUrl":"https://t@example.com/x","buildArgs":"A=1",
		"buildSecrets":"S=2","env":"E=3","environment":{"name":"e","env":"EE=4","project":{"name":"p","env":"PE=5"}},
		"registry":{"password":"p2"},"buildRegistry":null,"rollbackRegistry":{"password":"p1"},
		"github":{"githubClientSecret":"g1","githubPrivateKey":"g2","githubWebhookSecret":"g3"},"gitlab":{"secret":"l1","accessToken":"l2","refreshToken":"l3"},
		"gitea":{"clientSecret":"t1","accessToken":"t2"},"bitbucket":{"appPassword":"b1","apiToken":"b2"},"security":[{"username":"u","password":"s1"},null]}`
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) }))
	defer srv.Close()
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Options{URL: u}).Service(t.Context(), Application, "a")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range s.Credentials {
		got = append(got, string(c))
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"b1", "b2", "g1", "g2", "g3", "l1", "l2", "l3", "p1", "p2", "r1", "s1", "t1", "t2"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if s.GitURL != "https://t@example.com/x" || s.BuildArgs != "A=1" || s.BuildSecrets != "S=2" || s.SharedEnv != "EE=4\nPE=5" {
		t.Errorf("%q %q %q %q", string(s.GitURL), string(s.BuildArgs), string(s.BuildSecrets), string(s.SharedEnv))
	}
}
