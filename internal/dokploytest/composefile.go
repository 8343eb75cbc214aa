package dokploytest

import (
	"cmp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// fileService is a service of a compose file, with the fields that matter here.
type fileService struct {
	name      string
	image     string
	replicas  int
	restart   string // docker-compose's restart, a stack's restart condition
	action    string // of a stack's update_config
	order     string
	hash      string // what docker compose and Swarm compare
	readsEnv  bool   // hash includes the environment
	noRestart bool
}

// composeServices returns the services of a compose file in order; nil if it
// names none.
func composeServices(file, env string, stack bool) []fileService {
	var top struct {
		Services yaml.Node `yaml:"services"`
	}
	if yaml.Unmarshal([]byte(file), &top) != nil {
		return nil
	}
	var out []fileService
	for i := 0; i+1 < len(top.Services.Content); i += 2 {
		name, value := top.Services.Content[i].Value, top.Services.Content[i+1]
		raw, err := yaml.Marshal(value)
		if err != nil {
			continue
		}
		var body struct {
			Image   string `yaml:"image"`
			Restart string `yaml:"restart"`
			Deploy  struct {
				Replicas      *int `yaml:"replicas"`
				RestartPolicy struct {
					Condition string `yaml:"condition"`
				} `yaml:"restart_policy"`
				UpdateConfig struct {
					FailureAction string `yaml:"failure_action"`
					Order         string `yaml:"order"`
				} `yaml:"update_config"`
			} `yaml:"deploy"`
		}
		_ = value.Decode(&body) // anything unreadable is left unset
		f := fileService{
			name: name, image: body.Image, replicas: 1, restart: cmp.Or(body.Restart, "no"),
			action: body.Deploy.UpdateConfig.FailureAction, order: body.Deploy.UpdateConfig.Order, hash: string(raw),
			readsEnv: strings.Contains(string(raw), "$") || strings.Contains(string(raw), "env_file"),
		}
		if body.Deploy.Replicas != nil {
			f.replicas = *body.Deploy.Replicas
		}
		if stack {
			f.restart = cmp.Or(body.Deploy.RestartPolicy.Condition, "any")
			f.noRestart = f.restart == "none"
		}
		if f.readsEnv {
			f.hash += env
		}
		out = append(out, f)
	}
	return out
}

// versionOf returns the version of one service for a version of the compose
// service.
func (f fileService) versionOf(v Version) Version {
	v.Image = f.image
	return v
}
