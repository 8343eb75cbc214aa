package dokploy

import (
	"context"
	"errors"
	"hash/maphash"
	"net/http"
	"strings"
	"time"
)

// rest reads the log over REST until it is stopped (≥ 0.29.5).
func (l *Log) rest(ctx context.Context, why error) {
	l.skip = 0
	l.split.reset()
	if l.source.NoREST {
		l.lost("the log cannot be shown: " + describe(why) + "; the deployment is followed without it")
		return
	}
	l.mu.Lock()
	l.resting = true
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.resting = false
		l.mu.Unlock()
	}()
	var asked chan struct{} // closed after the next read
	announced := false
	for first := true; ; first = false {
		if !first {
			t := time.NewTimer(restPause)
			select {
			case asked = <-l.final:
			case <-t.C:
			case <-ctx.Done():
				t.Stop()
				return
			}
			t.Stop()
		}
		text, err := l.client.ReadLogs(ctx, l.source.DeploymentID, l.restTail)
		var e *Error
		switch {
		case ctx.Err() != nil:
			return
		case Unsupported(err):
			l.lost("the log cannot be shown: " + describe(why) + ", and this Dokploy has no other way to read it; the deployment is followed without it")
			return
		case errors.As(err, &e) && e.Status == http.StatusInternalServerError && strings.Contains(e.Message, "maxBuffer") && l.restTail > 1:
			l.restTail = max(1, l.restTail/2)
		case err != nil:
			// An outage: the loop that follows the deployment speaks of it.
		default:
			if !announced {
				announced = true
				l.events.Lost("the live log cannot be had (" + describe(why) + "); it is read every " + restPause.String())
			}
			l.takeTail(text)
		}
		if asked != nil {
			close(asked)
			asked = nil
		}
	}
}

// readEnd reads the log over REST once, where the stream cannot be had at the
// end of a deployment.
func (l *Log) readEnd(ctx context.Context) bool {
	if l.source.NoREST {
		return false
	}
	text, err := l.client.ReadLogs(ctx, l.source.DeploymentID, l.restTail)
	if err != nil {
		return false
	}
	l.skip = 0
	l.split.reset()
	l.takeTail(text)
	return true
}

func describe(err error) string {
	if err == nil {
		return "the log stream ended"
	}
	return oneLine(err.Error())
}

func (l *Log) lost(text string) {
	if !l.told {
		l.told = true
		l.events.Lost(text)
	}
}

// takeTail gives away what is new in the last lines of the log. A last line
// without a newline waits for its rest.
func (l *Log) takeTail(text string) {
	n := strings.Count(text, "\n")
	if !strings.HasSuffix(text, "\n") {
		n++
	}
	for ; n > l.restTail; n-- { // more than was asked for
		text = text[strings.IndexByte(text, '\n')+1:]
	}
	complete := text[:strings.LastIndexByte(text, '\n')+1]
	if complete == "" {
		return
	}
	var lines [][]byte
	// All in one piece, so that the lines are parts of it and stay.
	whole := lineSplitter{emit: func(line []byte) { lines = append(lines, line) }}
	whole.write([]byte(complete))
	from := 0
	switch {
	case n < l.restTail:
		// The whole log: the place is known by number.
		from = min(l.emitted, len(lines))
	case l.emitted > 0:
		var found bool
		if from, found = l.align(lines); !found {
			l.lost("some lines of the log may be missing here: more came between two reads than can be read at once")
		}
		l.restTail = min(l.restTail*2, maxTail)
	default:
		l.lost("the beginning of the log is left out: it is longer than can be read at once")
	}
	if from < len(lines) {
		l.mu.Lock()
		l.lastData = time.Now()
		l.mu.Unlock()
	}
	for _, line := range lines[from:] {
		l.line(line)
	}
}

// align finds where the lines given away end in a tail of the log: behind the
// last place where the newest of them stand in a row.
func (l *Log) align(lines [][]byte) (from int, found bool) {
	newest := l.newest()
	hashes := make([]uint64, len(lines))
	for i, line := range lines {
		hashes[i] = maphash.Bytes(l.seed, line)
	}
	best, bestLen := 0, 0
	for end := len(hashes); end > 0; end-- {
		n := 0
		for n < len(newest) && n < end && hashes[end-1-n] == newest[len(newest)-1-n] {
			n++
		}
		if n > bestLen {
			best, bestLen = end, n
		}
		if n == len(newest) {
			break
		}
	}
	return best, bestLen > 0
}

// aligned is how many lines are remembered to find the place in a log over REST.
const aligned = 64

func (l *Log) remember(line []byte) {
	h := maphash.Bytes(l.seed, line)
	if len(l.recent) < aligned {
		l.recent = append(l.recent, h)
		return
	}
	l.recent[l.emitted%aligned] = h
}

// newest returns the hashes of the newest lines, oldest first.
func (l *Log) newest() []uint64 {
	if len(l.recent) < aligned {
		return l.recent
	}
	i := (l.emitted + 1) % aligned
	return append(append([]uint64(nil), l.recent[i:]...), l.recent[:i]...)
}
