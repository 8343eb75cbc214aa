package ci

import (
	"io"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/term"
)

// style is how a line of our own is coloured: the parameters of an SGR
// sequence; empty: not at all.
type style string

const (
	plain  style = ""
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
)

// screen is what the output is seen on.
type screen struct {
	colours bool
	columns int // how wide our own lines may be
}

// The width of our own lines: what COLUMNS says, else that of the terminal
// within these bounds, and the common one where there is none.
const (
	fewColumns    = 40
	commonColumns = 80
	manyColumns   = 120
)

// screenOf finds out what an output is seen on. CI hosts show colours, but for
// Jenkins, which needs a plugin for it.
func screenOf(h Host, w io.Writer) screen {
	s := screen{columns: commonColumns}
	terminal := false
	if f, ok := w.(*os.File); ok && h.name == "" {
		fd := int(f.Fd())
		terminal = term.IsTerminal(fd) && (runtime.GOOS != "windows" || !oldConsole(h))
		if columns, _, err := term.GetSize(fd); err == nil && columns > 0 {
			s.columns = min(max(columns, fewColumns), manyColumns)
		}
	}
	if columns, err := strconv.Atoi(h.get("COLUMNS")); err == nil && columns >= fewColumns {
		s.columns = columns
	}
	switch {
	case h.get("NO_COLOR") != "", h.get("TERM") == "dumb", h.name == "Jenkins":
	case h.name != "":
		s.colours = true
	default:
		forced := h.get("FORCE_COLOR")
		s.colours = terminal || forced != "" && forced != "0"
	}
	return s
}

// oldConsole reports whether a console of Windows shows escape sequences as
// they are: nothing says that it can do more.
func oldConsole(h Host) bool {
	for _, name := range []string{"WT_SESSION", "TERM", "ANSICON", "ConEmuANSI"} {
		if h.get(name) != "" {
			return false
		}
	}
	return true
}

// coloured puts a style on a text.
func (s style) coloured(text string) string {
	if s == plain || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + sgrReset
}
