package ci

// Tag reports whether the run is for a tag, as far as the host says.
func (h Host) Tag() bool {
	if h.actions {
		return h.get("GITHUB_REF_TYPE") == "tag"
	}
	for _, name := range []string{"CI_COMMIT_TAG", "DRONE_TAG", "BITBUCKET_TAG", "CIRCLE_TAG", "TAG_NAME"} {
		if h.name != "" && h.get(name) != "" {
			return true
		}
	}
	return false
}

// Merged reports whether the pull request that the run is about is merged, so
// that its commit is one of the branch that it was merged into. GitHub's family
// says so.
func (h Host) Merged() bool {
	return h.actions && readEvent(h.get("GITHUB_EVENT_PATH")).PullRequest.Merged
}
