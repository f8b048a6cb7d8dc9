// Package tail owns topics in which mirrors keep what they know: it makes those of one
// partition, reads on in any from where it was, and writes them. What the records mean is
// their owners' business.
package tail

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/admin"
)

// Bounds of one fetch.
const (
	fetchBytes = 1 << 20
	fetchWait  = 500 // ms
)

// Reader reads topics of a cluster. It is used by one goroutine at a time.
type Reader struct {
	cluster   *cluster.Cluster
	committed bool
	places    map[cluster.TopicPartition]place
}

// New returns a reader that has read nothing.
func New(c *cluster.Cluster) *Reader {
	return &Reader{cluster: c, places: map[cluster.TopicPartition]place{}}
}

// NewCommitted returns a reader that leaves out records of transactions that were not
// committed, and ends where one is open.
func NewCommitted(c *cluster.Cluster) *Reader {
	r := New(c)
	r.committed = true
	return r
}

// Seek has the next Read of a partition begin at an offset.
func (r *Reader) Seek(t *admin.Topic, partition int32, offset int64) {
	r.places[cluster.TopicPartition{Topic: t.Name, Partition: partition}] = place{id: t.ID, next: offset}
}

// place is how far a topic was read.
type place struct {
	id   [16]byte // of the topic; zero: the broker has none
	next int64
}

// Read takes what partition 0 of a topic holds; see ReadPartition.
func (r *Reader) Read(ctx context.Context, t *admin.Topic, take func(*kgo.Record)) error {
	return r.ReadPartition(ctx, t, 0, take)
}

// ReadPartition takes what a partition of a topic holds up to its present end, which
// every record that was acknowledged before the call is below. The partition must be
// one that t has. Records are shown in order and belong to take.
func (r *Reader) ReadPartition(ctx context.Context, t *admin.Topic, partition int32, take func(*kgo.Record)) error {
	at := cluster.TopicPartition{Topic: t.Name, Partition: partition}
	until := cluster.HighWatermark
	if r.committed {
		until = cluster.StableEnd
	}
	end := r.cluster.ListOffsets(ctx, until, []cluster.TopicPartition{at})[at]
	if end.Err != nil {
		return fmt.Errorf("asking for the end of %q: %w", t.Name, admin.Refused(end.Err, "READ", admin.OnTopic(t.Name)))
	}
	p := r.places[at]
	if p.id != t.ID || p.next > end.Offset {
		p = place{id: t.ID} // created anew
	}
	// A topic that is empty is asked for records once all the same: a permission
	// that is missing must show at the first start, not at the second.
	_, known := r.places[at]
	for first := !known; first || p.next < end.Offset; first = false {
		next, err := r.fetch(ctx, t, partition, p.next, end.Offset, take)
		if err != nil {
			return err
		}
		p.next = next
	}
	r.places[at] = p
	return nil
}

// fetch takes some records from an offset on, if there are any, and returns where
// to go on.
func (r *Reader) fetch(ctx context.Context, t *admin.Topic, partition int32, from, end int64, take func(*kgo.Record)) (next int64, err error) {
	resp, err := r.cluster.Control().Broker(int(t.Partitions[partition].Leader)).RetriableRequest(ctx, r.request(t, partition, from, end))
	if err != nil {
		return 0, fmt.Errorf("reading %q: %w", t.Name, err)
	}
	answer := resp.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(answer.ErrorCode); err != nil {
		return 0, fmt.Errorf("reading %q: %w", t.Name, err)
	}
	if len(answer.Topics) != 1 || len(answer.Topics[0].Partitions) != 1 {
		return 0, fmt.Errorf("reading %q: the broker did not answer for it", t.Name)
	}
	part := &answer.Topics[0].Partitions[0]
	if err := kerr.ErrorForCode(part.ErrorCode); err != nil {
		if errors.Is(err, kerr.OffsetOutOfRange) {
			delete(r.places, cluster.TopicPartition{Topic: t.Name, Partition: partition}) // cut short: all of it again
		}
		return 0, fmt.Errorf("reading %q: %w", t.Name, admin.Refused(err, "READ", admin.OnTopic(t.Name)))
	}
	fetched, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{
		Offset: from, Topic: t.Name, Partition: partition, IsolationLevel: r.isolation(),
	}, part, kgo.DefaultDecompressor(), nil)
	if fetched.Err != nil {
		return 0, fmt.Errorf("reading %q at offset %d: %w", t.Name, next, fetched.Err)
	}
	for _, record := range fetched.Records {
		take(record)
	}
	return next, nil
}

func (r *Reader) isolation() kgo.IsolationLevel {
	if r.committed {
		return kgo.ReadCommitted()
	}
	return kgo.ReadUncommitted()
}

func (r *Reader) request(t *admin.Topic, partition int32, from, end int64) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	if r.committed {
		req.IsolationLevel = 1
	}
	req.MinBytes, req.MaxBytes = 1, fetchBytes
	if from < end {
		req.MaxWaitMillis = fetchWait
	}
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID = t.Name, t.ID
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes = partition, from, fetchBytes
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	return req
}
