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

// Reporter shows a person what happens. Its methods are called from several
// goroutines.
type Reporter interface {
	// Header is told where the deployment goes, once.
	Header(text string)
	// SetTargets names the targets before the first line about one.
	SetTargets(names []string)
	// Dashboard is told where a target is seen in Dokploy.
	Dashboard(target, link string)
	// Note is a line of our own about a target; Warn one that matters.
	Note(target, text string)
	Warn(target, text string)
	// LogLine is a line that the server wrote. It must not be kept.
	LogLine(target string, line []byte)
	// Hide keeps values out of all that is shown from now on.
	Hide(values ...string)
	// Mask hides them in a text, which must come before it is folded or cut.
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
	URL         string // as shown to a person
	Program     string // name and version, as shown to a person
	Targets     []Target
	Operation   string // deploy, redeploy or follow
	Title       string
	Description string // the run's marker is appended
	Wait        bool
	Timeout     time.Duration // from a trigger to its verdict
	Unreachable time.Duration // longest outage while a deployment is followed
	Logs        LogMode
	Verify      VerifyMode    // empty: off
	StableFor   time.Duration // how long the new containers must run
	Prepare     Changes       // before the trigger
	Health      *Health       // nil: no address is asked
	Follow      *Follow       // nil: a deployment is started
	Rollback    bool          // on failure, go back to what ran before
	DryRun      bool          // look at everything, change nothing
	names       []string      // names and addresses of the targets that were found
	MaxParallel int
	CI          CI
	FailFast    bool // after a target has failed, start no further one

	goingBack bool // what is deployed is the previous version
}

// preTrigger is the longest outage outlived before anything was started.
const preTrigger = 30 * time.Second

func (o *Options) beforeTrigger() time.Duration {
	if o.Follow != nil {
		return o.Unreachable // nothing is going to be started
	}
	return min(o.Unreachable, preTrigger)
}

// lookTimeout bounds one look. Where several targets share the pace of the
// requests, a look waits behind the others' most of the time.
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

// VerifyMode says how far to look at what runs after Dokploy said done.
type VerifyMode string

// The values of the input "verify".
const (
	VerifyAuto    VerifyMode = "auto"    // as far as the key may see
	VerifyRequire VerifyMode = "require" // not being able to see is a failure
	VerifyOff     VerifyMode = "off"
)

// needsView reports whether somebody needs to know what runs. Going back does,
// verified or not.
func (o *Options) needsView(s *dokploy.Service) bool {
	return o.Wait && (o.verifies() || o.Rollback && s.Kind == dokploy.Application && o.Prepare.Image != "")
}

func (o *Options) verifies() bool { return o.Verify == VerifyAuto || o.Verify == VerifyRequire }

// Changes are what a run sets of its targets before it deploys them. The image
// is for every application, the environment for every target, the other two
// are for the only service of their kind; what goes into a build is for every
// application.
type Changes struct {
	Image       string
	Env         string // dotenv lines
	ReplaceEnv  bool   // Env is the whole environment
	ComposeFile string // its text
	ComposePath string // where it was read
	Source      *upload.Source
	SourcePath  string // of it

	BuildArgs    string // dotenv lines, as those of BuildSecrets
	BuildSecrets string
}

// set reports whether something is changed by application.update and its like.
func (c *Changes) set() bool {
	return c.Image+c.Env+c.BuildArgs+c.BuildSecrets+c.ComposeFile != ""
}

// Health is an address that must answer after the deployment.
type Health struct {
	URL        *url.URL // nil: the first domain of each target
	Path       string   // with a domain: path and query in the place of its own; empty: as it is
	Contains   string   // text that the answer must have; empty: any will do
	Headers    http.Header
	Accept     []health.Range
	Timeout    time.Duration
	CACerts    []*x509.Certificate
	SkipVerify bool
	UserAgent  string
	// Dial, if set, makes the connections (tests).
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// CI is what this run of CI is for; each part may be empty.
type CI struct {
	Repository  string // its address
	Commit      string // hash
	Ref         string // branch or tag
	PullRequest string // its number
}

// Follow says which deployment is followed that Dokploy starts by itself.
type Follow struct {
	Commit       string // a hash, or its beginning
	Preview      int    // the pull request whose previews are meant; 0: the services themselves
	StartTimeout time.Duration
	SkipIfNone   bool // none that a setting explains is no failure
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

// Pushed is what is known of the push that starts it. Each part may be empty.
type Pushed struct {
	Ref         string // branch or tag; empty also where that is in a fork
	Tag         bool   // it is a tag
	PullRequest string // the number of one that is not merged
	Message     string // of the commit
}
