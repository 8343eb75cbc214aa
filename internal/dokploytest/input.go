package dokploytest

import (
	"fmt"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// field is one field of a procedure's input.
type field struct {
	name     string
	optional bool
	number   bool // coerced from a string; 1..10000
	boolean  bool
	null     bool // null is allowed, and the field is required
	oneOf    []string
	pattern  *regexp.Regexp
	bad      string // the message if it does not match
	since    func(dialect) bool
}

// issue is one of zod's issues, as the answer shows it. Versions before 0.28
// have zod 3 with other words (docs/dokploy.md, Versions).
type issue []member

// member is one member of an object. Order matters: on /api/trpc the issues are
// shown as text.
type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in order.
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

// check returns a procedure's fields, or what is wrong with them. Unknown
// fields are ignored.
func (s *Server) check(p *procedure, in map[string]any) (map[string]any, []issue) {
	out := map[string]any{}
	var issues []issue
	for _, f := range p.fields {
		if f.since != nil && !f.since(s.d) {
			continue
		}
		v, given := in[f.name]
		switch {
		case !given && f.optional:
		case !given && f.null && s.d.newOpenAPI:
			issues = append(issues, issue{
				{"code", "invalid_type"}, {"expected", "nonoptional"}, {"path", []string{f.name}},
				{"message", "Invalid input: expected nonoptional, received undefined"},
			})
		case v == nil && given && f.null:
			out[f.name] = nil
		case f.boolean && given:
			b, ok := v.(bool)
			if !ok {
				issues = append(issues, s.wrongKind(f.name, "boolean", kindOf(v)))
				continue
			}
			out[f.name] = b
		case f.number:
			if bad := s.checkNumber(f.name, v); bad != nil {
				issues = append(issues, bad)
				continue
			}
			n, _ := number(v)
			out[f.name] = int(n)
		case !given && f.oneOf != nil && s.d.newOpenAPI:
			issues = append(issues, s.noOption(f.name, "", f.oneOf))
		case !given && f.boolean:
			issues = append(issues, s.wrongKind(f.name, "boolean", "undefined"))
		case !given:
			issues = append(issues, s.wrongType(f.name, "undefined"))
		default:
			text, ok := v.(string)
			switch {
			case !ok:
				issues = append(issues, s.wrongType(f.name, kindOf(v)))
			case f.oneOf != nil && !slices.Contains(f.oneOf, text):
				issues = append(issues, s.noOption(f.name, text, f.oneOf))
			case text == "" && !f.optional && !f.null:
				issues = append(issues, s.tooShort(f.name))
			case f.pattern != nil && !f.pattern.MatchString(text):
				issues = append(issues, s.noMatch(f))
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

func (s *Server) wrongType(name, received string) issue { return s.wrongKind(name, "string", received) }

func (s *Server) wrongKind(name, expected, received string) issue {
	if s.d.newOpenAPI {
		return issue{{"expected", expected}, {"code", "invalid_type"}, {"path", []string{name}}, {"message", "Invalid input: expected " + expected + ", received " + received}}
	}
	text := "Expected " + expected + ", received " + received
	if received == "undefined" {
		text = "Required"
	}
	return issue{{"code", "invalid_type"}, {"expected", expected}, {"received", received}, {"path", []string{name}}, {"message", text}}
}

func (s *Server) noOption(name, got string, options []string) issue {
	if s.d.newOpenAPI {
		text := `Invalid option: expected one of "` + strings.Join(options, `"|"`) + `"`
		return issue{{"code", "invalid_value"}, {"values", options}, {"path", []string{name}}, {"message", text}}
	}
	text := "Invalid enum value. Expected '" + strings.Join(options, "' | '") + "', received '" + got + "'"
	return issue{{"received", got}, {"code", "invalid_enum_value"}, {"options", options}, {"path", []string{name}}, {"message", text}}
}

func (s *Server) noMatch(f field) issue {
	if s.d.newOpenAPI {
		return issue{
			{"origin", "string"}, {"code", "invalid_format"}, {"format", "regex"}, {"pattern", "/" + f.pattern.String() + "/"},
			{"path", []string{f.name}}, {"message", f.bad},
		}
	}
	return issue{{"validation", "regex"}, {"code", "invalid_string"}, {"message", f.bad}, {"path", []string{f.name}}}
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

// zodError returns the flattened issues that error.data contains.
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
