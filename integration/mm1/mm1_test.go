package mm1_test

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestMirrorMaker1 is conformance items 126, 129 and 130, beside the real MirrorMaker 1:
// records of every shape between a cluster with TLS and a password and one without
// either, kills of the mirror and stops and kills of brokers.
func TestMirrorMaker1(t *testing.T) {
	l := newLab(t)
	t.Run("side by side", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T){
			"records": l.testRecords, "pass-through": l.testPassThrough, "leaves topics": l.testLeavesTopics,
			"new protocol": l.testNewProtocol, "kill": l.testKill, "hand-over": l.testHandOver,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t)
			})
		}
	})
	t.Run("bounce", l.testBounce)
}

// shapes are records of every kind: keys and values that are nil, empty and
// large, headers twice, empty and nil, times of hours ago in disorder.
func (l *lab) shapes(topic string) (list []*kgo.Record) {
	at := l.began.Add(-6 * time.Hour)
	for i := range 400 {
		r := &kgo.Record{
			Topic: topic, Partition: int32(i % 13 % 3), Key: fmt.Appendf(nil, "key-%d", i%13), Value: fmt.Append(nil, i),
			Timestamp: at.Add(time.Duration(i*(i%7-3)) * time.Millisecond),
		}
		switch i % 20 {
		case 3:
			r.Value = nil
		case 5:
			r.Value = []byte{}
		case 7:
			r.Headers = []kgo.RecordHeader{{Key: "h", Value: []byte("1")}, {Key: "h", Value: []byte("2")}, {Key: "", Value: nil}, {Key: "e", Value: []byte{}}}
		case 9:
			r.Key, r.Partition = []byte{}, 1
		case 11:
			r.Key = nil
		}
		list = append(list, r)
	}
	big := make([]byte, 900_000)
	for i := range big {
		big[i] = byte(i * i >> 7)
	}
	return append(list, &kgo.Record{Topic: topic, Key: []byte("big"), Value: big, Timestamp: at})
}

// testRecords copies records of every shape by key into topics of as many, more
// and fewer partitions, and has the real MirrorMaker 1 copy the same.
func (l *lab) testRecords(t *testing.T) {
	for _, target := range []int{0, 3, 5, 2} { // 0: created by the mirror
		topic := fmt.Sprintf("shapes-%d", target)
		create(t, l.source, topic, 3)
		produce(t, l.source, l.shapes(topic)...)
		if target > 0 {
			create(t, l.target, topic, target)
		}
	}
	create(t, l.source, "java-5", 3)
	create(t, l.target, "java-5", 5)
	produce(t, l.source, l.shapes("java-5")...)
	java := l.real(t, "java", "java-5")

	if code := l.once(t, "shapes", "shapes-.*"); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	for _, target := range []int{0, 3, 5, 2} {
		topic := fmt.Sprintf("shapes-%d", target)
		got := read(t, l.target, topic)
		if target == 0 {
			target = 3
		}
		judge(t, read(t, l.source, topic), got, target)
		for n, at := range l.committed(t, "shapes", topic) {
			if end := int64(len(read(t, l.source, topic)[n])); at != end {
				t.Errorf("the group is at %d in %s/%d, want %d", at, topic, n, end)
			}
		}
	}
	l.arrives(t, "java-5", int64(len(l.shapes(""))))
	stop(t, java.Program)
	if diff := cmp.Diff(byPartition(read(t, l.target, "java-5")), byPartition(read(t, l.target, "shapes-5"))); diff != "" {
		t.Errorf("MirrorMaker 1 and Strait put records with keys elsewhere (-MirrorMaker 1 +Strait):\n%s", diff)
	}
	topics, err := l.target.Admin().ListTopics(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range sorted(topics) {
		if strings.HasPrefix(name, "mm2") || strings.Contains(name, "heartbeats") {
			t.Errorf("the target has a topic %q", name)
		}
	}
}

// byPartition is where the records with a key are, and how they are, large values
// by their size.
func byPartition(records map[int32][]*kgo.Record) map[string][]string {
	all := map[string][]string{}
	for n, list := range records {
		for _, r := range list {
			if r.Key != nil {
				key := fmt.Sprintf("%d %q", n, r.Key)
				all[key] = append(all[key], describe(r))
			}
		}
	}
	return all
}

// describe is all of a record but its partition and offset.
func describe(r *kgo.Record) string {
	value := fmt.Sprintf("%d bytes %x", len(r.Value), crc32.ChecksumIEEE(r.Value))
	if len(r.Value) < 100 {
		value = fmt.Sprintf("%q", r.Value)
	}
	text := fmt.Sprintf("%q %t %s %t %d", r.Key, r.Key == nil, value, r.Value == nil, r.Timestamp.UnixMilli())
	for _, h := range r.Headers {
		text += fmt.Sprintf(" %q=%q %t", h.Key, h.Value, h.Value == nil)
	}
	return text
}

// judge compares two topics: each key's records are in the partition that the
// key names, unchanged and in their order, and those without a key are all there.
func judge(t *testing.T, source, target map[int32][]*kgo.Record, partitions int) {
	t.Helper()
	want, got := map[string][]string{}, map[string][]string{}
	for _, list := range source {
		for _, r := range list {
			place := "none"
			if r.Key != nil {
				place = fmt.Sprintf("%d %q", murmur2Partition(r.Key, partitions), r.Key)
			}
			want[place] = append(want[place], describe(r))
		}
	}
	for n, list := range target {
		for _, r := range list {
			place := "none"
			if r.Key != nil {
				place = fmt.Sprintf("%d %q", n, r.Key)
			}
			got[place] = append(got[place], describe(r))
		}
	}
	slices.Sort(want["none"])
	slices.Sort(got["none"])
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("with %d partitions (-source +target):\n%s", partitions, diff)
	}
}

// murmur2Partition is BuiltInPartitioner.partitionForKey.
func murmur2Partition(key []byte, partitions int) int32 {
	const m, r = 0x5bd1e995, 24
	h := 0x9747b28c ^ uint32(len(key))
	for ; len(key) >= 4; key = key[4:] {
		k := binary.LittleEndian.Uint32(key) * m
		k ^= k >> r
		h = h*m ^ k*m
	}
	for i, b := range slices.Backward(key) {
		h ^= uint32(b) << (8 * i)
		if i == 0 {
			h *= m
		}
	}
	h ^= h >> 13
	h *= m
	h ^= h >> 15
	return int32(h&0x7fffffff) % int32(partitions)
}

// testPassThrough copies partition by partition.
func (l *lab) testPassThrough(t *testing.T) {
	create(t, l.source, "kept", 3)
	produce(t, l.source, l.shapes("kept")...)
	if code := l.once(t, "kept", "kept", "--keep-partitions"); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	source, target := read(t, l.source, "kept"), read(t, l.target, "kept")
	for n, list := range source {
		if len(target[n]) != len(list) {
			t.Fatalf("partition %d has %d records, want %d", n, len(target[n]), len(list))
		}
		for i, r := range list {
			if got, want := describe(target[n][i]), describe(r); got != want {
				t.Fatalf("record %d of partition %d is %s, want %s", i, n, got, want)
			}
		}
		if at := l.committed(t, "kept", "kept")[n]; at != int64(len(list)) {
			t.Errorf("the group is at %d in partition %d, want %d", at, n, len(list))
		}
	}
}

// testLeavesTopics mirrors into a topic that is not there and must not be made.
func (l *lab) testLeavesTopics(t *testing.T) {
	create(t, l.source, "absent", 1)
	produce(t, l.source, &kgo.Record{Topic: "absent", Value: []byte("x")})
	if code := l.once(t, "absent", "absent", "--no-create-topics", "--timeout", "3s"); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	topics, err := l.target.Admin().ListTopics(bounded(t))
	if err != nil || topics.Has("absent") {
		t.Errorf("the topic was created, %v", err)
	}
	if at, ok := l.committed(t, "absent", "absent")[0]; ok {
		t.Errorf("the group has committed %d", at)
	}
}

// testNewProtocol finds a member in a group of KIP-848's protocol, too.
func (l *lab) testNewProtocol(t *testing.T) {
	create(t, l.source, "new", 1)
	produce(t, l.source, &kgo.Record{Topic: "new", Value: []byte("x")})
	member, err := kgo.NewClient(append(l.source.AdminOpts(), kgo.ClientID("newcomer"), kgo.ConsumerGroup("new"),
		kgo.ConsumeTopics("new"), kgo.DisableAutoCommit(), kgo.ServerSideBalancer(), kgo.Balancers(kgo.StickyBalancer()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer member.Close()
	until(t, func() error {
		described, err := l.source.Admin().DescribeConsumerGroups(bounded(t), "new")
		if err != nil || len(described["new"].Members) == 0 {
			return fmt.Errorf("no member has joined: %w", err)
		}
		return nil
	})
	p := l.strait(t, "new", "new", "--once", "--timeout", "2s")
	code, err := p.Wait(bounded(t))
	if err != nil || code != 1 || !strings.Contains(p.Log(100), "newcomer at 127.0.0.1") {
		t.Errorf("exit code %d, %v:\n%s", code, err, p.Log(20))
	}
	member.Close()
	until(t, func() error {
		if code := l.once(t, "new", "new", "--timeout", "2s"); code != 0 {
			return fmt.Errorf("exit code %d", code)
		}
		return nil
	})
	if n := count(t, l.target, "new"); n != 1 {
		t.Errorf("the target holds %d records, want 1", n)
	}
}

// testKill ends the program as a crash does while it copies: nothing is lost, and
// no more is repeated than was not committed.
func (l *lab) testKill(t *testing.T) {
	create(t, l.source, "kill", 4)
	p := l.strait(t, "kill", "kill", "--offset.commit.interval.ms", "3000")
	const records = 20_000
	produce(t, l.source, numbered("kill", 0, records/2)...)
	l.reaches(t, "kill", 1)
	produce(t, l.source, numbered("kill", records/2, records)...)
	l.arrives(t, "kill", records*3/4) // and the next commit is seconds away
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	committed, left := l.committed(t, "kill", "kill"), count(t, l.target, "kill")
	for _, at := range committed {
		left -= at
	}
	if left == 0 {
		t.Error("everything was committed at the crash: nothing was proven")
	}
	if code := l.once(t, "kill", "kill"); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	times := map[string]int{}
	for _, value := range values(read(t, l.target, "kill")) {
		times[value]++
	}
	if len(times) != records {
		t.Errorf("%d different records arrived, want %d", len(times), records)
	}
	repeated := 0
	for n, list := range read(t, l.source, "kill") {
		for at, r := range list {
			repeated += times[string(r.Value)] - 1
			if again := times[string(r.Value)]; again > 1 && int64(at) < committed[n] || again > 2 {
				t.Fatalf("record %d of partition %d arrived %d times, and %d was committed", at, n, again, committed[n])
			}
		}
	}
	t.Logf("%d records or more were written but not committed at the crash, %d were repeated", left, repeated)
}

// testBounce stops and kills the target's broker while records are written to it
// by key: none is lost, and none of a key overtakes another.
func (l *lab) testBounce(t *testing.T) {
	create(t, l.source, "bounce", 4)
	p := l.strait(t, "bounce", "bounce", "--offset.commit.interval.ms", "500")
	produce(t, l.source, numbered("bounce", 0, 1000)...)
	l.arrives(t, "bounce", 1)
	broker := l.target.Brokers()[0]
	const records = 20_000
	for i, end := range []func() error{
		func() error { return l.target.Stop(bounded(t), broker) },
		func() error { return l.target.Kill(broker) },
	} {
		at := 1000 * (i + 1)
		produce(t, l.source, numbered("bounce", at, at+1000)...)
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if err := l.target.Restart(bounded(t), broker); err != nil {
			t.Fatal(err)
		}
	}
	produce(t, l.source, numbered("bounce", 3000, records)...)
	until(t, func() error {
		if n := len(slices.Compact(values(read(t, l.target, "bounce")))); n != records {
			return fmt.Errorf("%d of %d records have arrived", n, records)
		}
		return nil
	})
	stop(t, p)
	for n, list := range read(t, l.target, "bounce") {
		last := map[string]int{}
		for _, r := range list {
			i, err := strconv.Atoi(string(r.Value))
			if err != nil {
				t.Fatal(err)
			}
			if before, seen := last[string(r.Key)]; seen && i != before+97 && i > before {
				t.Fatalf("in partition %d record %d of key %q follows %d", n, i, r.Key, before)
			}
			last[string(r.Key)] = i
		}
	}
}

// testHandOver takes over from the running MirrorMaker 1 and gives back to it.
func (l *lab) testHandOver(t *testing.T) {
	create(t, l.source, "hand", 4)
	create(t, l.target, "hand", 4)
	produce(t, l.source, numbered("hand", 0, 1000)...)
	java := l.real(t, "hand", "hand")
	l.arrives(t, "hand", 1000)

	strait := l.strait(t, "hand", "hand", "--offset.commit.interval.ms", "300")
	says(t, strait, `consumer group \"hand\" has 1 members (hand-0 at 127.0.0.1)`)
	stop(t, java.Program)
	produce(t, l.source, numbered("hand", 1000, 2000)...)
	l.arrives(t, "hand", 2000)

	l.reaches(t, "hand", 2000)
	// A member that joins stops it, before its next commit at the latest.
	cl, err := kgo.NewClient(append(l.source.AdminOpts(), kgo.ClientID("intruder"), kgo.ConsumerGroup("hand"),
		kgo.ConsumeTopics("hand"), kgo.DisableAutoCommit())...)
	if err != nil {
		t.Fatal(err)
	}
	until(t, func() error {
		described, err := l.source.Admin().DescribeGroups(bounded(t), "hand")
		if err != nil || len(described["hand"].Members) == 0 {
			return fmt.Errorf("the intruder has not joined: %w", err)
		}
		return nil
	})
	says(t, strait, "intruder at 127.0.0.1")
	cl.Close()
	produce(t, l.source, numbered("hand", 2000, 3000)...)
	l.arrives(t, "hand", 3000)
	stop(t, strait)

	produce(t, l.source, numbered("hand", 3000, 4000)...)
	java = l.real(t, "hand", "hand")
	l.arrives(t, "hand", 4000)
	stop(t, java.Program)
	judge(t, read(t, l.source, "hand"), read(t, l.target, "hand"), 4)
}
