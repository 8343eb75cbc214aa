package dokploytest

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"
)

func (c *client) post(procedure string, in map[string]any) (int, string) {
	c.t.Helper()
	body, _ := json.Marshal(in)
	return c.do("POST", "/api/"+procedure, string(body))
}

// want sends a POST and expects an answer.
func (c *client) want(procedure string, in map[string]any, status int, body string) {
	c.t.Helper()
	if got, text := c.post(procedure, in); got != status || !strings.Contains(text, body) {
		c.t.Errorf("%s %v: %d %s", procedure, in, got, text)
	}
}

func TestSaving(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
		v := s.AddApplication(Application{Env: "A=1", BuildArgs: "B=1", BuildSecrets: "S=1"})
		id := v.ID
		c.want("application.update", map[string]any{"applicationId": id, "dockerImage": "img:2"}, 200, "true")
		if v.Image() != "img:2" || v.Password() == "" || v.BuildArgs() != "B=1" {
			t.Error("an update is of what is sent, and no more")
		}
		c.want("application.saveEnvironment", map[string]any{"applicationId": id, "env": "# c\r\nA=2\n\n"}, 400, "nonoptional")
		c.want("application.saveEnvironment", map[string]any{"applicationId": id, "env": "# c\r\nA=2\n\n", "buildArgs": "", "buildSecrets": nil, "createEnvFile": false}, 200, "true")
		var m map[string]any
		c.get("application.one", url.Values{"applicationId": {id}}, &m)
		if m["env"] != "# c\r\nA=2\n\n" || m["buildArgs"] != "" || m["buildSecrets"] != nil || m["createEnvFile"] != false || m["replicas"] != 1.0 || m["dropBuildPath"] != nil {
			t.Errorf("%v %v %v %v", m["env"], m["buildArgs"], m["buildSecrets"], m["createEnvFile"])
		}
		c.want("application.saveDockerProvider", map[string]any{"applicationId": id, "dockerImage": "i", "username": nil, "password": nil, "registryUrl": nil}, 200, "true")
		if v.Password() != "" {
			t.Error("the stored password is overwritten")
		}
		comp := s.AddCompose(Compose{})
		c.want("compose.saveEnvironment", map[string]any{"composeId": comp.ID, "env": "X=1"}, 200, "true")
		c.want("compose.update", map[string]any{"composeId": comp.ID, "composeFile": "services: {a: {image: x}}"}, 200, `"env":"X=1"`)
		member := s.AddKey(Key{Member: true, Access: []string{id, comp.ID}})
		c.key = member
		c.want("application.update", map[string]any{"applicationId": id, "env": "x"}, 401, "unauthorized to access resource")
		c.want("compose.saveEnvironment", map[string]any{"composeId": comp.ID, "env": "Y=1"}, 200, "true")
		var may map[string]map[string]bool
		c.get("user.getPermissions", nil, &may)
		if may["docker"]["read"] || may["service"]["create"] || !may["service"]["read"] || !may["envVars"]["write"] {
			t.Errorf("permissions %v", may)
		}
		s.SetKey(member, Key{Member: true, Access: []string{id}, Docker: true, CreateServices: true})
		may = nil
		c.get("user.getPermissions", nil, &may)
		c.want("application.update", map[string]any{"applicationId": id, "env": "x"}, 200, "true")
		if !may["docker"]["read"] || !may["service"]["create"] || may["sshKeys"]["read"] || v.Env() != "x" {
			t.Errorf("permissions %v", may)
		}
	})
}

func TestSavingOnOlderServers(t *testing.T) {
	for version, fields := range map[string][]string{
		"v0.25.5": {"buildArgs"}, "v0.25.11": {"buildArgs", "buildSecrets"}, "v0.27.1": {"buildArgs", "buildSecrets", "createEnvFile"},
	} {
		t.Run(version, func(t *testing.T) {
			bubble(t, Options{Version: version}, func(t *testing.T, s *Server, c *client) {
				v := s.AddApplication(Application{RollbackActive: true})
				in := map[string]any{"applicationId": v.ID, "env": "A=1"}
				c.want("application.saveEnvironment", in, 400, "Required")
				for _, f := range fields {
					in[f] = ""
				}
				if in["createEnvFile"] != nil {
					in["createEnvFile"] = true
				}
				c.want("application.saveEnvironment", in, 200, "true")
				c.want("compose.saveEnvironment", in, 404, "Not found")
				if status, _ := c.do("GET", "/api/user.getPermissions", ""); status != 404 {
					t.Errorf("permissions: %d", status)
				}
				var m map[string]any
				c.get("application.one", url.Values{"applicationId": {v.ID}}, &m)
				if _, has := m["createEnvFile"]; has != (len(fields) == 3) {
					t.Errorf("createEnvFile shown: %v", has)
				}
				c.key = s.AddKey(Key{Member: true})
				c.want("application.update", map[string]any{"applicationId": v.ID, "dockerImage": "x"}, 200, "true")
			})
		})
	}
}

func TestAnotherWriter(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
		v := s.AddApplication(Application{})
		s.OnCall("application.update", func() { v.SetImage("theirs") })
		c.want("application.update", map[string]any{"applicationId": "wrong", "dockerImage": "ours"}, 400, "Error updating application")
		if v.Image() == "theirs" {
			t.Error("that call was not carried out")
		}
		c.want("application.update", map[string]any{"applicationId": v.ID, "dockerImage": "ours"}, 200, "true")
		if v.Image() != "theirs" {
			t.Errorf("image %q", v.Image())
		}
	})
}

func TestLoadServicesReadsTheDisk(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
		v := s.AddCompose(Compose{NeverDeployed: true, ComposeFile: "services:\n  web: {image: a}\n"})
		ask := func(want string) {
			t.Helper()
			if _, body := c.do("GET", "/api/compose.loadServices?composeId="+v.ID, ""); !strings.Contains(body, want) {
				t.Errorf("%s, want %s", body, want)
			}
		}
		ask("Services not found")
		c.deploy(v, "t")
		time.Sleep(time.Second)
		ask(`["web"]`)
		v.SetComposeFile("services:\n  web: {image: a}\n  db: {image: b}\n")
		ask(`["web"]`)
		c.deploy(v, "t")
		time.Sleep(time.Second)
		ask(`["web","db"]`)
	})
}

func TestRollingBack(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
		v := s.AddApplication(Application{RollbackActive: true, Image: "img:0", Env: "E=0", RolloutFunc: func(v Version) Rollout {
			return Rollout{Crash: v.Image == "img:2", CrashAfter: 8 * time.Second}
		}})
		for _, n := range []string{"1", "2", "3"} {
			v.SetImage("img:" + n)
			v.SetEnv("E=" + n)
			if n == "3" {
				v.SetBuild(Build{Outcome: "error"})
			}
			c.deploy(v, n)
			time.Sleep(30 * time.Second)
		}
		if now := v.Running(); now.Image == "img:1" || now.Image == "img:3" {
			t.Errorf("%+v runs", now)
		}
		var rows []map[string]any
		c.get("deployment.allByType", url.Values{"type": {"application"}, "id": {v.ID}}, &rows)
		if len(rows) != 3 || str(rows[0]["status"]) != "error" || rows[0]["rollbackId"] == nil || str(at(rows[2], "rollback", "fullContext", "env")) != "E=1" ||
			str(at(rows[2], "rollback", "fullContext", "rollbackRegistry", "password")) != "SECRET-registry-password" {
			t.Fatalf("%v", rows)
		}
		c.want("rollback.rollback", map[string]any{"rollbackId": "wrong"}, 400, "Error input: Rolling back")
		c.want("rollback.rollback", map[string]any{"rollbackId": rows[2]["rollbackId"]}, 200, "")
		time.Sleep(10 * time.Second)
		if now := v.Running(); now.Image != "img:1" || now.Env != "E=1" || now.N != 1 {
			t.Errorf("%+v runs", now)
		}
		if v.Image() != "img:3" || v.Env() != "E=3" || len(s.Deployments(v)) != 3 {
			t.Error("Dokploy keeps the new ones, and has no row of it")
		}
		_, body := c.do("GET", "/api/docker.getConfig?containerId="+v.AppName, "")
		if !strings.Contains(body, "/rollbacks/"+v.AppName+":v1") || !strings.Contains(body, `"E=1"`) || !strings.Contains(body, "SECRET-inspect") {
			t.Error(body)
		}
	})
}

func TestContainerLogs(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
		v := s.AddApplication(Application{Rollout: Rollout{Crash: true, CrashAfter: 8 * time.Second, Log: []string{"starting", "boom"}}})
		c.deploy(v, "t")
		time.Sleep(12 * time.Second)
		var text string
		c.get("application.readLogs", url.Values{"applicationId": {v.ID}, "tail": {"2"}}, &text)
		if lines := strings.Split(text, "\n"); len(lines) != 3 || !strings.HasSuffix(lines[0], "Z starting") || !strings.HasSuffix(lines[1], "Z boom") {
			t.Errorf("%q", text)
		}
		comp := s.AddCompose(Compose{Rollout: Rollout{Crash: true, Log: []string{"why"}}, ComposeFile: "services:\n  web: {image: a}\n"})
		comp.SetComposeFile("services:\n  web: {image: b}\n")
		c.deploy(comp, "t")
		time.Sleep(2 * time.Second)
		var list []map[string]any
		c.get("docker.getContainersByAppNameMatch", url.Values{"appName": {comp.AppName}, "appType": {"docker-compose"}}, &list)
		if len(list) != 1 || !strings.HasPrefix(str(list[0]["status"]), "Exited (1) ") {
			t.Fatalf("%v", list)
		}
		c.get("compose.readLogs", url.Values{"composeId": {comp.ID}, "containerId": {str(list[0]["containerId"])}}, &text)
		if !strings.HasSuffix(text, "Z why\n") {
			t.Errorf("%q", text)
		}
	})
}

func TestWhereContainersAre(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
		v := s.AddApplication(Application{ServerID: "far"})
		near := s.AddApplication(Application{SourceType: "git", AppName: "near"})
		count := func(procedure string, q url.Values) int {
			var list []any
			c.get(procedure, q, &list)
			return len(list)
		}
		for _, procedure := range []string{"docker.getServiceContainersByAppName", "docker.getContainersByAppNameMatch"} {
			if count(procedure, url.Values{"appName": {v.AppName}}) != 0 || count(procedure, url.Values{"appName": {v.AppName}, "serverId": {"far"}}) != 1 {
				t.Errorf("%s: a remote service is on its own server", procedure)
			}
			if status, body := c.do("GET", "/api/"+procedure+"?serverId=nope&appName=x", ""); status != 404 || !strings.Contains(body, "Server not found") {
				t.Errorf("%d %s", status, body)
			}
			s.SetSSH("far", SSHSilent)
			if start := time.Now(); count(procedure, url.Values{"appName": {v.AppName}, "serverId": {"far"}}) != 0 || time.Since(start) < 20*time.Second {
				t.Errorf("%s with SSH silent after %s", procedure, time.Since(start))
			}
			s.SetSSH("far", SSHUp)
		}
		// An image has the name of what was built; the service has an id.
		_, image := c.do("GET", "/api/docker.getConfig?containerId="+near.AppName, "")
		var tasks []map[string]any
		c.get("docker.getServiceContainersByAppName", url.Values{"appName": {near.AppName}}, &tasks)
		var task, service map[string]any
		c.get("docker.getConfig", url.Values{"containerId": {str(tasks[0]["containerId"])}}, &task)
		c.get("docker.getConfig", url.Values{"containerId": {str(task["ServiceID"])}}, &service)
		if !strings.Contains(image, "RepoTags") || at(service, "Spec", "Name") != near.AppName {
			t.Errorf("%.200s\n%v", image, service)
		}
	})
	bubble(t, Options{NoDocker: true}, func(t *testing.T, s *Server, c *client) {
		if status, body := c.do("GET", "/api/docker.getConfig?containerId=x", ""); status != 404 || !strings.Contains(body, "Not found") {
			t.Errorf("%d %s", status, body)
		}
	})
}

func TestAFailedDeploymentChangesNothing(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, s *Server, c *client) {
		v := s.AddApplication(Application{Build: Build{Outcome: "error"}})
		before := v.Running()
		_, was := c.do("GET", "/api/docker.getServiceContainersByAppName?appName="+v.AppName, "")
		c.deploy(v, "t")
		time.Sleep(10 * time.Second)
		if _, is := c.do("GET", "/api/docker.getServiceContainersByAppName?appName="+v.AppName, ""); is != was || v.Running() != before {
			t.Errorf("%s became %s", was, is)
		}
	})
}
