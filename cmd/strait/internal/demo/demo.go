// Package demo owns `strait demo`: two clusters inside this process, a workload
// on both, the shipped active/active topology between them, and a comparison
// that trusts nothing the engine says. It knows the engine only through package
// engine's seam.
package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/strait-mirror/strait/cmd/strait/internal/engine"
	"github.com/strait-mirror/strait/cmd/strait/internal/view"
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
)

const (
	// refresh is how often the status table on a terminal is drawn anew.
	refresh = 250 * time.Millisecond
	// plainEvery is how often a flow gets a line where there is no terminal.
	plainEvery = 2 * time.Second
	// drain is how long the engine may take to stop.
	drain = 10 * time.Second
	// reading is how long the comparison may take.
	reading = 5 * time.Minute
)

// ErrDifferent is the verdict that a target is not equal to its source. The
// differences have been shown.
var ErrDifferent = errors.New("the mirrored topics differ from their sources")

// Params is what Run needs.
type Params struct {
	Load     engine.Loader // required
	Make     engine.Maker  // required
	Log      *slog.Logger  // required
	View     *view.View    // required
	Topology []byte        // required; the HCL text to run
	Duration time.Duration // how long records are written; 0: until Records
	Records  int64         // how many records are written; 0: until Duration
	Once     bool          // write first, then mirror once

	anyCodec bool // test seam: an engine that compresses anew is good enough
}

// run is one demo.
type run struct {
	p          Params
	west, east *side
	cfg        *model.Config
	written    *written
}

// Run plays the demo and returns ErrDifferent when the comparison failed. When
// ctx ends, writing ends; what was written is still mirrored and compared.
func Run(ctx context.Context, p Params) error {
	westStreams, eastStreams := workload()
	west, err := startSide("west", westStreams)
	if err != nil {
		return err
	}
	defer west.close()
	east, err := startSide("east", eastStreams)
	if err != nil {
		return err
	}
	defer east.close()

	r := &run{p: p, west: west, east: east, written: newWritten()}
	r.introduce()
	if err := r.load(); err != nil {
		return err
	}
	if p.Once {
		err = r.once(ctx)
	} else {
		err = r.live(ctx)
	}
	if err != nil {
		return err
	}
	return r.verdict(ctx)
}

// introduce says what is running and where to attach.
func (r *run) introduce() {
	v := r.p.View
	v.Print("%s", v.Strong("Two Kafka clusters in this process, mirrored both ways."))
	v.Print("")
	for _, s := range []*side{r.west, r.east} {
		v.Print("  %s  %s  topics %s", s.name, v.Strong(s.address()), topicNames(s))
	}
	v.Print("")
	v.Print("Any Kafka client can attach while this runs:")
	v.Print("  kcat -b %s -L", r.west.address())
	v.Print("  kafka-console-consumer.sh --bootstrap-server %s --topic west.orders", r.east.address())
	v.Print("")
}

func topicNames(s *side) string {
	names := make([]string, len(s.streams))
	for i, st := range s.streams {
		names[i] = st.topic
	}
	return strings.Join(names, ", ")
}

// load reads the topology the way `strait run` does: from a file, with the
// addresses from the environment.
func (r *run) load() error {
	dir, err := os.MkdirTemp("", "strait-demo-")
	if err != nil {
		return fmt.Errorf("making a folder for the topology: %w", err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "strait.hcl")
	if err := os.WriteFile(file, r.p.Topology, 0o600); err != nil {
		return fmt.Errorf("writing the topology: %w", err)
	}
	addresses := map[string]string{
		"WEST_BROKERS": r.west.address(),
		"EAST_BROKERS": r.east.address(),
	}
	env := func(name string) (string, bool) {
		address, ok := addresses[name]
		return address, ok
	}
	var src diag.Sources
	cfg, problems := r.p.Load([]string{file}, env, &src)
	r.p.View.Diagnostics(problems, &src)
	if problems.HasErrors() {
		return errors.New("reading the shipped topology: it has errors")
	}
	r.cfg = cfg
	return nil
}

func (r *run) newEngine(once bool) (engine.Engine, error) {
	e, err := r.p.Make(engine.Params{
		Config: r.cfg, Log: r.p.Log, Once: once, Timeout: drain, DrainTimeout: drain,
	})
	if err != nil {
		return nil, fmt.Errorf("making the engine: %w", err)
	}
	return e, nil
}

// once writes everything, then mirrors it.
func (r *run) once(ctx context.Context) error {
	if err := r.produce(ctx, false); err != nil {
		return err
	}
	r.p.View.Print("Wrote %s records. Mirroring them once.", view.Count(r.written.total.Load()))
	e, err := r.newEngine(true)
	if err != nil {
		return err
	}
	live := r.p.View.NewLive(plainEvery)
	defer live.End()
	began := time.Now()
	// Ctrl-C ends the writing; from there on everything takes seconds.
	if err := engine.RunWatched(context.WithoutCancel(ctx), e, refresh, live.Show); err != nil {
		return fmt.Errorf("mirroring: %w", err)
	}
	live.End()
	r.p.View.Totals(e.Status(), time.Since(began))
	return nil
}

// live mirrors while records are being written.
func (r *run) live(ctx context.Context) error {
	e, err := r.newEngine(false)
	if err != nil {
		return err
	}
	r.p.View.Print("Writing on both sides%s; Ctrl-C ends it early.", r.extent())
	live := r.p.View.NewLive(plainEvery)
	defer live.End()

	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	writing, stopWriting := context.WithCancel(ctx)
	defer stopWriting()
	ended := make(chan error, 1)
	go func() {
		err := engine.RunWatched(running, e, refresh, live.Show)
		stopWriting() // without an engine there is nothing to show
		ended <- err
	}()
	err = r.produce(writing, true)
	if err == nil && writing.Err() == nil || ctx.Err() != nil {
		err = errors.Join(err, r.catchUp(running, e))
	}
	stop()
	if runErr := <-ended; runErr != nil && !errors.Is(runErr, context.Canceled) {
		return fmt.Errorf("mirroring: %w", runErr)
	}
	return err
}

// extent says when writing will end.
func (r *run) extent() string {
	switch {
	case r.p.Records > 0 && r.p.Duration > 0:
		return fmt.Sprintf(" until %s records or %s", view.Count(r.p.Records), r.p.Duration)
	case r.p.Records > 0:
		return fmt.Sprintf(" until %s records", view.Count(r.p.Records))
	}
	return fmt.Sprintf(" for %s", r.p.Duration)
}

func (r *run) produce(ctx context.Context, paced bool) error {
	if r.p.Duration > 0 {
		timed, cancel := context.WithTimeout(ctx, r.p.Duration)
		defer cancel()
		ctx = timed
	}
	return produce(ctx, produceParams{records: r.p.Records, paced: paced}, r.written, r.west, r.east)
}
