package verdict

// Kind is the kind of a reason.
type Kind string

// The kinds of reasons, in the order of a run. The table below has their words.
const (
	// Answered: an answer of Dokploy's, or what prevented one.
	Answered Kind = "answered"
	// Problems with an input, found before anything was started.

	SeveralCalled    Kind = "several are called so"
	NoSuchTarget     Kind = "no such target"
	NoneVisible      Kind = "none of the kind is visible"
	IsCompose        Kind = "it is a compose service"
	IsApplication    Kind = "it is an application"
	NotAnImage       Kind = "not an image"
	EnvUnfit         Kind = "env is unfit"
	EnvUnmergeable   Kind = "env cannot be merged"
	NoBuildSecrets   Kind = "no build secrets"
	BuiltWithout     Kind = "built without them"
	BuildUnmergeable Kind = "variables of a build cannot be merged"
	SourceUnfit      Kind = "source is unfit"
	SourceLacks      Kind = "source lacks something"
	SourceUnread     Kind = "source not read to its end"
	NoDomain         Kind = "no domain"
	NoDomainForPath  Kind = "no domain for the path"
	IsCloud          Kind = "Dokploy Cloud"
	TooOld           Kind = "too old"
	NoEnvironments   Kind = "no environments"

	// Other ends before anything was started.

	// AnotherTarget: it was not started because of another target.
	AnotherTarget Kind = "another target"
	// AnotherFailed: the same, with fail-fast.
	AnotherFailed Kind = "another target failed"
	// KeyRefused and KeyDenied are answers too. The latter is for a valid key
	// that may not do this.
	KeyRefused Kind = "key refused"
	KeyDenied  Kind = "key denied"
	// MissingRight: the key is valid, but may not do what an input asks for.
	MissingRight Kind = "missing right"
	// MissingEnvRight: a custom role lacks what plain members have.
	MissingEnvRight Kind = "missing right to variables"
	// SetByAnother: what this run set reads back as something else.
	SetByAnother Kind = "set by another"

	// The run ended before its deployment.

	InterruptedEarly Kind = "interrupted early" // before any target was found
	InterruptedRun   Kind = "interrupted"
	GaveUp           Kind = "gave up" // its context ended for another cause
	// InterruptedGoingBack: the verdict, which Text describes, had already been
	// reached.
	InterruptedGoingBack Kind = "interrupted while going back"
	TimedOut             Kind = "timed out"
	NotReachable         Kind = "not reachable"
	KeyRefusedLater      Kind = "key refused later"

	// The trigger.

	NoProcedure   Kind = "no procedure"
	UploadStalled Kind = "upload stalled"
	// AnswerLost: with wait: false, and another new deployment may be it.
	AnswerLost Kind = "answer lost"
	// HeldByRedis: the trigger got no answer, and may still start.
	HeldByRedis Kind = "held by Redis"

	// It is unclear which deployment is this run's.

	Ambiguous   Kind = "ambiguous"
	WhichUpload Kind = "which upload"
	WhichPush   Kind = "which push"

	// Deployments of a commit, with operation follow.

	// TwoCommits: the abbreviated hash fits two.
	TwoCommits Kind = "two commits"
	// NoneCame: Dokploy has started none, and no setting of the service
	// explains that. NoneExplained: one does.
	NoneCame      Kind = "none came"
	NoneExplained Kind = "none came, explained"
	NoneOfNoGit   Kind = "none came, no Git source"
	// NoPreview and NoPreviewExplained: the same of a pull request's preview, which
	// is not there.
	NoPreview          Kind = "no preview"
	NoPreviewExplained Kind = "no preview, explained"
	// PreviewGone: it was there, and is not any more.
	PreviewGone Kind = "preview gone"
	// PreviewsElsewhere: the application's source can have none.
	PreviewsElsewhere Kind = "no previews of its source"

	// Dokploy no longer has it.

	ForgottenQueued      Kind = "forgotten while queued"
	ForgottenInRestart   Kind = "forgotten in a restart"
	CancelledByRestart   Kind = "cancelled by a restart before it began"
	PushedOut            Kind = "pushed out"
	RemovedFromQueue     Kind = "removed from the queue"
	TakenWithoutTrace    Kind = "taken without a trace"
	ShownNowhereAccepted Kind = "accepted, shown nowhere"
	// The same with a hidden queue.
	HiddenPushedOut   Kind = "hidden queue: pushed out"
	HiddenUnconfirmed Kind = "hidden queue: answer lost, idle"
	HiddenIdle        Kind = "hidden queue: accepted, idle"

	// The held row.

	RowVanished     Kind = "row vanished"
	StuckConnection Kind = "stuck: connection broke"
	StuckRestart    Kind = "stuck: restart went wrong"
	// StuckUnexplained: neither a remote server nor an outage explains it.
	StuckUnexplained Kind = "stuck: unexplained"
	LeftAsRunning    Kind = "left as running"
	CancelledEarly   Kind = "cancelled before it began"
	CutOffByRestart  Kind = "cancelled by a restart"
	CancelledThere   Kind = "cancelled in Dokploy"
	ConnectionBroke  Kind = "connection broke"
	DokployError     Kind = "error of Dokploy"
	LogSays          Kind = "log says"
	LogSilent        Kind = "log is silent"
	NoLog            Kind = "no log"
	EmptyLog         Kind = "empty log"
	UnreadLog        Kind = "unread log"
	LogNotReadToEnd  Kind = "log not read to its end"

	// What is running.

	AnotherImage    Kind = "another image"
	RolledBackSince Kind = "rolled back since"
	NotRunning      Kind = "not running"
	SwarmRolledBack Kind = "rolled back by Swarm"
	StoppedThere    Kind = "stopped in Dokploy"
	StoppedInSwarm  Kind = "stopped in Swarm"
	NothingReplaced Kind = "nothing replaced"
	CannotBeSeen    Kind = "cannot be seen"
	WouldNotBeSeen  Kind = "would not be seen" // the same of a dry run
	BadHealth       Kind = "bad health"
	// HealthUnasked: something in front answered, or nothing did.
	HealthUnasked    Kind = "health not asked"
	BadHealthStopped Kind = "bad health, stopped in Dokploy"
)

// entry describes one kind: its status, unless the caller sets another, its
// sentence, and what to do next.
type entry struct {
	status   Status
	sentence string
	hint     Hint
	gone     gone
}

// gone says how certain it is that Dokploy no longer has a deployment that
// never started.
type gone int

const (
	notGone gone = iota
	seemsGone
	isGone // certain enough to start the deployment again
)

var kinds = map[Kind]entry{
	Answered:         {sentence: "{text}"},
	SeveralCalled:    {status: Invalid, sentence: "{n} services are called {name}: {text}", hint: "use one of these paths, or the service's id if the paths are the same"},
	NoSuchTarget:     {status: Invalid, sentence: noSuch, hint: "this key can see: {text}"},
	NoneVisible:      {status: Invalid, sentence: noSuch, hint: "this key can see no {text} at all: give its owner access to the service, or check that the key belongs to the right organisation"},
	IsCompose:        {status: Invalid, sentence: noSuch, hint: "{text} is a service of the other kind: name it in the input compose"},
	IsApplication:    {status: Invalid, sentence: noSuch, hint: "{text} is a service of the other kind: name it in the input application"},
	NotAnImage:       {status: Invalid, sentence: "{name} is built from source ({text}), so there is no image to set", hint: "leave image empty, or set the application's provider to Docker in Dokploy"},
	EnvUnfit:         {status: Invalid, sentence: "{name}: {text}", hint: "update Dokploy to v0.30.0 or newer, or encode the value, for example as base64"},
	EnvUnmergeable:   {status: Invalid, sentence: "cannot be merged into the environment of {name}: {text}", hint: "fix the environment in Dokploy, or set env-mode to replace and give the complete environment"},
	NoBuildSecrets:   {status: Invalid, sentence: "this version of Dokploy has no build secrets", hint: "update Dokploy to v0.25.6 or newer"},
	BuiltWithout:     {status: Invalid, sentence: "{text}", hint: "leave {input} empty, or let Dokploy build this application from a Dockerfile"},
	BuildUnmergeable: {status: Invalid, sentence: "cannot be merged into the {name}: {text}"},
	SourceUnfit:      {status: Invalid, sentence: "{text}", hint: "nothing was sent"},
	SourceLacks:      {status: Invalid, sentence: "{text}", hint: "the build needs it: provide a source that contains it, or change the application's build settings in Dokploy"},
	SourceUnread:     {status: Invalid, sentence: "could not be read completely: {text}"},
	NoDomain:         {status: Invalid, sentence: "auto uses the service's first domain, but it has none", hint: addDomain},
	NoDomainForPath:  {status: Invalid, sentence: "a path is added to the service's first domain, but it has none", hint: addDomain},
	IsCloud:          {status: Invalid, sentence: "this is Dokploy Cloud, which does not show how a deployment ends: it reports cancelled ones as done", hint: "dokploy-deploy works with self-hosted servers only; check in its dashboard what Dokploy Cloud deploys"},
	TooOld:           {status: Invalid, sentence: "this Dokploy ({name}) is too old: " + newerIsNeeded, hint: updateDokploy},
	NoEnvironments:   {status: Invalid, sentence: "the projects of this Dokploy ({name}) have no environments, so it is too old: " + newerIsNeeded, hint: updateDokploy},

	AnotherTarget:   {status: Skipped, sentence: "not started, because {name} cannot be deployed"},
	AnotherFailed:   {status: Skipped, sentence: "not started, because {name} failed (fail-fast)"},
	KeyRefused:      {status: Refused, sentence: "{text}"},
	KeyDenied:       {status: Refused, sentence: "{text}"},
	MissingRight:    {status: Refused, sentence: `Dokploy does not let this key change that: its owner lacks the permission "create services"`, hint: `give the member "create services" in Settings → Users, or use an admin's key; an ordinary member may only set the environment, build arguments and build secrets`},
	MissingEnvRight: {status: Refused, sentence: `Dokploy does not let this key change that: its owner's role lacks write access to "Service Env Vars"`, hint: "grant the role that access in Dokploy, or use an admin's key"},
	SetByAnother:    {status: Failed, sentence: "{name} set, but Dokploy now has a different value: another pipeline or person changed it in the meantime; nothing was deployed", hint: oneAtATime},

	InterruptedEarly:     {status: Interrupted, sentence: "interrupted"},
	InterruptedRun:       {status: Interrupted}, // the headline says it
	InterruptedGoingBack: {status: Interrupted, sentence: "interrupted while rolling back; {text}"},
	GaveUp:               {status: Interrupted, sentence: "stopped ({text})"},
	TimedOut:             {status: Timeout, sentence: "timed out"},
	NotReachable:         {status: Unreachable, sentence: "Dokploy was unreachable for {for}: {text}"},
	KeyRefusedLater:      {status: Unreachable, sentence: "Dokploy accepted the key at first, but has refused it for {for}"},

	NoProcedure:   {status: Invalid, sentence: "this Dokploy ({text}) has no {name}"},
	UploadStalled: {status: Unreachable, sentence: "the upload made no progress for {for} after {text} had been sent"},
	AnswerLost:    {status: Lost, sentence: "no reply to the deploy request, and whether it arrived cannot be told: another new deployment may be this run's", hint: seeDeployments},
	HeldByRedis:   {status: Lost, sentence: "no reply to the deploy request, and Dokploy shows no deployment for it; one may still start, so the request is not repeated", hint: "check that Dokploy's Redis is running, and look at the service's deployments in the dashboard"},

	Ambiguous:   {status: Lost, sentence: "several new deployments could be this run's: {text}", hint: "someone else may have deployed the service at the same moment; check these deployments in the dashboard"},
	WhichPush:   {status: Lost, sentence: "Dokploy restarted, and several deployments of this commit could be the one that was followed", hint: seeDeployments},
	WhichUpload: {status: Lost, sentence: "several new deployments could be this upload's: someone else deployed the service at the same moment, or Dokploy restarted and is running it again", hint: seeDeployments},

	TwoCommits:    {status: Lost, sentence: "{name} is the beginning of two commits that Dokploy deploys: {text}", hint: "give more digits of the hash"},
	NoneCame:      {status: Lost, sentence: noneCame, hint: checkWebhook},
	NoneExplained: {status: Lost, sentence: noneCame + ": {text}", hint: "change that in Dokploy, run this step only for commits that are deployed, or set if-none to skip"},
	NoneOfNoGit:   {status: Lost, sentence: noneCame + ": " + noGit, hint: "use operation: deploy, which starts a deployment and follows it"},

	NoPreview:          {status: Lost, sentence: noPreview, hint: SeeTheApp},
	NoPreviewExplained: {status: Lost, sentence: noPreview + ": {text}", hint: "change that, run this step only for pull requests that get a preview, or set if-none to skip"},
	PreviewGone:        {status: Lost, sentence: "the preview of pull request {n} is gone from Dokploy: the pull request was closed or merged, or someone removed the preview", hint: "if the pull request is open, push to it or close and reopen it: Dokploy then makes another preview"},
	PreviewsElsewhere:  {status: Invalid, sentence: "{name} has no previews: Dokploy makes them for applications whose provider is GitHub, and this one's is {text}", hint: "leave preview empty, and operation: follow follows the application itself"},

	ForgottenQueued:      {status: Lost, sentence: "the queued deployment is gone from Dokploy, as after a restart or when someone cleans the service's queue", hint: seeAndRunAgain, gone: isGone},
	ForgottenInRestart:   {status: Lost, sentence: "Dokploy restarted and lost the deployment before it started", hint: seeAndRunAgain, gone: isGone},
	CancelledByRestart:   {status: Lost, sentence: "Dokploy restarted and cancelled the deployment before it started", hint: seeAndRunAgain, gone: isGone},
	PushedOut:            {status: Lost, sentence: "the deployment is neither in Dokploy's queue nor in its list; newer ones may have pushed it off the list", hint: seeAndRunAgain, gone: seemsGone},
	RemovedFromQueue:     {status: Cancelled, sentence: "someone removed the queued deployment from Dokploy's queue", hint: ifMistake},
	TakenWithoutTrace:    {status: Lost, sentence: "Dokploy took the deployment off its queue and left no trace of it (this happens when the server it builds on cannot be reached)", hint: seeAndRunAgain, gone: seemsGone},
	ShownNowhereAccepted: {status: Lost, sentence: "Dokploy accepted the deployment, but it is neither in the queue nor in the list", hint: seeAndRunAgain, gone: seemsGone},
	HiddenPushedOut:      {status: Lost, sentence: "the deployment is not in Dokploy's list; newer ones may have pushed it off the list", hint: seeAndRunAgain, gone: seemsGone},
	HiddenUnconfirmed:    {status: Lost, sentence: "no reply to the deploy request, and no new deployment started while Dokploy was idle for {for}", hint: seeAndRunAgain, gone: seemsGone},
	HiddenIdle:           {status: Lost, sentence: "Dokploy accepted the deployment, but started none while it was idle for {for}", hint: seeAndRunAgain, gone: seemsGone},

	RowVanished:     {status: Lost, sentence: "deployment {name} is gone from Dokploy: it or the service was deleted, or newer ones pushed it off the list", hint: "check the service in the dashboard"},
	StuckConnection: {status: Lost, sentence: stuck, hint: "this happens when Dokploy loses the connection to the server it builds on; " + BrokenOff},
	// Dokploy cancels what was running only if it started up properly.
	StuckUnexplained: {status: Lost, sentence: stuck, hint: "check Dokploy's own log, then {again}"},
	StuckRestart:     {status: Lost, sentence: stuck, hint: "Dokploy restarted in the meantime and did not come up properly: check its own log, then {again}"},
	LeftAsRunning:    {status: Lost, sentence: "Dokploy stopped working on this deployment and left it marked as running", hint: "check the service in the dashboard, then {again}"},
	CancelledEarly:   {status: Cancelled, sentence: "the deployment was cancelled in Dokploy before it started", hint: ifMistake},
	CutOffByRestart:  {status: Cancelled, sentence: "Dokploy restarted in the middle of the deployment and cancelled it", hint: "{again}"},
	CancelledThere:   {status: Cancelled, sentence: "the deployment was cancelled in Dokploy"},
	ConnectionBroke:  {status: Failed, sentence: "Dokploy lost the connection to the server it builds on"},
	DokployError:     {status: Failed, sentence: "{text}"},
	LogSays:          {status: Failed, sentence: "{text}"},
	LogSilent:        {status: Failed, sentence: "the log does not say why"},
	NoLog:            {status: Failed, sentence: silent + "it wrote no log"},
	EmptyLog:         {status: Failed, sentence: silent + "the log is empty"},
	UnreadLog:        {status: Failed, sentence: silent + "its log could not be read: {text}"},
	LogNotReadToEnd:  {status: Failed, sentence: silent + "its log could not be read completely: {text}"},

	AnotherImage:     {status: Unhealthy, sentence: "Swarm now has {name}, not {text}: there was another deployment in the meantime", hint: oneAtATime},
	RolledBackSince:  {status: Unhealthy, sentence: "Swarm runs {name}, which Dokploy keeps for rollbacks: the service was rolled back after this deployment", hint: ifMistake},
	NotRunning:       {status: Unhealthy, sentence: "{text}"},
	SwarmRolledBack:  {status: Unhealthy, sentence: "{text}"},
	StoppedThere:     {status: Unhealthy, sentence: stopped},
	StoppedInSwarm:   {status: Unhealthy, sentence: "{text}"},
	NothingReplaced:  {status: Unhealthy, sentence: "{text}"},
	WouldNotBeSeen:   {status: Unhealthy, sentence: "with verify: require the step would fail, because what runs cannot be seen: {text}"},
	CannotBeSeen:     {status: Unhealthy, sentence: "Dokploy reports done, and whether it is running cannot be seen: {text}"},
	BadHealth:        {status: Unhealthy, sentence: "{text}"},
	HealthUnasked:    {status: Unhealthy, sentence: "{text}"},
	BadHealthStopped: {status: Unhealthy, sentence: "{text}; " + stopped},
}

const (
	noSuch        = "there is no {name} that this key can see"
	newerIsNeeded = "{text} (September 2025) or newer is needed"
	noneCame      = "Dokploy shows no deployment of commit {name} after {for}"
	noPreview     = "Dokploy shows no preview of pull request {n} after {for}"
	silent        = "Dokploy gives no reason, and "
	stuck         = "Dokploy no longer works on this deployment, but still shows it as {name}"
	stopped       = "it has since been stopped in Dokploy"
)

// noGit is why no push starts a deployment of such a service, most often: a Git
// host may call its webhook all the same.
const noGit = "the service is not built from a Git repository (its source is {text}), and only the webhook of a Git host names a commit"

// NoGit is that, of a service with this source.
func NoGit(source string) string { return fill(noGit, "{text}", source) }
