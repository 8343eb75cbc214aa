package dokploy

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// If reading ends in the middle of a line, that line is left out: otherwise
// part of a secret in it would be shown.
func TestContainerLogEndsWithALine(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		line := strings.Repeat("x", 1000) + "\n"
		for range containerLogLimit / len(line) / 10 {
			_ = conn.Write(r.Context(), websocket.MessageText, []byte(strings.Repeat(line, 10)))
		}
		_ = conn.Write(r.Context(), websocket.MessageText, []byte(strings.Repeat(line, 10)+"a secr"))
		_, _, _ = conn.Read(r.Context())
	}))
	defer srv.Close()
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	text, err := New(Options{URL: u}).ContainerLog(t.Context(), &Service{ID: "a"}, "c", 10)
	if err != nil || !strings.HasSuffix(text, "x\n") || len(text) < containerLogLimit-20_000 {
		t.Errorf("%d bytes, …%q, %v", len(text), text[max(0, len(text)-20):], err)
	}
}

func TestReadContainerLogsAsksForFewer(t *testing.T) {
	var tails []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		tails = append(tails, r.URL.Path+"?"+r.URL.Query().Get("composeId")+r.URL.Query().Get("containerId")+r.URL.Query().Get("tail"))
		if len(tails) < 3 {
			w.WriteHeader(500)
			_, _ = w.Write([]byte(`{"message":"Command execution failed: stdout maxBuffer length exceeded","code":"INTERNAL_SERVER_ERROR"}`))
			return
		}
		_, _ = w.Write([]byte(`"boom\n"`))
	}))
	defer server.Close()
	u, _ := url.Parse(server.URL)
	s, err := New(Options{URL: u}).ReadContainerLogs(t.Context(), Compose, "c1-", "x-", 100)
	if err != nil || s != "boom\n" {
		t.Errorf("%q %v", s, err)
	}
	if got := strings.Join(tails, " "); got != "/api/compose.readLogs?c1-x-100 /api/compose.readLogs?c1-x-50 /api/compose.readLogs?c1-x-25" {
		t.Error(got)
	}
}
