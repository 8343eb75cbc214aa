//go:build !windows

package e2e

import (
	"encoding/json"
	"flag"
	"mime"
	"mime/multipart"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"dokploy-deploy/internal/dokploytest"
)

var update = flag.Bool("update", false, "write testdata/calls.txt anew")

// callsFile has every kind of call that the program makes, one per line:
// method, path, names of the parameters or fields. TestStandIn compares it with
// the requests of the cases, TestOpenAPI (-tags e2e) with a server's own
// document.
const callsFile = "testdata/calls.txt"

// rare are the calls that no case makes: the fallback if a container's log is
// not available from its stream. It carries containerId, too, as for compose
// services; no document has that one, and a server ignores it.
var rare = []string{"GET /api/application.readLogs applicationId tail"}

// calls are the calls that were made.
type calls struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (c *calls) take(requests []dokploytest.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[string]bool{}
	}
	for _, r := range requests {
		if !strings.HasPrefix(r.Header.Get("User-Agent"), "dokploy-deploy/") || r.Path == "/no-such-page" || r.Path == "/api/health" {
			continue // by the case itself, or for a health-url
		}
		c.seen[strings.Join(append([]string{r.Method, r.Path}, names(r)...), " ")] = true
	}
}

// names returns the names of a request's parameters or fields. Every query is
// sent in two dialects; input is the one of /api/trpc, which no document
// describes.
func names(r dokploytest.Request) []string {
	set := map[string]bool{}
	query, _ := url.ParseQuery(r.Query)
	for name := range query {
		set[name] = name != "input"
	}
	kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case kind == "multipart/form-data":
		form := multipart.NewReader(strings.NewReader(r.Body), params["boundary"])
		for part, err := form.NextPart(); err == nil; part, err = form.NextPart() {
			set[part.FormName()] = true
		}
	case r.Body != "":
		var fields map[string]any
		_ = json.Unmarshal([]byte(r.Body), &fields)
		for name := range fields {
			set[name] = true
		}
	}
	var list []string
	for name, is := range set {
		if is {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

func readCalls(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(callsFile)
	if err != nil {
		t.Fatal(err)
	}
	return append(strings.Split(strings.TrimSpace(string(text)), "\n"), rare...)
}

// check compares the calls with the file, and the file with the client's
// source: if no case calls a procedure, nothing shows that it exists.
func (c *calls) check(t *testing.T) {
	t.Helper()
	var list []string
	for call := range c.seen {
		list = append(list, call)
	}
	slices.Sort(list)
	if *update {
		if err := os.WriteFile(callsFile, []byte(strings.Join(list, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	known := readCalls(t)
	for _, call := range list {
		if !slices.Contains(known, call) {
			t.Errorf("a new call: %s (go test ./e2e -update)", call)
		}
	}
	files, err := filepath.Glob("../internal/dokploy/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	// "deployment.all", or ".one" after the kind of a service.
	literal := regexp.MustCompile(`"([A-Za-z]*\.[a-z]+[A-Za-z]*)"`)
	host := regexp.MustCompile(`\.(com|org|git)$`) // a server's name, or the end of a repository's
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range literal.FindAllStringSubmatch(string(text), -1) {
			procedures := []string{m[1]}
			if m[1][0] == '.' {
				procedures = []string{"application" + m[1], "compose" + m[1]}
			}
			for _, procedure := range procedures {
				called := func(call string) bool { return path.Base(strings.Fields(call)[1]) == procedure }
				if !strings.HasSuffix(file, "_test.go") && !host.MatchString(procedure) && !slices.ContainsFunc(known, called) {
					t.Errorf("%s: %s is in no case", file, procedure)
				}
			}
		}
	}
}
