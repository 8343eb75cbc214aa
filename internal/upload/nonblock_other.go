//go:build !unix

package upload

const nonblock = 0
