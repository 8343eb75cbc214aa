package deploy

import "dokploy-deploy/internal/dokploy"

// sharedLog says what another deployment does to the log of ours; empty if
// nothing. Dokploy names log files by the second, so that two deployments of
// one service that begin in the same second have one file. Each empties it when
// it begins: one that had ended before ours began leaves nothing in it.
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

// endedBefore reports whether a ended before b began.
func endedBefore(a, b *dokploy.Deployment) bool {
	return a.Terminal() && !a.FinishedAt.IsZero() && !a.FinishedAt.After(b.StartedAt)
}
