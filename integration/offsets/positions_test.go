package offsets_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestPositions sets the positions of a flow by hand, as Kafka Connect lets one do
// with MirrorMaker 2 (conformance items 51, 52, 54 and 118), and has the flow go on
// there.
func TestPositions(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	p := startPair(t)
	c := commands{program: build(t), file: p.write(t, []string{"t"})}
	create(ctx, t, p.source, "t", 2)
	produce(ctx, t, p.source, "t", "k", 0, 1000, 2)
	mirrored := func(want ...int) {
		t.Helper()
		stop := run(ctx, t, p.config(flow("a", "b", []string{"t"})))
		for i := range want {
			p.holds(ctx, t, int32(i), func(n int) bool { return n == want[i] })
		}
		stop()
	}
	if out, _ := c.exec(ctx, t, 0, "offsets", "show"); out != "flow a->b has no positions\n" {
		t.Errorf("before the first run it says\n%s", out)
	}
	mirrored(500, 500)
	csv := "topic,partition,offset\nt,0,499\nt,1,499\n"
	c.prints(ctx, t, csv, "export")
	c.prints(ctx, t, "flow a->b\n  PARTITION  OFFSET  COPIED TO  LEFT  KIND\n  t/0        499     500        0     exact\n  t/1        499     500        0     exact\n", "show")

	plan := "flow a->b\n  PARTITION  BEFORE  AFTER\n  t/0        499     99\n"
	c.prints(ctx, t, plan+"nothing was written; --yes changes it\n", "alter", "--offset", "t/0=99", "--offset", "t/1=499")
	c.prints(ctx, t, csv, "export")
	c.prints(ctx, t, plan+"1 positions written\n", "alter", "--offset", "t/0=99", "--yes")
	mirrored(900, 500) // 100 to 499 again

	c.prints(ctx, t, "flow a->b\n  PARTITION  BEFORE  AFTER\n  t/0        499     -\n  t/1        499     -\n2 positions written\n", "reset", "--topic", "t", "--yes")
	c.prints(ctx, t, "flow a->b has no positions\n", "show")
	from := filepath.Join(t.TempDir(), "positions")
	connect := `{"offsets":[{"partition":{"cluster":"a","partition":0,"topic":"t"},"offset":{"offset":399}},` +
		`{"partition":{"cluster":"a","partition":1,"topic":"t"},"offset":null}]}`
	if err := os.WriteFile(from, []byte(connect), 0o600); err != nil {
		t.Fatal(err)
	}
	c.prints(ctx, t, "flow a->b\n  PARTITION  BEFORE  AFTER\n  t/0        -       399\n1 positions written\n", "import", "--from", from, "--yes")
	mirrored(1000, 1000) // 400 to 499, and all of the other, again
	if _, log := c.exec(ctx, t, 1, "offsets", "alter", "--offset", "nothing/0=1"); !strings.Contains(log, `topic "nothing" is nothing that this flow mirrors`) {
		t.Errorf("it says\n%s", log)
	}
	testRunning(ctx, t, p, c)
}

// holds waits until a partition of a.t has a number of records.
func (p pair) holds(ctx context.Context, t *testing.T, partition int32, enough func(n int) bool) {
	t.Helper()
	await(ctx, t, func() (string, bool) {
		keys, _ := read(ctx, t, p.target, "a.t", partition, 0)
		return fmt.Sprintf("the target has %d records of partition %d", len(keys), partition), enough(len(keys))
	})
}

// prints checks what a command about offsets prints.
func (c commands) prints(ctx context.Context, t *testing.T, want string, args ...string) {
	t.Helper()
	out, _ := c.exec(ctx, t, 0, append([]string{"offsets"}, args...)...)
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("offsets %v prints (-want +got):\n%s", args, diff)
	}
}

// testRunning has positions set while the flow moves.
func testRunning(ctx context.Context, t *testing.T, p pair, c commands) {
	run(ctx, t, p.config(flow("a", "b", []string{"t"})))
	producing, stop := context.WithCancel(ctx)
	var wait sync.WaitGroup
	wait.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for i := 1000; ; i++ {
			select {
			case <-tick.C:
				produce(ctx, t, p.source, "t", "k", i, i+1, 2)
			case <-producing.Done():
				return
			}
		}
	})
	defer wait.Wait()
	defer stop()
	p.holds(ctx, t, 0, func(n int) bool { return n > 1000 })
	_, log := c.exec(ctx, t, 1, "offsets", "reset", "--yes")
	if want := `positions of "a" on "b" moved while they were looked at: whoever mirrors would overwrite what is set; stop it first`; !strings.Contains(log, want) {
		t.Errorf("it says\n%s", log)
	}
	if out, _ := c.exec(ctx, t, 0, "offsets", "show"); !strings.Contains(out, "t/0") {
		t.Errorf("positions are gone:\n%s", out)
	}
}
