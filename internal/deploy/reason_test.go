package deploy

import (
	"strings"
	"testing"
)

func TestWentOn(t *testing.T) {
	for log, want := range map[string]bool{
		"second 6\n\nError occurred ❌, check the logs for details.":                    false,
		"second 6\n\nError occurred ❌, check the logs for details.\n \n":               false,
		"second 6\nError occurred ❌, check the logs for details.\nsecond 7\nsecond 8":  true,
		"❌ Docker build failed\nError: ❌ Docker command failed\nError occurred ❌, see": false,
		"all is well\n✅ Docker build completed.":                                       false,
	} {
		if got := wentOn(strings.Split(log, "\n")); got != want {
			t.Errorf("%q: %v", log, got)
		}
	}
}

func TestExplainLog(t *testing.T) {
	for name, tt := range map[string]struct {
		tail   string
		reason string
		place  Place
	}{
		"a build step, as recorded": {
			"#5 0.282 compiling...\n#5 2.284 src/main.c:3: error\n------\n > [2/2] RUN x:\n0.282 compiling...\n------\nERROR: failed to solve: executor failed running [/bin/sh -c x]: exit code: 3\n❌ Docker build failed\n\nError occurred ❌, check the logs for details.",
			"executor failed running [/bin/sh -c x]: exit code: 3", Place{},
		},
		"a build step of a newer BuildKit": {
			"------\nDockerfile:12\n--------------------\n  10 |     COPY . .\n  11 |     \n  12 | >>> RUN npm run build\n  13 |     \n--------------------\nERROR: failed to solve: process \"/bin/sh -c npm run build\" did not complete successfully: exit code: 1\n❌ Docker build failed",
			"Dockerfile:12: RUN npm run build → exit code 1", Place{"Dockerfile", 12},
		},
		"a missing image, as recorded": {
			"Pulling x\nError response from daemon: manifest for x not found: manifest unknown\n❌ Pulling image failed\n\nError occurred ❌, check the logs for details.",
			"manifest for x not found: manifest unknown", Place{},
		},
		"a missing branch": {
			"Cloning into 'x'...\nfatal: Remote branch nope not found in upstream origin\n\nError occurred ❌, check the logs for details.",
			"git: Remote branch nope not found in upstream origin", Place{},
		},
		"anything else": {"installing\n\x1b[31mno space left on device\x1b[0m\nError: ❌ Docker command failed\n", "no space left on device", Place{}},
		"nothing":       {"\n\nError occurred ❌, check the logs for details.", "", Place{}},
	} {
		t.Run(name, func(t *testing.T) {
			reason, place := explainLog(strings.Split(tt.tail, "\n"))
			if reason != tt.reason || place != tt.place {
				t.Errorf("%q, %+v\nwant %q, %+v", reason, place, tt.reason, tt.place)
			}
		})
	}
}
