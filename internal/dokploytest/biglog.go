package dokploytest

import (
	"fmt"
	"io"
	"strings"
)

// BigLog returns a LogWriter that writes size bytes of typical build output.
func BigLog(size int) func(io.Writer) {
	var block strings.Builder
	for i := 0; block.Len() < 64<<10; i++ {
		fmt.Fprintf(&block, "#12 %d.%03d npm http fetch GET 200 https://registry.example/some-package-%d 41ms (cache miss)\n", i/10, i, i)
	}
	text := []byte(block.String())
	return func(w io.Writer) {
		for n := 0; n < size; n += len(text) {
			if _, err := w.Write(text); err != nil {
				return
			}
		}
	}
}
