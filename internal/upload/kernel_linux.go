package upload

import (
	"os"
	"slices"
	"syscall"
)

// kernelSystems are the types (statfs) of file systems whose files have no true
// size; some never end.
var kernelSystems = []int64{
	0x9fa0,     // proc
	0x62656572, // sysfs
	0x64626720, // debugfs
	0x74726163, // tracefs
	0x27e0eb,   // cgroup
	0x63677270, // cgroup2
	0x73636673, // securityfs
	0x62656570, // configfs
	0xcafe4a11, // bpf
	0x6165676c, // pstore
	0xde5e81e4, // efivarfs
	0xf97cff8c, // selinux
	0x42494e4d, // binfmt_misc
	0x65735543, // fusectl
	0x19800202, // mqueue
	0x1cd1,     // devpts
	0x6e736673, // nsfs
}

// ofKernel reports whether a file is on one of them.
func ofKernel(f *os.File) bool {
	conn, err := f.SyscallConn()
	if err != nil {
		return false
	}
	var st syscall.Statfs_t
	if conn.Control(func(fd uintptr) { err = syscall.Fstatfs(int(fd), &st) }) != nil || err != nil {
		return false
	}
	return slices.Contains(kernelSystems, int64(uint32(st.Type))) //nolint:gosec // a magic number of 32 bits, which some systems hold signed
}
