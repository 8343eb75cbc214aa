package ci

// Tag reports whether the run is for a tag, if the host says so.
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

// Merged reports whether the run's pull request is merged, so that its commit
// belongs to the branch it was merged into. Only the GitHub family says so.
func (h Host) Merged() bool {
	return h.actions && readEvent(h.get("GITHUB_EVENT_PATH")).PullRequest.Merged
}
