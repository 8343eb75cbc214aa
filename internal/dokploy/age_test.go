package dokploy

import (
	"testing"
	"time"
)

func TestAge(t *testing.T) {
	for words, want := range map[string]time.Duration{
		"Up Less than a second": 0, "Up 1 second": time.Second, "Exited (1) 59 seconds ago": 59 * time.Second,
		"Up About a minute (healthy)": time.Minute, "Running about an hour ago": time.Hour, "Up 2 hours": 90 * time.Minute,
		"Up 3 days": 72 * time.Hour, "Up 2 weeks": 14 * 24 * time.Hour, "Up 5 months": 150 * 24 * time.Hour, "Up 2 years": 730 * 24 * time.Hour,
	} {
		if got, ok := age(words); !ok || got != want {
			t.Errorf("%q is %s %v, want %s", words, got, ok, want)
		}
	}
	if _, ok := age("Created"); ok {
		t.Error("Created has an age")
	}
}
