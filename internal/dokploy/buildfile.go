package dokploy

import (
	"cmp"
	"encoding/json"
	"path"
	"strings"
)

// wirePaths are the paths in the source that say how a service is built. None
// of them is needed for deploying.
type wirePaths struct {
	BuildPath          looseText `json:"buildPath"`
	GitlabBuildPath    looseText `json:"gitlabBuildPath"`
	GiteaBuildPath     looseText `json:"giteaBuildPath"`
	BitbucketBuildPath looseText `json:"bitbucketBuildPath"`
	CustomGitBuildPath looseText `json:"customGitBuildPath"`
	ComposePath        looseText `json:"composePath"`
}

// looseText is a string; any other JSON value decodes to "".
type looseText string

func (t *looseText) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) != nil || len(text) > maxName {
		text = ""
	}
	*t = looseText(text)
	return nil
}

// file returns the Dockerfile or compose file, as a path in the source. It is
// empty if Dokploy or a builder generates the file.
func (w *wireService) file() string {
	var dir looseText
	file := ""
	switch {
	case w.ComposeID != "" && w.SourceType != "raw":
		file = string(w.ComposePath)
	case w.ComposeID == "" && w.BuildType == "dockerfile":
		file = cmp.Or(w.Dockerfile, "Dockerfile")
		switch w.SourceType {
		case "github":
			dir = w.BuildPath
		case "gitlab":
			dir = w.GitlabBuildPath
		case "gitea":
			dir = w.GiteaBuildPath
		case "bitbucket":
			dir = w.BitbucketBuildPath
		case "git":
			dir = w.CustomGitBuildPath
		case "drop":
			dir = looseText(w.DropBuildPath)
		}
	}
	if file == "" {
		return ""
	}
	return strings.TrimPrefix(path.Join("/", string(dir), file), "/")
}
