package faults

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/strait-mirror/strait/integration/compare"
)

// testPause pauses a flow that two processes share, through one of them: nothing is
// copied by either, also after that one is gone, until the other is asked to go on.
func testPause(t *testing.T, b *Bed, strait string) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*catchUp)
	defer cancel()
	tm := newTeam(t, 2, TrialParams{
		Strait: strait, From: b.A, To: b.B, Load: LoadParams{Topics: "pause-", Seed: seed(t)},
		HCL: "server {\n  listen = \"127.0.0.1:0\"\n}\n",
	})
	first, second := tm.members[0], tm.members[1]
	if err := second.WaitOutput(ctx, "2 processes are in group"); err != nil {
		t.Fatal(err)
	}
	tell(ctx, t, strait, first, "pause")
	for _, m := range tm.members {
		if err := m.WaitOutput(ctx, "flow paused at run time"); err != nil {
			t.Fatal(err)
		}
	}
	still := tm.rests(ctx)
	if out := tell(ctx, t, strait, second, "status"); !strings.Contains(out, "asked for at") {
		t.Errorf("the other process says\n%s", out)
	}
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := second.WaitOutput(ctx, "members=1 to_be_handed_over=0"); err != nil {
		t.Fatal(err)
	}
	if now := tm.rests(ctx); now != still {
		t.Errorf("%d records were copied while the flow was paused", now-still)
	}
	tell(ctx, t, strait, second, "resume")
	tm.Mirror, tm.members = second, []*Mirror{second}
	tm.Verdict(false)
	if log := second.Output(); strings.Contains(log, "exact position not proven") {
		t.Error("a partition did not know where to go on")
	}
}

// tell runs a command that asks a process.
func tell(ctx context.Context, t *testing.T, strait string, m *Mirror, command string) string {
	t.Helper()
	const serving = `the API and the dashboard" address=`
	if err := m.WaitOutput(ctx, serving); err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(m.Output(), serving)
	address, _, _ := strings.Cut(rest, "\n")
	args := []string{command, "--server", address}
	if command != "status" {
		args = append(args, "a->b")
	}
	out, err := exec.CommandContext(ctx, strait, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("strait %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// rests waits until nothing more arrives, and returns how much there is.
func (tr *Trial) rests(ctx context.Context) (records int) {
	tr.t.Helper()
	const quiet = 2 * time.Second // far more than what was read takes to arrive
	since := time.Now()
	err := poll(ctx, 200*time.Millisecond, func() (bool, error) {
		now := 0
		for _, topic := range tr.remotes() {
			all, err := compare.Read(ctx, tr.To.AdminOpts(), topic, compare.ReadOptions{})
			if err != nil {
				return false, err
			}
			for _, part := range all {
				now += len(part)
			}
		}
		if now != records {
			records, since = now, time.Now()
		}
		return time.Since(since) >= quiet, fmt.Errorf("there are %d records by now", now)
	})
	if err != nil {
		tr.t.Fatalf("waiting until nothing more arrives: %v", err)
	}
	return records
}
