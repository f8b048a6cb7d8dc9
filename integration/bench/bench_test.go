package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/integration/kafka"
)

// TestMain lets the test binary be the children that the program starts itself
// as.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == childWord {
		end(child(os.Args[2], os.Args[3:]))
	}
	os.Exit(m.Run())
}

// TestBenchCut takes every measurement once on tiny data. It shows that all
// programs mirror all records, that every figure is there and that the pages
// can be read; of the ratios it asks a fifth, and on whole processes, since a
// start is most of what such a run does.
func TestBenchCut(t *testing.T) {
	kafka.Require(t)
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	b := newTestBench(ctx, t)

	b.s.mm2 = true
	w := large()
	data, err := b.fill(ctx, w.data.scaled(b.s.scale))
	if err != nil {
		t.Fatal(err)
	}
	turns, err := b.turns(ctx, w, data)
	if err != nil {
		t.Fatal(err)
	}
	checkTurn(t, turns[0])
	checkPage(t, b, throughputPage(w, data, b.s, turns), nameStrait, nameMM2, "relay")

	b.s.mm2 = false
	for _, m := range measurements() {
		if m.name == "large" || m.name == "single" {
			continue // seen above, and as single-far
		}
		began := time.Now()
		p, err := m.run(ctx, b)
		if err != nil {
			t.Fatalf("measuring %s: %v", m.name, err)
		}
		checkPage(t, b, p)
		if err := b.lab.clean(ctx); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s took %v", m.name, time.Since(began).Round(time.Millisecond))
	}
}

// newTestBench builds strait and starts small clusters.
func newTestBench(ctx context.Context, t *testing.T) *bench {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "strait")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "../../cmd/strait").CombinedOutput(); err != nil {
		t.Fatalf("building strait: %v\n%s", err, out)
	}
	s, err := parse([]string{
		"-runs", "1", "-scale", "0.05", "-sample", "1s", "-idle", "2s", "-stall", "2s", "-settle", "500ms",
		"-partitions", "20", "-rounds", "50", "-anchors-live", "1s", "-mm2-heap", "512m", "-strait", binary, "-dir", t.TempDir(),
	}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	s.quick = true
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	l, err := newLab(ctx, s, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.close(); err != nil {
			t.Errorf("closing the lab: %v", err)
		}
	})
	m, err := inspectMachine(ctx)
	if err != nil {
		t.Logf("some facts about the machine are missing: %v", err)
	}
	return &bench{s: s, log: log, lab: l, machine: m}
}

// checkTurn checks the figures of one turn of all programs.
func checkTurn(t *testing.T, turn turn) {
	t.Helper()
	for name, s := range map[string]*sample{nameStrait: turn.strait, nameMM2: turn.mm2, "relay": turn.relay} {
		if s == nil {
			t.Errorf("%s was not measured", name)
			continue
		}
		if s.cpu <= 0 || s.wall <= 0 || s.copied <= 0 || s.rss <= 0 {
			t.Errorf("%s has figures that cannot be: %+v", name, *s)
		}
	}
	if t.Failed() {
		return
	}
	if turn.strait.extra != 0 {
		t.Errorf("Strait mirrored %d records twice", turn.strait.extra)
	}
	if r := ratio(turn.mm2.cpu, turn.strait.cpu); r < 25.0/5 {
		t.Errorf("MirrorMaker 2 took %.1f times Strait's processor time, less than a fifth of what is promised", r)
	}
	if r := ratio(turn.strait.cpu, turn.relay.cpu); r > 3*5 {
		t.Errorf("Strait took %.1f times the relay's processor time, more than five times what is promised", r)
	}
	if turn.strait.rss > 5*128<<20 {
		t.Errorf("Strait took %s of memory, more than five times what is promised", bytesText(turn.strait.rss))
	}
}

// checkPage checks that a page has all its parts and nothing that tells where
// it was made.
func checkPage(t *testing.T, b *bench, p *page, words ...string) {
	t.Helper()
	text := p.markdown(b.machine, b.s, time.Now())
	words = append(words, "# "+p.title, "| goal | measured | met |", "## Method", "## All runs", "| commit |", "| processor |", "| kernel |")
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("the page %q has no %q:\n%s", p.title, word, text)
		}
	}
	for _, word := range []string{"%!", "NaN", b.lab.dir} {
		if strings.Contains(text, word) {
			t.Errorf("the page %q has %q:\n%s", p.title, word, text)
		}
	}
	if len(p.goals) == 0 || len(p.tables) < 2 {
		t.Errorf("the page %q has %d goals and %d tables", p.title, len(p.goals), len(p.tables))
	}
}

// TestDelay sends a byte there and back through the delay.
func TestDelay(t *testing.T) {
	echo, err := listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	served := make(chan error, 1)
	go func() {
		c, err := echo.Accept()
		if err == nil {
			_, err = io.Copy(c, c)
			c.Close()
		}
		served <- err
	}()
	entry, err := listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const oneWay = 30 * time.Millisecond
	prog, err := startChild(t.TempDir(), []net.Listener{entry}, "delay", oneWay.String(), echo.Addr().String())
	if err != nil {
		if runtime.GOOS == "linux" || os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("NOT RUN: %v", err) // children take over listeners on Unix only
	}
	defer prog.Kill() //nolint:errcheck // it may have ended
	entry.Close()
	c, err := net.Dial("tcp", entry.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	began := time.Now()
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Fatalf("%v; the delay said %q", err, prog.Log(5))
	}
	if took := time.Since(began); took < 2*oneWay || took > 2*oneWay+5*time.Second {
		t.Errorf("there and back took %v, want about %v", took, 2*oneWay)
	}
	if err := halfClose(c); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("after the end came %d bytes, %v", n, err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestNumbers(t *testing.T) {
	figures := []float64{5, 1, 4, 2, 3}
	got := []any{
		median(figures), median(figures[:4]), percentile(figures, 50), percentile(figures, 99), percentile(figures, 0),
		number(1234.5), number(12.345), number(0.01234), number(0), count(-1234567), count(999), bytesText(1_560_000_000),
		span(1, 1), span(1, 2), plural(1, "core"), plural(2, "core"),
	}
	want := []any{
		3.0, 3.0, 3.0, 5.0, 1.0,
		"1234", "12.3", "0.0123", "0", "-1,234,567", "999", "1.56 GB",
		"1", "1 to 2", "1 core", "2 cores",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestGoals(t *testing.T) {
	for want, g := range map[string]goal{
		"yes":    atMost("a", []float64{1, 2, 9}, median, 2, ""),
		"**no**": atLeast("a", []float64{1, 2, 9}, median, 3),
		"–":      atLeast("a", nil, median, 3),
	} {
		if got := g.verdict(); got != want {
			t.Errorf("verdict is %q, want %q", got, want)
		}
	}
}

func TestBadFlagsAreRefused(t *testing.T) {
	for _, args := range [][]string{
		{"-only", "everything"}, {"-runs", "0"}, {"-scale", "0"}, {"-far", "away"}, {"surplus"}, {"-nothing"},
	} {
		if _, err := parse(args, io.Discard); err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
}
