// Package tail owns topics of one partition in which mirrors keep what they know: it
// makes them, reads on from where it was, and writes them. What the records mean is
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
	cluster *cluster.Cluster
	places  map[string]place // by topic
}

// New returns a reader that has read nothing.
func New(c *cluster.Cluster) *Reader { return &Reader{cluster: c, places: map[string]place{}} }

// place is how far a topic was read.
type place struct {
	id   [16]byte // of the topic; zero: the broker has none
	next int64
}

// Read takes what partition 0 of a topic holds up to its present end, which every
// record that was acknowledged before the call is below. Records are shown in
// order and belong to take.
func (r *Reader) Read(ctx context.Context, t *admin.Topic, take func(*kgo.Record)) error {
	at := cluster.TopicPartition{Topic: t.Name}
	end := r.cluster.ListOffsets(ctx, cluster.HighWatermark, []cluster.TopicPartition{at})[at]
	if end.Err != nil {
		return fmt.Errorf("asking for the end of %q: %w", t.Name, admin.Refused(end.Err, "READ", admin.OnTopic(t.Name)))
	}
	p := r.places[t.Name]
	if p.id != t.ID || p.next > end.Offset {
		p = place{id: t.ID} // created anew
	}
	// A topic that is empty is asked for records once all the same: a permission
	// that is missing must show at the first start, not at the second.
	_, known := r.places[t.Name]
	for first := !known; first || p.next < end.Offset; first = false {
		next, err := r.fetch(ctx, t, p.next, end.Offset, take)
		if err != nil {
			return err
		}
		p.next = next
	}
	r.places[t.Name] = p
	return nil
}

// fetch takes some records from an offset on, if there are any, and returns where
// to go on.
func (r *Reader) fetch(ctx context.Context, t *admin.Topic, from, end int64, take func(*kgo.Record)) (next int64, err error) {
	resp, err := r.cluster.Control().Broker(int(t.Partitions[0].Leader)).RetriableRequest(ctx, request(t, from, end))
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
			delete(r.places, t.Name) // cut short: all of it again
		}
		return 0, fmt.Errorf("reading %q: %w", t.Name, admin.Refused(err, "READ", admin.OnTopic(t.Name)))
	}
	fetched, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Offset: from, Topic: t.Name},
		part, kgo.DefaultDecompressor(), nil)
	if fetched.Err != nil {
		return 0, fmt.Errorf("reading %q at offset %d: %w", t.Name, next, fetched.Err)
	}
	for _, record := range fetched.Records {
		take(record)
	}
	return next, nil
}

func request(t *admin.Topic, from, end int64) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.MinBytes, req.MaxBytes = 1, fetchBytes
	if from < end {
		req.MaxWaitMillis = fetchWait
	}
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID = t.Name, t.ID
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.FetchOffset, rp.PartitionMaxBytes = from, fetchBytes
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	return req
}
