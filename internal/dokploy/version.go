package dokploy

import (
	"cmp"
	"context"
	"strconv"
	"strings"
)

// Version is the version of a server; the zero value is unknown.
type Version struct{ Major, Minor, Patch int }

// ParseVersion parses "v0.30.2"; ok is false for anything else ("canary").
func ParseVersion(s string) (v Version, ok bool) {
	s, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimSpace(s), "v"), "-")
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return Version{}, false
	}
	for i, into := range []*int{&v.Major, &v.Minor, &v.Patch} {
		n, err := strconv.Atoi(parts[i])
		if err != nil || n < 0 {
			return Version{}, false
		}
		*into = n
	}
	return v, true
}

// Known reports whether the version is known.
func (v Version) Known() bool { return v != Version{} }

// Less reports whether v is older than a version. An unknown version counts as
// current.
func (v Version) Less(major, minor, patch int) bool {
	if !v.Known() {
		return false
	}
	return cmp.Or(cmp.Compare(v.Major, major), cmp.Compare(v.Minor, minor), cmp.Compare(v.Patch, patch)) < 0
}

func (v Version) String() string {
	if !v.Known() {
		return "unknown version"
	}
	return "v" + strconv.Itoa(v.Major) + "." + strconv.Itoa(v.Minor) + "." + strconv.Itoa(v.Patch)
}

// Version asks for the server's version.
func (c *Client) Version(ctx context.Context) (Version, error) {
	var s string
	if err := c.query(ctx, "settings.getDokployVersion", nil, &s); err != nil {
		return Version{}, err
	}
	v, _ := ParseVersion(s)
	return v, nil
}

// IsCloud reports whether the server is Dokploy Cloud (docs/dokploy.md, Dokploy
// Cloud).
func (c *Client) IsCloud(ctx context.Context) (bool, error) {
	var is bool
	err := c.query(ctx, "settings.isCloud", nil, &is)
	return is && err == nil, err
}
