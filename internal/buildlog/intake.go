package buildlog

import (
	"bytes"
	"time"
)

// tailComplains starts what tail reports about a file that it keeps reading
// ("file truncated": two deployments of the same second share a file).
var (
	tailComplains = []byte("tail error: tail: ")
	fileTruncated = []byte(": file truncated")
)

// intake passes the text of one connection on to the log. It holds back text
// that looks like an error of the stream.
type intake struct {
	stream  *stream
	held    []byte
	since   time.Time // when text was last added to held
	started bool      // some of the log has arrived
}

func (in *intake) take(p piece) {
	switch {
	case len(in.held) > 0 && !in.started:
		// One error may be split into several frames.
		in.hold(p.data)
		if !in.stream.log.way.IsError(in.held) || len(in.held) > heldLimit {
			in.show()
		}
		return
	case len(in.held) > 0:
		// More text follows, so it was no error.
		in.goesOn()
	}
	if p.first && in.stream.log.way.IsError(p.data) && !in.stream.split.seen {
		in.hold(p.data)
		return
	}
	in.started = true
	in.stream.text(p.data)
}

func (in *intake) hold(text []byte) {
	in.held, in.since = append(in.held, text...), time.Now()
}

// goesOn passes on the held text, since the stream did not end after it.
func (in *intake) goesOn() {
	held := in.held
	in.held = nil
	if !bytes.HasPrefix(held, tailComplains) || bytes.Contains(held, fileTruncated) {
		in.stream.text(held)
	}
}

// show passes on the held text.
func (in *intake) show() {
	if len(in.held) > 0 {
		held := in.held
		in.held, in.started = nil, true
		in.stream.text(held)
	}
}
