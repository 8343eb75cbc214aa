package verdict

import (
	"strconv"
	"strings"
	"time"

	"dokploy-deploy/internal/text"
)

// Reason says why, as a value.
type Reason struct {
	Kind Kind
	// Text is what others wrote, within the words of the kind: an answer of
	// Dokploy's, a line of a log, a list of rows.
	Text string
	// Name is what it is about: a deployment, an image, what was set.
	Name string
	For  time.Duration
	N    int
}

// Gone reports whether Dokploy no longer has the deployment, which never
// started.
func (r Reason) Gone() bool { return kinds[r.Kind].gone != notGone }

// Again reports whether that is certain enough to start it again.
func (r Reason) Again() bool { return kinds[r.Kind].gone == isGone }

// Overtaken reports whether another deployment replaced this one.
func (r Reason) Overtaken() bool { return r.Kind == AnotherImage || r.Kind == RolledBackSince }

// Stopped reports whether somebody stopped the service since.
func (r Reason) Stopped() bool {
	return r.Kind == StoppedThere || r.Kind == StoppedInSwarm || r.Kind == BadHealthStopped
}

// BadHealth reports whether it is about the health URL, Unasked whether that
// could not be asked.
func (r Reason) BadHealth() bool {
	return r.Kind == BadHealth || r.Kind == BadHealthStopped || r.Unasked()
}

// Unasked is a part of [Reason.BadHealth].
func (r Reason) Unasked() bool { return r.Kind == HealthUnasked }

// NotFollowed reports whether there was no deployment that could be followed.
func (r Reason) NotFollowed() bool {
	switch r.Kind {
	case TwoCommits, NoneCame, NoneExplained, NoneOfNoGit, NoPreview, NoPreviewExplained:
		return true
	}
	return false
}

// String returns the reason's sentence.
func (r Reason) String() string {
	return r.fill(kinds[r.Kind].sentence)
}

func (r Reason) fill(sentence string, more ...string) string {
	return fill(sentence, append(more, "{text}", r.Text, "{name}", r.Name, "{for}", text.Duration(r.For), "{n}", strconv.Itoa(r.N))...)
}

// Outcome returns the outcome that the reason alone implies.
func (r Reason) Outcome() Outcome { return Outcome{Status: kinds[r.Kind].status, Reason: r} }

// Hint says what to do next. The hints of a kind are in its table.
type Hint string

// Starter starts the deployments that a run is about.
type Starter int

// Who does.
const (
	ThisJob Starter = iota
	APush
	APullRequest // of which Dokploy deploys the preview again only as it is
)

var againWords = map[Starter]string{
	ThisJob:      "run the job again",
	APush:        "deploy it in Dokploy, or push again; this step starts nothing",
	APullRequest: "push to the pull request again; this step starts nothing",
}

// Hints that depend on more than the reason.
const (
	RunAgain     Hint = "nothing was deployed; {again}"
	StillRuns    Hint = "nothing was replaced: the previous version is still running"
	BrokenOff    Hint = "what is still running there may go live when the service next restarts; {again}"
	StartedTwice Hint = "it was started twice; check the server's own log"
	KeepVersions Hint = "enable rollbacks for the application in Dokploy (this needs a registry), or deploy images and set them with the input image"
	UsePreview   Hint = "to follow the preview that Dokploy makes of the pull request, set preview: auto; otherwise, run this step only for commits that are deployed, or set if-none to skip"
	MovedOn      Hint = "Dokploy builds the head of the branch: if that is a later commit, it was built instead of this one. Otherwise, " + checkWebhook
	SetVersion   Hint = "set the version to run in the inputs of this job, and run it again"
	SeeTheApp    Hint = "check on GitHub what Dokploy's app was told about the pull request, and how Dokploy answered (the app's advanced settings, Recent Deliveries)"
	UploadLost   Hint = "the application's source is now an upload, and its code may be gone from Dokploy; the previous version is still running; {again}"
)

const (
	checkWebhook   Hint = "check the webhook's deliveries at the Git host, and how Dokploy answered them. It lists only the newest ten deployments of a service. If it is not meant to deploy on its own, use operation: deploy"
	addDomain      Hint = "add a domain in Dokploy, or give the full address"
	updateDokploy  Hint = "update Dokploy in its dashboard under Settings → Web Server, then run the job again"
	ifMistake      Hint = "if that was a mistake, {again}"
	oneAtATime     Hint = "let one pipeline at a time deploy this service, then {again}"
	seeAndRunAgain Hint = "check the service's deployments in the dashboard, then {again}"
	seeDeployments Hint = "check the service's deployments in the dashboard"
)

// Outcome is how a deployment ended, why, and what goes on in Dokploy.
type Outcome struct {
	Status Status
	Reason Reason // the zero value: it is done, or accepted
	Hint   Hint   // empty: the reason's
	Left   Left
	Stale  bool   // Left is from before an outage
	Set    string // what was set of the service and stands, such as "the image was"; nothing was deployed
	Detail string // what it waits for, of [StillQueued]; what was seen of its containers, of [DoneBut]
	Input  string // the input that it is about; empty: none, or the one that names the target
	// By is who starts it. Unless it is this job, nothing is when that runs again.
	By Starter
}

// For returns the outcome with another reason, and that reason's status.
func (o Outcome) For(r Reason) Outcome {
	o.Status, o.Reason = kinds[r.Kind].status, r
	return o
}

// Why says what happened, in one line; empty if all is well.
func (o Outcome) Why() string {
	why := o.Reason.String()
	if o.Left != "" {
		left := fill(leftWords[o.Left], "{set}", o.Set, "{detail}", o.Detail)
		if o.Left == StillQueued && o.Detail != "" {
			left += "; it is waiting for " + o.Detail
		}
		if o.Stale {
			left = "as last seen, " + left
		}
		why = join(why, left)
	}
	if o.Set != "" && o.Left != SomethingSet && o.Left != MaybeSet && o.Reason.Kind != SetByAnother {
		why = join(why, o.Set+" set before that, but nothing was deployed")
	}
	return why
}

// Advice says what to do next; empty if there is nothing to say.
func (o Outcome) Advice() string {
	again := againWords[o.By]
	if o.Hint != "" {
		return fill(string(o.Hint), "{again}", again)
	}
	if o.Status == Skipped {
		return "" // that was asked for
	}
	return o.Reason.fill(string(kinds[o.Reason.Kind].hint), "{input}", o.Input, "{again}", again)
}

// Suggest sets a hint, unless there is one already.
func (o *Outcome) Suggest(h Hint) {
	if o.Advice() == "" {
		o.Hint = h
	}
}

// Error ends a run with a known outcome.
type Error struct {
	Outcome
	Err error // the cause; nil: none
}

func (e *Error) Error() string { return e.Why() }

func (e *Error) Unwrap() error { return e.Err }

// Err returns the reason's outcome as an error.
func (r Reason) Err() *Error { return &Error{Outcome: r.Outcome()} }

// fill replaces placeholders in a sentence. Values are not searched for
// placeholders.
func fill(sentence string, pairs ...string) string {
	return strings.NewReplacer(pairs...).Replace(sentence)
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}
