package deploy

import (
	"strings"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// skipKeywords in the message of a commit keep GitHub's app from deploying it, in
// this case (docs/dokploy.md, Webhooks).
var skipKeywords = []string{"[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]"}

// obstacles are the settings of a service that explain why a push starts no
// deployment of it (docs/dokploy.md, Webhooks).
func obstacles(s *dokploy.Service, pushed Pushed, v dokploy.Version) (found []verdict.Obstacle) {
	add := func(kind verdict.ObstacleKind, text, other string) {
		found = append(found, verdict.Obstacle{Kind: kind, Text: text, Other: other})
	}
	if !s.Push.AutoDeploy {
		add(verdict.AutoDeployOff, "", "")
	}
	if !s.HasGit() {
		return found // nobody asks for the branch and the files
	}
	byApp := s.SourceType == "github" // others do not heed these
	onTag := byApp && s.Push.OnTag
	switch what := pushed.what(); {
	case what == "":
	case onTag && !pushed.Tag:
		add(verdict.OnTagOnly, "", what)
	case onTag:
	case s.Push.Branch != "" && (pushed.Tag || pushed.PullRequest != "" || pushed.Ref != s.Push.Branch):
		add(verdict.OtherBranch, s.Push.Branch, what)
	}
	if paths := s.Push.WatchPaths; len(paths) > 0 && !onTag {
		kind := verdict.WatchPaths
		if v.Less(0, 29, 14) {
			kind = verdict.WatchPathsOfModified
		}
		add(kind, strings.Join(paths, ", "), "")
	}
	if byApp {
		for _, word := range skipKeywords {
			if strings.Contains(pushed.Message, word) {
				add(verdict.SkipKeyword, word, "")
				break
			}
		}
	}
	return found
}

// what says what was pushed; empty: not known.
func (p Pushed) what() string {
	switch {
	case p.PullRequest != "":
		return "pull request " + p.PullRequest
	case p.Ref == "":
		return ""
	case p.Tag:
		return "the tag " + p.Ref
	}
	return "the branch " + p.Ref
}
