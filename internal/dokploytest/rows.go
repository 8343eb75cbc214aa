package dokploytest

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// Row is a deployment row as the server has it.
type Row struct {
	ID            string
	Title         string
	Description   string
	Status        string
	LogPath       string
	BuildServerID string
	ErrorMessage  string
	RollbackID    string    // with Application.RollbackActive
	CreatedAt     time.Time // the server's clock
	StartedAt     time.Time
	FinishedAt    time.Time // zero: null
}

type row struct {
	Row
	service *Service
	log     *logFile
	job     int // orders rows created in the same millisecond
}

// maxRows is how many are kept when a new one is created, so 11 are visible
// (docs/dokploy.md, Deployment rows).
const maxRows = 10

func (s *Server) rowsOfLocked(v *Service) []*row {
	var out []*row
	for _, r := range s.rows {
		if r.service == v {
			out = append(out, r)
		}
	}
	// Newest first. Those of the same moment are ordered by job, or by their
	// position here.
	slices.Reverse(out)
	slices.SortStableFunc(out, func(a, b *row) int { return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.job, a.job)) })
	return out
}

// trimLocked removes surplus rows with their log files.
func (s *Server) trimLocked(v *Service) {
	rows := slices.DeleteFunc(s.rowsOfLocked(v), func(r *row) bool { return r.Status == "queued" })
	for _, r := range rows[min(len(rows), maxRows):] {
		if r.log != nil && r.ErrorMessage == "" {
			delete(s.files, fileKey(v.logServer(), r.LogPath))
		}
		s.removeRowLocked(r)
	}
}

func (s *Server) removeRowLocked(r *row) {
	s.rows = slices.DeleteFunc(s.rows, func(x *row) bool { return x == r })
}

// newRowLocked starts a deployment: its log file and its row. Log names have a
// resolution of one second, so two rows may share one (docs/dokploy.md, Log
// files).
func (s *Server) newRowLocked(v *Service, j *job, opened time.Time, b Build) *row {
	now := s.now()
	path := fmt.Sprintf("/etc/dokploy/logs/%s/%s-%s.log", v.AppName, v.AppName, opened.Format("2006-01-02:15:04:05"))
	r := j.row
	if r == nil {
		r = s.addRowLocked(j)
	}
	r.Status, r.LogPath, r.StartedAt = "running", path, now
	if s.d.buildServers {
		r.BuildServerID = v.buildServerID
	}
	key := fileKey(v.logServer(), path)
	f := s.files[key]
	switch {
	case f == nil:
		f = newLogFile(path, s.opts.DiscardLogs, s.closed)
		s.files[key] = f
	case v.logServer() == "":
		f.truncate() // locally the file is overwritten, over SSH appended to
	}
	r.log = f
	if !b.Raw {
		first := "Initializing deployment\n"
		if v.logServer() != "" && v.parent == nil && v.Kind == "application" && s.d.buildServers {
			first += "Building on Build Server\n" // for every remote application; it means nothing
		}
		f.append([]byte(first))
	}
	return r
}

// addRowLocked adds a job's row.
func (s *Server) addRowLocked(j *job) *row {
	id := j.rowID
	if id == "" {
		id = s.newID()
	}
	j.rowID = "" // a second run gets a new row
	r := &row{service: j.service, job: j.number, Row: Row{
		ID: id, Title: j.title, Description: j.description, CreatedAt: s.now(),
	}}
	s.rows = append(s.rows, r)
	return r
}

// queuedRowLocked adds the row of a waiting job.
func (s *Server) queuedRowLocked(j *job) *row {
	r := s.addRowLocked(j)
	r.Status = "queued"
	return r
}

// Deployments lists the rows of a service, newest first.
func (s *Server) Deployments(v *Service) []Row {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Row
	for _, r := range s.rowsOfLocked(v) {
		out = append(out, r.Row)
	}
	return out
}

// AddRow adds a row from the past. Missing fields get defaults; log is its
// file.
func (s *Server) AddRow(v *Service, r Row, log string) Row {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.ID = cmp.Or(r.ID, s.newID())
	r.Status = cmp.Or(r.Status, "done")
	if r.StartedAt.IsZero() {
		r.StartedAt = s.now()
	}
	if r.CreatedAt.IsZero() {
		r.CreatedAt = r.StartedAt
	}
	if r.FinishedAt.IsZero() && (r.Status == "done" || r.Status == "error") {
		r.FinishedAt = s.now()
	}
	if r.LogPath == "" && r.ErrorMessage == "" {
		r.LogPath = fmt.Sprintf("/etc/dokploy/logs/%s/%s-%s.log", v.AppName, v.AppName, r.StartedAt.UTC().Format("2006-01-02:15:04:05"))
	}
	added := &row{Row: r, service: v}
	if r.LogPath != "" {
		key := fileKey(v.logServer(), r.LogPath)
		if s.files[key] == nil {
			s.files[key] = newLogFile(r.LogPath, false, s.closed)
			s.files[key].append([]byte(log))
		}
		added.log = s.files[key]
	}
	s.rows = append(s.rows, added)
	if r.RollbackID == "" {
		s.keepRollbackLocked(v, added, v.versionLocked(0))
	}
	return added.Row
}

// RemoveRow removes a deployment row. Its build continues.
func (s *Server) RemoveRow(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows = slices.DeleteFunc(s.rows, func(r *row) bool { return r.ID == id })
}

// SetRowStatus sets a row's status, whatever its build does. Terminal statuses
// get a finishedAt, except cancelled.
func (s *Server) SetRowStatus(id, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rows {
		if r.ID == id {
			r.Status = status
			r.FinishedAt = time.Time{}
			if status == "done" || status == "error" {
				r.FinishedAt = s.now()
			}
		}
	}
}

// Log returns the current content of a deployment's log file.
func (s *Server) Log(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rows {
		if r.ID == id && r.log != nil {
			return r.log.text()
		}
	}
	return ""
}

// AppendLog writes to a deployment's log file, whatever its build does.
func (s *Server) AppendLog(id, text string) {
	s.mu.Lock()
	var f *logFile
	for _, r := range s.rows {
		if r.ID == id {
			f = r.log
		}
	}
	s.mu.Unlock()
	if f != nil {
		_, _ = f.Write([]byte(text))
	}
}

// HideLogPath hides a row's logPath for some time.
func (s *Server) HideLogPath(id string, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rows {
		if r.ID != id {
			continue
		}
		path := r.LogPath
		r.LogPath = ""
		s.startLocked(func() {
			if s.wait(d) {
				s.mu.Lock()
				defer s.mu.Unlock()
				r.LogPath = path
			}
		})
	}
}

// EmptyLog truncates a deployment's log file, as another deployment that starts
// in the same second does.
func (s *Server) EmptyLog(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rows {
		if r.ID == id && r.log != nil {
			r.log.truncate()
		}
	}
}

func fileKey(host, path string) string { return host + "|" + path }

// logFile is a file that is written and followed at the same time.
type logFile struct {
	path    string
	discard bool
	closed  <-chan struct{}

	mu      sync.Mutex
	base    int64 // offset of buf's first byte; > 0 only when discarding
	buf     []byte
	cut     int           // number of truncations
	wake    chan struct{} // closed on the next change
	readers map[*fileReader]struct{}
	read    bool // has had a reader
}

// window is how far a writer may be ahead of the slowest reader when logs are
// discarded, in bytes.
const window = 1 << 20

func newLogFile(path string, discard bool, closed <-chan struct{}) *logFile {
	return &logFile{path: path, discard: discard, closed: closed, wake: make(chan struct{}), readers: map[*fileReader]struct{}{}}
}

// fileReader is a position in a logFile.
type fileReader struct {
	f   *logFile
	pos int64
	cut int
}

func (f *logFile) changedLocked() {
	close(f.wake)
	f.wake = make(chan struct{})
}

func (f *logFile) append(p []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.buf = append(f.buf, p...)
	f.changedLocked()
}

// Write appends. When logs are discarded it waits for the readers.
func (f *logFile) Write(p []byte) (int, error) {
	select {
	case <-f.closed:
		return 0, io.ErrClosedPipe
	default:
	}
	if f.discard {
		if err := f.makeRoom(); err != nil {
			return 0, err
		}
	}
	f.append(p)
	return len(p), nil
}

func (f *logFile) makeRoom() error {
	patience := time.NewTimer(10 * time.Second)
	defer patience.Stop()
	for {
		f.mu.Lock()
		end := f.base + int64(len(f.buf))
		slowest := end
		for r := range f.readers {
			slowest = min(slowest, r.pos)
		}
		unread := int64(len(f.buf)) > window && !f.read // no reader yet
		if !unread {
			// Move the kept part only if that frees a lot.
			if gone := slowest - f.base; gone >= 4*window {
				f.buf = append(make([]byte, 0, 6*window), f.buf[gone:]...)
				f.base = slowest
			}
		}
		wake := f.wake
		f.mu.Unlock()
		if !unread && end-slowest <= window {
			return nil
		}
		select {
		case <-wake:
		case <-patience.C:
			f.mu.Lock()
			f.read = true
			f.mu.Unlock()
		case <-f.closed:
			return io.ErrClosedPipe
		}
	}
}

func (f *logFile) truncate() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.base, f.buf = 0, nil
	f.cut++
	f.changedLocked()
}

func (f *logFile) text() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return string(f.buf)
}

// follow starts a reader at the first byte.
func (f *logFile) follow() *fileReader {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := &fileReader{f: f, pos: f.base, cut: f.cut}
	f.readers[r] = struct{}{}
	f.read = true
	f.changedLocked()
	return r
}

func (r *fileReader) stop() {
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	delete(r.f.readers, r)
	r.f.changedLocked()
}

// next returns up to limit of the next bytes, which stay unchanged; if there
// are none, wait for wake. truncated reports that the file was overwritten.
func (r *fileReader) next(limit int) (chunk []byte, truncated bool, wake <-chan struct{}) {
	f := r.f
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.cut != f.cut {
		r.cut, r.pos = f.cut, 0
		return nil, true, f.wake
	}
	chunk = f.buf[r.pos-f.base:]
	if len(chunk) > limit {
		chunk = chunk[:limit]
	}
	r.pos += int64(len(chunk))
	if len(chunk) > 0 && f.discard {
		f.changedLocked() // a writer may be waiting for this
	}
	return chunk[:len(chunk):len(chunk)], false, f.wake
}

// tail returns the last n lines, as tail -n does.
func (f *logFile) tail(n int) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	text := f.buf
	end := len(text)
	if end > 0 && text[end-1] == '\n' {
		end--
	}
	for ; n > 0; n-- {
		i := bytes.LastIndexByte(text[:end], '\n')
		if i < 0 {
			return bytes.Clone(text)
		}
		end = i
	}
	return bytes.Clone(text[end+1:])
}
