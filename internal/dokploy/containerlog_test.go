package dokploy

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// Where reading ends in the middle of a line, that line is left out: of what
// is secret in it a part would be shown.
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
