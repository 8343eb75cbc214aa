//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// service is what Dokploy keeps of one.
type service struct {
	DockerImage, Env, ComposeFile, SourceType string
}

func (w *world) one(kind, id string) (s service) {
	w.Helper()
	w.api(fmt.Sprintf("%s.one?%sId=%s", kind, kind, id), nil, &s)
	return s
}

// prepareAndVerify sets images, environments, files and sources, sees what runs, and
// goes back.
func prepareAndVerify(w *world) {
	const missing = "registry.invalid/no/such:image"
	app := w.application("prepared", missing)
	w.each("image and environment are set", func(w *world) {
		w.api("application.update", map[string]string{"applicationId": app, "env": "# by hand\nA=1\n\nB='two # words'\n"}, nil)
		o := w.deploy(nil, "DOKPLOY_APPLICATION="+app, "DOKPLOY_IMAGE="+w.image, "DOKPLOY_ENV=A=three-of-them\nC=4", "DOKPLOY_VERIFY=require")
		w.want(o, 0, "done")
		got, want := w.one("application", app), "# by hand\nA=three-of-them\n\nB='two # words'\nC=4\n"
		if got.DockerImage != w.image || got.Env != want {
			w.Errorf("image %q, environment %q, want %q", got.DockerImage, got.Env, want)
		}
		if strings.Contains(o.output, "three-of-them") || !strings.Contains(o.output, "env: adds C; changes A; 1 other as before") {
			w.Error("the environment is shown, or its change is not")
		}
		if !strings.Contains(o.values["DOKPLOY_DEPLOYMENTS"], `"verified":"yes"`) {
			w.Error(o.values["DOKPLOY_DEPLOYMENTS"])
		}
	})
	w.each("what stands is not sent again", func(w *world) {
		o := w.deploy(nil, "DOKPLOY_APPLICATION="+app, "DOKPLOY_IMAGE="+w.image, "DOKPLOY_ENV=C=4", "DOKPLOY_STABLE_FOR=1")
		w.want(o, 0, "done")
		if strings.Contains(o.output, "application.update") || strings.Contains(o.output, "saveEnvironment") {
			w.Error("it was")
		}
	})
	w.each("dry-run", func(w *world) {
		o := w.deploy(nil, "DOKPLOY_APPLICATION="+app, "DOKPLOY_IMAGE="+missing, "DOKPLOY_ENV=Z=1", "DOKPLOY_DRY_RUN=true")
		w.want(o, 0, "done")
		if got := w.one("application", app); got.DockerImage != w.image || strings.Contains(got.Env, "Z=") || strings.Contains(o.output, "debug: POST") {
			w.Errorf("something was changed: %+v", got)
		}
	})
	w.each("a missing image goes back", func(w *world) {
		o := w.deploy(nil, "DOKPLOY_APPLICATION="+app, "DOKPLOY_IMAGE="+missing, "DOKPLOY_ROLLBACK=true")
		w.want(o, 1, "error")
		if got := w.one("application", app); got.DockerImage != w.image || !strings.Contains(o.output, "nothing was replaced") {
			w.Errorf("image %q", got.DockerImage)
		}
	})
	w.each("a crash is told", func(w *world) {
		// Without a shell in the image it does not even start.
		w.api("application.update", map[string]string{"applicationId": app, "command": "exit 1"}, nil)
		o := w.deploy(nil, "DOKPLOY_APPLICATION="+app)
		w.want(o, 1, "unhealthy")
		w.api("application.update", map[string]string{"applicationId": app, "command": ""}, nil)
	})
	w.each("an address that answers", func(w *world) {
		o := w.deploy(nil, "DOKPLOY_APPLICATION="+app, "DOKPLOY_HEALTH_URL="+strings.TrimRight(w.url, "/")+"/api/health", "DOKPLOY_STABLE_FOR=3")
		w.want(o, 0, "done")
	})
	w.each("an address that does not", func(w *world) {
		o := w.deploy(nil, "DOKPLOY_APPLICATION="+app, "DOKPLOY_HEALTH_URL="+strings.TrimRight(w.url, "/")+"/no-such-page", "DOKPLOY_HEALTH_TIMEOUT=5", "DOKPLOY_STABLE_FOR=3")
		w.want(o, 1, "unhealthy")
		if !strings.Contains(o.output, "404") {
			w.Error("it does not say why")
		}
	})

	file := func(w *world, text string) string {
		path := filepath.Join(w.TempDir(), "compose.yml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			w.Fatal(err)
		}
		return path
	}
	good := fmt.Sprintf("services:\n  web:\n    image: %s\n", w.image)
	stack := w.compose("file", "services:\n  web:\n    image: "+missing+"\n")
	w.each("a compose file is set", func(w *world) {
		w.want(w.deploy(nil, "DOKPLOY_COMPOSE="+stack, "DOKPLOY_COMPOSE_FILE="+file(w, good), "DOKPLOY_VERIFY=require"), 0, "done")
		if got := w.one("compose", stack); got.ComposeFile != good || got.SourceType != "raw" {
			w.Errorf("%+v", got)
		}
	})
	w.each("a compose file goes back", func(w *world) {
		bad := strings.Replace(good, w.image, missing, 1)
		o := w.deploy(nil, "DOKPLOY_COMPOSE="+stack, "DOKPLOY_COMPOSE_FILE="+file(w, bad), "DOKPLOY_ROLLBACK=true")
		w.want(o, 1, "error")
		if got := w.one("compose", stack); got.ComposeFile != good || !strings.Contains(o.output, "it was deployed again and runs") {
			w.Errorf("%+v", got)
		}
	})

	uploaded := w.application("uploaded", w.image)
	w.api("application.update", map[string]string{"applicationId": uploaded, "sourceType": "drop", "buildType": "dockerfile", "dockerfile": "Dockerfile"}, nil)
	source := filepath.Join(w.TempDir(), "source")
	if err := os.MkdirAll(source, 0o700); err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(source, "Dockerfile"), []byte("FROM "+w.image+"\nENV UPLOADED=1\n"), 0o600); err != nil {
		w.Fatal(err)
	}
	w.each("a source is uploaded", func(w *world) {
		o := w.deploy(nil, "DOKPLOY_APPLICATION="+uploaded, "DOKPLOY_SOURCE="+source, "DOKPLOY_VERIFY=require")
		w.want(o, 0, "done")
		if strings.Contains(o.output, "application.deploy") || o.values["DOKPLOY_DEPLOYMENT_ID"] == "" {
			w.Error("it was triggered beside, or not found")
		}
	})
	w.each("an image for what is built", func(w *world) {
		w.want(w.deploy(nil, "DOKPLOY_APPLICATION="+uploaded, "DOKPLOY_IMAGE="+w.image), 2, "invalid")
	})
}
