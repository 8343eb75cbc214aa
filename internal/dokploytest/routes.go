package dokploytest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

// streamProcedure is the name of the log stream in requests and faults.
const streamProcedure = "listen-deployment"

// maxJSON is the largest JSON body that Next.js accepts (docs/dokploy.md, The
// API).
const maxJSON = 1 << 20

// answer is one HTTP answer.
type answer struct {
	status      int
	contentType string // empty: none
	header      http.Header
	body        []byte
}

// zippers are reused: each takes 1.2 MB.
var zippers = sync.Pool{New: func() any {
	zw, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	return zw
}}

// write sends the answer, with the headers of every real one.
func (a answer) write(w http.ResponseWriter, r *http.Request, s *Server) {
	h := w.Header()
	date := s.now().Format(http.TimeFormat)
	if s.opts.Date != nil {
		date = s.opts.Date(time.Now())
	}
	h["Date"] = nil // none
	if date != "" {
		h.Set("Date", date)
	}
	h.Set("Keep-Alive", "timeout=5")
	h["Content-Type"] = nil // no guessing
	if a.contentType != "" {
		h.Set("Content-Type", a.contentType)
	}
	if a.status < 300 || a.status >= 400 {
		h.Set("X-Frame-Options", "DENY")
		h.Set("Vary", "Accept-Encoding")
	}
	for name, values := range a.header {
		h[name] = values
	}
	body := a.body
	if len(body) > 1024 && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		var z bytes.Buffer
		zw := zippers.Get().(*gzip.Writer)
		zw.Reset(&z)
		_, _ = zw.Write(body)
		_ = zw.Close()
		zippers.Put(zw)
		body = z.Bytes()
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(a.status)
	_, _ = w.Write(body)
}

// unauthorized is the answer to a key that is rejected before anything else.
var unauthorized = answer{status: http.StatusUnauthorized, contentType: "application/json; charset=utf-8", body: []byte(`{"message":"Unauthorized"}`)}

// page returns a dashboard page of that size, in bytes.
func page(size int) []byte {
	const head = `<!DOCTYPE html><html lang="en" class="font-sans"><head><meta charSet="utf-8" data-next-head=""/>` +
		`<meta name="viewport" content="width=device-width" data-next-head=""/><title data-next-head="">Dokploy</title></head><body><div id="__next">`
	const foot = `</div><script src="/_next/static/chunks/main.js" defer=""></script></body></html>`
	return []byte(head + strings.Repeat(" ", size-len(head)-len(foot)) + foot)
}

// statusWriter records the status.
type statusWriter struct {
	http.ResponseWriter
	s   *Server
	req *Request
}

func (w *statusWriter) WriteHeader(status int) {
	w.noted(status)
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) noted(status int) {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	w.req.Status = status
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// ServeHTTP answers like a Dokploy server.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw := r.URL.EscapedPath()
	if s.opts.SubPath != "" {
		trimmed, ok := strings.CutPrefix(raw, s.opts.SubPath)
		if !ok || (trimmed != "" && trimmed[0] != '/') {
			http.NotFound(w, r)
			return
		}
		raw = trimmed
	}
	limit := int64(maxJSON)
	if _, form := isForm(r); form {
		limit = maxUpload
	}
	body, _ := io.ReadAll(io.LimitReader(r.Body, limit+1))
	req := &Request{
		At: now(), Method: r.Method, Host: r.Host, Path: raw, Query: r.URL.RawQuery, Header: r.Header.Clone(),
		Procedure: procedureName(raw), Body: string(body[:min(len(body), 64<<10)]),
	}
	s.mu.Lock()
	s.requests = append(s.requests, req)
	latency, life := s.latency, s.life
	s.mu.Unlock()
	sw := &statusWriter{ResponseWriter: w, s: s, req: req}
	if !s.wait(latency) || s.died(life) {
		panic(http.ErrAbortHandler)
	}
	if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		s.stream(sw, r, raw)
		return
	}
	fault := (*Fault)(nil)
	if strings.HasPrefix(raw, "/api/") {
		fault = s.takeFault(req.Procedure)
	}
	if fault != nil {
		s.spoil(sw, r, fault, func() answer { return s.route(r, raw, body) })
		return
	}
	if gone := s.route(r, raw, body); gone.status != 0 {
		gone.write(sw, r, s)
		return
	}
	panic(http.ErrAbortHandler)
}

// died reports whether the process that received a request is gone.
func (s *Server) died(life int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.life != life
}

// procedureName returns the procedure in a path.
func procedureName(p string) string {
	if p == "/"+streamProcedure || p == "/"+containerStreamProcedure {
		return p[1:]
	}
	p = strings.TrimPrefix(p, "/api/")
	return strings.TrimPrefix(p, "trpc/")
}

// route returns the answer to a request (docs/dokploy.md, The API). Status 0
// means no answer: the server went away in the meantime.
func (s *Server) route(r *http.Request, p string, body []byte) answer {
	html := func(status, size int) answer {
		a := answer{status: status, contentType: "text/html; charset=utf-8", body: page(size)}
		a.header = http.Header{"X-Powered-By": {"Next.js"}}
		return a
	}
	if strings.Contains(p, "//") || (len(p) > 1 && strings.HasSuffix(p, "/")) {
		to := path.Clean(p)
		if r.URL.RawQuery != "" {
			to += "?" + r.URL.RawQuery
		}
		return redirect(http.StatusPermanentRedirect, to)
	}
	switch {
	case p == "/" || p == "":
		if !s.d.newOpenAPI {
			return redirect(http.StatusPermanentRedirect, "/dashboard/projects")
		}
		return redirect(http.StatusTemporaryRedirect, "/dashboard/home")
	case p == "/api/health":
		return answer{status: 200, contentType: "application/json; charset=utf-8", body: []byte(`{"ok":true}`)}
	case strings.HasPrefix(p, "/api/deploy/"):
		return s.webhookCall(r, strings.TrimPrefix(p, "/api/deploy/"), body)
	case strings.HasPrefix(p, "/api/trpc/"):
		return s.trpc(r, strings.TrimPrefix(p, "/api/trpc/"), body)
	case strings.HasPrefix(p, "/api/"):
		return s.rest(r, strings.TrimPrefix(p, "/api/"), body)
	}
	if !s.d.newOpenAPI {
		return html(http.StatusNotFound, 10655)
	}
	return html(http.StatusNotFound, 12303)
}

func redirect(status int, to string) answer {
	return answer{status: status, header: http.Header{"Location": {to}, "Refresh": {"0;url=" + to}}, body: []byte(to)}
}

// rest answers /api/<procedure> (docs/dokploy.md, The API).
func (s *Server) rest(r *http.Request, name string, body []byte) answer {
	// Next.js parses a JSON body before anything else.
	contentType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var fields map[string]any
	_, form := isForm(r)
	if len(body) > maxJSON && !form {
		return answer{status: http.StatusRequestEntityTooLarge, body: []byte("Body exceeded 1mb limit")}
	}
	if contentType == "application/json" && len(body) > 0 {
		var v any
		if json.Unmarshal(body, &v) != nil {
			return answer{status: http.StatusBadRequest, body: []byte("Invalid JSON")}
		}
		fields, _ = v.(map[string]any)
	}
	s.mu.Lock()
	key := s.verifyLocked(r.Header.Get("X-Api-Key"))
	s.mu.Unlock()
	if key == nil {
		if s.opts.Documented {
			return s.failure("", &apiError{status: 401, code: "UNAUTHORIZED", message: "Unauthorized"})
		}
		return unauthorized
	}
	if !s.d.newOpenAPI {
		name = strings.ReplaceAll(name, "/", ".") // /api/application/one works too
	}
	p := s.procedure(name)
	if p == nil || p.mutation != (r.Method == http.MethodPost) {
		return s.failure("", &apiError{status: http.StatusNotFound, code: "NOT_FOUND", message: "Not found"})
	}
	if p.upload { // on /api/trpc only; a large one is cut off after 6 s
		if len(body) > maxJSON {
			s.wait(6 * time.Second)
			return answer{}
		}
		return s.failure(name, internal("Internal server error"))
	}
	if p.mutation && s.d.newOpenAPI && contentType != "application/json" {
		e := &apiError{status: http.StatusUnsupportedMediaType, code: "UNSUPPORTED_MEDIA_TYPE", message: "Missing content-type header"}
		if contentType != "" {
			e.message = `Unsupported content-type "` + r.Header.Get("Content-Type") // sic
		}
		return s.failure(name, e)
	}
	for range key.verifications() - 1 {
		s.mu.Lock()
		again := s.verifyLocked(r.Header.Get("X-Api-Key"))
		s.mu.Unlock()
		if again == nil {
			return s.failure(name, &apiError{status: http.StatusUnauthorized, code: "UNAUTHORIZED", message: "UNAUTHORIZED"})
		}
	}
	var in map[string]any
	switch {
	case !p.mutation && s.opts.Documented:
		in = documentedInput(r.URL.Query().Get("input"))
	case !p.mutation:
		in = firstValues(r.URL.Query())
		maps.DeleteFunc(in, func(_ string, v any) bool { return v == "" }) // empty parameters are ignored
	case contentType == "application/x-www-form-urlencoded":
		form, _ := url.ParseQuery(string(body))
		in = firstValues(form)
	default:
		in = fields
	}
	out, e := s.call(r, key, name, in)
	if e != nil {
		return s.failure(name, e)
	}
	return s.result(out)
}

// result returns the answer of a procedure that was carried out.
func (s *Server) result(out any) answer {
	if _, none := out.(nothing); none {
		if s.opts.Documented {
			return answer{status: 200, contentType: "application/json", body: []byte(`{"result":{"data":null}}`)}
		}
		return answer{status: 200, contentType: "application/json"}
	}
	if s.opts.Documented {
		out = map[string]any{"result": map[string]any{"data": out}}
	}
	return answer{status: 200, contentType: "application/json", body: encode(out)}
}

// firstValues returns parameters of a query or form, the first of each name.
func firstValues(values url.Values) map[string]any {
	in := map[string]any{}
	for k, v := range values {
		in[k] = v[0]
	}
	return in
}

// documentedInput parses input={…}, and also input={"json":{…}}.
func documentedInput(text string) map[string]any {
	in := map[string]any{}
	_ = json.Unmarshal([]byte(text), &in)
	if inner, ok := in["json"].(map[string]any); ok {
		return inner
	}
	return in
}

// nothing is the answer undefined of a procedure.
type nothing struct{}

// apiError is an error of tRPC's.
type apiError struct {
	status  int
	code    string
	message string
	issues  []issue
	dropped bool // the server went away: no answer
}

// failure is the answer to a failed call on /api. procedure is empty if none
// was found.
func (s *Server) failure(procedure string, e *apiError) answer {
	if e.dropped {
		return answer{}
	}
	m := map[string]any{"message": e.message, "code": e.code}
	data := map[string]any{"code": e.code, "httpStatus": e.status, "zodError": s.zodError(e.issues)}
	if procedure != "" {
		data["path"] = procedure
	}
	if s.opts.Documented {
		m["data"] = data
		return answer{status: e.status, contentType: "application/json", body: encode(map[string]any{"error": m})}
	}
	if s.d.newOpenAPI {
		m["data"] = data
	}
	if e.issues != nil {
		m["message"] = "Input validation failed"
		m["issues"] = e.issues
	}
	return answer{status: e.status, contentType: "application/json", body: encode(m)}
}

// call checks the input and runs the procedure.
func (s *Server) call(r *http.Request, key *keyState, name string, in map[string]any) (any, *apiError) {
	p := s.procedure(name)
	if p.docker { // checked before the input
		if e := s.mayLook(key); e != nil {
			return nil, e
		}
	}
	values, issues := s.check(p, in)
	if issues != nil {
		return nil, s.invalid(issues...)
	}
	out, e := p.run(s, &call{key: key, in: values, ctx: r.Context(), operation: p.operation})
	if e == nil {
		s.carriedOut(name)
	}
	return out, e
}

func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
