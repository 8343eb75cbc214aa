package dokploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"dokploy-deploy/internal/text"
)

// maxFields limits how many fields an error names, and how many messages per
// field.
const maxFields = 20

// wireError is an error in the inner form that all three have in common.
type wireError struct {
	Message string          `json:"message"`
	Code    json.RawMessage `json:"code"`
	Data    *struct {
		Code     string `json:"code"`
		ZodError *struct {
			FormErrors  listOf[string]            `json:"formErrors"`
			FieldErrors map[string]listOf[string] `json:"fieldErrors"`
		} `json:"zodError"`
	} `json:"data"`
	Issues listOf[struct {
		Path    listOf[any] `json:"path"`
		Message string      `json:"message"`
	}] `json:"issues"`
}

// decode decodes an error of Dokploy's.
func (e *Error) decode(body []byte) {
	w := innerError(body)
	e.Message = text.OneLine(w.Message)
	var code string
	if json.Unmarshal(w.Code, &code) == nil {
		e.Code = code
	} else if w.Data != nil {
		e.Code = w.Data.Code
	}
	e.Fields = w.fields()
}

// innerError decodes the three forms of an error (docs/dokploy.md, The API).
// body is valid JSON; fields of an unexpected type are skipped.
func innerError(body []byte) wireError {
	var bare struct {
		wireError
		Error json.RawMessage `json:"error"`
	}
	_ = json.Unmarshal(body, &bare)
	if len(bare.Error) == 0 || bare.Error[0] != '{' {
		return bare.wireError
	}
	var wrapped struct {
		wireError
		JSON *wireError `json:"json"`
	}
	_ = json.Unmarshal(bare.Error, &wrapped)
	if wrapped.JSON != nil {
		return *wrapped.JSON
	}
	return wrapped.wireError
}

// fields returns the errors of bad input by field; nil: none.
func (w *wireError) fields() map[string][]string {
	var fields map[string][]string
	add := func(name string, messages ...string) {
		name = text.OneLine(name)
		for _, m := range messages {
			if len(fields) < maxFields && len(fields[name]) < maxFields {
				if fields == nil {
					fields = map[string][]string{}
				}
				fields[name] = append(fields[name], text.OneLine(m))
			}
		}
	}
	if w.Data != nil && w.Data.ZodError != nil {
		for name, messages := range w.Data.ZodError.FieldErrors {
			add(name, messages...)
		}
		add("input", w.Data.ZodError.FormErrors...)
	}
	if len(fields) > 0 {
		return fields
	}
	for _, issue := range w.Issues {
		var path []string
		for _, p := range issue.Path {
			path = append(path, fmt.Sprint(p))
		}
		add(strings.Join(path, "."), issue.Message)
	}
	return fields
}

// oddBody detects answers that do not come from Dokploy's API. A successful
// answer may be empty: those of the deploy calls are.
func oddBody(a *answer) Odd {
	body := bytes.TrimSpace(a.body)
	cloudflare := a.header.Get("Cf-Mitigated") != "" || a.status >= 520 && a.status <= 530 ||
		strings.EqualFold(a.header.Get("Server"), "cloudflare")
	switch {
	case len(body) == 0:
		switch {
		case a.status < 400:
			return ""
		case cloudflare:
			return oddCloudflare
		}
		return oddEmpty
	case json.Valid(body):
		return ""
	case body[0] == '<' || strings.Contains(a.header.Get("Content-Type"), "html"):
		if cloudflare && a.status >= 300 || bytes.Contains(body[:min(len(body), 4096)], []byte("Just a moment...")) {
			return oddCloudflare
		}
		return oddHTML
	}
	return oddText
}

func parseRetryAfter(v string) time.Duration {
	if v == "" {
		return 0
	}
	if n, err := strconv.Atoi(v); err == nil {
		return max(0, time.Duration(min(n, 3600))*time.Second)
	}
	if t, err := http.ParseTime(v); err == nil {
		return min(max(0, time.Until(t)), time.Hour)
	}
	return 0
}
