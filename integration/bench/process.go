package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/strait-mirror/strait/integration/kafka"
)

// memoryEvery is how often the peak memory of a process is read while it runs;
// the last reading before its end is what counts.
const memoryEvery = 20 * time.Millisecond

// watched is a running process and what is noted about it.
type watched struct {
	*kafka.Program
	began time.Time
	ended chan struct{} // closed after end was set
	end   time.Time
}

// watchProcess starts to note the memory and the end of a process.
func watchProcess(p *kafka.Program, began time.Time) *watched {
	w := &watched{Program: p, began: began, ended: make(chan struct{})}
	go func() {
		defer close(w.ended)
		tick := time.NewTicker(memoryEvery)
		defer tick.Stop()
		for {
			select {
			case <-p.Exited():
				w.end = time.Now()
				return
			case <-tick.C:
				_, _ = p.PeakRSS() // an error is one reading less; it keeps the largest
			}
		}
	}()
	return w
}

// wait waits until the process has ended by itself, which must be without an
// error, and kills it when ctx ends.
func (w *watched) wait(ctx context.Context) error {
	select {
	case <-w.ended:
	case <-ctx.Done():
		if err := w.finish(); err != nil {
			return err
		}
		return fmt.Errorf("waiting for a process: %w", context.Cause(ctx))
	}
	if code := w.ExitCode(); code != 0 {
		return fmt.Errorf("waiting for a process: it ended with code %d after saying\n%s", code, w.Log(30))
	}
	return nil
}

// finish kills the process and waits for all that belongs to it.
func (w *watched) finish() error {
	err := w.Kill()
	<-w.ended
	return err
}

// sample is what one run of one program showed. A zero field was not measured.
type sample struct {
	cpu    time.Duration // of the whole process, user and system
	rss    int64         // at its peak
	wall   time.Duration // of the whole process; to completion for one that does not end
	copied time.Duration // from the first record or byte at the target to the last
	extra  int64         // records at the target beyond those of the source
}

// take fills in what is known of a process now, running or ended.
func (s *sample) take(w *watched) error {
	now := time.Now()
	select {
	case <-w.ended:
		now = w.end
	default:
	}
	var err error
	if s.cpu, err = w.CPUTime(); err != nil {
		return fmt.Errorf("measuring a process: %w", err)
	}
	if s.rss, err = w.PeakRSS(); err != nil {
		return fmt.Errorf("measuring a process: %w", err)
	}
	s.wall = now.Sub(w.began)
	return nil
}

// contender is one of the programs that mirror.
type contender struct {
	name  string // as the pages call it
	ends  bool   // by itself, when it has mirrored everything
	start func(ctx context.Context, dir, topology string, once bool) (*kafka.Program, error)
}

// The names of the contenders on the pages.
const (
	nameStrait = "Strait"
	nameMM2    = "MirrorMaker 2"
)

// contenders are Strait and, unless it was left out, MirrorMaker 2.
func (b *bench) contenders() []contender {
	both := []contender{b.strait()}
	if b.s.mm2 {
		both = append(both, b.mirrorMaker())
	}
	return both
}

func (b *bench) strait() contender {
	return contender{name: nameStrait, ends: true, start: b.startStrait}
}

func (b *bench) mirrorMaker() contender {
	return contender{name: nameMM2, start: b.startMM2}
}

// startStrait starts `strait run` on the properties that MirrorMaker 2 reads.
func (b *bench) startStrait(_ context.Context, dir, topology string, once bool) (*kafka.Program, error) {
	return b.runStrait(filepath.Join(dir, "mm2.properties"), topology, once)
}

// runStrait writes a topology to a file and starts `strait run` on it, in the
// file's directory.
func (b *bench) runStrait(file, topology string, once bool) (*kafka.Program, error) {
	dir := filepath.Dir(file)
	if err := os.WriteFile(file, []byte(topology), 0o600); err != nil {
		return nil, fmt.Errorf("writing the topology: %w", err)
	}
	path, err := filepath.Abs(b.s.strait)
	if err != nil {
		return nil, fmt.Errorf("finding strait: %w", err)
	}
	args := []string{"run", file}
	if once {
		args = append(args, "--once")
	}
	var env []string
	if b.s.profile != "" {
		out, err := filepath.Abs(b.s.profile)
		if err == nil {
			err = os.MkdirAll(out, 0o755)
		}
		if err != nil {
			return nil, fmt.Errorf("making the directory of profiles: %w", err)
		}
		env = append(env, "STRAIT_CPUPROFILE="+filepath.Join(out, filepath.Base(dir)+".pprof"))
	}
	return kafka.NewProgram(dir, kafka.ProgramOptions{Path: path, Args: args, Env: env})
}

// startMM2 starts MirrorMaker 2 with the Java flags of its start script.
func (b *bench) startMM2(ctx context.Context, dir, topology string, _ bool) (*kafka.Program, error) {
	m, err := kafka.NewMirrorMaker(ctx, dir, kafka.MirrorMakerOptions{
		Properties: topology, Heap: b.s.heap, Production: true,
		JVM: []string{"-Xms" + smaller(b.s.heap)}, // connect-mirror-maker.sh: -Xms256M -Xmx2G
	})
	if err != nil {
		return nil, err
	}
	return m.Program, nil
}

// smaller is the initial heap for a maximum: 256m, if that is less.
func smaller(heap string) string {
	if n, err := strconv.Atoi(heap[:max(0, len(heap)-1)]); err == nil && heap[len(heap)-1] == 'm' && n < 256 {
		return heap
	}
	return "256m"
}

// launch starts a contender on a topology of its own and watches it.
func (b *bench) launch(ctx context.Context, c contender, t topology, once bool) (*watched, error) {
	dir, err := b.lab.newDir(cmp.Or(t.alias, "program"))
	if err != nil {
		return nil, err
	}
	return b.launchIn(ctx, dir, c, t, once)
}

// launchIn starts a contender in a directory that it may have been in before.
func (b *bench) launchIn(ctx context.Context, dir string, c contender, t topology, once bool) (*watched, error) {
	text := b.lab.text(t, b.s)
	began := time.Now()
	prog, err := c.start(ctx, dir, text, once)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.name, err)
	}
	return watchProcess(prog, began), nil
}
