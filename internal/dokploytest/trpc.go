package dokploytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

var trpcCodes = map[string]int{
	"PARSE_ERROR": -32700, "BAD_REQUEST": -32600, "UNAUTHORIZED": -32001, "NOT_FOUND": -32004, "INTERNAL_SERVER_ERROR": -32603,
}

// trpc answers /api/trpc/<procedure>[,…] (docs/dokploy.md, The API).
func (s *Server) trpc(r *http.Request, names string, body []byte) answer {
	if p := s.procedure(names); p != nil && p.upload && r.Method == http.MethodPost {
		status, result := s.trpcOne(r, names, body)
		if status == 0 {
			return answer{}
		}
		return answer{status: status, contentType: "application/json", body: encode(result)}
	}
	batch := r.URL.Query().Get("batch") == "1"
	list := []string{names}
	if batch {
		list = strings.Split(names, ",")
	}
	raw := []byte(r.URL.Query().Get("input"))
	if r.Method == http.MethodPost {
		raw = body
	}
	var input any
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &input); err != nil {
			text, data := "Unexpected end of JSON input", map[string]any{"code": "PARSE_ERROR", "httpStatus": 400, "zodError": nil}
			return answer{status: 400, contentType: "application/json", body: encode(
				map[string]any{"error": map[string]any{"json": map[string]any{"message": text, "code": trpcCodes["PARSE_ERROR"], "data": data}}})}
		}
	}
	status := 0
	var results []any
	for i, name := range list {
		one := input
		if batch {
			m, _ := input.(map[string]any)
			one = m[strconv.Itoa(i)]
		}
		got, result := s.trpcOne(r, name, one)
		if got == 0 {
			return answer{}
		}
		if status != 0 && status != got {
			got = http.StatusMultiStatus
		}
		status = got
		results = append(results, result)
	}
	if !batch {
		return answer{status: status, contentType: "application/json", body: encode(results[0])}
	}
	return answer{status: status, contentType: "application/json", body: encode(results)}
}

func (s *Server) trpcOne(r *http.Request, name string, input any) (int, any) {
	fail := func(e *apiError) (int, any) {
		if e.dropped {
			return 0, nil
		}
		message := e.message
		if e.issues != nil {
			text, _ := json.MarshalIndent(e.issues, "", "  ")
			message = string(text)
		}
		data := map[string]any{"code": e.code, "httpStatus": e.status, "path": name, "zodError": s.zodError(e.issues)}
		return e.status, map[string]any{"error": map[string]any{"json": map[string]any{"message": message, "code": trpcCodes[e.code], "data": data}}}
	}
	p := s.procedure(name)
	if p == nil || p.mutation != (r.Method == http.MethodPost) {
		text := fmt.Sprintf("No procedure found on path %q", name)
		if !s.d.newOpenAPI {
			kind := "query"
			if r.Method == http.MethodPost {
				kind = "mutation"
			}
			text = fmt.Sprintf("No %q-procedure on path %q", kind, name)
		}
		return fail(&apiError{status: http.StatusNotFound, code: "NOT_FOUND", message: text})
	}
	var key *keyState
	if !p.public {
		s.mu.Lock()
		key = s.verifyLocked(r.Header.Get("X-Api-Key"))
		s.mu.Unlock()
		if key == nil {
			return fail(&apiError{status: http.StatusUnauthorized, code: "UNAUTHORIZED", message: "UNAUTHORIZED"})
		}
	}
	wrapper, _ := input.(map[string]any)
	in, ok := wrapper["json"].(map[string]any)
	var out any
	var e *apiError
	boundary, form := isForm(r)
	switch {
	case p.upload && form:
		body, _ := input.([]byte)
		if out, e = s.drop(key, body, boundary); e == nil {
			s.carriedOut(name)
		}
	case p.upload, !ok && len(p.fields) > 0:
		return fail(s.invalid(s.noObject()))
	default:
		out, e = s.call(r, key, name, in)
	}
	if e != nil {
		return fail(e)
	}
	data := map[string]any{"json": out}
	if _, none := out.(nothing); none {
		meta := map[string]any{"values": []string{"undefined"}}
		if s.d.newOpenAPI {
			meta["v"] = 1
		}
		data = map[string]any{"json": nil, "meta": meta}
	}
	return 200, map[string]any{"result": map[string]any{"data": data}}
}
