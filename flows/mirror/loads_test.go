package mirror

import (
	"testing"
	"time"

	"github.com/strait-mirror/strait/flows/cluster"
)

// TestLoads measures a busy and an idle partition, and one that comes later.
func TestLoads(t *testing.T) {
	busy, idle, late := cluster.TopicPartition{Topic: "t"}, cluster.TopicPartition{Topic: "t", Partition: 1}, cluster.TopicPartition{Topic: "u"}
	var l loads
	now := time.Now()
	check := func(what string, known bool, b, i, u int64) {
		t.Helper()
		if got := [3]int64{l.of(busy), l.of(idle), l.of(late)}; l.known() != known || got != [3]int64{b, i, u} {
			t.Errorf("%s: %v, known %v, want %d %d %d", what, got, l.known(), b, i, u)
		}
	}
	see := func(after time.Duration, ends map[cluster.TopicPartition]int64) {
		now = now.Add(after)
		l.saw(ends, now)
	}
	check("nothing was measured", false, 1, 1, 1)
	see(0, map[cluster.TopicPartition]int64{busy: 100, idle: 7})
	check("one look", false, 1, 1, 1)
	see(10*time.Second, map[cluster.TopicPartition]int64{busy: 100 + 10*1000, idle: 7, late: 5})
	check("1000 records a second", true, 64, 1, 1)
	see(10*time.Second, map[cluster.TopicPartition]int64{busy: 100 + 30*1000, idle: 7 + 10*20, late: 5})
	check("twice as many are no reason to move anything", true, 64, 1, 1)
	see(10*time.Second, map[cluster.TopicPartition]int64{busy: 100 + 30*1000, idle: 7 + 10*20 + 10*100, late: 5 + 10*16})
	check("the one rests, the other is busy", true, 1, 8, 1)
	see(10*time.Second, map[cluster.TopicPartition]int64{busy: 0, late: 5})
	check("a log that was cut, and a topic that is gone", true, 1, 1, 1)
}
