package deploy

import (
	"slices"
	"strconv"
	"strings"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/verdict"
)

// skipKeywords in a commit's message keep GitHub's app from deploying it. Case
// matters (docs/dokploy.md, Webhooks).
var skipKeywords = []string{"[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]"}

// obstacles returns the settings of a service that explain why a push starts no
// deployment (docs/dokploy.md, Webhooks).
func obstacles(s *dokploy.Service, pushed Pushed, traits dokploy.Traits) (found []verdict.Obstacle) {
	add := func(kind verdict.ObstacleKind, text, other string) {
		found = append(found, verdict.Obstacle{Kind: kind, Text: text, Other: other})
	}
	if !s.Push.AutoDeploy {
		add(verdict.AutoDeployOff, "", "")
	}
	if !s.HasGit() {
		return found // branch and files then do not matter
	}
	byApp := s.SourceType == "github" // other webhooks ignore these settings
	onTag := byApp && s.Push.OnTag
	switch what := pushed.what(); {
	case what == "":
	case onTag && pushed.Either:
		add(verdict.TagWanted, "", "")
	case onTag && !pushed.Tag:
		add(verdict.OnTagOnly, "", what)
	case onTag:
	case s.Push.Branch != "" && (pushed.Tag || pushed.Ref != s.Push.Branch):
		add(verdict.OtherBranch, s.Push.Branch, what)
	}
	if paths := s.Push.WatchPaths; len(paths) > 0 && !onTag {
		kind := verdict.WatchPaths
		if traits.WatchesModifiedOnly {
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

// what describes what was pushed; empty: unknown.
func (p Pushed) what() string {
	switch {
	case p.PullRequest != "" && p.Ref != "":
		return "pull request " + p.PullRequest + " from the branch " + p.Ref
	case p.PullRequest != "":
		return "pull request " + p.PullRequest
	case p.Ref == "":
		return ""
	case p.Tag:
		return "the tag " + p.Ref
	case p.Either:
		return "the branch or tag " + p.Ref
	}
	return "the branch " + p.Ref
}

// obstacles returns those of the target. previews are all of its application.
func (t target) obstacles(previews []dokploy.Preview) []verdict.Obstacle {
	if t.service.PullRequest != 0 {
		return previewObstacles(t.service, previews, t.o.Follow.Pull, t.traits)
	}
	return obstacles(t.service, t.o.Follow.Pushed, t.traits)
}

// previewObstacles returns the settings of an application that explain why a
// pull request gets no preview, or an existing one no deployment
// (docs/dokploy.md, Previews). Other settings for pushes do not matter.
func previewObstacles(s *dokploy.Service, previews []dokploy.Preview, pull Pull, traits dokploy.Traits) (found []verdict.Obstacle) {
	add := func(kind verdict.ObstacleKind, text, other string) {
		found = append(found, verdict.Obstacle{Kind: kind, Text: text, Other: other})
	}
	if pull.Closed {
		add(verdict.PullClosed, "", "")
	}
	set := s.Previews
	switch {
	case s.SourceType != "github":
		add(verdict.NotFromGitHub, s.SourceType, "")
		return found
	case set == nil:
		add(verdict.PreviewsOff, "", "")
		return found // nothing else then matters
	}
	if pull.Base != "" && s.Push.Branch != "" && pull.Base != s.Push.Branch {
		add(verdict.OtherBase, s.Push.Branch, pull.Base)
	}
	exists := slices.ContainsFunc(previews, func(p dokploy.Preview) bool { return p.Number == s.PullRequest })
	switch n, limit := len(previews), strconv.Itoa(set.Limit); {
	case traits.LimitsAllPreviews && n > set.Limit:
		add(verdict.PreviewsExceeded, count(n, "preview"), limit)
	case !traits.LimitsAllPreviews && !exists && n >= set.Limit:
		add(verdict.PreviewLimit, count(n, "preview"), limit)
	}
	labels := strings.Join(set.Labels, ", ")
	switch {
	case len(set.Labels) == 0:
	case pull.Labels == nil:
		add(verdict.LabelWanted, labels, "")
	case !slices.ContainsFunc(pull.Labels, func(l string) bool { return slices.Contains(set.Labels, l) }):
		add(verdict.LabelMissing, labels, "")
	}
	switch {
	case !set.WritersOnly:
	case pull.Outsider != "":
		add(verdict.AuthorOutside, pull.Outsider, "")
	default:
		add(verdict.AuthorUnknown, "", "")
	}
	return found
}

// explaining returns those that explain why there is no deployment.
func explaining(all []verdict.Obstacle) []verdict.Obstacle {
	return slices.DeleteFunc(slices.Clone(all), func(o verdict.Obstacle) bool { return !o.Explains() })
}

// noteObstacles says why there may come none. With if-none: skip that is as it
// was meant.
func noteObstacles(t target, previews []dokploy.Preview) {
	const text = "a deployment might not come: %s"
	found := explaining(t.obstacles(previews))
	for _, o := range found {
		if o.Certain() && !t.o.Follow.SkipIfNone {
			t.warn(text, o)
		} else {
			t.note(text, o)
		}
	}
	if len(found) == 0 && t.service.PullRequest == 0 && !t.service.HasGit() {
		t.warn(text, verdict.NoGit(t.service.SourceType))
	}
}
