// Package dokploytest is a Dokploy server inside the process, for tests and the
// demo: its REST and tRPC APIs, its queue, its deployment rows, its log stream,
// its restarts and faults, and what the deployed containers do.
//
// It plays what a real server does, not what a client wishes: every rule in it
// is a fact about real servers (docs/dokploy.md has those that the program
// relies on), and replay_test.go, prepared_test.go and timeline_test.go compare
// it with recordings.
//
// It takes all times from package time, and its in-memory listener uses
// net.Pipe, so a Server works inside a testing/synctest bubble. Create and
// close it in the bubble.
package dokploytest

import (
	"context"
	"crypto/tls"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Options say what kind of server it is. The zero value is v0.30.2, with the
// right time and no latency.
type Options struct {
	// Version selects the dialect (docs/dokploy.md, Versions); v0.30.2 if
	// empty.
	Version string
	// Documented makes /api answer as the public API documentation says instead
	// of as real servers do: queries read from input=, answers in result.data,
	// errors in error (docs/dokploy.md, The API).
	Documented bool
	// ClockSkew is added to every time that the server reports.
	ClockSkew time.Duration
	// Date returns the Date header, which is written by whoever answers last;
	// "" for none. The server's clock if nil.
	Date func(now time.Time) string
	// KeepsQueue: the queue survives a restart. The jobs come back ReturnsAfter
	// after the server answers again, and none begins before: in front, in
	// order, with new ids and their own times. What was running has its row
	// cancelled, and runs again. Some forks of the versions with an in-memory
	// queue do so.
	KeepsQueue   bool
	ReturnsAfter time.Duration
	// QueuedRows: a row is created when a deployment is queued, with status
	// "queued" and without startedAt.
	QueuedRows bool
	// AnswersID: the answer to a trigger names the deployment's row, which may
	// not exist yet. No server does so today; it was proposed upstream, so the
	// field's name is a guess.
	AnswersID bool
	// Latency passes before a request is carried out.
	Latency time.Duration
	// Concurrency is the number of concurrent builds, 1 if 0. BullMQ (before
	// 0.29.9) always has one.
	Concurrency int
	// SubPath is the instance's path on its host ("/dokploy").
	SubPath string
	// FrameSize cuts the log into frames of that many bytes, at any point. 0:
	// each write is a frame, up to 64 KiB.
	FrameSize int
	// RawFrames sends the bytes of a character that is split between frames. A
	// real Dokploy turns both parts into U+FFFD (docs/dokploy.md, The log
	// stream), as is done without it.
	RawFrames bool
	// DiscardLogs keeps only the part of a log that its slowest stream still
	// needs, and makes writers wait for the streams (up to 10 s for the first
	// one). A reopened stream cannot replay what is gone.
	DiscardLogs bool
	// Cloud: the server says that it is Dokploy Cloud, but behaves like a
	// self-hosted one.
	Cloud bool
	// NoDocker: docker.* does not exist, as if a proxy blocked it.
	NoDocker bool
}

// Server is a Dokploy server. Its methods are safe for concurrent use.
type Server struct {
	// Key is an owner's key without a limit.
	Key string

	opts Options
	d    dialect
	http *http.Server

	closed chan struct{}
	wg     sync.WaitGroup // the server's own and its jobs'
	connWG sync.WaitGroup // net/http's

	mu       sync.Mutex
	down     bool
	life     int // counts restarts
	isClosed bool
	ln       net.Listener
	mem      *pipeListener
	addr     string // of the TCP listener
	url      string
	tls      *tls.Config
	conns    map[*trackedConn]struct{}

	rnd      *rand.Rand
	keys     map[string]*keyState
	projects []*project
	services []*Service
	servers  map[string]*remoteServer
	org      string
	domainN  int

	strangers []string // people without write access to the repositories

	latency     time.Duration
	concurrency int
	jobs        []*job
	jobSeq      int // counts job ids
	jobCount    int
	holdUntil   time.Time // no job starts before then
	journal     []*job    // KeepsQueue: not restored yet
	redisUp     chan struct{}

	rows  []*row
	files map[string]*logFile

	dockerRnd  *rand.Rand // for Docker's ids, so that Dokploy's do not change
	born       time.Time
	simulated  time.Time // up to when containers were simulated
	events     []occurrence
	swarm      map[string]*swarmService // by name
	swarmIndex int
	compose    []*composeContainer
	hooks      map[string][]func()

	faults   []*Fault
	requests []*Request
}

// New creates a server. Start or Listen makes it answer.
func New(o Options) *Server {
	if o.Version == "" {
		o.Version = "v0.30.2"
	}
	s := &Server{
		opts: o, d: dialectOf(o.Version), latency: o.Latency, concurrency: max(1, o.Concurrency),
		closed: make(chan struct{}), conns: map[*trackedConn]struct{}{},
		rnd:       rand.New(rand.NewPCG(1, 2)), // only ids
		dockerRnd: rand.New(rand.NewPCG(3, 4)), swarm: map[string]*swarmService{}, swarmIndex: 1000, simulated: time.Now(),
		hooks: map[string][]func(){},
		keys:  map[string]*keyState{}, servers: map[string]*remoteServer{}, files: map[string]*logFile{},
	}
	s.org, s.born = s.newID(), s.now()
	s.Key = s.AddKey(Key{})
	s.http = &http.Server{
		Handler: s,
		// Real servers close an idle connection after 6.0 s, although they
		// promise 5.
		IdleTimeout: 6 * time.Second, ReadHeaderTimeout: time.Minute,
		ErrorLog: discardLog,
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				s.connWG.Add(1)
			case http.StateClosed, http.StateHijacked:
				s.connWG.Done()
			}
		},
	}
	return s
}

// Start makes the server answer in memory, at http://dokploy.test through Dial.
func (s *Server) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.url = "http://dokploy.test" + s.opts.SubPath
	s.mem = newPipeListener()
	s.serveLocked(s.mem)
}

// Listen makes the server answer at a TCP address instead, and returns its URL.
func (s *Server) Listen(addr string) (string, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addr = ln.Addr().String()
	s.url = "http://" + s.addr + s.opts.SubPath
	s.serveLocked(ln)
	return s.url, nil
}

// ListenTLS is Listen with a certificate, which it returns as PEM.
func (s *Server) ListenTLS(addr string) (url string, certificate []byte, err error) {
	conf, certificate, err := selfSigned()
	if err != nil {
		return "", nil, err
	}
	s.mu.Lock()
	s.tls = conf
	s.mu.Unlock()
	if _, err := s.Listen(addr); err != nil {
		return "", nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.url = "https://" + s.addr + s.opts.SubPath
	return s.url, certificate, nil
}

// URL returns the instance's address, without a trailing slash.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.url
}

// serveLocked serves ln.
func (s *Server) serveLocked(ln net.Listener) {
	s.ln = ln
	var serving net.Listener = &trackingListener{Listener: ln, s: s}
	if s.tls != nil {
		serving = tls.NewListener(serving, s.tls)
	}
	s.wg.Add(1)
	go func() {
		defer s.wg.Done()
		_ = s.http.Serve(serving) // ends with the listener
	}()
}

// Dial connects to the server, for http.Transport.DialContext. No other host
// exists, and during a restart connections are refused.
func (s *Server) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	s.mu.Lock()
	mem, down, real := s.mem, s.down || s.isClosed, s.addr
	s.mu.Unlock()
	if real != "" {
		var d net.Dialer
		return d.DialContext(ctx, network, addr)
	}
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: pipeAddr(addr), Err: err}
	}
	if host, _, err := net.SplitHostPort(addr); err != nil || host != "dokploy.test" {
		return fail(&net.DNSError{Err: "no such host", Name: host, IsNotFound: true})
	}
	refused := os.NewSyscallError("connect", syscall.ECONNREFUSED)
	if down || mem == nil {
		return fail(refused)
	}
	near, far := net.Pipe()
	select {
	case mem.conns <- far:
		return near, nil
	case <-mem.closed:
		return fail(refused)
	case <-ctx.Done():
		return fail(ctx.Err())
	}
}

// Close stops the server with all its connections, builds and goroutines.
func (s *Server) Close() {
	s.mu.Lock()
	if s.isClosed {
		s.mu.Unlock()
		return
	}
	s.isClosed = true
	close(s.closed)
	s.mu.Unlock()
	_ = s.http.Close()
	s.dropAll()
	s.wg.Wait()
	s.connWG.Wait()
}

// dropAll ends every connection as a dying process does: WebSockets end
// abnormally (1006).
func (s *Server) dropAll() {
	s.mu.Lock()
	conns := make([]*trackedConn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		c.drop()
	}
}

// goDown stops listening and drops every connection.
func (s *Server) goDown() {
	s.mu.Lock()
	s.down = true
	s.life++
	ln := s.ln
	s.mu.Unlock()
	if ln != nil {
		_ = ln.Close()
	}
	s.dropAll()
}

// comeUp listens again at the same address, unless the server went down again
// in the meantime.
func (s *Server) comeUp(life int) {
	for try := 0; ; try++ {
		s.mu.Lock()
		if s.isClosed || s.life != life {
			s.mu.Unlock()
			return
		}
		var ln net.Listener
		var err error
		if s.addr != "" {
			ln, err = net.Listen("tcp", s.addr)
		} else {
			s.mem = newPipeListener()
			ln = s.mem
		}
		if err == nil {
			s.down = false
			s.serveLocked(ln)
			s.scheduleLocked()
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		if try == 50 || !s.wait(20*time.Millisecond) {
			return // the port is taken
		}
	}
}

// wait waits for d; false if the server was closed first.
func (s *Server) wait(d time.Duration) bool {
	if d <= 0 {
		select {
		case <-s.closed:
			return false
		default:
			return true
		}
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.closed:
		return false
	}
}

// start runs f in a goroutine that Close waits for. After Close it does
// nothing.
func (s *Server) start(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.startLocked(f)
}

func (s *Server) startLocked(f func()) {
	if s.isClosed {
		return
	}
	s.wg.Add(1)
	go func() {
		defer s.wg.Done()
		f()
	}()
}

// now returns the server's time.
func (s *Server) now() time.Time { return time.Now().Add(s.opts.ClockSkew).UTC() }

// SetLatency sets the delay before a request is carried out.
func (s *Server) SetLatency(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latency = d
}

// newID creates an id as Dokploy does: 21 characters of A-Za-z0-9_-, possibly
// starting with _ or -.
func (s *Server) newID() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
	b := make([]byte, 21)
	for i := range b {
		b[i] = letters[s.rnd.IntN(len(letters))]
	}
	return string(b)
}

// Request is a request that reached the server.
type Request struct {
	At     time.Time // by this machine's clock
	Method string
	Host   string
	Path   string
	Query  string
	// Procedure is "application.deploy" for /api and /api/trpc alike, and
	// "listen-deployment" for the log stream.
	Procedure string
	Header    http.Header
	Body      string // its first 64 KiB
	Status    int    // 0: no answer was sent
}

// Requests returns the requests that reached the server, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Request, 0, len(s.requests))
	for _, r := range s.requests {
		out = append(out, *r)
	}
	return out
}

// Calls counts the requests of a procedure.
func (s *Server) Calls(procedure string) int {
	n := 0
	for _, r := range s.Requests() {
		if r.Procedure == procedure {
			n++
		}
	}
	return n
}

// clean converts a name as Dokploy does for an appName.
func clean(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, name)
}
