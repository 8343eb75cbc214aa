//go:build unix

package upload

import "syscall"

// nonblock keeps opening a pipe, which may have replaced the file, from waiting
// for a writer.
const nonblock = syscall.O_NONBLOCK
