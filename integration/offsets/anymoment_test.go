package offsets_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/kafka"
)

// busy are the topics that groups are failed over in, and their partitions.
func busy() map[string]int { return map[string]int{"plain": 2, "tx": 1, "compact": 1} }

// anyMoment is a source that is written to, with Strait and MirrorMaker 2 beside each
// other, each to a target of its own.
type anyMoment struct {
	source  *kafka.Cluster
	targets map[string]*kafka.Cluster // by the program that mirrors there

	mu   sync.Mutex // guards next
	next map[string]int64
}

// id is the number that the next record of a partition has as its value: they ascend.
func (m *anyMoment) id(topic string, partition int) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := topic + strconv.Itoa(partition)
	m.next[at]++
	return m.next[at] - 1
}

// produce writes to all topics until ctx ends.
func (m *anyMoment) produce(ctx context.Context, t *testing.T) {
	t.Helper()
	client := func(more ...kgo.Opt) *kgo.Client {
		cl, err := kgo.NewClient(append(append(m.source.AdminOpts(), kgo.RecordPartitioner(kgo.ManualPartitioner())), more...)...)
		if err != nil {
			t.Error(err)
		}
		return cl
	}
	plain, tx := client(), client(kgo.TransactionalID("writer"))
	defer plain.Close()
	defer tx.Close()
	record := func(topic string, partition int) *kgo.Record {
		id := m.id(topic, partition)
		return &kgo.Record{Topic: topic, Partition: int32(partition), Key: fmt.Append(nil, id%40), Value: fmt.Append(nil, id)}
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	all := context.WithoutCancel(ctx) // what is begun is finished
	for n := 0; ctx.Err() == nil; n++ {
		var some, together []*kgo.Record
		for i := range 20 {
			some = append(some, record("plain", i%2), record("compact", 0))
		}
		for range 10 {
			together = append(together, record("tx", 0))
		}
		err := plain.ProduceSync(all, some...).FirstErr()
		if err == nil {
			err = tx.BeginTransaction()
		}
		if err == nil {
			err = tx.ProduceSync(all, together...).FirstErr()
		}
		if err == nil {
			err = tx.EndTransaction(all, kgo.TransactionEndTry(n%3 != 1))
		}
		if err != nil {
			t.Errorf("writing: %v", err)
			return
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// member is a group with one member that ends without a commit.
type member struct {
	group string
	read  map[string][]int64          // the ids in front of which it committed, by partition, in order; 0 is before all
	at    map[string]map[string]int64 // where each target had it then, by program and partition
}

// consume reads and commits until a moment that nobody chose, and asks the targets.
func (m *anyMoment) consume(ctx context.Context, t *testing.T, group string, random *rand.Rand) *member {
	t.Helper()
	g := &member{group: group, read: map[string][]int64{}, at: map[string]map[string]int64{}}
	cl, err := kgo.NewClient(append(m.source.AdminOpts(), kgo.ConsumerGroup(group), kgo.ConsumeTopics("plain", "tx", "compact"),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.DisableAutoCommit(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		t.Error(err)
		return g
	}
	defer cl.Close()
	tick := time.NewTicker(time.Duration(10+random.IntN(40)) * time.Millisecond)
	defer tick.Stop()
	records := cl.PollRecords(ctx, 1).Records() // it takes its time to join
	for moment := time.Now().Add(3*time.Second + time.Duration(random.IntN(3000))*time.Millisecond); ; <-tick.C {
		if time.Now().After(moment) || ctx.Err() != nil {
			break // what it has read last is not committed
		}
		if err := cl.CommitRecords(ctx, records...); err != nil {
			t.Errorf("group %s: committing: %v", group, err)
			return g
		}
		for _, r := range records {
			id, err := strconv.ParseInt(string(r.Value), 10, 64)
			if err != nil {
				t.Error(err)
			}
			at := r.Topic + strconv.Itoa(int(r.Partition))
			if last := len(g.read[at]) - 1; r != records[0] && last >= 0 && slices.ContainsFunc(records, func(o *kgo.Record) bool {
				return o.Topic == r.Topic && o.Partition == r.Partition && o.Offset < r.Offset
			}) {
				g.read[at][last] = id + 1
			} else {
				g.read[at] = append(g.read[at], id+1)
			}
		}
		records = cl.PollRecords(ctx, 1+random.IntN(80)).Records()
	}
	for program, target := range m.targets {
		offsets, err := target.Admin().FetchOffsets(ctx, group)
		if err != nil && ctx.Err() != nil {
			t.Errorf("asking %s for group %s: %v", program, group, err)
		}
		g.at[program] = map[string]int64{}
		offsets.Each(func(o kadm.OffsetResponse) {
			g.at[program][strings.TrimPrefix(o.Topic, "a.")+strconv.Itoa(int(o.Partition))] = max(o.At, 0)
		})
	}
	return g
}

// logged is a record of a log by its id.
type logged struct{ offset, id, key int64 }

// log reads a partition as consumers of committed records do.
func log(ctx context.Context, t *testing.T, c *kafka.Cluster, topic string, partition int32) (all []logged) {
	t.Helper()
	end := ends(ctx, t, c, topic)[partition]
	cl, err := kgo.NewClient(append(c.AdminOpts(), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().AtStart()}}))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for next := int64(0); next < end; {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("reading %s/%d: %v", topic, partition, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if next = r.Offset + 1; r.Attrs.IsControl() {
				return
			}
			id, err := strconv.ParseInt(string(r.Value), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, logged{r.Offset, id, id % 40})
		})
	}
	return all
}

// cut is the id in front of which an offset of a log is, and the last one behind it,
// -1 where there is none.
func cut(log []logged, offset int64) (before, next int64) {
	i, _ := slices.BinarySearchFunc(log, offset, func(r logged, o int64) int { return int(r.offset - o) })
	before, next = -1, 1<<62
	if i > 0 {
		before = log[i-1].id
	}
	if i < len(log) {
		next = log[i].id
	}
	return before, next
}

// tally is what was found of a program in topics of a kind.
type tally struct{ groups, none, missed, again, worst, between, coarse int }

// judge compares where a group was at a target with what it had committed at the
// source. Of a compacted topic a record is not missed whose key has a later one.
func (y *tally) judge(t *testing.T, program, at string, g *member, source, target []logged, compacted bool) {
	t.Helper()
	done := int64(0) // what was committed
	if n := len(g.read[at]); n > 0 {
		done = g.read[at][n-1]
	}
	offset, known := g.at[program][at]
	before, next := cut(target, offset)
	y.groups++
	if !known && done > 0 {
		y.none++
	}
	has, latest := map[int64]bool{}, map[int64]int64{}
	again := 0
	for _, r := range target {
		if r.offset < offset {
			continue
		}
		has[r.id], latest[r.key] = true, r.id
		if r.id < done {
			again++
		}
	}
	for _, r := range source {
		if r.id >= done && !has[r.id] && (!compacted || latest[r.key] < r.id) {
			y.missed++
		}
	}
	y.again, y.worst = y.again+again, max(y.worst, again)
	// The last sync wrote what was committed then: one of the commits, or nothing.
	synced := int64(-1)
	for _, id := range append([]int64{0}, g.read[at]...) {
		if before < id && id <= next {
			synced = max(synced, id)
		}
	}
	if synced < 0 {
		y.coarse++
		return
	}
	between := 0
	for _, r := range target {
		if r.id >= synced && r.id < done {
			between++
		}
	}
	y.between = max(y.between, between)
	if again > between && program == "Strait" {
		t.Errorf("group %s reads %d records of %s again, and committed %d since the last sync", g.group, again, at, between)
	}
}

// TestFailoverAtAnyMoment has consumers end in the middle of their work in plain,
// transactional and compacted topics, beside MirrorMaker 2 with the same intervals. At
// the target they miss nothing and read again what they committed since the last sync,
// and taken back by hand they read nothing again. It is conformance item 100; the long
// run, of 10 rounds (STRAIT_SOAK_FAILOVERS), is `make soak`'s.
func TestFailoverAtAnyMoment(t *testing.T) {
	t.Parallel()
	rounds := 1
	if os.Getenv("STRAIT_SOAK") != "" {
		rounds = 10
		if n, err := strconv.Atoi(os.Getenv("STRAIT_SOAK_FAILOVERS")); err == nil {
			rounds = max(n, 2)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit+time.Duration(rounds)*time.Minute)
	defer cancel()
	p := startPair(t)
	m := &anyMoment{source: p.source, next: map[string]int64{}, targets: map[string]*kafka.Cluster{
		"Strait": p.target, "MirrorMaker 2": kafka.Start(t, kafka.Options{Config: map[string]string{"log.cleaner.backoff.ms": "200"}}),
	}}
	create(ctx, t, p.source, "plain", 2)
	create(ctx, t, p.source, "tx", 1)
	create(ctx, t, p.source, "compact", 1, "cleanup.policy", "compact", "segment.bytes", "1048576", "min.cleanable.dirty.ratio", "0.001", "segment.ms", "1000")
	topics := []string{"plain", "tx", "compact"}
	run(ctx, t, p.config(flow("a", "b", topics)))
	m.mirrorMaker(ctx, t)
	c := commands{program: build(t), file: p.write(t, topics)}

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	found := map[string]*tally{}
	returned := map[string]int{}
	for round := range rounds {
		random := rand.New(rand.NewPCG(seed, uint64(round)))
		members := m.crash(ctx, t, round, random)
		m.judge(ctx, t, members, found)
		m.takeBack(ctx, t, c, members, random, returned)
	}
	m.report(t, seed, rounds, found, returned)
}

// mirrorMaker starts MirrorMaker 2 with the intervals of the flow and waits until it
// copies.
func (m *anyMoment) mirrorMaker(ctx context.Context, t *testing.T) {
	t.Helper()
	target := m.targets["MirrorMaker 2"]
	config := map[string]string{
		"clusters": "a, c", "a->c.enabled": "true", "topics": "plain, tx, compact", "tasks.max": "2",
		"a.bootstrap.servers": m.source.Bootstrap()[0], "c.bootstrap.servers": target.Bootstrap()[0],
		"emit.heartbeats.enabled": "false", "sync.group.offsets.enabled": "true", "a.consumer.isolation.level": "read_committed",
		"sync.group.offsets.interval.seconds": "1", "emit.checkpoints.interval.seconds": "1", "refresh.groups.interval.seconds": "1",
		"refresh.topics.interval.seconds": "1", "offset.flush.interval.ms": "1000",
	}
	for _, k := range []string{
		"replication.factor", "checkpoints.topic.replication.factor", "offset-syncs.topic.replication.factor",
		"offset.storage.replication.factor", "status.storage.replication.factor", "config.storage.replication.factor",
	} {
		config[k] = "1"
	}
	kafka.StartMirrorMaker(t, kafka.MirrorMakerOptions{Properties: kafka.Properties(config)})
	await(ctx, t, func() (string, bool) {
		listed, err := target.Admin().ListTopics(ctx, "a.plain", "a.tx", "a.compact", "a.checkpoints.internal")
		return "MirrorMaker 2 has not begun", err == nil && listed.Error() == nil
	})
}

// crash has groups work and end one by one while records are written, and returns
// once all of those are at the targets.
func (m *anyMoment) crash(ctx context.Context, t *testing.T, round int, random *rand.Rand) []*member {
	t.Helper()
	writing, stop := context.WithCancel(ctx)
	var producers, consumers sync.WaitGroup
	producers.Go(func() { m.produce(writing, t) })
	members := make([]*member, 8)
	for i := range members {
		own := rand.New(rand.NewPCG(random.Uint64(), uint64(i)))
		consumers.Go(func() { members[i] = m.consume(ctx, t, fmt.Sprintf("g%d-%d", round, i), own) })
	}
	consumers.Wait()
	stop()
	producers.Wait()
	if t.Failed() {
		t.FailNow()
	}
	for topic, partitions := range busy() {
		for p := range int32(partitions) {
			all := log(ctx, t, m.source, topic, p)
			for program, target := range m.targets {
				await(ctx, t, func() (string, bool) {
					got := log(ctx, t, target, "a."+topic, p)
					return fmt.Sprintf("%s has not copied all of %s/%d", program, topic, p), len(got) > 0 && got[len(got)-1].id == all[len(all)-1].id
				})
			}
		}
	}
	return members
}

// judge judges all members on both targets.
func (m *anyMoment) judge(ctx context.Context, t *testing.T, members []*member, found map[string]*tally) {
	t.Helper()
	for topic, partitions := range busy() {
		for p := range int32(partitions) {
			source := log(ctx, t, m.source, topic, p)
			for program, target := range m.targets {
				y := found[program+" "+topic]
				if y == nil {
					y = &tally{}
					found[program+" "+topic] = y
				}
				copied := log(ctx, t, target, "a."+topic, p)
				for _, g := range members {
					y.judge(t, program, topic+strconv.Itoa(int(p)), g, source, copied, topic == "compact")
				}
				if program == "Strait" && y.missed > 0 {
					t.Fatalf("%s/%d: %d records were missed", topic, p, y.missed)
				}
			}
		}
	}
}

// takeBack has each group read on at the target to anywhere, and go back to the
// source. again counts the records that it reads there though it has read them.
func (m *anyMoment) takeBack(ctx context.Context, t *testing.T, c commands, members []*member, random *rand.Rand, again map[string]int) {
	t.Helper()
	target := m.targets["Strait"]
	for topic, partitions := range busy() {
		for p := range int32(partitions) {
			source, copied := log(ctx, t, m.source, topic, p), log(ctx, t, target, "a."+topic, p)
			await(ctx, t, func() (string, bool) { // the flow stores where it is now and then
				at := fmt.Sprintf("a.%s/%d=%d", topic, p, copied[len(copied)-1].offset)
				return "the end of " + topic + " is not known yet", c.one(ctx, t, "", at, "--back") >= source[len(source)-1].offset
			})
		}
	}
	for _, g := range members {
		for topic, partitions := range busy() {
			at, from := map[int32]int64{}, committed(ctx, t, target, g.group, "a."+topic) // synced meanwhile
			for p, end := range ends(ctx, t, target, "a."+topic) {
				if int(p) < partitions {
					at[p] = from[p] + random.Int64N(end-from[p]+1)
				}
			}
			commit(ctx, t, target, g.group, "a."+topic, at)
		}
		c.exec(ctx, t, 0, "offsets", "translate", "--group", g.group, "--back", "--yes")
	}
	for topic, partitions := range busy() {
		for p := range int32(partitions) {
			source, copied := log(ctx, t, m.source, topic, p), log(ctx, t, target, "a."+topic, p)
			for _, g := range members {
				_, left := cut(copied, committed(ctx, t, target, g.group, "a."+topic)[p])
				before, _ := cut(source, committed(ctx, t, m.source, g.group, topic)[p])
				if before >= left {
					t.Errorf("group %s: record %d of %s/%d was not read at the target, and is passed over on the way back", g.group, left, topic, p)
				}
				for _, r := range source {
					if r.id > before && r.id < left {
						again[topic]++
					}
				}
			}
		}
	}
	for _, topic := range []string{"plain", "tx"} {
		if again[topic] > 0 {
			t.Errorf("%d records of %s are read again on the way back", again[topic], topic)
		}
	}
}

const anyMomentIntro = `# Failing groups over

Consumers end in the middle of their work, at moments that nobody chose, and go on at
the target where Strait or MirrorMaker 2 has their offsets then. Both mirror the same
source beside each other and sync groups every second. A record is missed that was not
committed at the source and is not read at the target; it is read again where it was
committed. "since the last sync" is the most that a group had committed in a partition
since the offset at the target was written. Then the groups read on at Strait's target
and are taken back with ` + "`strait offsets translate --back`" + `.

` + "`make soak`" + ` writes this page: integration/offsets, TestFailoverAtAnyMoment.
`

// report logs what was found, and writes the page of a long run.
func (m *anyMoment) report(t *testing.T, seed uint64, rounds int, found map[string]*tally, returned map[string]int) {
	t.Helper()
	var w strings.Builder
	w.WriteString(anyMomentIntro)
	head, err := exec.CommandContext(t.Context(), "git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		head = []byte("unknown")
	}
	fmt.Fprintf(&w, "\n%s, commit %s; %s/%s, %d cores, Kafka %s; seed %d, %d rounds of 8 groups\n\n", time.Now().Format(time.DateOnly),
		strings.TrimSpace(string(head)), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), kafka.DefaultVersion, seed, rounds)
	w.WriteString("| mirror | topics | places of groups | without an offset | missed | read again | at most in one | since the last sync, at most | read again on the way back |\n|---|---|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, program := range []string{"Strait", "MirrorMaker 2"} {
		for _, topic := range []string{"plain", "tx", "compact"} {
			y, back, since := found[program+" "+topic], "", "not exact"
			if program == "Strait" {
				back = strconv.Itoa(returned[topic])
			}
			if y.coarse == 0 {
				since = strconv.Itoa(y.between)
			}
			fmt.Fprintf(&w, "| %s | %s | %d | %d | %d | %d | %d | %s | %s |\n", program, topic, y.groups, y.none, y.missed, y.again, y.worst, since, back)
			if program == "Strait" && topic != "compact" && y.coarse > 0 {
				t.Errorf("%d places in %s are those of no commit", y.coarse, topic)
			}
		}
	}
	t.Log(w.String())
	if rounds == 1 {
		return
	}
	if err := os.WriteFile("../../docs/results/failover.md", []byte(w.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
