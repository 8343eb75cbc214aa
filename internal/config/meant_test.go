package config

import (
	"strings"
	"testing"
)

// Values that are refused, and what the error says to write instead.
func TestSaysWhatIsMeant(t *testing.T) {
	for input, values := range map[string]map[string]string{
		"wait": {
			"no": "; write false", "NO": "; write false", "off": "; write false", "0": "; write false", "n": "; write false", "disabled": "; write false", "flase": "; write false",
			"yes": "; write true", "on": "; write true", "1": "; write true", "ture": "; write true", "tru": "; write true",
			"maybe": "; write one of the two", "5m": "; how long to wait is the input timeout: 5m", "5400": "; how long to wait is the input timeout: 1h30m",
		},
		"rollback": {"no": "; write false", "5m": "; write one of the two", "auto": "; write one of the two"},
		"logs":     {"Live": "; write live", "LIVE": "; write live", "lvie": "; write live", "false": "; write off", "no": "; write off", "none": "; write off", "all": "live, failure, off"},
		"verify":   {"requires": "; write require", "false": "; write off", "true": "auto, require, off"},
		"env-mode": {"Merge": "; write merge", "none": "merge, replace"},
		"timeout": {
			"5 minutes": "; write 5m", "5min": "; write 5m", "5M": "; write 5m", "10 m": "; write 10m", "1d": "; write 24h", "30 s": "; write 30s", "90sec": "; write 1m30s",
			"1h30": "; write 1h30m", "1h 30m": "; write 1h30m", "1 hour and 30 minutes": "; write 1h30m", "1 hour, 30 minutes": "; write 1h30m", "PT5M": "; write 5m", "1.5": "; write 1.5s", "2m30": "; write 2m30s",
			"2 days": "is too long; at most 24h", "2d": "is too long; at most 24h",
			"1:30": "; write one such as 90s or 30m", "none": "; write one such as 90s or 30m", "5 foo": "; write one such as 90s or 30m", "5,5m": "; write one such as 90s or 30m",
			"0": "is not greater than zero", "-5m": "is not greater than zero",
		},
		"health-url": {
			"auto?x=SECRET": "write auto/?…, or auto/path?…", "AUTO?x=SECRET": "write auto/?…, or auto/path?…", "auto:8080": "has a port after auto", "auto:8080/healthz": "has a port after auto",
			"?x=SECRET": "has neither a host nor a path", "#x": "has neither a host nor a path",
			"healthz": "such as https://app.example.com/healthz, or /healthz for this path", "healthz?x=SECRET": "or /healthz for this path", "./healthz": "or /healthz for this path",
			"api/health": "or /api/health for this path", "true": `"true" is neither an address nor a path`, "autos": `"autos" is neither`, `auto\healthz`: "or /path for a path",
			"app.example.com/healthz": "write https://app.example.com/healthz", "localhost:8080": "write https://localhost:8080", "//app.example.com/x": "write https://app.example.com/x",
		},
	} {
		for v, want := range values {
			_, err := Load(Environment{"DOKPLOY_URL": "https://dokploy.example.com", "DOKPLOY_API_KEY": "abcdefghij", "DOKPLOY_APPLICATION": "api",
				"DOKPLOY_" + strings.ToUpper(strings.ReplaceAll(input, "-", "_")): v}, Facts{})
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SECRET") {
				t.Errorf("%s: %q: %v, want %q", input, v, err, want)
			}
		}
	}
}

// A fragment is never sent.
func TestHealthURLAutoWithAFragment(t *testing.T) {
	if h, err := parseHealthURL("auto#up"); err != nil || h.URL != nil || h.Path != "" {
		t.Errorf("%+v, %v", h, err)
	}
}
