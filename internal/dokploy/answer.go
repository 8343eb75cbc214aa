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

// What is read of an answer is bounded, so that memory is, whatever a server
// sends: by its bytes as they are after unpacking, and by what is made of
// them, since 3 bytes of JSON can become an object of 180.
const (
	// maxBody bounds an answer. The largest that Dokploy gives are a log of
	// 1 MiB and a service with files of up to 1 MB each.
	maxBody = 8 << 20
	// maxListBody bounds project.all, which carries whole services before
	// 0.28.3, compose files included (docs/dokploy.md, Versions).
	maxListBody = 16 << 20
	// maxErrorBody bounds an answer that says no; the rest is left out.
	maxErrorBody = 256 << 10
	// maxHeader bounds the head of an answer.
	maxHeader = 256 << 10
	// maxObjects and maxListObjects bound the objects in an answer and in
	// project.all, maxElements one list.
	maxObjects     = 50_000
	maxListObjects = 60_000
	maxElements    = 25_000
	// maxName bounds names, ids and paths, which are sent back and shown.
	maxName = 4 << 10
	// smallBody is what any number of requests may read at a time. Only one
	// at a time may read more.
	smallBody = 256 << 10
)

const listProcedure = "project.all"

func limitsOf(procedure string) (body, objects int) {
	if procedure == listProcedure {
		return maxListBody, maxListObjects
	}
	return maxBody, maxObjects
}

// answer is what came back, its body read.
type answer struct {
	status int
	header http.Header
	body   []byte
	odd    Odd
	large  bool   // there is more of it than may be read
	hops   int    // redirects followed
	from   string // who answered after them, without a query
	free   func()
}

// release lets the next large answer be read.
func (a *answer) release() {
	if a.free != nil {
		a.free()
		a.free = nil
	}
}

// brokenAnswer is an answer whose body could not be read completely.
type brokenAnswer struct {
	got int // bytes that came
	err error
}

func (e *brokenAnswer) Error() string {
	return fmt.Sprintf("the answer broke off after %d bytes: %v", e.got, e.err)
}

func (e *brokenAnswer) Unwrap() error { return e.err }

// read reads the body of an answer up to limit. What is more than smallBody
// waits for its turn. A switch to another protocol that nobody asked for has
// none: it is the connection itself, which no context ends.
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

// fill reads until buf is full. Unlike io.ReadFull it leaves the error as it
// is: the end, or that the body broke off.
func fill(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var got int
		got, err = r.Read(buf[n:])
		n += got
	}
	return n, err
}

// listOf is a list in an answer; nil where there is none. Unlike a slice it is
// read an element after the other, and ends with the first that is wrong.
type listOf[T any] []T

// UnmarshalJSON reads the list. An element that is null is left out.
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

// unwrap takes an answer bare, as {"result":{"data":…}} and as
// {"result":{"data":{"json":…}}} (docs/dokploy.md, The API).
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
