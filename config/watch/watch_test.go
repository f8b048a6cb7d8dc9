package watch

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// TestLooking has a system without events of files, as network file systems are:
// each change is found when the files are looked at next, and none where there is none.
func TestLooking(t *testing.T) {
	changes := map[string]func(path string) error{
		"written anew":        func(path string) error { return os.WriteFile(path, []byte("longer"), 0o600) },
		"another permission":  func(path string) error { return os.Chmod(path, 0o400) },
		"gone":                os.Remove,
		"a directory instead": func(path string) error { return replaced(path, func() error { return os.Mkdir(path, 0o700) }) },
		"a link instead": func(path string) error {
			return replaced(path, func() error { return os.Symlink(filepath.Dir(path), path) })
		},
		"nothing": func(string) error { return nil },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "strait.hcl")
			if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				w := &Watcher{log: slog.New(slog.DiscardHandler)}
				w.Follow([]string{path})
				if err := change(path); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				began := time.Now()
				if w.Next(ctx, nil) {
					t.Error("nobody asked")
				}
				want := lookEvery
				if name == "nothing" {
					want = time.Minute
				}
				if took := time.Since(began); took != want {
					t.Errorf("found after %v, not %v", took, want)
				}
			})
		})
	}
}

// TestAskedWhileLooking does not wait for a change when somebody asks.
func TestAskedWhileLooking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &Watcher{log: slog.New(slog.DiscardHandler)}
		asked := make(chan struct{}, 1)
		asked <- struct{}{}
		began := time.Now()
		if !w.Next(t.Context(), asked) || time.Since(began) != 0 {
			t.Errorf("who asked is not told, or after %v", time.Since(began))
		}
	})
}

func replaced(path string, with func() error) error {
	if err := os.Remove(path); err != nil {
		return err //nolint:wrapcheck // of a test
	}
	return with()
}
