package dokploytest

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
)

// field is one that a procedure reads from its input.
type field struct {
	name     string
	optional bool
	number   bool // coerced from a string; 1..10000
}

// issue is one of zod's, as the answer shows it. Versions before 0.28 have
// zod 3 with other words (older.md).
type issue []member

// member keeps its place: on /api/trpc the issues are shown as text.
type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in their order.
func (i issue) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for n, m := range i {
		if n > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, encode(m.name)...), ':'), encode(m.value)...)
	}
	return append(b, '}'), nil
}

func (i issue) get(name string) any {
	for _, m := range i {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case float64:
		return "number"
	case bool:
		return "boolean"
	case []any:
		return "array"
	}
	return "object"
}

// check reads a procedure's fields, or says what is wrong with them. Unknown
// ones are ignored.
func (s *Server) check(p *procedure, in map[string]any) (map[string]any, []issue) {
	out := map[string]any{}
	var issues []issue
	for _, f := range p.fields {
		v, given := in[f.name]
		switch {
		case !given && f.optional:
		case f.number:
			if bad := s.checkNumber(f.name, v); bad != nil {
				issues = append(issues, bad)
				continue
			}
			n, _ := number(v)
			out[f.name] = int(n)
		case !given:
			issues = append(issues, s.wrongType(f.name, "undefined"))
		default:
			text, ok := v.(string)
			switch {
			case !ok:
				issues = append(issues, s.wrongType(f.name, kindOf(v)))
			case text == "" && !f.optional:
				issues = append(issues, s.tooShort(f.name))
			default:
				out[f.name] = text
			}
		}
	}
	return out, issues
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		n, err := strconv.ParseFloat(v, 64)
		return n, err == nil
	}
	return 0, false
}

func (s *Server) checkNumber(name string, v any) issue {
	n, ok := number(v)
	switch {
	case !ok:
		return issue{{"expected", "number"}, {"code", "invalid_type"}, {"received", "NaN"}, {"path", []string{name}}, {"message", "Invalid input: expected number, received NaN"}}
	case n != math.Trunc(n):
		return issue{{"expected", "int"}, {"format", "safeint"}, {"code", "invalid_type"}, {"path", []string{name}}, {"message", "Invalid input: expected int, received number"}}
	case n < 1:
		return issue{{"origin", "number"}, {"code", "too_small"}, {"minimum", 1}, {"inclusive", true}, {"path", []string{name}}, {"message", "Too small: expected number to be >=1"}}
	case n > 10000:
		return issue{{"origin", "number"}, {"code", "too_big"}, {"maximum", 10000}, {"inclusive", true}, {"path", []string{name}}, {"message", "Too big: expected number to be <=10000"}}
	}
	return nil
}

func (s *Server) wrongType(name, received string) issue {
	if s.d.newOpenAPI {
		return issue{{"expected", "string"}, {"code", "invalid_type"}, {"path", []string{name}}, {"message", "Invalid input: expected string, received " + received}}
	}
	text := "Expected string, received " + received
	if received == "undefined" {
		text = "Required"
	}
	return issue{{"code", "invalid_type"}, {"expected", "string"}, {"received", received}, {"path", []string{name}}, {"message", text}}
}

func (s *Server) tooShort(name string) issue {
	if s.d.newOpenAPI {
		return issue{{"origin", "string"}, {"code", "too_small"}, {"minimum", 1}, {"inclusive", true}, {"path", []string{name}}, {"message", "Too small: expected string to have >=1 characters"}}
	}
	return issue{{"code", "too_small"}, {"minimum", 1}, {"type", "string"}, {"inclusive", true}, {"exact", false}, {"path", []string{name}}, {"message", "String must contain at least 1 character(s)"}}
}

func (s *Server) noObject() issue {
	if s.d.newOpenAPI {
		return issue{{"expected", "object"}, {"code", "invalid_type"}, {"path", []string{}}, {"message", "Invalid input: expected object, received undefined"}}
	}
	return issue{{"code", "invalid_type"}, {"expected", "object"}, {"received", "undefined"}, {"path", []string{}}, {"message", "Required"}}
}

func (s *Server) invalid(issues ...issue) *apiError {
	return &apiError{status: http.StatusBadRequest, code: "BAD_REQUEST", message: "Input validation failed", issues: issues}
}

// zodError is the flattened form of issues that error.data carries.
func (s *Server) zodError(issues []issue) any {
	if issues == nil {
		return nil
	}
	form, fields := []string{}, map[string][]string{}
	for _, i := range issues {
		path, _ := i.get("path").([]string)
		text := fmt.Sprint(i.get("message"))
		if len(path) == 0 {
			form = append(form, text)
			continue
		}
		fields[path[0]] = append(fields[path[0]], text)
	}
	return map[string]any{"formErrors": form, "fieldErrors": fields}
}
