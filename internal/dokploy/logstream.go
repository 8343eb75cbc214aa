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
	conn.SetReadLimit(frameLimit)

	l.skip = l.emitted
	l.split.reset()
	l.setOpen(true)

	frames := make(chan []byte)
	free := make(chan []byte, 2)
	readErr := make(chan error, 1)
	readCtx, stopRead := context.WithCancel(ctx)
	go func() {
		defer close(frames)
		for {
			buf, err := readFrame(readCtx, conn, free)
			if err != nil {
				readErr <- err
				return
			}
			select {
			case frames <- buf:
			case <-readCtx.Done():
				readErr <- readCtx.Err()
				return
			}
		}
	}()
	defer func() {
		stopRead()
		for range frames { // until the reader has ended
		}
	}()

	var held []byte // text at the start of a frame that looks like an error of the stream
	started := false
	pong := make(chan error, 1)
	lastFrame := time.Now()
	quiet := time.NewTimer(streamQuiet)
	defer quiet.Stop()
	for {
		select {
		case buf, ok := <-frames:
			if !ok {
				if len(held) > 0 {
					return errors.New(oneLine(string(held), 300))
				}
				err := <-readErr
				if status := websocket.CloseStatus(err); status != -1 {
					return fmt.Errorf("the log stream was closed (%d)", status)
				}
				return err
			}
			lastFrame = time.Now()
			quiet.Reset(streamQuiet)
			switch {
			case len(held) > 0 && !started:
				// One error may come in several frames.
				held = append(held, buf...)
				if !looksLikeStreamError(held) {
					l.take(held)
					held, started = nil, true
				} else {
					quiet.Reset(heldBack)
				}
			case len(held) > 0:
				if !bytes.HasPrefix(held, tailComplains) {
					l.take(held)
				}
				held = nil
				fallthrough
			default:
				if looksLikeStreamError(buf) && !l.split.seen {
					held = append(held, buf...)
					quiet.Reset(heldBack)
				} else {
					l.take(buf)
					started = true
				}
			}
			select {
			case free <- buf:
			default:
			}
		case <-quiet.C:
			if len(held) > 0 {
				l.take(held)
				held, started = nil, true
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

// readFrame reads one frame into a buffer that was used before, if there is one.
func readFrame(ctx context.Context, conn *websocket.Conn, free <-chan []byte) ([]byte, error) {
	_, r, err := conn.Reader(ctx)
	if err != nil {
		return nil, err
	}
	var buf []byte
	select {
	case buf = <-free:
		buf = buf[:0]
	default:
		buf = make([]byte, 0, 4096)
	}
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
