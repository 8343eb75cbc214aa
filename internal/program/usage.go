package program

import (
	"io"
	"strings"

	"dokploy-deploy/internal/ci"
	"dokploy-deploy/internal/config"
)

// Usage writes the answer to --help.
func Usage(w io.Writer) {
	var b strings.Builder
	config.UsageText(&b, "dokploy-deploy deploys a service of a Dokploy server from CI, follows that deployment and exits with the real result.", 0)
	b.WriteString("\n")
	config.Usage(&b)
	b.WriteString("\n")
	config.UsageText(&b, "Outputs, in GITHUB_OUTPUT; as DOKPLOY_NAME=value lines in output-file and DRONE_OUTPUT, where url is DOKPLOY_DEPLOYED_URL and commit is DOKPLOY_BUILT_COMMIT:", 0)
	for _, o := range ci.OutputTable {
		b.WriteString("  " + o.Name + "\n")
		config.UsageText(&b, o.Meaning, 8)
	}
	b.WriteString(`
Exit codes:
  0         deployed (or, with wait: false, accepted)
  1         the deployment failed: error, cancelled, unhealthy, lost
  2         the inputs are wrong, or name something that does not exist
  3         Dokploy cannot be reached, or refuses the key
  4         timed out; the deployment may still be going on in Dokploy
  129, 130, 143  interrupted by SIGHUP (unless it is ignored), SIGINT, SIGTERM
`)
	_, _ = io.WriteString(w, b.String())
}
