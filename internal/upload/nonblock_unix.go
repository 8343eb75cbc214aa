//go:build unix

package upload

import "syscall"

// nonblock keeps the opening of a pipe, which may stand in a file's place by
// then, from waiting for a writer.
const nonblock = syscall.O_NONBLOCK
