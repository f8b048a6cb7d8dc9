// Command bench is the bench: it measures Strait, the real MirrorMaker 2 and a
// bare TCP relay on the same data, in turns, and writes one Markdown page per
// measurement to docs/results.
//
// It owns what is measured, on what data and how the figures are judged. The
// clusters and processes are package kafka's. It runs the strait binary as a
// user would and knows nothing of its inside, but for the anchors of package
// position, whose topic it fills.
//
// Run it with `make bench ARGS="-only large"`. Measure on a machine that does
// nothing else: everything, brokers included, runs on it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// childWord is the first argument of this program's own children.
const childWord = "child"

func main() {
	if len(os.Args) > 2 && os.Args[1] == childWord {
		end(child(os.Args[2], os.Args[3:]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	end(err)
}

// end ends the process, with an exit code that tells whether there was an error.
func end(err error) {
	code := 0
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		slog.New(slog.NewTextHandler(os.Stderr, nil)).Error("bench failed", "error", err)
		code = 1
	}
	os.Exit(code)
}

// settings are the flags.
type settings struct {
	runs     int           // paired runs of each measurement
	scale    float64       // of the amount of data
	only     []string      // names of measurements; empty: all but anchors
	out      string        // directory of the pages
	strait   string        // the binary
	mm2      bool          // measure MirrorMaker 2 as well
	heap     string        // of MirrorMaker 2, as in -Xmx
	seed     uint64        // of the data
	far      string        // which cluster is far away in the far measurements
	oneWay   time.Duration // delay of each direction there
	sample   time.Duration // of one latency measurement
	idle     time.Duration // of one idle measurement
	stall    time.Duration // how long the target stands still
	rounds   int           // of anchors; a week has 120,960
	limit    time.Duration // most time spent on writing anchors
	live     time.Duration // how long anchors are then written at their true pace
	profile  string        // directory for CPU profiles of strait; empty: none
	dir      string        // where the clusters live; empty: a temporary directory
	quick    bool          // brokers that start quickly, for tests of the bench itself
	settle   time.Duration // between a start and what is measured after it
	lanes    int           // partitions of the recovery, idle, stall and anchors measurements
	straitMM []string      // extra lines of the topology, for both programs
}

// parse reads the command line.
func parse(args []string, stderr io.Writer) (settings, error) {
	s := settings{settle: 10 * time.Second, lanes: 1000}
	var only, extra string
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&s.runs, "runs", 5, "paired runs of each measurement")
	f.Float64Var(&s.scale, "scale", 1, "factor on the amount of data")
	f.StringVar(&only, "only", "", "comma-separated measurements: "+strings.Join(names(), ", ")+"; default all but anchors")
	anchors := f.Bool("anchors", false, "the same as -only anchors")
	f.StringVar(&s.out, "out", "docs/results", "directory for the pages")
	f.StringVar(&s.strait, "strait", "bin/strait", "the strait binary")
	f.BoolVar(&s.mm2, "mm2", true, "measure MirrorMaker 2 as well")
	f.StringVar(&s.heap, "mm2-heap", "2g", "-Xmx of MirrorMaker 2; 2g is its start script's")
	f.Uint64Var(&s.seed, "seed", 1, "seed of the data")
	f.StringVar(&s.far, "far", "both", "in far measurements, the clusters behind the delay: source, target or both")
	f.DurationVar(&s.oneWay, "delay", 25*time.Millisecond, "in far measurements, the delay of each direction")
	f.DurationVar(&s.sample, "sample", time.Minute, "length of one latency sample")
	f.DurationVar(&s.idle, "idle", 30*time.Second, "length of one idle sample")
	f.DurationVar(&s.stall, "stall", 20*time.Second, "how long the target stands still")
	f.IntVar(&s.rounds, "rounds", int(week/anchorEvery), "rounds of anchors to write; a week has one every 5 s")
	f.DurationVar(&s.limit, "anchors-limit", 30*time.Minute, "most time spent on writing anchors")
	f.DurationVar(&s.live, "anchors-live", 12*time.Minute, "how long anchors are then written every 5 s; segments roll every 10 min")
	f.StringVar(&s.profile, "profile", "", "directory for CPU profiles of strait; its figures then include the profiler")
	f.StringVar(&s.dir, "dir", "", "directory for the clusters, kept afterwards; default a temporary one")
	f.StringVar(&extra, "set", "", "more lines of the topology for both programs, separated by ;")
	f.DurationVar(&s.settle, "settle", s.settle, "pause between a start and what is measured after it")
	f.IntVar(&s.lanes, "partitions", s.lanes, "partitions of the recovery, idle, stall and anchors measurements")
	if err := f.Parse(args); err != nil {
		return s, fmt.Errorf("reading flags: %w", err)
	}
	if *anchors {
		only = "anchors"
	}
	s.only, s.straitMM = split(only, ","), split(extra, ";")
	for _, name := range s.only {
		if !slices.Contains(names(), name) {
			return s, fmt.Errorf("reading flags: there is no measurement %q, but %s", name, strings.Join(names(), ", "))
		}
	}
	if s.runs < 1 || s.scale <= 0 || s.lanes < 10 || f.NArg() > 0 || !slices.Contains([]string{"source", "target", "both"}, s.far) {
		return s, errors.New("reading flags: -runs, -scale, -partitions or -far is out of range, or there are arguments left")
	}
	return s, nil
}

// split cuts a list and drops what is blank.
func split(list, by string) []string {
	var parts []string
	for part := range strings.SplitSeq(list, by) {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// run is the whole program.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parse(args, stderr)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	m, err := inspectMachine(ctx)
	if err != nil {
		return err
	}
	l, err := newLab(ctx, s, log)
	if err != nil {
		return err
	}
	b := &bench{s: s, log: log, lab: l, machine: m}
	err = b.measure(ctx, stdout)
	return errors.Join(err, l.close())
}

// measurement is one entry of the list of what can be measured.
type measurement struct {
	name string
	run  func(context.Context, *bench) (*page, error)
}

// measurements is the list, in the order of a full run.
func measurements() []measurement {
	return []measurement{
		{"large", func(ctx context.Context, b *bench) (*page, error) { return b.throughput(ctx, large()) }},
		{"small", func(ctx context.Context, b *bench) (*page, error) { return b.throughput(ctx, small()) }},
		{"single", func(ctx context.Context, b *bench) (*page, error) { return b.throughput(ctx, single()) }},
		{"single-far", func(ctx context.Context, b *bench) (*page, error) { return b.throughput(ctx, singleFar()) }},
		{"delivery", func(ctx context.Context, b *bench) (*page, error) { return b.delivery(ctx) }},
		{"stages", func(ctx context.Context, b *bench) (*page, error) { return b.stages(ctx) }},
		{"first", func(ctx context.Context, b *bench) (*page, error) { return b.first(ctx) }},
		{"recovery", func(ctx context.Context, b *bench) (*page, error) { return b.recovery(ctx) }},
		{"takeover", func(ctx context.Context, b *bench) (*page, error) { return b.takeover(ctx) }},
		{"latency", func(ctx context.Context, b *bench) (*page, error) { return b.latency(ctx) }},
		{"idle", func(ctx context.Context, b *bench) (*page, error) { return b.idle(ctx) }},
		{"stall", func(ctx context.Context, b *bench) (*page, error) { return b.stall(ctx) }},
		{"lint", func(ctx context.Context, b *bench) (*page, error) { return b.lint(ctx) }},
		{"anchors", func(ctx context.Context, b *bench) (*page, error) { return b.anchors(ctx) }},
	}
}

// names returns the names of all measurements.
func names() []string {
	var all []string
	for _, m := range measurements() {
		all = append(all, m.name)
	}
	return all
}

// bench is one run of the program.
type bench struct {
	s       settings
	log     *slog.Logger
	lab     *lab
	machine machine

	startUps []time.Duration // processor time of MirrorMaker 2's starts; see startUp
}

// measure runs what was asked for, writes a page after each measurement and
// ends with all verdicts. A measurement that fails does not keep the next from
// running.
func (b *bench) measure(ctx context.Context, stdout io.Writer) error {
	var errs []error
	var verdicts strings.Builder
	for _, m := range measurements() {
		wanted := slices.Contains(b.s.only, m.name) || len(b.s.only) == 0 && m.name != "anchors"
		if !wanted || ctx.Err() != nil {
			continue
		}
		began := time.Now()
		b.log.Info("measurement began", "name", m.name)
		p, err := m.run(ctx, b)
		err = errors.Join(err, b.lab.clean(ctx))
		if err == nil {
			err = b.write(p, m.name, began)
		}
		if err != nil {
			b.log.Error("measurement failed", "name", m.name, "error", err)
			errs = append(errs, fmt.Errorf("measuring %s: %w", m.name, err))
			continue
		}
		b.log.Info("measurement ended", "name", m.name, "took", time.Since(began).Round(time.Second))
		for _, g := range p.goals {
			fmt.Fprintf(&verdicts, "%-11s %-8s %s: %s\n", m.name, g.verdict(), g.text, g.got)
		}
	}
	_, err := io.WriteString(stdout, verdicts.String())
	return errors.Join(append(errs, err)...)
}
