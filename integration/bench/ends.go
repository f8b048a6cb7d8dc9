package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/integration/kafka"
)

// observer looks how far topics are readable on a cluster of one broker.
type observer struct {
	cluster    *kafka.Cluster
	topics     []string
	partitions int
}

// observe returns an observer of a data set as it is called on the target.
func (b *bench) observe(t topology, s shape) observer {
	o := observer{cluster: b.lab.target, partitions: s.partitions}
	for _, topic := range s.names() {
		o.topics = append(o.topics, t.remote(topic))
	}
	return o
}

// ends asks for the readable end of each partition, by topic; one that is not
// there yet has the end 0. Asking creates nothing.
func (o observer) ends(ctx context.Context) (map[string][]int64, error) {
	const latest = -1
	return o.offsets(ctx, latest)
}

// offsets asks for the first readable offset of each partition whose record is not
// older than a timestamp in milliseconds, -1 where there is none; of a partition that
// is not there yet it is 0 with the timestamp of the end, else -1.
func (o observer) offsets(ctx context.Context, timestamp int64) (map[string][]int64, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.IsolationLevel = 1 // read_committed
	found := make(map[string][]int64, len(o.topics))
	for _, topic := range o.topics {
		rt := kmsg.NewListOffsetsRequestTopic()
		rt.Topic = topic
		for p := range o.partitions {
			rp := kmsg.NewListOffsetsRequestTopicPartition()
			rp.Partition, rp.Timestamp = int32(p), timestamp
			rt.Partitions = append(rt.Partitions, rp)
		}
		req.Topics = append(req.Topics, rt)
		found[topic] = make([]int64, o.partitions)
		if timestamp >= 0 {
			for p := range found[topic] {
				found[topic][p] = -1
			}
		}
	}
	answer, err := o.cluster.Client().Broker(1).Request(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("asking for ends: %w", err)
	}
	resp, ok := answer.(*kmsg.ListOffsetsResponse)
	if !ok {
		return nil, fmt.Errorf("asking for ends: the answer is a %T", answer)
	}
	for _, rt := range resp.Topics {
		for _, rp := range rt.Partitions {
			err := kerr.ErrorForCode(rp.ErrorCode)
			switch {
			case err == nil:
				found[rt.Topic][rp.Partition] = rp.Offset
			case !kerr.IsRetriable(err):
				return nil, fmt.Errorf("asking for the end of %s/%d: %w", rt.Topic, rp.Partition, err)
			}
		}
	}
	return found, nil
}

// sum is the number of readable records, or the sum of all ends.
func (o observer) sum(ctx context.Context) (int64, error) {
	found, err := o.ends(ctx)
	var sum int64
	for _, ends := range found {
		for _, end := range ends {
			sum += end
		}
	}
	return sum, err
}

// arrival is when records were seen at the target.
type arrival struct {
	before time.Time // the last look that found nothing
	first  time.Time // the first look that found something
	all    time.Time // the first look that found everything
	sum    int64     // records found then
}

// errEnded means that a program ended before its work was done.
var errEnded = errors.New("the program ended too early")

// await looks at an interval until want records are there, while w runs or
// after it has ended well.
func (o observer) await(ctx context.Context, w *watched, want int64, interval time.Duration) (arrival, error) {
	a := arrival{before: time.Now()}
	what := fmt.Sprintf("%d records at the target", want)
	err := every(ctx, interval, runLimit, what, func() (bool, error) {
		ended := false
		select {
		case <-w.ended:
			ended = true
		default:
		}
		look := time.Now()
		var err error
		if a.sum, err = o.sum(ctx); err != nil {
			return false, err
		}
		switch {
		case a.sum == 0:
			a.before = look
		case a.first.IsZero():
			a.first = time.Now()
		}
		if a.sum >= want {
			a.all = time.Now()
			return true, nil
		}
		if ended {
			return false, fmt.Errorf("waiting for %s: %w with %d of them, after saying\n%s", what, errEnded, a.sum, w.Log(30))
		}
		return false, nil
	})
	if err != nil {
		err = fmt.Errorf("%w; there were %d; last words:\n%s", err, a.sum, w.Log(10))
	}
	return a, err
}

// copied is the time in which the records came.
func (a arrival) copied() time.Duration { return a.all.Sub(a.before) }
