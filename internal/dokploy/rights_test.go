package dokploy

import (
	"io"
	"net/http"
	"testing"
)

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
