// Package mm1_test proves that the program takes MirrorMaker 1's place: started
// with its options and files it goes on where its consumer group is, writes each
// record to the partition that MirrorMaker 1 would, and leaves a group that
// MirrorMaker 1 goes on from. The real MirrorMaker 1, of Kafka 3.9, runs beside
// it. The source asks for TLS and a SCRAM login, so that both are proven, too.
package mm1_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/kafka"
)

// lab is a source, a target and the program.
type lab struct {
	source, target *kafka.Cluster
	binary         string
	began          time.Time // in whole milliseconds, as Kafka keeps times
}

const (
	user     = "ann"
	password = "ann-secret"
)

func newLab(t *testing.T) *lab {
	t.Helper()
	kafka.Require(t)
	l := &lab{began: time.Now().Truncate(time.Millisecond), binary: filepath.Join(t.TempDir(), "strait")}
	var wait sync.WaitGroup
	wait.Go(func() {
		l.source = kafka.Start(t, kafka.Options{TLS: true, SASL: kafka.ScramSHA512, Users: map[string]string{user: password}})
	})
	wait.Go(func() { l.target = kafka.Start(t, kafka.Options{}) })
	wait.Go(func() {
		build := exec.CommandContext(t.Context(), "go", "build", "-o", l.binary, "github.com/strait-mirror/strait/cmd/strait")
		if text, err := build.CombinedOutput(); err != nil {
			t.Errorf("building the program: %v\n%s", err, text)
		}
	})
	wait.Wait()
	if t.Failed() || l.source == nil || l.target == nil {
		t.FailNow()
	}
	return l
}

// consumer is the consumer's file of MirrorMaker 1.
func (l *lab) consumer(group string) string {
	return fmt.Sprintf(`bootstrap.servers=%s
group.id=%s
auto.offset.reset=earliest
metadata.max.age.ms=1000
session.timeout.ms=6000
security.protocol=SASL_SSL
ssl.truststore.type=PEM
ssl.truststore.location=%s
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="%s" password="%s";
`, strings.Join(l.source.Bootstrap(), ","), group, l.source.PEM().CAFile, user, password)
}

// producer is its producer's file.
func (l *lab) producer() string {
	return "bootstrap.servers=" + strings.Join(l.target.Bootstrap(), ",") + "\nlinger.ms=5\n"
}

// real starts the real MirrorMaker 1.
func (l *lab) real(t *testing.T, group, include string) *kafka.MirrorMaker1 {
	t.Helper()
	return kafka.StartMirrorMaker1(t, kafka.MirrorMaker1Options{
		Consumer: l.consumer(group), Producer: l.producer(),
		Args: []string{"--include", include, "--offset.commit.interval.ms", "1000"},
	})
}

// strait starts the program in its place.
func (l *lab) strait(t *testing.T, group, include string, args ...string) *kafka.Program {
	t.Helper()
	dir := t.TempDir()
	consumer, producer := filepath.Join(dir, "consumer.properties"), filepath.Join(dir, "producer.properties")
	for path, text := range map[string]string{consumer: l.consumer(group), producer: l.producer()} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args = append([]string{"run", "--log-format", "text", "--consumer.config", consumer, "--producer.config", producer, "--include", include}, args...)
	p, err := kafka.NewProgram(dir, kafka.ProgramOptions{Path: l.binary, Args: args})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("ending strait: %v", err)
		}
		if t.Failed() {
			t.Logf("strait's last words:\n%s", p.Log(40))
		}
	})
	return p
}

// stop ends a program in good order.
func stop(t *testing.T, p *kafka.Program) {
	t.Helper()
	if err := p.Stop(bounded(t)); err != nil {
		t.Fatal(err)
	}
}

// once runs the program up to the ends and returns its exit code.
func (l *lab) once(t *testing.T, group, include string, args ...string) int {
	t.Helper()
	p := l.strait(t, group, include, append(args, "--once")...)
	code, err := p.Wait(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// until polls a condition.
func until(t *testing.T, ok func() error) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("gave up waiting: %v", err)
		}
		<-time.After(50 * time.Millisecond)
	}
}

// says waits until a program has printed a text.
func says(t *testing.T, p *kafka.Program, text string) {
	t.Helper()
	until(t, func() error {
		if !strings.Contains(p.Log(1000), text) {
			return fmt.Errorf("it has not said %q", text)
		}
		return nil
	})
}

// create creates a topic on a cluster.
func create(t *testing.T, c *kafka.Cluster, topic string, partitions int) {
	t.Helper()
	if err := c.CreateTopic(bounded(t), kafka.Topic{Name: topic, Partitions: partitions}); err != nil {
		t.Fatal(err)
	}
}

// produce writes records to the partitions they name.
func produce(t *testing.T, c *kafka.Cluster, records ...*kgo.Record) {
	t.Helper()
	cl, err := kgo.NewClient(append(c.AdminOpts(), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(4<<20))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.ProduceSync(bounded(t), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// numbered returns records with keys, spread over four partitions by key.
func numbered(topic string, from, to int) (list []*kgo.Record) {
	for i := from; i < to; i++ {
		key := fmt.Sprintf("key-%d", i%97)
		list = append(list, &kgo.Record{
			Topic: topic, Partition: int32(i % 97 % 4), Key: []byte(key), Value: fmt.Append(nil, i),
		})
	}
	return list
}

// count returns how many records the partitions of a topic hold.
func count(t *testing.T, c *kafka.Cluster, topic string) (n int64) {
	t.Helper()
	ends, err := c.Admin().ListEndOffsets(bounded(t), topic)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range ends[topic] {
		if p.Err == nil {
			n += p.Offset
		}
	}
	return n
}

// arrives waits until a topic of the target holds n records.
func (l *lab) arrives(t *testing.T, topic string, n int64) {
	t.Helper()
	until(t, func() error {
		if got := count(t, l.target, topic); got < n {
			return fmt.Errorf("topic %s holds %d records, want %d", topic, got, n)
		}
		return nil
	})
}

// read returns everything that a topic holds, by partition, with raw headers.
func read(t *testing.T, c *kafka.Cluster, topic string) map[int32][]*kgo.Record {
	t.Helper()
	ends, err := c.Admin().ListEndOffsets(bounded(t), topic)
	if err != nil {
		t.Fatal(err)
	}
	from, left := map[int32]kgo.Offset{}, map[int32]int64{}
	for n, p := range ends[topic] {
		if from[n] = kgo.NewOffset().AtStart(); p.Offset > 0 {
			left[n] = p.Offset
		}
	}
	cl, err := kgo.NewClient(append(c.AdminOpts(), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	all := map[int32][]*kgo.Record{}
	for len(left) > 0 {
		fetches := cl.PollFetches(bounded(t))
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			all[r.Partition] = append(all[r.Partition], r)
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		})
	}
	return all
}

// committed returns what the source's group has committed, by partition.
func (l *lab) committed(t *testing.T, group, topic string) map[int32]int64 {
	t.Helper()
	var offsets kadm.OffsetResponses
	until(t, func() (err error) { // the coordinator may be loading yet
		offsets, err = l.source.Admin().FetchOffsets(bounded(t), group)
		return err
	})
	at := map[int32]int64{}
	for n, o := range offsets[topic] {
		at[n] = o.At
	}
	return at
}

// reaches waits until the group has committed n records of a topic.
func (l *lab) reaches(t *testing.T, name string, n int64) {
	t.Helper()
	until(t, func() error {
		var sum int64
		for _, at := range l.committed(t, name, name) {
			sum += at
		}
		if sum < n {
			return fmt.Errorf("%d records are committed, want %d", sum, n)
		}
		return nil
	})
}

// values returns the values of all records, in order.
func values(records map[int32][]*kgo.Record) (list []string) {
	for _, p := range records {
		for _, r := range p {
			list = append(list, string(r.Value))
		}
	}
	slices.Sort(list)
	return list
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
