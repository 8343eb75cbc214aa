//go:build e2e && !windows

package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"dokploy-deploy/e2e/cases"
)

// TestOpenAPI: every call that the program makes is in the server's own
// document, with these parameters and all required ones. Two are left out: the
// WebSockets are not among its procedures, and for the upload the document
// names another path than the one that works (below).
func TestOpenAPI(t *testing.T) {
	type schema struct {
		Properties map[string]any
		Required   []string
	}
	var document struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				In, Name string
				Required bool
			}
			RequestBody struct {
				Content map[string]struct{ Schema schema }
			}
		}
	}
	cases.Call(t, need(t, "DOKPLOY_URL"), http.Header{"X-Api-Key": {need(t, "DOKPLOY_API_KEY")}}, "/api/settings.getOpenApiDocument", nil, &document)
	checked := 0
	for _, call := range readCalls(t) {
		parts := strings.Fields(call)
		method, path, sent := parts[0], parts[1], parts[2:]
		contentType := "application/json"
		switch {
		case path == "/listen-deployment", path == "/docker-container-logs":
			continue // a WebSocket
		case strings.HasPrefix(path, "/api/trpc/"):
			// /api/application.dropDeployment answers with 500: only /api/trpc
			// accepts the form that the document describes.
			contentType = "multipart/form-data"
		}
		procedure := path[strings.LastIndex(path, "/"):]
		operation, ok := document.Paths[procedure][strings.ToLower(method)]
		if !ok {
			t.Errorf("%s: there is no %s %s", call, method, procedure)
			continue
		}
		var known, required []string
		if method == http.MethodGet {
			for _, p := range operation.Parameters {
				if known = append(known, p.Name); p.Required {
					required = append(required, p.Name)
				}
			}
		} else {
			s := operation.RequestBody.Content[contentType].Schema
			required = s.Required
			for name := range s.Properties {
				known = append(known, name)
			}
		}
		for _, name := range sent {
			if !slices.Contains(known, name) {
				t.Errorf("%s: it takes no %s", call, name)
			}
		}
		for _, name := range required {
			if !slices.Contains(sent, name) {
				t.Errorf("%s: it needs %s", call, name)
			}
		}
		checked++
	}
	t.Logf("%d kinds of calls of %d are in the document of %d procedures", checked, len(readCalls(t)), len(document.Paths))
}
