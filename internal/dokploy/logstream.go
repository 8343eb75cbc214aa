package dokploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/coder/websocket"
)

// streamErrors begin the texts that Dokploy sends as ordinary frames when it
// cannot read the log (section 4, remote.md, listen-deployment.ts).
var streamErrors = [][]byte{
	[]byte("tail error: "), []byte("tail: cannot open "), []byte("tail: no files remaining"), []byte("SSH error: "),
	[]byte("Server not found"), []byte("This feature is not available in the cloud version."),
}

// tailComplains begins what tail says of a file it goes on reading ("file
// truncated": two deployments of one second share a file).
var tailComplains = []byte("tail error: tail: ")

// looksLikeStreamError tells text that is, or may become with its next frame,
// an error of the stream.
func looksLikeStreamError(text []byte) bool {
	for _, e := range streamErrors {
		n := min(len(e), len(text))
		if n > 0 && bytes.Equal(e[:n], text[:n]) {
			return true
		}
	}
	return false
}

// stream reads one connection to its end. Dokploy replays the file from its
// first line, so the lines that were given away are skipped.
func (l *Log) stream(ctx context.Context) error {
	q := url.Values{"logPath": {l.source.Path}}
	if l.source.ServerID != "" {
		q.Set("serverId", l.source.ServerID)
	}
	conn, err := l.client.dialStream(ctx, "/listen-deployment", q)
	if err != nil {
		return err
	}
	defer conn.CloseNow() //nolint:errcheck // it is over either way
	conn.SetReadLimit(-1) // it is read in pieces

	l.skip = l.emitted
	l.split.reset()
	l.setOpen(true)

	frames := make(chan piece)
	free := make(chan []byte, 2)
	readErr := make(chan error, 1)
	readCtx, stopRead := context.WithCancel(ctx)
	go func() {
		defer close(frames)
		readErr <- readPieces(readCtx, conn, frames, free)
	}()
	defer func() {
		stopRead()
		for range frames { // until the reader has ended
		}
	}()

	in := intake{log: l}
	pong := make(chan error, 1)
	lastFrame := time.Now()
	quiet := time.NewTimer(streamQuiet)
	defer quiet.Stop()
	for {
		select {
		case frame, ok := <-frames:
			if !ok {
				if len(in.held) > 0 {
					return errors.New(oneLine(string(in.held)))
				}
				err := <-readErr
				if status := websocket.CloseStatus(err); status != -1 {
					return fmt.Errorf("the log stream was closed (%d)", status)
				}
				return err
			}
			lastFrame = time.Now()
			in.take(frame)
			if len(in.held) > 0 {
				quiet.Reset(heldBack)
			} else {
				quiet.Reset(streamQuiet)
			}
			select {
			case free <- frame.data:
			default:
			}
		case <-quiet.C:
			if len(in.held) > 0 {
				in.show()
				quiet.Reset(streamQuiet)
				continue
			}
			// Beside the loop: the answer is read only while frames are taken.
			go func() {
				pingCtx, cancelPing := context.WithTimeout(readCtx, 10*time.Second)
				defer cancelPing()
				pong <- conn.Ping(pingCtx)
			}()
		case err := <-pong:
			// A peer that answers no ping but sends is alive.
			if err != nil && time.Since(lastFrame) >= streamQuiet {
				return fmt.Errorf("the log stream gives no sign of life: %w", err)
			}
			quiet.Reset(streamQuiet)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// intake gives the text of one connection to the log, and keeps back what looks
// like an error of the stream.
type intake struct {
	log     *Log
	held    []byte
	started bool // text of the log has come
}

func (in *intake) take(p piece) {
	switch {
	case len(in.held) > 0 && !in.started:
		// One error may come in several frames.
		in.held = append(in.held, p.data...)
		if !looksLikeStreamError(in.held) || len(in.held) > heldLimit {
			in.show()
		}
		return
	case len(in.held) > 0:
		// The stream goes on, so it was none.
		if !bytes.HasPrefix(in.held, tailComplains) {
			in.log.take(in.held)
		}
		in.held = nil
	}
	if p.first && looksLikeStreamError(p.data) && !in.log.split.seen {
		in.held = append(in.held, p.data...)
		return
	}
	in.log.take(p.data)
	in.started = true
}

// show gives away what was kept back.
func (in *intake) show() {
	if len(in.held) > 0 {
		in.log.take(in.held)
		in.held, in.started = nil, true
	}
}

// piece is a frame, or a part of a long one.
type piece struct {
	data  []byte
	first bool
}

// readPieces reads frames until that fails, into buffers that were used
// before, if there are any.
func readPieces(ctx context.Context, conn *websocket.Conn, frames chan<- piece, free <-chan []byte) error {
	for {
		_, r, err := conn.Reader(ctx)
		if err != nil {
			return err
		}
		for first := true; ; first = false {
			var buf []byte
			select {
			case buf = <-free:
			default:
				buf = make([]byte, 0, 4096)
			}
			buf, err = fillPiece(r, buf[:0])
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			if len(buf) > 0 || first {
				select {
				case frames <- piece{buf, first}:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			if errors.Is(err, io.EOF) {
				break
			}
		}
	}
}

// fillPiece reads until the frame ends (io.EOF) or the piece is full.
func fillPiece(r io.Reader, buf []byte) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			if len(buf) >= pieceLimit {
				return buf, nil
			}
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err != nil {
			return buf, err
		}
	}
}
