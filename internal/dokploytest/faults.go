package dokploytest

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// FaultKind is a way in which an answer can go wrong.
type FaultKind string

// Faults of requests. Unless Fault.CarriedOut is set, the request is not
// carried out.
const (
	// Lost closes the connection without an answer.
	Lost FaultKind = "lost"
	// LostInBody resets the connection in the middle of the answer's body.
	LostInBody FaultKind = "lost in body"
	// Gateway answers Status (502) with a proxy's HTML page.
	Gateway FaultKind = "gateway"
	// Hang gives no answer for After (a minute if 0), then drops the
	// connection; with CarriedOut or Late it answers.
	Hang FaultKind = "hang"
	// Page answers 200 with an HTML page.
	Page FaultKind = "page"
	// TooMany answers 429 with a Retry-After of After.
	TooMany FaultKind = "too many"
	// Unauthorized answers 401 as for a refused key.
	Unauthorized FaultKind = "unauthorized"
	// Cloudflare answers Status (403: the challenge page; 521, 522, 524: the
	// error pages) as Cloudflare does.
	Cloudflare FaultKind = "cloudflare"
	// Redirect answers Status (301) to Location.
	Redirect FaultKind = "redirect"
	// ServerError answers 500 with Body as its raw message.
	ServerError FaultKind = "server error"
	// Truncated answers with the first half of the JSON.
	Truncated FaultKind = "truncated"
	// Empty answers 200 with no body.
	Empty FaultKind = "empty"
	// Custom answers Status with Body and Header.
	Custom FaultKind = "custom"
)

// Faults of the log stream (Procedure "listen-deployment").
const (
	// StreamRefused answers the upgrade with Status (502).
	StreamRefused FaultKind = "stream refused"
	// StreamClosed closes without a code (1005): right after opening, as for
	// a refused key, or after Bytes bytes, as when the SSH connection under
	// the stream breaks (docs/dokploy.md, Remote servers).
	StreamClosed FaultKind = "stream closed"
	// StreamCut drops the connection after Bytes bytes of the log. With
	// NoResume every later stream is refused.
	StreamCut FaultKind = "stream cut"
	// StreamFrames sends Frames instead of the log and closes without a code.
	StreamFrames FaultKind = "stream frames"
	// StreamSilent opens and never sends anything, a pong only with Pong.
	StreamSilent FaultKind = "stream silent"
	// StreamStalls sends Bytes bytes of the log and then nothing more, a pong
	// only with Pong.
	StreamStalls FaultKind = "stream stalls"
	// StreamBuffered sends the log in blocks of Bytes bytes, as a proxy that
	// buffers does: what does not fill one is kept back.
	StreamBuffered FaultKind = "stream buffered"
	// StreamHang sends Bytes bytes of the answer to the upgrade, none if 0, and
	// then nothing more.
	StreamHang FaultKind = "stream hang"
)

// Fault makes requests go wrong.
type Fault struct {
	// Procedure names the requests that go wrong, on /api and /api/trpc:
	// "application.deploy", "listen-deployment", or "*" for all but the stream.
	Procedure string
	Kind      FaultKind
	// Skip is how many requests to let pass first, and Times how many then go
	// wrong: one if 0, all if negative.
	Skip, Times int
	// CarriedOut: the request is carried out nevertheless.
	CarriedOut bool
	// Late: a request that hangs is carried out when After is over, whether or
	// not anybody still waits for its answer.
	Late     bool
	Status   int
	After    time.Duration
	Body     string
	Header   http.Header
	Location string
	Bytes    int
	NoResume bool
	Frames   []string
	Pong     bool
}

// Fault adds a fault. The first one that matches a request is used.
func (s *Server) Fault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Times == 0 {
		f.Times = 1
	}
	s.faults = append(s.faults, &f)
}

// ClearFaults removes all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// takeFault returns the fault for this request, if any.
func (s *Server) takeFault(procedure string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.Procedure != procedure && (f.Procedure != "*" || procedure == streamProcedure) {
			continue
		}
		if f.Times == 0 {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Times > 0 {
			f.Times--
		}
		taken := *f
		return &taken
	}
	return nil
}

// spoil answers a request as the fault says. real carries the request out and
// returns the proper answer; it is called only if the fault lets the request be
// carried out.
func (s *Server) spoil(w http.ResponseWriter, r *http.Request, f *Fault, real func() answer) {
	s.mu.Lock()
	life := s.life
	s.mu.Unlock()
	var a answer
	if f.CarriedOut || f.Kind == Truncated {
		a = real()
	}
	switch f.Kind {
	case Hang:
		late := make(chan answer, 1)
		s.start(func() {
			if !s.wait(cmp.Or(f.After, time.Minute)) {
				return
			}
			if f.Late && !s.died(life) {
				a = real()
			}
			late <- a
		})
		select {
		case <-r.Context().Done():
		case <-s.closed:
		case a := <-late:
			if f.CarriedOut || f.Late {
				a.write(w, r, s)
				return
			}
		}
		panic(http.ErrAbortHandler)
	case Lost:
		panic(http.ErrAbortHandler)
	case LostInBody:
		if len(a.body) < 2 {
			a.body = []byte(`{"success":true,"message":"Deployment queued"}`)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(a.body[:len(a.body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case Truncated:
		a.body = a.body[:len(a.body)/2]
	default:
		a = f.answer(s)
	}
	for name, values := range f.Header {
		if a.header == nil {
			a.header = http.Header{}
		}
		a.header[name] = values
	}
	a.write(w, r, s)
}

// answer is the answer that replaces the proper one.
func (f *Fault) answer(s *Server) answer {
	html := func(status int, title, text string) answer {
		return answer{status: status, contentType: "text/html", body: []byte(
			"<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title + "</h1></center>\r\n" + text + "</body>\r\n</html>\r\n")}
	}
	switch f.Kind {
	case Gateway, StreamRefused:
		status := cmp.Or(f.Status, http.StatusBadGateway)
		title := strconv.Itoa(status) + " " + http.StatusText(status)
		return html(status, title, "<hr><center>nginx/1.27.3</center>\r\n")
	case Page:
		a := answer{status: 200, contentType: "text/html; charset=utf-8", body: page(12303)}
		if f.Body != "" {
			a.body = []byte(f.Body)
		}
		return a
	case TooMany:
		a := answer{status: http.StatusTooManyRequests, contentType: "application/json", body: []byte(`{"message":"Too many requests"}`)}
		a.header = http.Header{"Retry-After": {strconv.Itoa(int(f.After / time.Second))}}
		return a
	case Unauthorized:
		return unauthorized
	case Cloudflare:
		status := cmp.Or(f.Status, http.StatusForbidden)
		a := html(status, "Just a moment...", `<script src="/cdn-cgi/challenge-platform/h/b/orchestrate/chl_page/v1"></script>`)
		if status != http.StatusForbidden {
			words := map[int]string{521: "Web server is down", 522: "Connection timed out", 524: "A timeout occurred"}[status]
			a = html(status, "dokploy.example.com | "+strconv.Itoa(status)+": "+words, "<p>cloudflare-nginx</p>")
		}
		a.contentType = "text/html; charset=UTF-8"
		a.header = http.Header{"Server": {"cloudflare"}, "Cf-Ray": {"8f2e7c1a9b0d1234-FRA"}}
		if status == http.StatusForbidden {
			a.header.Set("Cf-Mitigated", "challenge")
		}
		return a
	case Redirect:
		status := cmp.Or(f.Status, http.StatusMovedPermanently)
		a := html(status, strconv.Itoa(status)+" "+http.StatusText(status), "")
		a.header = http.Header{"Location": {f.Location}}
		return a
	case ServerError:
		status := cmp.Or(f.Status, http.StatusInternalServerError)
		return s.failure(f.Procedure, &apiError{status: status, code: "INTERNAL_SERVER_ERROR", message: cmp.Or(f.Body, "connect ECONNREFUSED 127.0.0.1:5432")})
	case Empty:
		return answer{status: cmp.Or(f.Status, 200), contentType: "application/json"}
	}
	contentType := "application/json"
	if strings.HasPrefix(f.Body, "<") {
		contentType = "text/html"
	}
	return answer{status: cmp.Or(f.Status, 200), contentType: contentType, body: []byte(f.Body)}
}
