package ci

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// command is a workflow command that a runner carried out.
type command struct{ name, properties, data string }

// runner models GitHub's runner: what it carries out of a step's output, and
// what it shows. It has no list of commands: anything in the form of a command
// counts.
func runner(output string) (commands []command, shown []string) {
	output = strings.ReplaceAll(output, "\r\n", "\n")
	output = strings.ReplaceAll(output, "\r", "\n")
	token := "" // commands are stopped until this token appears
	for _, line := range strings.Split(output, "\n") {
		c, ok := parseCommand(line)
		switch {
		case ok && token == "":
			commands = append(commands, c)
			if strings.EqualFold(c.name, "stop-commands") {
				token = c.data
			}
		case ok && strings.EqualFold(c.name, token):
			commands = append(commands, command{name: "resume"})
			token = ""
		default:
			shown = append(shown, line)
		}
	}
	return commands, shown
}

func parseCommand(line string) (command, bool) {
	if s := strings.TrimSpace(line); strings.HasPrefix(s, "::") {
		if info, data, ok := strings.Cut(s[2:], "::"); ok && info != "" {
			name, properties, _ := strings.Cut(info, " ")
			unescape := strings.NewReplacer("%0D", "\r", "%0A", "\n", "%25", "%")
			return command{name, properties, unescape.Replace(data)}, true
		}
	}
	if _, s, ok := strings.Cut(line, "##["); ok {
		if info, data, ok := strings.Cut(s, "]"); ok && info != "" {
			name, properties, _ := strings.Cut(info, " ")
			return command{name, properties, data}, true
		}
	}
	return command{}, false
}

// actForms matches the commands that the runner of Gitea and Forgejo knows,
// which is based on act.
var actForms = []*regexp.Regexp{
	regexp.MustCompile(`^::([^ ]+)( (.+?))?::(.*)$`), regexp.MustCompile(`^##\[([^ ]+)( (.+?))?](.*)$`),
}

// actRunner models that runner: it returns the commands that the runner carries
// out.
func actRunner(output string) (commands []command) {
	token := ""
	for line := range strings.SplitSeq(output, "\n") {
		for _, form := range actForms {
			m := form.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			switch {
			case token == "":
				// With :: in its text, group::log is not a command to this
				// runner: it is shown.
				name, _, _ := strings.Cut(m[1], "::")
				if commands = append(commands, command{name: name}); name == "stop-commands" {
					token = m[4]
				}
			case m[1] == token:
				token = ""
			}
			break
		}
	}
	return commands
}

// names returns the names of commands, without those that stop and resume
// commands.
func names(commands []command) []string {
	var names []string
	for _, c := range commands {
		if c.name != "stop-commands" && c.name != "resume" {
			names = append(names, c.name)
		}
	}
	return names
}

func TestModelOfRunner(t *testing.T) {
	commands, shown := runner("a\n::group::b\r\n::stop-commands::T\n::error::x\n##[error]x\nc\r::t::\n  ::warning title=x::50%25\nd ##[Debug x]e")
	want := []command{{"group", "", "b"}, {"stop-commands", "", "T"}, {name: "resume"}, {"warning", "title=x", "50%"}, {"Debug", "x", "e"}}
	if diff := cmp.Diff(want, commands, cmp.AllowUnexported(command{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a", "::error::x", "##[error]x", "c"}, shown); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
	acting := 0
	for _, line := range hostile {
		if commands, _ := runner(line); len(commands) > 0 {
			acting++
		}
	}
	if acting < 10 {
		t.Errorf("only %d of the hostile lines act on the model", acting)
	}
}
