package group

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// InstanceParams is what Claim needs.
type InstanceParams struct {
	Host  string   // os.Hostname, which is the pod's name in a StatefulSet
	Files []string // what the process runs
	Dir   string   // for locks, private to the host: os.TempDir
}

// Instance is what stays the same when a process is started again: its place in
// a group is kept for it then, and no broker waits for the session of the one
// that was killed.
type Instance struct {
	ID   string // group.instance.id
	lock io.Closer
}

// maxHost is the most characters of a host's name that go into an id: brokers
// take no more than 249 in all, of letters, digits, '.', '_' and '-'
// (Topic.validate).
const maxHost = 200

// Claim returns the identity of this process: its host, what it runs, and the
// lowest number that no other process here has taken. The number is given back
// when the process ends, however it does. An error means that it cannot be made
// sure that nobody else has it; without an identity a process is somebody new.
func Claim(p InstanceParams) (*Instance, error) {
	h := sha256.New()
	for _, f := range p.Files {
		absolute, err := filepath.Abs(f)
		if err != nil {
			return nil, fmt.Errorf("claiming an instance id: %w", err)
		}
		_, _ = fmt.Fprintf(h, "%q", absolute) // a hash takes everything
	}
	name := fmt.Sprintf("%s-%s", legal(p.Host), hex.EncodeToString(h.Sum(nil)[:4]))
	const most = 1000
	for slot := range most {
		id := fmt.Sprintf("%s-%d", name, slot)
		lock, taken, err := lockFile(filepath.Join(p.Dir, "strait-"+id+".lock"))
		switch {
		case err != nil:
			return nil, fmt.Errorf("claiming an instance id: %w", err)
		case !taken:
			return &Instance{ID: id, lock: lock}, nil
		}
	}
	return nil, fmt.Errorf("claiming an instance id: %d processes run the same here", most)
}

// Close gives the identity to the next process.
func (i *Instance) Close() { _ = i.lock.Close() } // nothing was written

// legal replaces what an instance id must not have.
func legal(host string) string {
	host = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r) {
			return r
		}
		return '-'
	}, host)
	if host == "" {
		return "host"
	}
	return host[:min(len(host), maxHost)]
}
