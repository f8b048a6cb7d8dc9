// Package secret reads passwords, tokens and other files that a topology names,
// at start and again while it runs. It prints nothing of them.
package secret

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/strait-mirror/strait/config/model"
)

// MaxFile bounds what is read: 4 MiB is far beyond a bundle of every public
// certificate authority.
const MaxFile = 4 << 20

// ReadFile is os.ReadFile for files of at most MaxFile bytes.
func ReadFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err //nolint:wrapcheck // a *fs.PathError names the path
	}
	defer func() { _ = f.Close() }() // only read from
	text, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return nil, err //nolint:wrapcheck // a *fs.PathError names the path
	}
	if len(text) > MaxFile {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("larger than 4 MiB")}
	}
	return text, nil
}

// Text returns a secret that is given as text or as the path of a file. The
// last line break of a file is not part of it: editors and echo add one.
func Text(text model.Secret, path string, read func(path string) ([]byte, error)) (string, error) {
	if path == "" {
		return text.Reveal(), nil
	}
	content, err := read(path)
	if err != nil {
		return "", fmt.Errorf("reading %s: %s", path, Reason(err))
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r"), nil
}

// Reason is the short form of a file error, without the path.
func Reason(err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err.Error()
	}
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		return text[i+2:]
	}
	return text
}
