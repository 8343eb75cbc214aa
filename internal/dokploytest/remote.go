package dokploytest

import "time"

// remoteServer is a server that Dokploy reaches over SSH.
type remoteServer struct {
	id      string
	created time.Time
	ssh     SSH
}

// SSH is how a remote server answers (docs/dokploy.md, Remote servers).
type SSH int

// The states of a remote server.
const (
	SSHUp       SSH = iota
	SSHRefused      // the connection is refused at once
	SSHSilent       // nothing answers for 20 s
	SSHWrongKey     // it answers, and does not take the key
)

// AddServer makes a remote server known that no service names.
func (s *Server) AddServer(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.servers[id] == nil {
		s.servers[id] = &remoteServer{id: id, created: s.now()}
	}
}

// SetSSH breaks or fixes the way to a remote server.
func (s *Server) SetSSH(id string, state SSH) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.servers[id] == nil {
		s.servers[id] = &remoteServer{id: id, created: s.now()}
	}
	s.servers[id].ssh = state
}

// sshTrouble is how it shows that a server cannot be reached.
type sshTrouble struct {
	after  time.Duration
	stream string // what the log stream says
	call   string // what a procedure and a deployment say
}

// sshLocked is nil for a server that can be reached.
func (s *Server) sshLocked(id string) *sshTrouble {
	v := s.servers[id]
	if id == "" || v == nil {
		return nil
	}
	const refused, silent = "connect ECONNREFUSED 127.0.0.1:2221", "Timed out while waiting for handshake"
	switch v.ssh {
	case SSHRefused:
		return &sshTrouble{24 * time.Millisecond, refused, "SSH connection error: " + refused}
	case SSHSilent:
		return &sshTrouble{20 * time.Second, silent, "SSH connection error: " + silent}
	case SSHWrongKey:
		return &sshTrouble{
			180 * time.Millisecond, "All configured authentication methods failed",
			"Authentication failed: Invalid SSH private key. \n❌ Couldn't connect to your server — the SSH key was not accepted.\n\n" +
				"Technical details: Error: All configured authentication methods failed client-authentication\n",
		}
	}
	return nil
}
