package deploy

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"dokploy-deploy/internal/dokploy"
	"dokploy-deploy/internal/health"
	"dokploy-deploy/internal/upload"
)

// Reporter shows progress and results to a person. Its methods are called from
// several goroutines.
type Reporter interface {
	// Header shows once where the deployment goes.
	Header(text string)
	// SetTargets names the targets before the first line about one.
	SetTargets(names []string)
	// Dashboard shows the link to a target in Dokploy.
	Dashboard(target, link string)
	// Note shows a line of our own about a target, Warn one that matters.
	Note(target, text string)
	Warn(target, text string)
	// LogLine shows a line that the server wrote. It must not keep the slice.
	LogLine(target string, line []byte)
	// Hide masks values in everything that is shown from now on.
	Hide(values ...string)
	// Mask masks them in a text, before that is folded or cut.
	Mask(text string) string
}

// Target is a service as the user named it.
type Target struct {
	Kind dokploy.Kind
	Ref  string // id, name, project/name or project/environment/name
}

// LogMode says when the log is shown.
type LogMode string

// The values of the input "logs".
const (
	LogLive    LogMode = "live"
	LogFailure LogMode = "failure"
	LogOff     LogMode = "off"
)

// Options says what to deploy and how to follow it.
type Options struct {
	Client      *dokploy.Client
	Reporter    Reporter
	URL         string // as shown in messages
	Program     string // name and version, as shown to a person
	Targets     []Target
	Operation   string // deploy, redeploy or follow
	Title       string
	Description string // the run's marker is appended
	Wait        bool
	Timeout     time.Duration // from a trigger to its verdict
	Unreachable time.Duration // longest outage to tolerate while a deployment is followed
	Logs        LogMode
	Verify      VerifyMode    // empty: off
	StableFor   time.Duration // how long the new containers must have been running
	Prepare     Changes       // before the trigger
	Health      *Health       // nil: no address is asked
	Follow      *Follow       // nil: a deployment is started
	Rollback    bool          // on failure, go back to what ran before
	DryRun      bool          // look at everything, change nothing
	names       []string      // names and addresses of the targets found
	MaxParallel int
	CI          CI
	FailFast    bool // after a target has failed, start no further one

	goingBack bool // the previous version is being deployed
}

// preTrigger is the longest outage to tolerate before anything was started.
const preTrigger = 30 * time.Second

func (o *Options) beforeTrigger() time.Duration {
	if o.Follow != nil {
		return o.Unreachable // nothing will be started
	}
	return min(o.Unreachable, preTrigger)
}

// lookTimeout limits one look. If several targets share the rate limit, a look
// mostly waits behind the others'.
func (o *Options) lookTimeout() time.Duration {
	limit := 15 * time.Second
	if n := min(o.MaxParallel, len(o.Targets)); n > 1 {
		limit += time.Duration(n) * time.Second
	}
	return limit
}

// ErrInterrupted is the cause of a context that a signal ended.
var ErrInterrupted = errors.New("interrupted")

// errTimeout is the cause of a target's context when its time is over.
var errTimeout = errors.New("timed out")

// VerifyMode says how thoroughly to look at what is running after Dokploy said
// done.
type VerifyMode string

// The values of the input "verify".
const (
	VerifyAuto    VerifyMode = "auto"    // as far as the key may see
	VerifyRequire VerifyMode = "require" // not being able to see is a failure
	VerifyOff     VerifyMode = "off"
)

// needsView reports whether something needs to know what is running. A rollback
// does, even without verification.
func (o *Options) needsView(s *dokploy.Service) bool {
	return o.Wait && (o.verifies() || o.Rollback && s.Kind == dokploy.Application && o.Prepare.Image != "")
}

func (o *Options) verifies() bool { return o.Verify == VerifyAuto || o.Verify == VerifyRequire }

// Changes are the settings to change before deploying. The image is for every
// application, the environment for every target, build arguments and secrets
// for every application; compose file and source are for the only service of
// their kind.
type Changes struct {
	Image       string
	Env         string // dotenv lines
	ReplaceEnv  bool   // Env is the whole environment
	ComposeFile string // its content
	ComposePath string // path it was read from
	Source      *upload.Source
	SourcePath  string // path it was read from

	BuildArgs    string // dotenv lines, like BuildSecrets
	BuildSecrets string
}

// set reports whether anything is changed by application.update and the like.
func (c *Changes) set() bool {
	return c.Image+c.Env+c.BuildArgs+c.BuildSecrets+c.ComposeFile != ""
}

// Health is an address that must answer after the deployment.
type Health struct {
	URL        *url.URL // nil: each target's first domain
	Path       string   // with a domain: replaces its path and query; empty: keeps them
	Contains   string   // text that the answer must contain; empty: any
	Headers    http.Header
	Accept     []health.Range
	Timeout    time.Duration
	CACerts    []*x509.Certificate
	SkipVerify bool
	UserAgent  string
	// Dial, if set, makes the connections (tests).
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// CI is what this CI run is for; each field may be empty.
type CI struct {
	Repository  string // its address
	Commit      string // hash
	Ref         string // branch or tag
	PullRequest string // its number
}

// Follow says which deployment to follow. Dokploy starts it by itself.
type Follow struct {
	Commit       string // a hash, whole or abbreviated
	Preview      int    // the pull request whose previews are meant; 0: the services themselves
	StartTimeout time.Duration
	SkipIfNone   bool // a setting that explains why there is none makes it skipped, not failed
	Pushed       Pushed
	Pull         Pull
}

// Pull is what is known of the pull request that the run is about. Each part may
// be empty.
type Pull struct {
	Base string // the branch that it is to go into
	// Labels are those that it had when the run began; nil: not known.
	Labels []string
	// Outsider says why its author may not be able to write to the repository.
	Outsider string
	Closed   bool
}

// Pushed is what is known about the push that starts it. Each field may be
// empty.
type Pushed struct {
	Ref         string // branch or tag; empty also where that is in a fork
	Tag         bool   // it is a tag
	Either      bool   // it may be a branch or a tag
	PullRequest string // number of an unmerged pull request
	Message     string // of the commit
}
