package dokploy

import (
	"cmp"
	"encoding/json"
)

type wireService struct {
	wireRef
	wirePaths
	wirePush
	AppName       string `json:"appName"`
	ComposeType   string `json:"composeType"`
	Replicas      *int   `json:"replicas"`
	SourceType    string `json:"sourceType"`
	ServerID      string `json:"serverId"`
	BuildServerID string `json:"buildServerId"`
	Image         string `json:"dockerImage"`
	Env           string `json:"env"`
	ComposeFile   string `json:"composeFile"`
	DropBuildPath string `json:"dropBuildPath"`
	Rollbacks     bool   `json:"rollbackActive"`
	BuildType     string `json:"buildType"`
	Dockerfile    string `json:"dockerfile"`
	ContextPath   string `json:"dockerContextPath"`
	PublishPath   string `json:"publishDirectory"`
	Environment   struct {
		EnvironmentID string      `json:"environmentId"`
		Name          string      `json:"name"`
		Env           string      `json:"env"`
		Project       wireProject `json:"project"`
	} `json:"environment"`
	Domains     listOf[wireDomain]     `json:"domains"`
	Deployments listOf[wireDeployment] `json:"deployments"`

	// Missing from older versions, and null if never set.
	BuildArgs     json.RawMessage `json:"buildArgs"`
	BuildSecrets  json.RawMessage `json:"buildSecrets"`
	CreateEnvFile json.RawMessage `json:"createEnvFile"`

	wireCredentials
	wireGit
}

type wireProject struct {
	ProjectID string `json:"projectId"`
	Name      string `json:"name"`
	Env       string `json:"env"`
}

// beside returns what application.saveEnvironment requires along with the
// environment, in this version. It accepts no null.
func (w *wireService) beside() map[string]any {
	m := map[string]any{}
	for name, raw := range map[string]json.RawMessage{"buildArgs": w.BuildArgs, "buildSecrets": w.BuildSecrets} {
		var text string
		if raw != nil && json.Unmarshal(raw, &text) == nil {
			m[name] = text // "" for null
		}
	}
	var on bool
	if w.CreateEnvFile != nil && json.Unmarshal(w.CreateEnvFile, &on) == nil {
		m["createEnvFile"] = on
	}
	return m
}

// service converts the answer.
func (w *wireService) service(kind Kind) *Service {
	s := &Service{
		Kind: kind, ID: cmp.Or(w.ApplicationID, w.ComposeID), Name: w.Name, AppName: w.AppName,
		SourceType: w.SourceType, Status: cmp.Or(w.ApplicationStatus, w.ComposeStatus),
		ServerID: w.ServerID, BuildServerID: w.BuildServerID,
		ProjectID: w.Environment.Project.ProjectID, ProjectName: w.Environment.Project.Name,
		EnvironmentID: w.Environment.EnvironmentID, Environment: w.Environment.Name,
		ComposeType: w.ComposeType, Replicas: -1,
		Image: w.Image, Env: Secret(w.Env), ComposeFile: Secret(w.ComposeFile),
		DropBuildPath: w.DropBuildPath, RollbackActive: w.Rollbacks,
		BuildFile: w.file(),
		Build:     Build{Type: w.BuildType, Dockerfile: w.Dockerfile, ContextPath: w.ContextPath, PublishPath: w.PublishPath},
		Push:      w.push(w.SourceType), Previews: w.previews(kind, w.SourceType),
		Credentials: w.list(), GitURL: Secret(w.CustomGitURL),
		SharedEnv: Secret(w.Environment.Env + "\n" + w.Environment.Project.Env),
		beside:    w.beside(),
		preview:   previewEnv{Secret(w.PreviewEnv), Secret(w.PreviewBuildArgs), Secret(w.PreviewBuildSecrets)},
	}
	for field, to := range map[Field]*Secret{FieldBuildArgs: &s.BuildArgs, FieldBuildSecrets: &s.BuildSecrets} {
		text, _ := s.beside[string(field)].(string)
		*to = Secret(text)
	}
	_, keepsSecrets := s.beside[string(FieldBuildSecrets)]
	s.NoBuildSecrets = !keepsSecrets
	s.Repository = w.repository(s.Push)
	if w.Replicas != nil {
		s.Replicas = *w.Replicas
	}
	for _, d := range w.Domains[:min(len(w.Domains), maxDomains)] {
		s.Domains = append(s.Domains, d.domain())
	}
	if w.Deployments != nil {
		s.Deployments = rows(w.Deployments)
	}
	return s
}
