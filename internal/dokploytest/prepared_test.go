package dokploytest

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// preparedWorld adds what the recorded server had, as far as the request needs
// it, and returns the key that is like the recorded one.
func preparedWorld(s *Server, r *recording) string {
	var access []string
	app := str(r.params["appName"])
	if r.procedure == "docker.getConfig" {
		app = str(r.params["containerId"])
	}
	wrong := strings.Contains(r.name, "wrong") || strings.Contains(r.name, "nonexistent")
	if id := str(r.params["applicationId"]); id != "" && !wrong {
		a := Application{ID: id, AppName: "app-" + id}
		for _, d := range objects(at(r.data, "domains")) {
			a.Domains = append(a.Domains, Domain{Host: str(d["host"])})
		}
		access = append(access, s.AddApplication(a).ID)
	}
	if id := str(r.params["composeId"]); id != "" && !wrong {
		v := s.AddCompose(Compose{ID: id, AppName: "comp-" + id, NeverDeployed: strings.Contains(r.name, "rights-member-loadServices")})
		access = append(access, v.ID)
	}
	switch {
	case wrong:
	case strings.Contains(r.procedure, "Stack"):
	case r.params["appType"] != nil:
	case r.name == "docker.getServiceContainersByAppName-compose", strings.HasSuffix(r.name, "-notype"):
		s.AddCompose(Compose{AppName: app})
	case strings.HasSuffix(r.name, "-none"):
	case app != "":
		list, ok := r.data.([]any)
		access = append(access, s.AddApplication(Application{AppName: app, NeverDeployed: ok && len(list) == 0}).ID)
	}
	if r.name == "docker.getContainersByAppNameMatch-stack" || r.name == "docker.getContainersByAppNameMatch-compose" {
		s.AddCompose(Compose{AppName: app})
	}
	for _, kind := range []string{"task", "container"} { // requested by their own ids
		if strings.HasSuffix(r.name, "getConfig-"+kind) || kind == "task" && strings.HasSuffix(r.name, "pending-task") {
			w := s.swarm[app]
			w.name = "other"
			if kind == "task" {
				w.tasks[0].id = app
				w.tasks[0].c.name = "other.1." + app
			} else {
				w.tasks[0].c.id = app + strings.Repeat("0", 52)
			}
		}
	}
	switch r.procedure {
	case "deployment.allByType":
		v := s.AddApplication(Application{ID: str(r.params["id"]), RollbackActive: strings.HasPrefix(r.name, "rb-")})
		access = append(access, v.ID)
		if r.folder == "prepare" {
			s.AddRow(v, Row{}, "")
		}
	case "deployment.all":
		for _, v := range s.services {
			s.AddRow(v, Row{}, "")
		}
	case "rollback.rollback":
		v := s.AddApplication(Application{RollbackActive: true})
		access = append(access, v.ID)
		s.AddRow(v, Row{}, "")
		if !wrong {
			v.rollbacks[0].id = str(r.params["rollbackId"])
		}
	}
	member := strings.Contains(r.name, "member")
	if !member {
		return s.Key
	}
	if strings.Contains(r.name, "noaccess") && r.status != 200 || strings.HasSuffix(r.name, "-foreign") {
		access = nil
	}
	return s.AddKey(Key{
		Member: true, Access: access, Docker: strings.Contains(r.name, "memberdocker"), CreateServices: strings.Contains(r.name, "memberservices"),
	})
}

// free reduces an answer of which only the shape can be the same: lists may
// have any length.
func free(v any) any {
	if list, ok := v.([]any); ok && len(list) > 0 {
		return list[:1]
	}
	return v
}

// unlike holds differences of shape that do not matter: the recorded services
// had no environment, ports, health check or rollback registry, or docker
// inspect shows more of the host.
var unlike = []string{
	".Env is too much", ".HostConfig", ".NetworkSettings", ".Config.", ".GraphDriver", "Path is missing", ".Mounts", ".PreviousSpec", ".Err is",
	".State.Health", "ExecIDs", "AppArmorProfile", "ProcessLabel", "MountLabel", ".NetworksAttachments", ".rollbackRegistry", ".ContainerStatus", ".NodeID", ".CompletedAt",
	".accessed", ".apiKeys", ".password", ".username", ".env ", ".RestartPolicy is too much", ".UpdateConfig", ".RollbackConfig", ".Spec.TaskTemplate", "errorMessage",
	".rollback.fullContext.domains", ".rollbackId", ".buildArgs", ".buildSecrets", ".deployments",
}

// TestReplayPrepared repeats recorded exchanges about rights, containers,
// preparing and rolling back: status, content type and errors are the same,
// answers have the same shape.
func TestReplayPrepared(t *testing.T) {
	files, _ := filepath.Glob(recordings + "/prepare*/*.http")
	if len(files) < 90 {
		t.Fatalf("%d recordings", len(files))
	}
	learned := map[string]schema{}
	var all []*recording
	for _, f := range files {
		r := load(t, f)
		all = append(all, r)
		if r.status == 200 && r.isJSON {
			key := r.folder + r.procedure
			if learned[key] == nil {
				learned[key] = schema{}
			}
			learned[key].learn("", r.data)
		}
	}
	for _, r := range all {
		if r.procedure == "application.dropDeployment" {
			continue // TestUploads
		}
		t.Run(r.folder+"/"+r.name, func(t *testing.T) {
			version := "v0.30.2"
			if r.folder == "prepare-v0.25.11" {
				version = "v0.25.11"
			}
			bubble(t, Options{Version: version}, func(t *testing.T, s *Server, c *client) {
				key := preparedWorld(s, r)
				s.Key = key // send adds it to the request
				resp, body := r.send(t, s, c)
				if resp.StatusCode != r.status || resp.Header.Get("Content-Type") != r.answer.Get("Content-Type") {
					t.Errorf("%s %q, recorded: %d %q\n%.300s", resp.Status, resp.Header.Get("Content-Type"), r.status, r.answer.Get("Content-Type"), body)
					return
				}
				if !r.isJSON {
					if body != r.answerBody {
						t.Errorf("body %q, recorded: %q", body, r.answerBody)
					}
					return
				}
				var got any
				if err := json.Unmarshal([]byte(body), &got); err != nil {
					t.Fatal(err)
				}
				if r.status != 200 {
					if diff := gocmp.Diff(r.data, got); diff != "" {
						t.Errorf("answer (-recorded +got):\n%s", diff)
					}
					return
				}
				if list, ok := r.data.([]any); ok && (len(list) == 0) != (len(got.([]any)) == 0) {
					t.Errorf("%d entries, recorded: %d", len(got.([]any)), len(list))
					return
				}
				for _, d := range learned[r.folder+r.procedure].differences("", free(r.data), free(got)) {
					if !slices.ContainsFunc(unlike, func(u string) bool { return strings.Contains(d, u) }) {
						t.Error(d)
					}
				}
			})
		})
	}
}

func zipOf(names ...string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range names {
		w, _ := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		_, _ = w.Write([]byte(strings.Repeat("x", len(name)%2)))
	}
	_ = z.Close()
	return b.Bytes()
}

// upload sends a form as recorded; file nil: no file.
func (c *client) upload(path, field string, values map[string]string, file []byte) (int, string, http.Header) {
	c.t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for name, value := range values {
		_ = form.WriteField(name, value)
	}
	if file != nil {
		w, _ := form.CreateFormFile(field, "app.zip")
		_, _ = w.Write(file)
	}
	_ = form.Close()
	req, err := http.NewRequest("POST", c.s.URL()+path, &b)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", c.key)
	req.Header.Set("Content-Type", form.FormDataContentType())
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, err.Error(), nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, string(text), resp.Header
}

// TestUploads repeats the recorded uploads.
func TestUploads(t *testing.T) {
	good := zipOf("Dockerfile", "msg")
	for name, tt := range map[string]struct {
		field   string
		values  map[string]string
		file    []byte
		names   string
		path    string
		starts  bool
		changes bool // the source type, whatever the answer
	}{
		"drop-trpc-multipart":           {file: good, names: "Dockerfile msg", starts: true},
		"drop-trpc-multipart-buildpath": {file: good, values: map[string]string{"dropBuildPath": ""}, names: "Dockerfile msg", starts: true},
		"drop-buildpath-sub":            {file: zipOf("svc/Dockerfile", "msg"), values: map[string]string{"dropBuildPath": "svc"}, names: "svc/Dockerfile msg", path: "svc", starts: true},
		"drop-trpc-rootfolder":          {file: zipOf("proj/Dockerfile", "proj/msg"), values: map[string]string{"dropBuildPath": "/"}, names: "proj/Dockerfile proj/msg", path: "/", starts: true},
		"drop-zip-r-rootfolder":         {file: zipOf("proj/", "proj/Dockerfile", "proj/msg"), names: "Dockerfile msg", starts: true},
		"drop-zip-r-flat":               {file: zipOf("Dockerfile", "sub/", "sub/msg"), values: map[string]string{"dropBuildPath": "/"}, names: "Dockerfile sub/msg", path: "/", starts: true},
		"drop-title-field":              {file: good, values: map[string]string{"title": "my title", "description": "d"}, names: "Dockerfile msg", starts: true},
		"drop-no-file":                  {},
		"drop-empty-file":               {file: []byte{}},
		"drop-wrong-field":              {field: "file", file: good},
		"drop-wrong-id":                 {file: good},
		"drop-not-a-zip":                {file: []byte("this is not a zip"), changes: true},
		"drop-bad-zip-on-docker-app":    {file: []byte("not a zip"), changes: true},
		"drop-nokey":                    {file: good},
		"drop-member-noaccess":          {file: good},
		"drop-member-access":            {file: good, names: "Dockerfile msg", starts: true},
		"drop-api-multipart":            {file: good},
	} {
		t.Run(name, func(t *testing.T) {
			r := load(t, recordings+"/prepare/"+name+".http")
			bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
				v := s.AddApplication(Application{ID: "0Hw9YA0xOkvHasEJZHH6X", Image: "img:1"})
				values := map[string]string{"applicationId": v.ID}
				switch name {
				case "drop-wrong-id":
					values["applicationId"] = "nope"
				case "drop-nokey":
					c.key = ""
				case "drop-member-access", "drop-member-noaccess":
					k := Key{Member: true}
					if tt.starts {
						k.Access = []string{v.ID}
					}
					c.key = s.AddKey(k)
				}
				for k, value := range tt.values {
					values[k] = value
				}
				field := tt.field
				if field == "" {
					field = "zip"
				}
				status, body, header := c.upload(r.path, field, values, tt.file)
				var want, got any
				_ = json.Unmarshal([]byte(r.answerBody), &want)
				_ = json.Unmarshal([]byte(body), &got)
				if diff := gocmp.Diff(want, got); status != r.status || diff != "" || header.Get("Content-Type") != r.answer.Get("Content-Type") {
					t.Errorf("%d, recorded: %d\n%s", status, r.status, diff)
				}
				time.Sleep(time.Second)
				rows := s.Deployments(v)
				if (len(rows) == 1) != tt.starts || tt.starts && (rows[0].Title != "Manual deployment" || rows[0].Description != "") {
					t.Errorf("rows %+v", rows)
				}
				if (v.SourceType() == "drop") != (tt.starts || tt.changes) || v.Image() != "img:1" || v.DropBuildPath() != tt.path {
					t.Errorf("source %q, image %q, path %q", v.SourceType(), v.Image(), v.DropBuildPath())
				}
				uploads := v.Uploads()
				if (len(uploads) == 1) != tt.starts || tt.starts && (strings.Join(uploads[0].Names, " ") != tt.names || !bytes.Equal(uploads[0].Zip, tt.file)) {
					t.Errorf("uploads %+v", uploads)
				}
			})
		})
	}
}

// TestUploadIsTakenWhole sends more than any other request may contain.
func TestUploadIsTakenWhole(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
		v := s.AddApplication(Application{})
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		w, _ := z.CreateHeader(&zip.FileHeader{Name: "big", Method: zip.Store})
		_, _ = w.Write(make([]byte, 5<<20))
		_ = z.Close()
		if status, body, _ := c.upload("/api/trpc/application.dropDeployment", "zip", map[string]string{"applicationId": v.ID}, b.Bytes()); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		if u := v.Uploads(); len(u) != 1 || !bytes.Equal(u[0].Zip, b.Bytes()) {
			t.Error("not what was sent")
		}
		if r := s.Requests()[0]; len(r.Body) != 64<<10 || r.Procedure != "application.dropDeployment" {
			t.Errorf("%d bytes kept", len(r.Body))
		}
		if status, text, _ := c.upload("/api/application.dropDeployment", "zip", map[string]string{"applicationId": v.ID}, b.Bytes()); status != 0 {
			t.Errorf("%d %s, recorded: a reset connection", status, text)
		}
	})
}
