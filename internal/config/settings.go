package config

import (
	"slices"
	"strings"
)

// Setting describes one input.
type Setting struct {
	Name     string // as users write it, with hyphens
	Default  string // empty: none
	Meaning  string // one paragraph of Markdown
	Form     Form
	Secret   bool // the value is never shown
	Required bool
}

// Settings are all inputs, in the order of the documentation.
var Settings = []Setting{
	{Name: "url", Required: true,
		Meaning: "The Dokploy instance, `https://dokploy.example.com`. A trailing `/`, `/api` or `/api/` is accepted, and so is a sub-path."},
	{Name: "api-key", Required: true, Secret: true,
		Meaning: "Sent as `x-api-key`. Secret."},
	{Name: "application", Form: List,
		Meaning: "The application(s) to deploy, each as an id, `name`, `project/name` or `project/environment/name`."},
	{Name: "compose", Form: List,
		Meaning: "The compose service(s) to deploy, in the same forms. At least one of the two is required; both may be given."},
	{Name: "operation", Default: "deploy",
		Meaning: "`deploy`; `redeploy` (rebuild without fetching the source or pulling the image); `follow` (start nothing: follow the deployment that Dokploy itself starts for this commit, on a push or for a pull request; `image`, `env`, `compose-file`, `source`, `build-args`, `build-secrets`, `rollback`, `wait: false`, `title` and `description` are refused with it)."},
	{Name: "commit",
		Meaning: "With `follow`: the commit whose deployment is followed, at least 7 hex digits of its hash. Default: the commit of the CI run; for a pull request, its head."},
	{Name: "preview",
		Meaning: "With `follow`: follow the preview of a pull request instead of the application itself. The number of the pull request, or `auto` for the one of the CI run. `url`, `health-url: auto` and `verify` then apply to the preview. Compose services have none."},
	{Name: "start-timeout", Default: "2m",
		Meaning: "With `follow`: how long Dokploy may take to queue or start the deployment. After that it is `lost`, with the setting of the service that explains it. If the queue cannot be read, the time counts only while no service is being deployed."},
	{Name: "if-none", Default: "fail",
		Meaning: "With `follow`: `skip` ends as `skipped` when a setting explains why no deployment came (watch paths, branch, skip keyword), as in monorepos."},
	{Name: "title", Form: Text,
		Meaning: "Title of the deployment in Dokploy. Default: the commit's subject line, or what the event is about (pull request, release, ref); outside CI `Deployed by dokploy-deploy`."},
	{Name: "description", Form: Text,
		Meaning: "Description of the deployment in Dokploy. Default: short commit id, author and the link to the CI run. A short marker of this run is always appended."},
	{Name: "image",
		Meaning: "Docker image to set on the application before deploying. Nothing else is touched, stored credentials included. An application whose source is not Docker is refused. Without an application: exit 2."},
	{Name: "env", Form: Variables, Secret: true,
		Meaning: "`KEY=VALUE` lines, in the dotenv format that Dokploy reads, to set in the service's environment before deploying. Kept as written; a value that Dokploy or compose would truncate or change gets a warning or, if it would break the file, is refused."},
	{Name: "env-mode", Default: "merge",
		Meaning: "`merge` keeps all other lines, the comments and the order; `replace` makes `env` the whole environment."},
	{Name: "compose-file",
		Meaning: "Path of a local compose file to upload to the compose service before deploying. If the service has another source, it becomes `raw` and the output says so. Empty or not text: exit 2."},
	{Name: "source",
		Meaning: "Path of a local directory or `.zip` to upload as the application's source. The upload itself starts the deployment: no second one is triggered, and Dokploy chooses its title. Empty: exit 2."},
	{Name: "build-args", Form: Variables, Secret: true,
		Meaning: "`KEY=VALUE` lines to merge into the build arguments of applications with the build type Dockerfile (another build type, a Docker source, or only compose services: exit 2). Merged, checked, read back and rolled back like `env`; `env-mode` does not apply."},
	{Name: "build-secrets", Form: Variables, Secret: true,
		Meaning: "The same for build secrets. Values are secret."},
	{Name: "wait", Default: "true",
		Meaning: "`false`: end as soon as Dokploy has accepted the deployment."},
	{Name: "timeout", Default: "30m",
		Meaning: "Time limit from the trigger to the verdict, including queueing and verification."},
	{Name: "unreachable-timeout", Default: "5m",
		Meaning: "How long Dokploy may be unreachable without a break while a deployment is followed. Before the trigger, the limit is the smaller of this and 30 s. A key that worked before and is now refused counts as unreachable."},
	{Name: "logs", Default: "live",
		Meaning: "`live`: each line as it is written. `failure`: the whole log, if the deployment fails. `off`: no log. The last lines of a failed deployment are quoted only if they are not shown right above."},
	{Name: "verify", Default: "auto",
		Meaning: "After Dokploy says `done`, check that the new containers run. `auto`: as far as the key may see; where it may not, the output says so. `require`: not being able to see is a failure. `off`: no check."},
	{Name: "stable-for", Default: "10s",
		Meaning: "How long the new containers must keep running to count as running."},
	{Name: "health-url",
		Meaning: "Address that must answer after the deployment; `auto` is the target's first domain, `auto/path` or `/path` is that domain with this path. One address only: for several services, use one step each."},
	{Name: "health-contains", Form: Text,
		Meaning: "Text that the answer must contain, such as the commit; until it does, the address is not healthy. Only the first MiB of the body is searched."},
	{Name: "health-headers", Form: Headers, Secret: true,
		Meaning: "`Name: value` lines for requests to `health-url` only. Secret as in `headers`."},
	{Name: "health-status", Default: "200-399", Form: List,
		Meaning: "Accepted status codes: codes and ranges."},
	{Name: "health-timeout", Default: "2m",
		Meaning: "How long `health-url` may take to become healthy, within `timeout`."},
	{Name: "rollback", Default: "false",
		Meaning: "On failure, go back to what ran before and say what was done. The step still fails."},
	{Name: "headers", Form: Headers, Secret: true,
		Meaning: "Extra `Name: value` lines for every request to Dokploy (for Cloudflare Access, for example). Values are secret, except plain words, numbers and URL schemes of up to 8 letters. `Idempotency-Key` and `X-Idempotency-Key` are refused."},
	{Name: "ca-cert",
		Meaning: "PEM text or path of extra CA certificates."},
	{Name: "tls-skip-verify", Default: "false",
		Meaning: "Do not check the server's certificate; every run warns about it."},
	{Name: "dry-run", Default: "false",
		Meaning: "Resolve the targets, check what the key may do, show what would change (names of variables, never values), and deploy nothing."},
	{Name: "max-parallel", Default: "4",
		Meaning: "How many targets are deployed at a time, in the order of the inputs: `application` first, then `compose`."},
	{Name: "fail-fast", Default: "false",
		Meaning: "After a target has failed, start no more targets: the rest end as `skipped`. With `max-parallel: 1`, targets run in order, each only after the previous one has succeeded. Every status except `done` and `queued` is a failure; it counts as soon as the verdict is known, before the rollback. Targets that are running go on; nothing is set on a skipped target."},
	{Name: "output-file",
		Meaning: "File to append the outputs to, as dotenv lines."},
	{Name: "debug", Default: "false",
		Meaning: "One line per request: method, path, status, time. Never a key, header value or body."},
}

// Spellings returns the environment variables that may carry an input, in
// lookup order.
func Spellings(name string) []string {
	upper := strings.ToUpper(name)
	under := strings.ReplaceAll(upper, "-", "_")
	return slices.Compact([]string{"INPUT_" + upper, "INPUT_" + under, "PLUGIN_" + under, "PLUGIN_" + upper, "DOKPLOY_" + under})
}
