package dokploy

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// answering returns a client of a server that always gives the same answer, and
// the requests that the server got.
func answering(t *testing.T, status int, body string) (*Client, *[]*url.URL) {
	var got []*url.URL
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.URL)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return New(Options{URL: u}), &got
}

func TestMayNotLook(t *testing.T) {
	c, _ := answering(t, 401, `{"message":"unauthorized to access resource \"docker\"","code":"UNAUTHORIZED","data":{"code":"UNAUTHORIZED","httpStatus":401}}`)
	_, err := c.Tasks(t.Context(), "a", "")
	_, err2 := c.SwarmService(t.Context(), "a", "")
	if !errors.Is(err, ErrMayNotLook) || !errors.Is(err2, ErrMayNotLook) {
		t.Errorf("%v, %v", err, err2)
	}
	c, _ = answering(t, 401, `{"message":"Unauthorized"}`)
	if _, err := c.Tasks(t.Context(), "a", ""); err == nil || errors.Is(err, ErrMayNotLook) {
		t.Errorf("%v: this key is no key", err)
	}
	for _, body := range []string{"null", `{"a":1}`, "<html>"} {
		c, _ = answering(t, 200, body)
		if tasks, err := c.Tasks(t.Context(), "a", ""); err == nil {
			t.Errorf("%s is %v", body, tasks)
		}
	}
}
