package deploy

import "go.yaml.in/yaml/v3"

// startsNothing reports whether a compose file sets every service to 0
// replicas, in plain numbers.
func startsNothing(file string) bool {
	var f struct {
		Services map[string]struct {
			Scale  *int
			Deploy struct{ Replicas *int }
		}
	}
	if yaml.Unmarshal([]byte(file), &f) != nil || len(f.Services) == 0 {
		return false
	}
	for _, s := range f.Services {
		n := s.Deploy.Replicas
		if s.Scale != nil {
			n = s.Scale
		}
		if n == nil || *n != 0 {
			return false
		}
	}
	return true
}
