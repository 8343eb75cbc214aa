package dokploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
)

// Limits on an answer keep memory use bounded, whatever a server sends: its
// size after decompression, and the number of objects in it, since 3 bytes of
// JSON can become an object of 180.
const (
	// maxBody limits an answer, in bytes. The largest that Dokploy sends are a
	// log of 1 MiB and a service with files of up to 1 MB each.
	maxBody = 8 << 20
	// maxListBody limits project.all, which contains whole services before
	// 0.28.3, compose files included (docs/dokploy.md, Versions).
	maxListBody = 16 << 20
	// maxErrorBody limits the body of an error; the rest is dropped.
	maxErrorBody = 256 << 10
	// maxHeader limits the headers of an answer.
	maxHeader = 256 << 10
	// maxObjects and maxListObjects limit the number of objects in an answer
	// and in project.all, maxElements the length of one list.
	maxObjects     = 50_000
	maxListObjects = 60_000
	maxElements    = 25_000
	// maxName limits names, ids and paths, which are sent back and shown.
	maxName = 4 << 10
	// smallBody is how much every request may read. Only one request at a time
	// may read more.
	smallBody = 256 << 10
)

const listProcedure = "project.all"

func limitsOf(procedure string) (body, objects int) {
	if procedure == listProcedure {
		return maxListBody, maxListObjects
	}
	return maxBody, maxObjects
}

// answer is an HTTP answer with its body read.
type answer struct {
	status int
	header http.Header
	body   []byte
	odd    Odd
	large  bool   // the body is longer than the limit
	hops   int    // redirects followed
	from   string // address that answered after them, without the query
	free   func()
}

// release lets the next large answer be read.
func (a *answer) release() {
	if a.free != nil {
		a.free()
		a.free = nil
	}
}

// brokenAnswer is an answer whose body could not be read to its end.
type brokenAnswer struct {
	got int // bytes received
	err error
}

func (e *brokenAnswer) Error() string {
	return fmt.Sprintf("the answer broke off after %d bytes: %v", e.got, e.err)
}

func (e *brokenAnswer) Unwrap() error { return e.err }

// read reads the body of an answer up to limit. What exceeds smallBody waits
// for its turn. A protocol switch that nobody asked for has no body: it is the
// connection itself, and no context ends it.
func (c *Client) read(ctx context.Context, a *answer, body io.Reader, limit int) error {
	if a.status == http.StatusSwitchingProtocols {
		return nil
	}
	var chunks [][]byte
	total := 0
	for size := 4 << 10; ; size = min(2*size, 1<<20) {
		if total >= smallBody && a.free == nil {
			select {
			case c.large <- struct{}{}:
				a.free = func() { <-c.large }
			case <-ctx.Done():
				return &brokenAnswer{total, ctx.Err()}
			}
		}
		chunk := make([]byte, min(size, limit-total+1))
		n, err := fill(body, chunk)
		total += n
		chunks = append(chunks, chunk[:n])
		switch {
		case total > limit:
			a.large = true
		case errors.Is(err, io.EOF):
		case err != nil:
			return &brokenAnswer{total, err}
		default:
			continue
		}
		break
	}
	total = min(total, limit)
	if len(chunks) == 1 {
		a.body = chunks[0][:total]
		return nil
	}
	a.body = make([]byte, 0, total)
	for _, chunk := range chunks {
		a.body = append(a.body, chunk[:min(len(chunk), total-len(a.body))]...)
	}
	return nil
}

// fill reads until buf is full. Unlike io.ReadFull it returns the reader's
// error unchanged: the end of the body, or that it was cut off.
func fill(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var got int
		got, err = r.Read(buf[n:])
		n += got
	}
	return n, err
}

// listOf is a list in an answer; nil if there is none. Unlike a slice it is
// decoded one element at a time, and decoding stops at the first bad one.
type listOf[T any] []T

// UnmarshalJSON decodes the list. Elements that are null are skipped.
func (l *listOf[T]) UnmarshalJSON(b []byte) error {
	*l = nil
	switch kind := kindOf(b); kind {
	case "null":
		return nil
	case "array":
	default:
		return &json.UnmarshalTypeError{Value: kind, Type: reflect.TypeFor[[]T]()}
	}
	list := []T{}
	for element := range elements(b) {
		if kindOf(element) == "null" {
			continue
		}
		if len(list) == maxElements {
			return fmt.Errorf("a list has more than %d elements", maxElements)
		}
		var zero T
		list = append(list, zero)
		if err := json.Unmarshal(element, &list[len(list)-1]); err != nil {
			return err
		}
	}
	*l = list
	return nil
}

// unwrap returns the payload of an answer that is bare, {"result":{"data":…}}
// or {"result":{"data":{"json":…}}} (docs/dokploy.md, The API).
func unwrap(body []byte) []byte {
	trimmed := bytes.TrimSpace(body)
	if !bytes.HasPrefix(trimmed, []byte(`{"result"`)) || !json.Valid(trimmed) {
		return body
	}
	result, _ := member(trimmed, "result")
	data, ok := member(result, "data")
	if !ok {
		return body
	}
	inner, ok := member(data, "json")
	if !ok {
		return data
	}
	for name, value := range members(data) {
		if string(name) != `"json"` && (string(name) != `"meta"` || kindOf(value) == "null") {
			return data
		}
	}
	return inner
}
