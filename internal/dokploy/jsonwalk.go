package dokploy

import (
	"iter"
)

// kindOf names the type of a JSON value.
func kindOf(b []byte) string {
	if len(b) == 0 {
		return "nothing"
	}
	switch b[0] {
	case '[':
		return "array"
	case '{':
		return "object"
	case '"':
		return "string"
	case 'n':
		return "null"
	case 't', 'f':
		return "bool"
	}
	return "number"
}

// elements yields the elements of a valid JSON array, without copying.
func elements(b []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := skipSpace(b, 1); i < len(b) && b[i] != ']'; i = skipSpace(b, i) {
			end := skipValue(b, i)
			if !yield(b[i:end]) {
				return
			}
			i = end
		}
	}
}

// members yields the members of a valid JSON object, without copying. Names
// keep their quotes.
func members(b []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for i := skipSpace(b, 1); i < len(b) && b[i] != '}'; i = skipSpace(b, i) {
			end := skipValue(b, i)
			start := skipSpace(b, end)
			name := b[i:end]
			i = skipValue(b, start)
			if !yield(name, b[start:i]) {
				return
			}
		}
	}
}

// member returns a member of an object; false also if b is not an object.
func member(b []byte, name string) ([]byte, bool) {
	if kindOf(b) == "object" {
		for n, value := range members(b) {
			if string(n) == `"`+name+`"` {
				return value, true
			}
		}
	}
	return nil, false
}

// skipSpace skips white space, commas and colons.
func skipSpace(b []byte, i int) int {
	for i < len(b) {
		switch b[i] {
		case ' ', '\t', '\r', '\n', ',', ':':
			i++
		default:
			return i
		}
	}
	return i
}

// skipValue returns the index just after the JSON value that starts at b[i]. b
// must be valid JSON.
func skipValue(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i = skipString(b, i)
			if depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return i // end of a number
			}
			if depth == 0 {
				return i + 1
			}
		case ' ', '\t', '\r', '\n', ',', ':':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return i
}

func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// objects counts the objects in valid JSON.
func objects(b []byte) (n int) {
	for i := 0; i < len(b); {
		switch b[i] {
		case '"':
			i = skipString(b, i)
			continue
		case '{':
			n++
		}
		i++
	}
	return n
}
