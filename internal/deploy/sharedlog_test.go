package deploy

import (
	"strings"
	"testing"
	"time"

	"dokploy-deploy/internal/dokploy"
)

func TestSharedLog(t *testing.T) {
	at := func(ms int) time.Time {
		if ms < 0 {
			return time.Time{}
		}
		return time.UnixMilli(1_790_000_000_000 + int64(ms))
	}
	row := func(id, status, path string, started, finished int) dokploy.Deployment {
		return dokploy.Deployment{ID: id, Status: status, LogPath: path, StartedAt: at(started), FinishedAt: at(finished)}
	}
	for _, tt := range []struct {
		name  string
		ours  dokploy.Deployment
		other dokploy.Deployment
		want  string // empty: nothing is reported
	}{
		{"the other had ended", row("a", "running", "x", 500, -1), row("b", "done", "x", 100, 400), ""},
		{"it ended in the millisecond in which ours began", row("a", "running", "x", 500, -1), row("b", "error", "x", 100, 500), ""},
		{"the other still runs", row("a", "running", "x", 500, -1), row("b", "running", "x", 100, -1), "mixed"},
		{"the other ended while ours ran", row("a", "running", "x", 500, -1), row("b", "done", "x", 100, 501), "mixed"},
		{"both ended, one inside the other", row("a", "done", "x", 500, 900), row("b", "done", "x", 600, 700), "mixed"},
		{"the other began when ours had ended", row("a", "done", "x", 100, 400), row("b", "running", "x", 500, -1), "its log overwrote"},
		{"cancelled by a restart, without an end", row("a", "running", "x", 500, -1), row("b", "cancelled", "x", 100, -1), "mixed"},
		{"another file", row("a", "running", "x", 500, -1), row("b", "running", "y", 500, -1), ""},
		{"no file", row("a", "error", "", 500, 500), row("b", "error", "", 500, 500), ""},
		{"itself", row("a", "running", "x", 500, -1), row("a", "running", "x", 500, -1), ""},
	} {
		got := sharedLog(&tt.ours, []dokploy.Deployment{tt.other, tt.ours})
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
