// Package documents holds the tests of what people read and hosts run: the
// README, the pages in docs, the actions, the component, the image and the
// examples, all compared with the code.
package documents

import (
	"context"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"dokploy-deploy/internal/config"
	"dokploy-deploy/internal/program"
)

// root is the folder with the documents, and repository is its contents.
const root = "../.."

var repository = os.DirFS(root)

// TestMain lets the examples run this test binary as the program.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"dokploy-deploy": func() {
		p := program.Program{Stdout: os.Stdout, Stderr: os.Stderr}
		os.Exit(p.Run(context.Background(), os.Args[1:], config.ReadEnvironment(os.Environ())))
	}})
}
