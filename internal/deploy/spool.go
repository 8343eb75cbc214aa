package deploy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
)

const (
	// inMemory is how much of a log is kept if there is no place for a file, in
	// bytes.
	inMemory = 8 << 20
	// perLine is what keeping a line costs besides its text, in bytes.
	perLine = 48
	// spoolBlock is how much is written at a time.
	spoolBlock = 64 << 10
)

// spool keeps a whole log until the verdict: in a temporary file, so that
// memory use stays flat, and once that cannot be written to, its newest lines
// in memory.
type spool struct {
	file    *os.File // nil: none could be created
	block   []byte   // whole lines that are not in it yet
	inBlock int
	size    int64 // of its content, in whole lines
	inFile  int   // lines

	failed  error // why it is no longer written to; nil: it is
	kept    [][]byte
	bytes   int
	dropped int
}

func newSpool() *spool {
	f, err := os.CreateTemp("", "dokploy-deploy-log-")
	if err != nil {
		return &spool{failed: err}
	}
	// Removed when the process ends, however it ends (where the system allows
	// it).
	_ = os.Remove(f.Name())
	return &spool{file: f}
}

func (s *spool) add(line []byte) {
	if s.failed != nil {
		s.keep(bytes.Clone(line))
		return
	}
	s.block = append(append(s.block, line...), '\n')
	if s.inBlock++; len(s.block) >= spoolBlock {
		s.write()
	}
}

// write writes the block, or keeps it in memory.
func (s *spool) write() {
	if s.failed != nil || len(s.block) == 0 {
		return
	}
	if _, err := s.file.Write(s.block); err != nil {
		// The disk is full: the whole blocks in the file stay there.
		s.failed = err
		for line := range bytes.Lines(s.block) {
			s.keep(bytes.TrimSuffix(line, []byte("\n")))
		}
		s.block = nil
		return
	}
	s.size += int64(len(s.block))
	s.inFile += s.inBlock
	s.block, s.inBlock = s.block[:0], 0
}

// keep keeps a line in memory, and only the newest ones.
func (s *spool) keep(line []byte) {
	s.kept = append(s.kept, line)
	s.bytes += len(line) + perLine
	for s.bytes > inMemory && len(s.kept) > 1 {
		s.bytes -= len(s.kept[0]) + perLine
		s.kept[0] = nil
		s.kept = s.kept[1:]
		s.dropped++
	}
}

// replay shows everything that was kept, and where how many lines are missing.
func (s *spool) replay(show func(line []byte), missing func(text string)) {
	s.write()
	shown, err := s.readFile(show)
	if left := s.inFile - shown; left > 0 {
		missing(fmt.Sprintf("%s of the log are missing here: they cannot be read back from the temporary file (%v)", countLines(left), err))
	}
	if s.dropped > 0 {
		missing(fmt.Sprintf("%s of the log are missing here: no temporary file could be written (%v), and without one only the last 8 MiB are kept", countLines(s.dropped), s.failed))
	}
	for _, line := range s.kept {
		show(line)
	}
}

// countLines formats a number of lines.
func countLines(n int) string {
	if n == 1 {
		return "1 line"
	}
	return fmt.Sprintf("%d lines", n)
}

// readFile shows the lines in the file.
func (s *spool) readFile(show func(line []byte)) (shown int, err error) {
	if s.file == nil || s.size == 0 {
		return 0, nil
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	r := bufio.NewReaderSize(io.LimitReader(s.file, s.size), spoolBlock)
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return shown, err
		}
		show(line[:len(line)-1])
		shown++
	}
}

func (s *spool) close() {
	if s.file != nil {
		_ = s.file.Close()
		_ = os.Remove(s.file.Name())
	}
}
