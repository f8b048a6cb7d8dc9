package view

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/pipeline/status"
)

func snapshot(second int) status.Snapshot {
	return status.Snapshot{
		FormatVersion: status.FormatVersion,
		Time:          time.Date(2026, 1, 2, 3, 4, second, 0, time.UTC),
		Flows: []status.Flow{
			{
				Name: "west->east", State: status.Running, Topics: 3, Partitions: 9, Records: 12_480,
				RecordRate: 1204.4, ByteRate: 1_234_567, LagRecords: 17,
			},
			{
				Name: "datacenter-north->datacenter-south", State: status.Unhealthy, Topics: 1200, Partitions: 123_456,
				Records: 987_654_321, RecordRate: 2_345_678, ByteRate: 345_678_901, LagRecords: status.UnknownLag,
				Cause: "the target refused the login of user strait: SASL authentication failed (58)",
				Problems: []status.Problem{
					{Topic: "orders", Partition: 3, Summary: "not authorised to write", Fix: "kafka-acls --add --allow-principal User:strait --operation Write --topic orders"},
					{Topic: "clicks", Partition: status.WholeTopic, Summary: "cannot be created"},
					{Partition: status.WholeTopic, Summary: "groups cannot be listed"},
					{Topic: "more", Summary: "x"},
					{Topic: "more", Summary: "y"},
				},
			},
		},
	}
}

func TestStatusTable(t *testing.T) {
	v := New(Params{Size: func() (int, int) { return 200, 50 }})
	got := strings.Join(v.statusTable(snapshot(0)), "\n")
	want := `
FLOW             STATE     TOPICS  PARTS     RECORDS    REC/S   BYTES/S      LAG
west->east       running        3      9      12,480    1,204    1.2 MB       17
datacenter-nort… unhealthy  1,200 123.5k 987,654,321     2.3M  345.7 MB        -
  the target refused the login of user strait: SASL authentication failed (58)
  ! orders[3]: not authorised to write
    fix: kafka-acls --add --allow-principal User:strait --operation Write
    --topic orders
  ! clicks: cannot be created
  ! groups cannot be listed
  ! and 2 more`
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("table (-want +got):\n%s", d)
	}
}

func TestShareOfTheWork(t *testing.T) {
	for want, g := range map[string]*status.Group{
		"": nil,
		"joins group a-mm2-strait, has no share of the work yet":                {},
		"has 33 % of the work: 3 processes are in group a-mm2-strait":           {Member: "m", Members: 3, Share: 0.334},
		"has 50 % of the work and leads: 2 processes are in group a-mm2-strait": {Member: "m", Members: 2, Share: 0.5, Leader: true},
	} {
		if g != nil {
			g.Name = "a-mm2-strait"
		}
		if got := shared(g); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for _, g := range []status.Group{{Alone: true, Share: 1}, {Member: "m", Members: 1, Share: 1, Leader: true}} {
		if got := shared(&g); got != "" {
			t.Errorf("a process that has all the work says %q", got)
		}
	}
}

func TestStatusTableFitsTheTerminal(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {40, 6}, {20, 3}} {
		v := New(Params{Size: func() (int, int) { return size[0], size[1] }})
		lines := v.statusTable(snapshot(0))
		if len(lines) >= max(size[1], 4) {
			t.Errorf("%d lines on a terminal of %d", len(lines), size[1])
		}
		for _, line := range lines {
			if n := utf8.RuneCountInString(line); n > size[0] {
				t.Errorf("%d characters on a terminal of %d: %q", n, size[0], line)
			}
		}
	}
}

func TestLiveOnATerminalStaysInPlace(t *testing.T) {
	var out bytes.Buffer
	v := New(Params{Out: &out, Err: &out, OutTerminal: true, ErrTerminal: true})
	one := status.Snapshot{Flows: []status.Flow{{Name: "a->b", State: status.Running}}}
	live := v.NewLive(0)
	live.Show(one)
	live.Show(one)
	if _, err := io.WriteString(v.LogWriter(), "a log line\n"); err != nil {
		t.Fatal(err)
	}
	live.End()
	v.Print("the end")

	table := strings.Join(v.statusTable(one), "\n") + "\n"
	up := "\x1b[3A\x1b[J"
	want := table + up + table + up + "a log line\n" + table + "the end\n"
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Errorf("output (-want +got):\n%s", d)
	}
}

func TestLiveWithoutATerminalWritesPlainLines(t *testing.T) {
	var out bytes.Buffer
	v := New(Params{Out: &out, Err: &out})
	live := v.NewLive(10 * time.Second)
	show := func(second int, state, cause string, records int64) {
		live.Show(status.Snapshot{
			Time:  time.Date(2026, 1, 2, 3, 4, second, 0, time.UTC),
			Flows: []status.Flow{{Name: "a->b", State: state, Cause: cause, Records: records, RecordRate: 50, ByteRate: 2048}},
		})
	}
	show(0, status.Waiting, "a: connection refused", 0)
	show(1, status.Waiting, "a: connection refused", 0)
	show(2, status.Running, "", 0)
	show(3, status.Running, "", 50)
	show(12, status.Running, "", 500)
	show(13, status.Stopped, "", 550)
	want := `03:04:00 a->b waiting: a: connection refused
03:04:02 a->b running 0 records 50/s 2.0 kB/s lag 0
03:04:12 a->b running 500 records 50/s 2.0 kB/s lag 0
03:04:13 a->b stopped 550 records 50/s 2.0 kB/s lag 0
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Errorf("output (-want +got):\n%s", d)
	}
}

func TestWrap(t *testing.T) {
	tests := map[string][]string{
		"":                             nil,
		"short":                        {"! short"},
		"one two three four five":      {"! one two", "  three", "  four five"},
		"a word-that-is-too-long b":    {"! a", "  word-tha…", "  b"},
		"aaaa bbbb cccc dddd eeee fff": {"! aaaa bbbb", "  cccc dddd", "  eeee fff"},
		"aaaa bbbb cccc dddd eeee fff g": {
			"! aaaa bbbb", "  cccc dddd", "  eeee fff…",
		},
	}
	for text, want := range tests {
		if got := wrap("! ", text, 11); !cmp.Equal(got, want) {
			t.Errorf("wrap(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for got, want := range map[string]string{
		Count(0): "0", Count(999): "999", Count(1000): "1,000", Count(-1234567): "-1,234,567",
		short(99_999): "99,999", short(123_456): "123.5k", short(1_500_000): "1.5M",
		Bytes(0): "0 B", Bytes(999): "999 B", Bytes(1500): "1.5 kB", Bytes(2.5e12): "2.5 TB", Bytes(2e15): "2000.0 TB",
		Seconds(1234 * time.Millisecond): "1.2s",
		cut("abc", 3):                    "abc", cut("abcd", 3): "ab…",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
