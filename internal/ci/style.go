package ci

import (
	"io"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/term"
)

// style is the colour of a line of our own, as the parameters of an SGR
// sequence; empty: none.
type style string

const (
	plain  style = ""
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
)

// screen describes where the output is shown.
type screen struct {
	colours bool
	columns int // maximum width of our own lines
}

// The width of our own lines is COLUMNS, else that of the terminal within these
// bounds, else the usual one.
const (
	fewColumns    = 40
	commonColumns = 80
	manyColumns   = 120
)

// screenOf determines where the output is shown. CI hosts show colours, except
// Jenkins, which needs a plugin for them.
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

// oldConsole reports whether a Windows console may print escape sequences
// literally: nothing says that it understands them.
func oldConsole(h Host) bool {
	for _, name := range []string{"WT_SESSION", "TERM", "ANSICON", "ConEmuANSI"} {
		if h.get(name) != "" {
			return false
		}
	}
	return true
}

// coloured applies a style to text.
func (s style) coloured(text string) string {
	if s == plain || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + sgrReset
}
