package verdict

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWorst(t *testing.T) {
	for i, worse := range ranks {
		for _, better := range ranks[:i+1] {
			if got := worst(better, worse, better); got != worse {
				t.Errorf("%s and %s: %s", better, worse, got)
			}
		}
	}
	if got := worst(); got != Invalid {
		t.Errorf("of none: %s", got)
	}
}

func TestExitCode(t *testing.T) {
	for _, tt := range []struct {
		statuses []Status
		want     int
	}{
		{nil, 0},
		{[]Status{Done, Queued, Skipped}, 0},
		{[]Status{Unhealthy}, 1},
		{[]Status{Cancelled}, 1},
		{[]Status{Failed, Done}, 1},
		{[]Status{Lost, Skipped}, 1},
		{[]Status{Interrupted}, 1},
		{[]Status{Timeout, Failed}, 4},
		{[]Status{Timeout, Unreachable}, 3},
		{[]Status{Refused, Timeout}, 3},
		{[]Status{Unreachable, Skipped, Invalid}, 2},
	} {
		if got := ExitCode(tt.statuses...); got != tt.want {
			t.Errorf("%v: %d, want %d", tt.statuses, got, tt.want)
		}
	}
}

// constants returns the values of a type's constants in this package.
func constants(t *testing.T, name string) (values []string) {
	t.Helper()
	files, err := parser.ParseDir(token.NewFileSet(), ".", nil, 0) //nolint:staticcheck // one package, no build tags
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files["verdict"].Files {
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if id, ok := spec.Type.(*ast.Ident); ok && id.Name == name && len(spec.Values) == 1 {
				values = append(values, strings.Trim(spec.Values[0].(*ast.BasicLit).Value, `"`))
			}
			return true
		})
	}
	return values
}

var places = regexp.MustCompile(`\{[a-z]*\}`)

// TestEveryKindHasWords: a kind without a row would end a run without a
// message.
func TestEveryKindHasWords(t *testing.T) {
	all := constants(t, "Kind")
	if len(all) < 40 || len(all) != len(kinds) {
		t.Errorf("%d kinds, %d rows", len(all), len(kinds))
	}
	for _, name := range all {
		kind := Kind(name)
		row, ok := kinds[kind]
		if !ok || row.sentence == "" && kind != InterruptedRun {
			t.Errorf("%q has no words", kind)
		}
		for _, place := range places.FindAllString(row.sentence+strings.ReplaceAll(string(row.hint), "{again}", ""), -1) {
			if !slices.Contains([]string{"{text}", "{name}", "{for}", "{n}", "{input}"}, place) {
				t.Errorf("%q: nothing fills %s", kind, place)
			}
		}
		if row.gone != notGone && row.status != Lost {
			t.Errorf("%q: gone, but %s", kind, row.status)
		}
	}
}

func TestEveryLeftHasWords(t *testing.T) {
	all := constants(t, "Left")
	if len(all) < 15 || len(all) != len(leftWords) {
		t.Errorf("%d of them, %d with words", len(all), len(leftWords))
	}
	for _, name := range all {
		words := leftWords[Left(name)]
		if words == "" {
			t.Errorf("%q has no words", name)
		}
		for _, place := range places.FindAllString(words, -1) {
			if !slices.Contains([]string{"{set}", "{detail}"}, place) {
				t.Errorf("%q: nothing fills %s", name, place)
			}
		}
	}
}

func TestWhy(t *testing.T) {
	lost := Reason{Kind: HiddenIdle, For: 2 * time.Minute}.Outcome()
	for want, o := range map[string]Outcome{
		"": {Status: Done},
		"Dokploy accepted the deployment, but started none while it was idle for 2m00s":              lost,
		"timed out; it is still queued in Dokploy and will be deployed there":                        {Reason: Reason{Kind: TimedOut}, Left: StillQueued},
		"timed out; as last seen, it is still queued in Dokploy and will be deployed there":          {Reason: Reason{Kind: TimedOut}, Left: StillQueued, Stale: true},
		"timed out; it is still queued in Dokploy and will be deployed there; it is waiting for web": {Reason: Reason{Kind: TimedOut}, Left: StillQueued, Detail: "web"},
		"it is queued in Dokploy and continues there":                                                {Reason: Reason{Kind: InterruptedRun}, Left: QueuedThere},
		"timed out; the image was set; nothing was started":                                          {Reason: Reason{Kind: TimedOut}, Left: SomethingSet, Set: "the image was"},
		"timed out; it is not known whether the image was set; nothing was started":                  {Reason: Reason{Kind: TimedOut}, Left: MaybeSet, Set: "the image was"},
		"timed out; nothing was started; the image was set before that, but nothing was deployed":    {Reason: Reason{Kind: TimedOut}, Left: NothingStarted, Set: "the image was"},
		"timed out; Dokploy reports done, but: it crashes":                                           {Reason: Reason{Kind: TimedOut}, Left: DoneBut, Detail: "it crashes"},
		"{name} {for}; nothing was started":                                                          {Reason: Reason{Kind: Answered, Text: "{name} {for}", Name: "x"}, Left: NothingStarted},
	} {
		if got := o.Why(); got != want {
			t.Errorf("%q\nwant %q", got, want)
		}
	}
	if lost.Status != Lost || lost.Advice() != "check the service's deployments in the dashboard, then run the job again" {
		t.Errorf("%s, %q", lost.Status, lost.Advice())
	}
	lost.Hint = StartedTwice
	if lost.Advice() != string(StartedTwice) {
		t.Errorf("%q", lost.Advice())
	}
}

// If the operation starts nothing, running the job again deploys nothing.
func TestAdviceWhereNothingIsStarted(t *testing.T) {
	hints := map[Hint]bool{}
	for _, e := range kinds {
		hints[e.hint] = true
	}
	for _, hint := range []Hint{RunAgain, BrokenOff, UploadLost} {
		hints[hint] = true
	}
	delete(hints, updateDokploy) // it has found nothing yet
	again := 0
	for hint := range hints {
		started, followed := Outcome{Hint: hint}.Advice(), Outcome{Hint: hint, By: APush}.Advice()
		if strings.Contains(started+followed, "{again}") || strings.Contains(followed, "run the job again") {
			t.Errorf("%q\n%q", started, followed)
		}
		if started != followed {
			again++
		}
	}
	if again < 8 {
		t.Errorf("%d hints say how to deploy again", again)
	}
	for by, words := range againWords {
		if got := (Outcome{Reason: Reason{Kind: CutOffByRestart}, By: by}).Advice(); got != words {
			t.Errorf("%q", got)
		}
	}
}
