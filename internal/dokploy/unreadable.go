package dokploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"dokploy-deploy/internal/text"
)

// emptyAnswer is the message for an answer without a body.
const emptyAnswer = "the answer is empty"

// unreadable is the error for an answer that does not fit the procedure.
func unreadable(procedure string, a *answer, err error) error {
	e := &Error{Procedure: procedure, Status: a.status, Odd: a.odd, Message: "the answer cannot be read: " + readError(err)}
	if len(bytes.TrimSpace(a.body)) == 0 {
		e.Message = emptyAnswer
	}
	return e
}

// readError says what is wrong with JSON, in terms of the JSON.
func readError(err error) string {
	wrong, ok := err.(*json.UnmarshalTypeError) //nolint:errorlint // it is never wrapped
	if !ok {
		return text.OneLine(strings.TrimPrefix(err.Error(), "json: "))
	}
	got, _, _ := strings.Cut(wrong.Value, " ") // "number 12" quotes the answer
	want := "an object"
	switch wrong.Type.Kind() {
	case reflect.String:
		want = "text"
	case reflect.Bool:
		want = "true or false"
	case reflect.Slice:
		want = "a list"
	case reflect.Int, reflect.Uint64, reflect.Float64:
		want = "a number"
	}
	if want == "a number" && got == "number" {
		got = "a number out of range"
	}
	// Go's names of embedded fields are not part of the JSON.
	parts := slices.DeleteFunc(strings.Split(wrong.Field, "."), func(part string) bool { return strings.HasPrefix(part, "wire") })
	if field := text.OneLine(strings.Join(parts, ".")); field != "" {
		return fmt.Sprintf("%s is %s, expected %s", field, article(got), want)
	}
	return fmt.Sprintf("it is %s, expected %s", article(got), want)
}

func article(kind string) string {
	switch kind {
	case "array", "object":
		return "an " + kind
	case "number", "string":
		return "a " + kind
	case "bool":
		return "true or false"
	}
	return kind
}

// noList is the error for null in place of a list.
func noList(procedure string) error {
	return &Error{Procedure: procedure, Status: http.StatusOK, Message: "the answer is not a list"}
}

// largeError is the error for an answer over a limit.
func largeError(procedure string, a *answer, what string) error {
	return &Error{Procedure: procedure, Status: a.status, Odd: oddLarge, Message: what}
}

// longName returns an error if one of the names or ids is too long to be one.
func longName(procedure string, names ...string) error {
	for _, name := range names {
		if len(name) > maxName {
			return &Error{
				Procedure: procedure, Status: http.StatusOK, Odd: oddLarge,
				Message: fmt.Sprintf("%d bytes are too many for a name or id", len(name)),
			}
		}
	}
	return nil
}

func megabytes(n int) string { return strconv.Itoa(n>>20) + " MB" }
