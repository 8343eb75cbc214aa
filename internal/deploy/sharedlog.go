package deploy

import "dokploy-deploy/internal/dokploy"

// sharedLog says what another deployment does to our log; empty if nothing. Log
// files are named by the second, so two deployments of a service that start in
// the same second share one. Each empties it when it starts: a deployment that
// ended before ours started leaves nothing in it.
func sharedLog(ours *dokploy.Deployment, rows []dokploy.Deployment) string {
	if ours.LogPath == "" {
		return ""
	}
	text := ""
	for _, other := range rows {
		switch {
		case other.ID == ours.ID || other.LogPath != ours.LogPath:
		case endedBefore(&other, ours):
		case endedBefore(ours, &other):
			return "another deployment started in the same second and its log overwrote this one's: the lines shown are the other's"
		default:
			text = "another deployment started in the same second and Dokploy writes both logs to one file while both are running: their lines are mixed"
		}
	}
	return text
}

// endedBefore reports whether a ended before b started.
func endedBefore(a, b *dokploy.Deployment) bool {
	return a.Terminal() && !a.FinishedAt.IsZero() && !a.FinishedAt.After(b.StartedAt)
}
