package internaltopic

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/internal/tail"
)

// followEvery is how often a topic that is followed is looked at.
const followEvery = time.Second

// Record is a record of an internal topic.
type Record struct {
	Kind      Kind
	Partition int32
	Offset    int64
	Time      time.Time
	Fields    []Field
	Problem   error // why it could not be decoded, or not in full
}

// Params is what Read needs.
type Params struct {
	Cluster *model.Cluster // required
	Topic   string         // required
	Log     *slog.Logger   // required

	As     Kind  // what the topic holds; default what its name says
	Last   int64 // begin so many offsets before the end of each partition; 0: at its start
	Follow bool  // go on with what arrives until ctx ends
}

// UnknownTopicError says that a cluster has no such topic.
type UnknownTopicError struct {
	Topic, Cluster string
	Known          []string // the internal topics that it has
}

func (e *UnknownTopicError) Error() string {
	return fmt.Sprintf("cluster %q has no topic %q", e.Cluster, e.Topic)
}

// Hint says what there is instead.
func (e *UnknownTopicError) Hint() string {
	if len(e.Known) == 0 {
		return "it has no internal topics of mirrors at all"
	}
	return "it has " + strings.Join(e.Known, ", ")
}

// Read shows the records of a topic in the order of each partition, up to the end that
// the partition had when it came to it, or as they arrive. Records of transactions that
// were not committed are left out. It ends when take returns false, and holds one
// fetch at a time.
func Read(ctx context.Context, p Params, take func(Record) bool) error {
	if p.As == "" {
		kind, ok := KindOf(p.Topic)
		if !ok {
			return fmt.Errorf("topic %q has not the name of an internal topic: what it holds has to be said", p.Topic)
		}
		p.As = kind
	}
	c, err := cluster.New(cluster.Params{Config: p.Cluster, Log: p.Log})
	if err != nil {
		return err
	}
	defer c.Close()
	r := &reader{p: p, on: c, log: tail.NewCommitted(c), take: take}
	if err := r.begin(ctx); err != nil {
		if unknown, ok := errors.AsType[*UnknownTopicError](err); ok {
			return unknown
		}
		return c.Explain(err)
	}
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		if err := r.round(ctx); err != nil || r.ended || !p.Follow {
			return c.Explain(err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// reader is one Read.
type reader struct {
	p     Params
	on    *cluster.Cluster
	log   *tail.Reader
	topic *admin.Topic
	take  func(Record) bool
	ended bool // take has had enough
}

// begin finds the topic, and where to read on.
func (r *reader) begin(ctx context.Context) error {
	if err := r.on.Await(ctx, func(ctx context.Context) error { return r.find(ctx) }); err != nil {
		return err
	}
	var all []cluster.TopicPartition
	for _, p := range r.topic.Partitions {
		all = append(all, cluster.TopicPartition{Topic: r.p.Topic, Partition: p.Number})
	}
	starts := r.on.ListOffsets(ctx, cluster.Earliest, all)
	ends := r.on.ListOffsets(ctx, cluster.StableEnd, all)
	for _, at := range all {
		if err := errors.Join(starts[at].Err, ends[at].Err); err != nil {
			return fmt.Errorf("asking where %s/%d begins and ends: %w", at.Topic, at.Partition, admin.Refused(err, "READ", admin.OnTopic(at.Topic)))
		}
		from := starts[at].Offset
		if r.p.Last > 0 {
			from = max(from, ends[at].Offset-r.p.Last)
		}
		r.log.Seek(r.topic, at.Partition, from)
	}
	return nil
}

// find asks for the topic.
func (r *reader) find(ctx context.Context) error {
	topics, err := admin.Topics(ctx, r.on.Control(), []string{r.p.Topic})
	if err != nil {
		return err
	}
	r.topic = topics[r.p.Topic]
	switch {
	case errors.Is(r.topic.Err, kerr.UnknownTopicOrPartition):
		return r.unknown(ctx)
	case r.topic.Err != nil:
		return r.topic.Err
	case !r.topic.Ready(1):
		return fmt.Errorf("describing topic %q: %w", r.p.Topic, kerr.LeaderNotAvailable)
	}
	return nil
}

func (r *reader) unknown(ctx context.Context) error {
	names, err := r.on.TopicNames(ctx)
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		_, ok := KindOf(name)
		return !ok
	})
	return &UnknownTopicError{Topic: r.p.Topic, Cluster: r.on.Alias(), Known: names}
}

// round reads every partition to its present end.
func (r *reader) round(ctx context.Context) error {
	if err := r.find(ctx); err != nil { // leaders move
		return err
	}
	ctx, enough := context.WithCancel(ctx)
	defer enough()
	for _, p := range r.topic.Partitions {
		err := r.log.ReadPartition(ctx, r.topic, p.Number, func(record *kgo.Record) {
			if r.ended {
				return
			}
			if !r.take(r.decode(record)) {
				r.ended = true
				enough()
			}
		})
		if r.ended {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) decode(record *kgo.Record) Record {
	fields, err := Decode(r.p.As, record.Key, record.Value)
	return Record{Kind: r.p.As, Partition: record.Partition, Offset: record.Offset, Time: record.Timestamp, Fields: fields, Problem: err}
}
