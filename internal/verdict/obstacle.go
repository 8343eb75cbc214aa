package verdict

import "strings"

// Obstacle is a setting that kept Dokploy from starting a deployment by itself,
// or may have.
type Obstacle struct {
	Kind ObstacleKind
	// Text is the setting's value, Other what it was compared with.
	Text, Other string
}

// ObstacleKind is the kind of an obstacle.
type ObstacleKind string

// The kinds of obstacles.
const (
	AutoDeployOff ObstacleKind = "auto-deploy is off"
	OtherBranch   ObstacleKind = "other branch"
	// OnTagOnly: the run is for a branch. TagWanted: it may be for a tag.
	OnTagOnly ObstacleKind = "on tag only"
	TagWanted ObstacleKind = "tag wanted"
	// WatchPaths may be the reason: which files were changed is unknown.
	WatchPaths ObstacleKind = "watch paths"
	// WatchPathsOfModified: only modified files count, not added or removed
	// ones.
	WatchPathsOfModified ObstacleKind = "watch paths of modified files"
	SkipKeyword          ObstacleKind = "skip keyword"

	// Of a preview.

	PreviewsOff      ObstacleKind = "previews off"
	NotFromGitHub    ObstacleKind = "not from GitHub"
	OtherBase        ObstacleKind = "other base"
	PreviewLimit     ObstacleKind = "preview limit"
	PreviewsExceeded ObstacleKind = "preview limit exceeded"
	// LabelMissing: the pull request had none of them. LabelWanted: its labels
	// are unknown.
	LabelMissing ObstacleKind = "label missing"
	LabelWanted  ObstacleKind = "label wanted"
	// AuthorOutside: the author probably cannot write to the repository.
	// AuthorUnknown: that is required, as by Dokploy's default, and nothing is
	// known about the author.
	AuthorOutside ObstacleKind = "author from outside"
	AuthorUnknown ObstacleKind = "author not known"
	PullClosed    ObstacleKind = "pull request closed"
)

var obstacleWords = map[ObstacleKind]string{
	AutoDeployOff:        "automatic deployments are off for this service",
	OtherBranch:          "the service is deployed from the branch {text}, and this run is for {other}",
	OnTagOnly:            "the service is deployed when a tag is pushed, and this run is for {other}",
	TagWanted:            "the service is deployed only when a tag is pushed",
	WatchPaths:           "the service is deployed only when a file changes that matches its watch paths ({text})",
	WatchPathsOfModified: "the service is deployed only when a file is modified that matches its watch paths ({text}); this Dokploy does not count added or removed files",
	SkipKeyword:          "the commit message contains {text}, which Dokploy's GitHub app honours",

	PreviewsOff:      "preview deployments are off for this application",
	NotFromGitHub:    "Dokploy makes previews for applications whose provider is GitHub, and this one's is {text}",
	OtherBase:        "the application is deployed from the branch {text}, and the pull request is for {other}",
	PreviewLimit:     "the application already has {text}, and its limit is {other}",
	PreviewsExceeded: "the application has {text}, more than its limit of {other}: this Dokploy then deploys none of them",
	LabelMissing:     "the application requires one of the labels {text}, and the pull request had none of them when this run began",
	LabelWanted:      "only pull requests with one of the labels {text} get a preview",
	AuthorOutside:    "only authors who may write to the repository get a preview, and {text}",
	AuthorUnknown:    "only authors who may write to the repository get a preview",
	PullClosed:       "the pull request is closed, and Dokploy removes its preview then",
}

// Explains reports whether it is a reason for there being no deployment. A
// default of Dokploy's, which applies to most applications, is not.
func (o Obstacle) Explains() bool { return o.Kind != AuthorUnknown }

// Certain reports whether it keeps Dokploy from starting one, whatever else is
// so that is not known here.
func (o Obstacle) Certain() bool {
	switch o.Kind {
	case TagWanted, WatchPaths, WatchPathsOfModified, LabelWanted, AuthorUnknown:
		return false
	}
	return true
}

func (o Obstacle) String() string {
	return fill(obstacleWords[o.Kind], "{text}", o.Text, "{other}", o.Other)
}

// Obstacles joins them into one line.
func Obstacles(all []Obstacle) string {
	var texts []string
	for _, o := range all {
		texts = append(texts, o.String())
	}
	return strings.Join(texts, "; ")
}
