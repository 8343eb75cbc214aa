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

// maxFields bounds the fields that an error names, and how much it says of one.
const maxFields = 20

type issue struct {
	Path    listOf[any] `json:"path"`
	Message string      `json:"message"`
}

// decode reads the three forms of an error (docs/dokploy.md, The API).
func (e *Error) decode(body []byte) {
	type data struct {
		Code     string `json:"code"`
		ZodError *struct {
			FormErrors  listOf[string]            `json:"formErrors"`
			FieldErrors map[string]listOf[string] `json:"fieldErrors"`
		} `json:"zodError"`
	}
	type shape struct {
		Message string          `json:"message"`
		Code    json.RawMessage `json:"code"`
		Data    *data           `json:"data"`
		Issues  listOf[issue]   `json:"issues"`
	}
	var outer struct {
		shape
		Error json.RawMessage `json:"error"`
	}
	// It is valid JSON. What is of another type than it should be is left out.
	_ = json.Unmarshal(body, &outer)
	s := outer.shape
	if len(outer.Error) > 0 && outer.Error[0] == '{' {
		var inner struct {
			shape
			JSON *shape `json:"json"`
		}
		_ = json.Unmarshal(outer.Error, &inner)
		s = inner.shape
		if inner.JSON != nil {
			s = *inner.JSON
		}
	}
	e.Message = text.OneLine(s.Message)
	var code string
	if json.Unmarshal(s.Code, &code) == nil {
		e.Code = code
	} else if s.Data != nil {
		e.Code = s.Data.Code
	}
	fields := map[string][]string{}
	add := func(name string, messages ...string) {
		name = text.OneLine(name)
		for _, m := range messages {
			if len(fields) < maxFields && len(fields[name]) < maxFields {
				fields[name] = append(fields[name], text.OneLine(m))
			}
		}
	}
	if s.Data != nil && s.Data.ZodError != nil {
		for name, messages := range s.Data.ZodError.FieldErrors {
			add(name, messages...)
		}
		add("input", s.Data.ZodError.FormErrors...)
	}
	if len(fields) == 0 {
		for _, issue := range s.Issues {
			var path []string
			for _, p := range issue.Path {
				path = append(path, fmt.Sprint(p))
			}
			add(strings.Join(path, "."), issue.Message)
		}
	}
	if len(fields) > 0 {
		e.Fields = fields
	}
}

// oddBody tells answers that are not of Dokploy's API. Empty bodies are where
// they say yes: the deploy calls answer so.
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
