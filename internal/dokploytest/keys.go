package dokploytest

import (
	"cmp"
	"slices"
	"time"
)

// Key is an API key to add (docs/dokploy.md, Keys and rights). The zero value
// is an owner's key without a limit.
type Key struct {
	// Limit is the number of verifications in a Window; 0: no limit. A key made
	// through the API has 10 in 24 h.
	Limit int
	// CostPerCall is the cost of a call on /api, 2 if 0. On /api/trpc, and for
	// a procedure that does not exist, it is half of that.
	CostPerCall int
	// Window is the time after the last accepted verification at which the
	// counter restarts; 24 h if 0.
	Window time.Duration
	// Remaining is a quota that is never refilled; 0: none.
	Remaining int
	Expired   bool
	Disabled  bool
	// Member: the key of a plain member, who may use only the services in
	// Access.
	Member bool
	Access []string
	// Docker and CreateServices are rights that a plain member lacks: "access
	// to Docker" and "create services" (docs/dokploy.md, Keys and rights).
	Docker, CreateServices bool
	// NoEnvVars: the member has a custom role that may not write "Service Env
	// Vars". Plain members may.
	NoEnvVars bool
}

type keyState struct {
	Key
	count int
	last  time.Time
}

// AddKey adds a key and returns it.
func (s *Server) AddKey(k Key) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	b := make([]byte, 64)
	for i := range b {
		b[i] = letters[s.rnd.IntN(len(letters))]
	}
	k.Access = slices.Clone(k.Access)
	s.keys[string(b)] = &keyState{Key: k}
	return string(b)
}

// SetKey changes a key and restarts its counter.
func (s *Server) SetKey(key string, k Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k.Access = slices.Clone(k.Access)
	s.keys[key] = &keyState{Key: k}
}

// verifications returns how often one call on /api has its key checked.
func (k *keyState) verifications() int { return cmp.Or(k.CostPerCall, 2) }

// verifyLocked checks a key and counts the check. The counter restarts only
// after a whole window without an accepted request: denied requests do not
// extend it, and steady ones keep it full (docs/dokploy.md, Keys and rights).
func (s *Server) verifyLocked(key string) *keyState {
	k := s.keys[key]
	if k == nil || key == "" || k.Expired || k.Disabled {
		return nil
	}
	if k.Remaining < 0 {
		return nil
	}
	if k.Limit > 0 {
		now := time.Now()
		if k.last.IsZero() || now.Sub(k.last) > cmp.Or(k.Window, 24*time.Hour) {
			k.count = 0
		}
		if k.count >= k.Limit {
			return nil
		}
		k.count++
		k.last = now
	}
	if k.Remaining > 0 {
		k.Remaining--
		if k.Remaining == 0 {
			k.Remaining = -1
		}
	}
	return k
}

// mayUse reports whether the key's owner may use a service. Before 0.28.7 only
// the organisation was checked.
func (s *Server) mayUse(k *keyState, service string) bool {
	return !s.d.permissions || !k.Member || slices.Contains(k.Access, service)
}
