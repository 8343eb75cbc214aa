package verdict

import "strings"

// Obstacle is a setting that keeps Dokploy from starting a deployment by itself,
// or may have.
type Obstacle struct {
	Kind ObstacleKind
	// Text is the setting's value, and Other what it was held against.
	Text, Other string
}

// ObstacleKind is the kind of an obstacle.
type ObstacleKind string

// The kinds of obstacles.
const (
	AutoDeployOff ObstacleKind = "auto-deploy is off"
	OtherBranch   ObstacleKind = "other branch"
	OnTagOnly     ObstacleKind = "on tag only"
	// WatchPaths may have kept it back: which files were changed is not known.
	WatchPaths ObstacleKind = "watch paths"
	// WatchPathsOfModified: of the changed files only the modified ones count.
	WatchPathsOfModified ObstacleKind = "watch paths of modified files"
	SkipKeyword          ObstacleKind = "skip keyword"
)

var obstacleWords = map[ObstacleKind]string{
	AutoDeployOff:        "automatic deployments are off for this service",
	OtherBranch:          "the service is deployed from the branch {text}, and this run is for {other}",
	OnTagOnly:            "the service is deployed when a tag is pushed, and this run is for {other}",
	WatchPaths:           "the service is deployed only when a file changes that matches its watch paths ({text})",
	WatchPathsOfModified: "the service is deployed only when a file is modified that matches its watch paths ({text}); this Dokploy does not count files that were added or removed",
	SkipKeyword:          "the commit message contains {text}, which Dokploy's GitHub app honours",
}

func (o Obstacle) String() string {
	return fill(obstacleWords[o.Kind], "{text}", o.Text, "{other}", o.Other)
}

// Obstacles puts them into one line.
func Obstacles(all []Obstacle) string {
	var texts []string
	for _, o := range all {
		texts = append(texts, o.String())
	}
	return strings.Join(texts, "; ")
}
