package dokploytest

import "time"

// remoteServer is a server that Dokploy reaches over SSH.
type remoteServer struct {
	id      string
	created time.Time
	ssh     SSH
}

// SSH is the state of a remote server's SSH access (docs/dokploy.md, Remote
// servers).
type SSH int

// The states of a remote server.
const (
	SSHUp       SSH = iota
	SSHRefused      // the connection is refused at once
	SSHSilent       // nothing answers for 20 s
	SSHWrongKey     // it answers, but rejects the key
)

// AddServer adds a remote server that no service uses.
func (s *Server) AddServer(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.servers[id] == nil {
		s.servers[id] = &remoteServer{id: id, created: s.now()}
	}
}

// SetSSH breaks or restores the connection to a remote server.
func (s *Server) SetSSH(id string, state SSH) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.servers[id] == nil {
		s.servers[id] = &remoteServer{id: id, created: s.now()}
	}
	s.servers[id].ssh = state
}

// sshTrouble is how an unreachable server shows.
type sshTrouble struct {
	after  time.Duration
	stream string // text of the log stream
	call   string // error of a procedure and of a deployment
}

// sshLocked returns nil for a server that can be reached.
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
