package view

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/pipeline/status"
)

func reading() Top {
	return Top{
		FormatVersion: 1, Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Sort: "lag", RecordRate: 1204, ByteRate: 1_234_567,
		Rows: []TopRow{
			{Flow: "west->east", State: status.Running, Cause: "throttled: a quota", LagRecords: 123_456, LagSeconds: 61, Estimated: true, RecordRate: new(1204.4), ByteRate: new(1_234_567.0)},
			{Flow: "west->east", Topic: "orders", State: status.Unhealthy, LagRecords: 17, LagSeconds: 0.5, Problems: 2},
			{Flow: "a->b", State: status.Waiting, LagRecords: status.UnknownLag},
		},
	}
}

func TestTop(t *testing.T) {
	var out bytes.Buffer
	if err := New(Params{Out: &out}).Top(reading(), false); err != nil {
		t.Fatal(err)
	}
	want := `2026-01-02T03:04:05Z  1,204 records/s  1.2 MB/s  by lag
NAME              STATE          LAG     BEHIND    REC/S   BYTES/S PROBLEMS
west->east        running     123.5k about 61.0s    1,204    1.2 MB        0  throttled: a quota
west->east orders unhealthy       17       0.5s        -         -        2
a->b              waiting          -          -        -         -        0
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestTopFits draws on terminals of several sizes: no line is longer, there are no
// more of them, and what is left out is counted.
func TestTopFits(t *testing.T) {
	many := reading()
	for range 100 {
		many.Rows = append(many.Rows, TopRow{Flow: strings.Repeat("long", 20), State: status.Running, RecordRate: new(1.0)})
	}
	for _, size := range [][2]int{{20, 4}, {80, 24}, {200, 50}} {
		v := New(Params{})
		lines := v.topLines(many, size[0], size[1])
		if len(lines) != size[1] || !strings.HasPrefix(lines[len(lines)-1], "and ") {
			t.Errorf("%v: %d lines, the last is %q", size, len(lines), lines[len(lines)-1])
		}
		for _, line := range lines {
			if utf8.RuneCountInString(line) > size[0] {
				t.Errorf("%v: %q is too long", size, line)
			}
		}
	}
	var out bytes.Buffer
	l := New(Params{Out: &out, OutTerminal: true, Size: func() (int, int) { return 80, 24 }}).NewLive(time.Minute)
	l.Top(reading())
	l.Top(reading())
	if got := strings.Count(out.String(), "\x1b[5A\x1b[J"); got != 1 || strings.Count(out.String(), "by lag") != 2 {
		t.Errorf("it is not drawn over the one before:\n%q", out.String())
	}
}
