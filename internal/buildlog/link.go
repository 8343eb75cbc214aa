package buildlog

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/coder/websocket"
)

// link is a connection and its reader.
type link struct {
	turned chan struct{}
	opened chan *websocket.Conn
	frames chan piece
	free   chan []byte
	ended  chan error
	pong   chan error
	conn   *websocket.Conn
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
}

// run runs the connection until it ends.
func (k *link) run(way Way) error {
	ctx, err := way.Turn(k.ctx)
	if err != nil {
		return err
	}
	select {
	case k.turned <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	conn, err := way.Open(ctx)
	var status Refused
	switch {
	case err == nil:
	case errors.As(err, &status):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return errNotAnswered
	default:
		return &streamError{"the log stream cannot be opened", err}
	}
	defer conn.CloseNow() //nolint:errcheck // it is over either way
	conn.SetReadLimit(-1) // frames are read in pieces
	select {
	case k.opened <- conn:
	case <-ctx.Done():
		return ctx.Err()
	}
	err = readPieces(ctx, conn, k.frames, k.free)
	if status := websocket.CloseStatus(err); status != -1 {
		return fmt.Errorf("the log stream was closed (%d)", status)
	}
	return &streamError{"the log stream broke", err}
}

// piece is a frame, or a part of a long one.
type piece struct {
	data  []byte
	first bool
}

// readPieces reads frames until an error. It reuses buffers from free.
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

// fillPiece reads until the frame ends (io.EOF) or buf is full.
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
