package mirror

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/internal/judge"
)

// deadLetterTimeout bounds the writing of the dead letters of one batch, so that a
// lane that cannot get rid of them holds up no other for long.
const deadLetterTimeout = 20 * time.Second

// DeadLetterError says that records could not be written to the topic for dead
// letters; their partition stops, and tries again.
type DeadLetterError struct {
	Topic string
	Err   error
}

func (e *DeadLetterError) Error() string {
	return fmt.Sprintf("writing dead letters to topic %q: %v", e.Topic, e.Err)
}

// Unwrap returns what was in the way.
func (e *DeadLetterError) Unwrap() error { return e.Err }

// deadLetters writes records that stages cannot be applied to. A letter is written
// before what follows it in its partition, so that it is there when the position
// has passed it; after a crash it may be written again. Where the flow writes in
// transactions it is in the one with the position behind it, and is there once. It is
// safe for concurrent use.
type deadLetters struct {
	flow *Flow

	mu     sync.Mutex // guards the rest
	made   bool       // the topic is there, as far as anybody may see to that
	client *kgo.Client
}

// write returns once the target has all the letters.
func (d *deadLetters) write(ctx context.Context, letters []judge.Dead) error {
	if len(letters) == 0 {
		return nil
	}
	def := d.flow.def()
	ctx, cancel := context.WithTimeout(ctx, deadLetterTimeout)
	defer cancel()
	client, err := d.open(ctx)
	if err == nil {
		records := make([]*kgo.Record, len(letters))
		for i := range letters {
			records[i] = letter(&letters[i], def.DeadLetterTopic, def.Name)
		}
		err = client.ProduceSync(ctx, records...).FirstErr()
	}
	if err != nil {
		return d.failed(err)
	}
	d.flow.dead.Add(int64(len(letters)))
	d.say(letters)
	return nil
}

// failed is why letters could not be written.
func (d *deadLetters) failed(err error) error {
	topic := d.flow.def().DeadLetterTopic
	if errors.Is(err, kerr.TopicAuthorizationFailed) {
		err = admin.Refused(err, "WRITE", admin.OnTopic(topic))
	}
	return &DeadLetterError{Topic: topic, Err: d.flow.p.Target.Explain(err)}
}

// say has the log tell of the first letters of a stage.
func (d *deadLetters) say(letters []judge.Dead) {
	if first := letters[0]; d.flow.reports.again("dead letter " + first.Err.Stage) {
		d.flow.p.Log.Warn("records written to dead_letter_topic; status counts them from here on", "topic", d.flow.def().DeadLetterTopic,
			"stage", first.Err.Stage, "source_topic", first.Topic, "partition", first.Partition, "offset", first.Offset, "err", first.Err.Err)
	}
}

// open returns the client, the first time after it has seen to the topic.
func (d *deadLetters) open(ctx context.Context) (*kgo.Client, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.client != nil {
		return d.client, nil
	}
	if err := d.makeLocked(ctx); err != nil {
		return nil, err
	}
	target, def := d.flow.p.Target, d.flow.def()
	client, err := target.Producer("dead-letters-"+def.Name, kgo.ProducerBatchMaxBytes(def.MaxRequestSize),
		kgo.RecordDeliveryTimeout(deadLetterTimeout), kgo.UnknownTopicRetries(3))
	d.client = client
	return client, err
}

// makeLocked sees to the topic, once.
func (d *deadLetters) makeLocked(ctx context.Context) error {
	if d.made {
		return nil
	}
	target, def := d.flow.p.Target, d.flow.def()
	wanted := admin.NewTopic{Partitions: -1, ReplicationFactor: def.ReplicationFactor}
	created := make(chan *admin.NewTopic, 1)
	err := target.Await(ctx, func(ctx context.Context) error {
		// Who may not create it may find it there.
		topic, _, err := admin.Ensure(ctx, target.Control(), def.DeadLetterTopic, wanted, deadLetterTimeout)
		created <- topic
		return err //nolint:wrapcheck // by write
	})
	if err != nil {
		return err
	}
	if topic := <-created; topic != nil {
		d.flow.p.Log.Info("topic of dead letters created", "topic", def.DeadLetterTopic, "with", topic.String())
	}
	d.made = true
	return nil
}

// close ends the client. A nil d has none.
func (d *deadLetters) close() {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.client != nil {
		d.client.Close()
	}
}

// letter is a record as it is written, with Kafka Connect's names for headers that
// say why (KIP-298, DeadLetterQueueReporter).
func letter(of *judge.Dead, topic, flow string) *kgo.Record {
	r := &kgo.Record{Topic: topic, Key: of.Key, Value: of.Value}
	if of.Timestamp >= 0 {
		r.Timestamp = time.UnixMilli(of.Timestamp)
	}
	for _, h := range of.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	for _, h := range [][2]string{
		{"topic", of.Topic},
		{"partition", strconv.Itoa(int(of.Partition))},
		{"offset", strconv.FormatInt(of.Offset, 10)},
		{"connector.name", flow},
		{"stage", of.Err.Stage},
		{"exception.message", of.Err.Err.Error()},
	} {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: "__connect.errors." + h[0], Value: []byte(h[1])})
	}
	return r
}
