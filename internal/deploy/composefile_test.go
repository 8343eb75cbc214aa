package deploy

import "testing"

func TestStartsNothing(t *testing.T) {
	for file, want := range map[string]bool{
		"services:\n  web:\n    image: a\n    deploy: {replicas: 0}\n":                       true,
		"services:\n  web:\n    image: a\n    scale: 0\n":                                    true,
		"services:\n  web:\n    deploy: {replicas: 0}\n  db:\n    scale: 0\n":                true,
		"services:\n  web:\n    deploy: {replicas: 0}\n  db:\n    image: a\n":                false,
		"services:\n  web:\n    deploy: {replicas: 0}\n    scale: 2\n":                       false,
		"services:\n  web:\n    deploy: {replicas: \"${N:-0}\"}\n":                           false,
		"services:\n  web:\n    deploy: {replicas: 1}\n":                                     false,
		"services:\n  web:\n    image: a\n":                                                  false,
		"x: &none {deploy: {replicas: 0}}\nservices:\n  web: *none\n":                        true,
		"x: &none {deploy: {replicas: 0}}\nservices:\n  web:\n    <<: *none\n    image: a\n": true,
		"services: {}\n": false, "": false, "services: [\n": false, "services:\n  web:\n": false, "services: 0\n": false,
	} {
		if got := startsNothing(file); got != want {
			t.Errorf("%q: %v", file, got)
		}
	}
}
