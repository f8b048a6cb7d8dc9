package cli

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"maps"
	"os"
	"slices"

	"github.com/strait-mirror/strait/cmd/strait/internal/engine"
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/pipeline/reload"
	"github.com/strait-mirror/strait/pipeline/status"
)

// recorder notes what a topology was read from.
type recorder struct{ sums map[string][sha256.Size]byte }

func (r *recorder) readFile(path string) ([]byte, error) {
	text, err := load.ReadFile(path)
	if err != nil {
		r.sums[path] = sha256.Sum256([]byte("error: " + err.Error()))
		return nil, err //nolint:wrapcheck // the loader knows what to say
	}
	r.sums[path] = sha256.Sum256(text)
	return text, nil
}

// reading reads the topology that runs, or is to, and the text it is made of.
func (a *app) reading(paths, clusters []string) (reload.Reading, *diag.Sources) {
	var src diag.Sources
	rec := &recorder{sums: map[string][sha256.Size]byte{}}
	a.record = rec
	defer func() { a.record = nil }()
	cfg, problems := a.readTopology(paths, &src)
	if cfg != nil {
		keepTargets(cfg, clusters)
	}
	got := reload.Reading{Config: cfg, Problems: problems}
	got.Files, got.Sum = slices.Sorted(maps.Keys(rec.sums)), rec.sum()
	if !slices.ContainsFunc(paths, isDir) { // where other files may come
		got.Again = func() [sha256.Size]byte {
			again := &recorder{sums: map[string][sha256.Size]byte{}}
			for _, path := range got.Files {
				_, _ = again.readFile(path) // an error has a sum, too
			}
			return again.sum()
		}
	}
	return got, &src
}

// sum is that of all.
func (r *recorder) sum() [sha256.Size]byte {
	all := sha256.New()
	for _, path := range slices.Sorted(maps.Keys(r.sums)) {
		one := r.sums[path]
		all.Write([]byte(path))
		all.Write(one[:])
	}
	return [sha256.Size]byte(all.Sum(nil))
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// reloading watches the files of a topology while an engine runs it.
type reloading struct {
	*reload.Reloader

	read func() status.Snapshot
	stop context.CancelFunc
	done chan struct{}
}

// watch begins to apply edits of a topology, where it is made of files that can be
// read again.
func (a *app) watch(ctx context.Context, paths []string, f runFlags, first reload.Reading, e engine.Engine, s *serving, log *slog.Logger) *reloading {
	r := &reloading{read: e.Status, stop: func() {}, done: make(chan struct{})}
	fleet, ok := e.(engine.Changer)
	if f.once || !f.reload || !ok || len(paths) == 0 || !again(paths) {
		close(r.done)
		return r
	}
	ctx, r.stop = context.WithCancel(ctx)
	// The addresses that an edit asks for are taken first: without them it is refused.
	apply := func(ctx context.Context, cfg *model.Config) error {
		return s.change(ctx, cfg, func() error {
			err := fleet.Apply(ctx, cfg)
			if err == nil {
				limitMemory(cfg, a.p.Getenv) // whoever set the first limit restores what was before
			}
			return err
		})
	}
	ask := make(chan struct{}, 1)
	asked := a.hangups(ctx, ask)
	r.Reloader = reload.New(reload.Params{
		First: first, Paths: paths, Log: log, Apply: apply, AllowDestructive: f.allowDestructive, Ask: ask,
		Read: func() reload.Reading {
			got, src := a.reading(paths, f.clusters)
			got.Sources = src
			return got
		},
		Found: func(got reload.Reading) { a.view.Diagnostics(got.Problems, got.Sources) },
	})
	go func() {
		defer close(r.done)
		r.Run(ctx)
		<-asked
	}()
	return r
}

// again reports whether all of paths can be read more than once, as a pipe of a
// shell cannot.
func again(paths []string) bool {
	return !slices.ContainsFunc(paths, func(path string) bool {
		info, err := os.Stat(path)
		return err == nil && !info.Mode().IsRegular() && !info.IsDir()
	})
}

// hangups passes the signal to read again on to ask. The channel is closed when it
// no longer does. On a terminal the signal says that the terminal is gone, and
// ends the process.
func (a *app) hangups(ctx context.Context, ask chan<- struct{}) (ended <-chan struct{}) {
	done := make(chan struct{})
	if a.p.Hangups == nil || isTerminal(a.p.Stdout) || isTerminal(a.p.Stderr) {
		close(done)
		return done
	}
	signals, stop := a.p.Hangups()
	go func() {
		defer close(done)
		defer stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
			}
			select {
			case ask <- struct{}{}:
			default: // one is waiting already
			}
		}
	}()
	return done
}

// status is that of the engine, with what became of edits.
func (r *reloading) status() status.Snapshot {
	s := r.read()
	if r.Reloader != nil {
		st := r.Status()
		s.Reload = &st
	}
	return s
}

// revisions is the last topologies that were read, nil where edits are not looked
// for.
func (r *reloading) revisions() []status.Revision {
	if r.Reloader == nil {
		return nil
	}
	return r.Revisions()
}

// close ends the watching.
func (r *reloading) close() {
	r.stop()
	<-r.done
}
