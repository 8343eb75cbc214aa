package ci

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Outputs are the results that later steps can use.
type Outputs struct {
	Status       string
	DeploymentID string
	Commit       string
	URL          string
	DashboardURL string
	Duration     int    // seconds
	Deployments  string // JSON
}

// Output describes one output.
type Output struct {
	Name    string
	Meaning string // Markdown
	value   func(Outputs) string
}

// DotenvName returns the name of the output in dotenv form. A later job that
// inherits it as a variable must not take it for an input.
func (o Output) DotenvName() string {
	switch o.Name {
	case "commit":
		return "DOKPLOY_BUILT_COMMIT"
	case "url":
		return "DOKPLOY_DEPLOYED_URL"
	}
	return "DOKPLOY_" + strings.ToUpper(strings.ReplaceAll(o.Name, "-", "_"))
}

// OutputTable lists all outputs, in the order in which they are written.
var OutputTable = []Output{
	{"status", "`done`, `queued` (with `wait: false`), `skipped` (not started because of another target, or because a setting explains that there is nothing to follow), `unhealthy`, `cancelled`, `error`, `lost`, `timeout`, `unreachable`, `refused` (the key), `invalid` (the inputs), `interrupted`; with several targets the worst one, in this order",
		func(o Outputs) string { return o.Status }},
	{"deployment-id", "Dokploy's id of the deployment; the ids of several are separated by commas, in the order of the inputs",
		func(o Outputs) string { return o.DeploymentID }},
	{"commit", "Full hash of the commit that was built, from the first target in the order of the inputs whose row in Dokploy ended as `Commit: …` (Git sources, since v0.25.7); otherwise empty",
		func(o Outputs) string { return o.Commit }},
	{"url", "First public URL of the first target, from its domains (never the container's port)",
		func(o Outputs) string { return o.URL }},
	{"dashboard-url", "Address of the deployment in Dokploy's dashboard",
		func(o Outputs) string { return o.DashboardURL }},
	{"duration", "Whole seconds from trigger to verdict",
		func(o Outputs) string { return strconv.Itoa(o.Duration) }},
	{"deployments", "JSON array, one object per target: `target`, `kind`, `id`, `name`, `deploymentId`, `status`, `url`, `dashboardUrl`, `queuedSeconds`, `buildSeconds`, `commit`, `verified` (`yes`, `no`, `unchanged` if nothing was replaced, `unknown` if it could not be seen or was not checked), `error`",
		func(o Outputs) string { return o.Deployments }},
}

// maxGitLab is the size, in bytes, from which GitLab rejects a dotenv report.
const maxGitLab = 5 << 10

// WriteOutputs appends the outputs to the file named by GITHUB_OUTPUT and, as
// dotenv lines, to outputFile and to the file named by DRONE_OUTPUT, if they
// are set. It tries every file; the error names those that failed. The warnings
// say what was left out.
func (h Host) WriteOutputs(o Outputs, outputFile string) (warnings []string, err error) {
	var errs []error
	write := func(what, path, text string) {
		if err := appendFile(path, text); err != nil {
			errs = append(errs, fmt.Errorf("outputs not written (%s): %w", what, err))
		}
	}
	if path := h.get("GITHUB_OUTPUT"); path != "" {
		write("GITHUB_OUTPUT", path, o.heredocs())
	}
	drone := h.get("DRONE_OUTPUT")
	if drone != "" {
		write("DRONE_OUTPUT", drone, o.dotenv(true))
	}
	if outputFile != "" && (drone == "" || filepath.Clean(outputFile) != filepath.Clean(drone)) {
		text := o.dotenv(true)
		var before int64
		if info, err := os.Stat(outputFile); err == nil {
			before = info.Size()
		}
		// One byte for a newline that may be needed in front.
		fits := func() bool { return before+1+int64(len(text)) < maxGitLab }
		if h.name == "GitLab CI" && !fits() {
			text = o.dotenv(false)
			warnings = append(warnings, fmt.Sprintf("%s: DOKPLOY_DEPLOYMENTS is left out, because GitLab takes less than %d bytes of dotenv", outputFile, maxGitLab))
			if !fits() {
				warnings = append(warnings, fmt.Sprintf("%s: it is still longer than that, so GitLab will refuse it", outputFile))
			}
		}
		write("output-file", outputFile, text)
	}
	return warnings, errors.Join(errs...)
}

// heredocs writes the outputs for GITHUB_OUTPUT. The delimiter is random, so
// that no value can add outputs of its own.
func (o Outputs) heredocs() string {
	var b strings.Builder
	for _, out := range OutputTable {
		value := oneLine(out.value(o))
		delimiter := rand.Text()
		for strings.Contains(value, delimiter) {
			delimiter = rand.Text()
		}
		fmt.Fprintf(&b, "%s<<%s\n%s\n%s\n", out.Name, delimiter, value, delimiter)
	}
	return b.String()
}

// dotenv writes the outputs as lines without quotes. Readers of such files
// expand $ and cut at #, so those two characters are spelled in another way.
func (o Outputs) dotenv(deployments bool) string {
	inURL := strings.NewReplacer("$", "%24", "`", "%60", " ", "%20")
	o.URL, o.DashboardURL = inURL.Replace(oneLine(o.URL)), inURL.Replace(oneLine(o.DashboardURL))
	if json.Valid([]byte(o.Deployments)) { // so these characters occur only in strings
		o.Deployments = strings.NewReplacer("#", `\u0023`, "$", `\u0024`, "`", `\u0060`).Replace(o.Deployments)
	}
	var b strings.Builder
	for _, out := range OutputTable {
		if out.Name == "deployments" && !deployments {
			continue
		}
		fmt.Fprintf(&b, "%s=%s\n", out.DotenvName(), oneLine(out.value(o)))
	}
	return b.String()
}

// pipeWait is how long writing to a pipe or device may take. Without a reader
// it would block.
const pipeWait = time.Second

// appendFile appends text to a file, on a new line. A pipe needs a reader.
func appendFile(path, text string) error {
	if info, err := os.Stat(path); err != nil || info.Mode().IsRegular() || info.IsDir() {
		return appendRegular(path, text)
	}
	written := make(chan error, 1)
	go func() { written <- appendSpecial(path, text) }()
	late := time.NewTimer(pipeWait)
	defer late.Stop()
	select {
	case err := <-written:
		return err
	case <-late.C:
		return fmt.Errorf("%s is not a regular file, and accepted nothing within %s; is anything reading it?", path, pipeWait)
	}
}

func appendSpecial(path, text string) (err error) {
	// Opened for writing only, so that it waits for a reader.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.WriteString(text)
	return err
}

func appendRegular(path, text string) (err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o644) //nolint:gosec // later steps run as other users
	if errors.Is(err, os.ErrPermission) {                                 // it may be write-only
		f, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
		last := make([]byte, 1)
		if _, err := f.ReadAt(last, info.Size()-1); err == nil && last[0] != '\n' {
			text = "\n" + text
		}
	}
	_, err = f.WriteString(text)
	return err
}
