package dokploy

import (
	"encoding/json"
	"testing"
)

func TestBuildFile(t *testing.T) {
	for answer, want := range map[string]string{
		`{"applicationId":"a","buildType":"dockerfile","sourceType":"github","buildPath":"/","dockerfile":"Dockerfile"}`:                           "Dockerfile",
		`{"applicationId":"a","buildType":"dockerfile","sourceType":"github","buildPath":"/api","gitlabBuildPath":"/x","dockerfile":null}`:         "api/Dockerfile",
		`{"applicationId":"a","buildType":"dockerfile","sourceType":"gitlab","buildPath":"/x","gitlabBuildPath":"api","dockerfile":"d/prod.file"}`: "api/d/prod.file",
		`{"applicationId":"a","buildType":"dockerfile","sourceType":"git","customGitBuildPath":null,"dockerfile":"./docker/Dockerfile"}`:           "docker/Dockerfile",
		`{"applicationId":"a","buildType":"dockerfile","sourceType":"gitea","giteaBuildPath":"/a"}`:                                                "a/Dockerfile",
		`{"applicationId":"a","buildType":"dockerfile","sourceType":"bitbucket","bitbucketBuildPath":"/a"}`:                                        "a/Dockerfile",
		`{"applicationId":"a","buildType":"dockerfile","sourceType":"drop","dropBuildPath":"a/b"}`:                                                 "a/b/Dockerfile",
		`{"applicationId":"a","buildType":"dockerfile","sourceType":"git","dockerfile":"../../etc/passwd"}`:                                        "etc/passwd",
		`{"applicationId":"a","buildType":"nixpacks","sourceType":"git","dockerfile":"Dockerfile"}`:                                                "",
		`{"applicationId":"a","buildType":"dockerfile","sourceType":"git","customGitBuildPath":["x"]}`:                                             "Dockerfile",
		`{"composeId":"c","sourceType":"git","composePath":"./docker-compose.yml"}`:                                                                "docker-compose.yml",
		`{"composeId":"c","sourceType":"raw","composePath":"./docker-compose.yml"}`:                                                                "",
	} {
		var w wireService
		if err := json.Unmarshal([]byte(answer), &w); err != nil {
			t.Errorf("%s: %v", answer, err)
		} else if got := w.file(); got != want {
			t.Errorf("%s: %q, want %q", answer, got, want)
		}
	}
}
