package cluster

import (
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/strait-mirror/strait/config/keystore"
	"github.com/strait-mirror/strait/config/model"
)

// trust is the TLS configuration of a cluster. Its files are looked at for
// every connection, so that new certificates are used without a restart; a new
// file that cannot be used leaves the old ones in place.
type trust struct {
	model *model.TLS
	log   *slog.Logger
	read  func(path string) ([]byte, error)

	mu     sync.Mutex // guards the rest
	config *tls.Config
	seen   [sha256.Size]byte // of the files that config was made of
	failed [sha256.Size]byte // of the files that were last complained about
}

// newTrust reads the files for the first time: what is wrong then is an error.
func newTrust(m *model.TLS, log *slog.Logger, read func(path string) ([]byte, error)) (*trust, error) {
	t := &trust{model: m, log: log, read: read}
	files := t.files()
	config, err := t.make(files)
	if err != nil {
		return nil, err
	}
	t.config, t.seen = config, digest(files)
	return t, nil
}

// current returns the configuration for a new connection.
func (t *trust) current() *tls.Config {
	t.mu.Lock()
	defer t.mu.Unlock()
	files := t.files()
	sum := digest(files)
	if sum == t.seen {
		return t.config
	}
	config, err := t.make(files)
	switch {
	case err == nil:
		t.log.Info("certificates changed, new connections use them")
		t.config, t.seen = config, sum
	case sum != t.failed:
		t.log.Warn("changed certificates cannot be used, the last ones are", "err", err)
		t.failed = sum
	}
	return t.config
}

// content is a file, or why there is none.
type content struct {
	path  string
	bytes []byte
	err   error
}

func (t *trust) files() []content {
	var files []content
	for _, path := range t.model.Files() {
		text, err := t.read(path)
		files = append(files, content{path, text, err})
	}
	return files
}

func digest(files []content) [sha256.Size]byte {
	h := sha256.New()
	for _, f := range files {
		h.Write(fmt.Appendf(nil, "%q %d %v\n", f.path, len(f.bytes), f.err))
		h.Write(f.bytes)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

func (t *trust) make(files []content) (*tls.Config, error) {
	config, problems := keystore.Config(t.model, func(path string) ([]byte, error) {
		for _, f := range files {
			if f.path == path {
				return f.bytes, f.err
			}
		}
		return nil, fmt.Errorf("reading %s: not a file of this cluster", path)
	})
	errs := make([]error, 0, len(problems))
	for _, p := range problems {
		errs = append(errs, p)
	}
	return config, errors.Join(errs...)
}
