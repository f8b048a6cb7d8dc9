// Package watch tells when files of a topology may have changed. It decides
// nothing: whether anything did change is for whoever reads them to find out.
package watch

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Watcher tells when something may have changed about files. It watches their
// directories, since editors and Kubernetes replace files and links to them; and
// it looks at the files themselves now and then, since network file systems tell
// nobody, and a directory may come and go. It tells too often rather than too
// seldom: whether anything did change is for its owner to find out.
type Watcher struct {
	log    *slog.Logger
	events *fsnotify.Watcher // nil: this system has none
	dirs   []string          // watched
	seen   map[string]stamp  // of the files, when looked at last
}

// stamp is what shows of a file that it is another one.
type stamp struct {
	size int64
	at   time.Time
	mode os.FileMode
}

// Looking at the files, and how long a burst of events may last: an editor that
// saves makes several within a moment, and a flood must not keep us from reading.
const (
	lookEvery = 2 * time.Second
	quiet     = 100 * time.Millisecond
	burst     = time.Second
)

// New returns a watcher that follows nothing yet.
func New(log *slog.Logger) *Watcher {
	w := &Watcher{log: log, seen: map[string]stamp{}}
	events, err := fsnotify.NewWatcher()
	if err != nil {
		log.Debug("no events of the file system, looking at files instead", "err", err)
		return w
	}
	w.events = events
	return w
}

// Close ends the watching.
func (w *Watcher) Close() {
	if w.events != nil {
		_ = w.events.Close() // nothing is written by it
	}
}

// Follow says which files and directories count from now on.
func (w *Watcher) Follow(paths []string) {
	seen := make(map[string]stamp, len(paths))
	var dirs []string
	for _, p := range paths {
		seen[p] = look(p)
		dirs = append(dirs, filepath.Dir(p))
		if seen[p].mode.IsDir() {
			dirs = append(dirs, p)
		}
	}
	slices.Sort(dirs)
	w.seen, w.dirs = seen, slices.Compact(dirs)
	w.rewatch()
}

// rewatch asks for events of every directory, also of one that is back.
func (w *Watcher) rewatch() {
	if w.events == nil {
		return
	}
	for _, dir := range w.events.WatchList() {
		if !slices.Contains(w.dirs, dir) {
			_ = w.events.Remove(dir) // gone already
		}
	}
	for _, dir := range w.dirs {
		if err := w.events.Add(dir); err != nil {
			w.log.Debug("directory not watched, its files are looked at instead", "dir", dir, "err", err)
		}
	}
}

// look is the stamp of a file, zero where there is none.
func look(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info.Size(), info.ModTime(), info.Mode()}
}

// moved reports whether a file is not what it was, and remembers what it is.
func (w *Watcher) moved() bool {
	found := false
	for p, was := range w.seen {
		if is := look(p); is != was {
			w.seen[p], found = is, true
		}
	}
	return found
}

// Next returns when something may have changed and been still for a moment since,
// when ctx ends, or when asked has a value, which it reports.
func (w *Watcher) Next(ctx context.Context, asked <-chan struct{}) (wanted bool) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-asked:
			return true
		case _, ok := <-w.changes():
			if !ok {
				w.events = nil
				continue
			}
			w.calm(ctx)
			return false
		case err, ok := <-w.errors():
			if ok {
				w.log.Debug("events of the file system were lost", "err", err)
				return false
			}
		case <-tick.C:
			w.rewatch()
			if w.moved() {
				return false
			}
		}
	}
}

// calm waits for a burst of events to end, within reason.
func (w *Watcher) calm(ctx context.Context) {
	end := time.NewTimer(burst)
	defer end.Stop()
	still := time.NewTimer(quiet)
	defer still.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-end.C:
			return
		case <-still.C:
			return
		case _, ok := <-w.changes():
			if !ok {
				return
			}
			still.Reset(quiet)
		}
	}
}

func (w *Watcher) changes() <-chan fsnotify.Event {
	if w.events == nil {
		return nil
	}
	return w.events.Events
}

func (w *Watcher) errors() <-chan error {
	if w.events == nil {
		return nil
	}
	return w.events.Errors
}
