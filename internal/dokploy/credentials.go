package dokploy

import "slices"

// wireCredentials are the fields of application.one and compose.one that give
// access to something. They are read only to be masked.
type wireCredentials struct {
	Password         string            `json:"password"` // of the registry
	RefreshToken     string            `json:"refreshToken"`
	CustomGitURL     string            `json:"customGitUrl"`
	Registry         *wireAccess       `json:"registry"`
	BuildRegistry    *wireAccess       `json:"buildRegistry"`
	RollbackRegistry *wireAccess       `json:"rollbackRegistry"`
	GitHub           *wireAccess       `json:"github"`
	GitLab           *wireAccess       `json:"gitlab"`
	Gitea            *wireAccess       `json:"gitea"`
	Bitbucket        *wireAccess       `json:"bitbucket"`
	Security         listOf[wireLogin] `json:"security"`
}

// wireAccess is how Dokploy logs in to a registry or a Git provider.
type wireAccess struct {
	Password            string `json:"password"`
	AccessToken         string `json:"accessToken"`
	RefreshToken        string `json:"refreshToken"`
	Secret              string `json:"secret"`
	ClientSecret        string `json:"clientSecret"`
	AppPassword         string `json:"appPassword"`
	APIToken            string `json:"apiToken"`
	GitLabURL           string `json:"gitlabUrl"` // an address, not a credential
	GiteaURL            string `json:"giteaUrl"`
	GitHubClientSecret  string `json:"githubClientSecret"`
	GitHubPrivateKey    string `json:"githubPrivateKey"`
	GitHubWebhookSecret string `json:"githubWebhookSecret"`
}

// wireLogin is a login that the proxy asks for in front of the service.
type wireLogin struct {
	Password string `json:"password"`
}

func (w *wireCredentials) list() []Secret {
	values := []string{w.Password, w.RefreshToken}
	for _, a := range []*wireAccess{w.Registry, w.BuildRegistry, w.RollbackRegistry, w.GitHub, w.GitLab, w.Gitea, w.Bitbucket} {
		if a != nil {
			values = append(values, a.Password, a.AccessToken, a.RefreshToken, a.Secret, a.ClientSecret, a.AppPassword, a.APIToken,
				a.GitHubClientSecret, a.GitHubPrivateKey, a.GitHubWebhookSecret)
		}
	}
	for _, s := range w.Security {
		values = append(values, s.Password)
	}
	var secrets []Secret
	for _, v := range values {
		if v != "" && !slices.Contains(secrets, Secret(v)) {
			secrets = append(secrets, Secret(v))
		}
	}
	return secrets
}
