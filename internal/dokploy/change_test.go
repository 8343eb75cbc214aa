package dokploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// serving is a client of a server that answers by handle.
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

// saveEnvironment gets what stands beside the environment as this version has
// it: null is not taken, and what it does not know is not sent.
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

func TestUpload(t *testing.T) {
	zip := bytes.Repeat([]byte("zip "), 1<<18)
	app := &Service{Kind: Application, ID: "app-1", DropBuildPath: "/sub"}
	write := func(w io.Writer) error { _, err := w.Write(zip); return err }
	fields := map[string]string{}
	c := serving(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/trpc/application.dropDeployment" || r.Header.Get("X-Api-Key") != "key-123" {
			t.Errorf("%s %v", r.URL.Path, r.Header)
		}
		_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil {
			t.Error(err)
		}
		form := multipart.NewReader(r.Body, params["boundary"])
		for {
			part, err := form.NextPart()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Error(err)
				break
			}
			text, _ := io.ReadAll(part)
			fields[part.FormName()+part.FileName()] = string(text)
		}
		_, _ = io.WriteString(w, `{"result":{"data":{"json":true}}}`)
	})
	if err := c.Upload(t.Context(), app, "source.zip", time.Minute, write); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"applicationId": "app-1", "dropBuildPath": "/sub", "zipsource.zip": string(zip)}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUploadsThatFail(t *testing.T) {
	app := &Service{Kind: Application, ID: "app-1"}
	endless := func(w io.Writer) error {
		for {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return err
			}
		}
	}
	t.Run("refused before its end", func(t *testing.T) {
		c := serving(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"message":"Unauthorized"}`)
		})
		// The answer may be lost when the server closes on what is still sent.
		err := c.Upload(t.Context(), app, "x.zip", time.Minute, endless)
		var te *TransportError
		if !Refused(err) && !errors.As(err, &te) || BrokenSource(err) {
			t.Errorf("%v", err)
		}
	})
	t.Run("the source breaks", func(t *testing.T) {
		taken := false
		c := serving(t, func(_ http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err == nil {
				taken = true
			}
		})
		err := c.Upload(t.Context(), app, "x.zip", time.Minute, func(w io.Writer) error {
			_, _ = w.Write([]byte("half"))
			return errors.New("a.txt has changed while it was read")
		})
		if !BrokenSource(err) || taken {
			t.Errorf("%v, taken for whole: %v", err, taken)
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := serving(t, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = r.Body.Read(make([]byte, 10))
			cancel()
			_, _ = io.Copy(io.Discard, r.Body)
		})
		if err := c.Upload(ctx, app, "x.zip", time.Minute, endless); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

func TestRights(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		body   string
		want   Rights
		told   bool
	}{
		"member":  {200, `{"service":{"create":false,"read":true},"docker":{"read":false},"envVars":{"write":true},"deployment":{"create":true}}`, Rights{Env: true, Deploy: true}, true},
		"owner":   {200, `{"service":{"create":true},"docker":{"read":true},"envVars":{"write":true},"deployment":{"create":true}}`, Rights{true, true, true, true}, true},
		"too old": {404, `{"message":"Not found","code":"NOT_FOUND"}`, Rights{}, false},
	} {
		c := serving(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(tt.status)
			_, _ = io.WriteString(w, tt.body)
		})
		got, told, err := c.Rights(t.Context())
		if err != nil || got != tt.want || told != tt.told {
			t.Errorf("%s: %+v, %v, %v", name, got, told, err)
		}
	}
}
