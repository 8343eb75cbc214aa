package buildlog

import (
	"bytes"
	"time"
)

// tailComplains begins what tail says of a file it goes on reading ("file
// truncated": two deployments of one second share a file).
var (
	tailComplains = []byte("tail error: tail: ")
	fileTruncated = []byte(": file truncated")
)

// intake gives the text of one connection to the log, and keeps back what looks
// like an error of the stream.
type intake struct {
	stream  *stream
	held    []byte
	since   time.Time // when it was last added to
	started bool      // text of the log has come
}

func (in *intake) take(p piece) {
	switch {
	case len(in.held) > 0 && !in.started:
		// One error may come in several frames.
		in.hold(p.data)
		if !in.stream.log.way.IsError(in.held) || len(in.held) > heldLimit {
			in.show()
		}
		return
	case len(in.held) > 0:
		// The stream continues, so it was none.
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

// goesOn takes what was kept back, since no end followed it.
func (in *intake) goesOn() {
	held := in.held
	in.held = nil
	if !bytes.HasPrefix(held, tailComplains) || bytes.Contains(held, fileTruncated) {
		in.stream.text(held)
	}
}

// show delivers what was held.
func (in *intake) show() {
	if len(in.held) > 0 {
		held := in.held
		in.held, in.started = nil, true
		in.stream.text(held)
	}
}
