package ci

import (
	"bytes"
	"encoding/hex"
	"unicode/utf16"
	"unicode/utf8"
)

// maxEscaped is how many levels of escaping are undone: JSON in JSON, with an
// address in it.
const maxEscaped = 3

// findEscaped finds secrets that are written with the escapes of JSON or URLs.
// Encoders differ in what they escape (PHP writes \/, Python \u00e9, .NET
// \u002B), so the text is decoded instead of searching for each spelling.
func (m masker) findEscaped(text []byte) (spans []span) {
	if m.pairs == nil {
		return nil
	}
	var at []int // offsets in text of the bytes of plain; nil: plain is text
	plain := text
	for range maxEscaped {
		next, from := unescape(plain)
		if from == nil {
			break
		}
		if at != nil {
			for i, n := range from {
				from[i] = at[n]
			}
		}
		plain, at = next, from
		for _, s := range m.find(plain) {
			spans = append(spans, span{at[s.from], at[s.to]})
		}
	}
	return spans
}

// unescape decodes the escapes in text. at holds the offset in text of each
// byte of plain, and of its end. Both are nil if there is no escape.
func unescape(text []byte) (plain []byte, at []int) {
	if bytes.IndexByte(text, '\\') < 0 && bytes.IndexByte(text, '%') < 0 { // nearly always
		return nil, nil
	}
	done := 0
	for i := 0; ; {
		n := bytes.IndexAny(text[i:], `\%`)
		if n < 0 {
			break
		}
		i += n
		char, size := escaped(text[i:])
		if size == 0 {
			i++
			continue
		}
		for ; done < i; done++ {
			plain, at = append(plain, text[done]), append(at, done)
		}
		plain = append(plain, char...)
		for range char {
			at = append(at, i)
		}
		i += size
		done = i
	}
	if at == nil {
		return nil, nil
	}
	for ; done < len(text); done++ {
		plain, at = append(plain, text[done]), append(at, done)
	}
	return plain, append(at, len(text))
}

var shortEscapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escaped decodes the escape at the start of text; size 0: there is none.
func escaped(text []byte) (char []byte, size int) {
	if text[0] == '%' {
		if len(text) < 3 {
			return nil, 0
		}
		char = make([]byte, 1)
		if _, err := hex.Decode(char, text[1:3]); err != nil {
			return nil, 0
		}
		return char, 3
	}
	if len(text) > 1 {
		if c, ok := shortEscapes[text[1]]; ok {
			return []byte{c}, 2
		}
	}
	r, ok := unit(text)
	if !ok {
		return nil, 0
	}
	size = 6
	if utf16.IsSurrogate(r) {
		low, _ := unit(text[size:])
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			return nil, 0
		}
		size = 12
	}
	return utf8.AppendRune(nil, r), size
}

// unit decodes \u and four hex digits.
func unit(text []byte) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	var b [2]byte
	if _, err := hex.Decode(b[:], text[2:6]); err != nil {
		return 0, false
	}
	return rune(b[0])<<8 | rune(b[1]), true
}
