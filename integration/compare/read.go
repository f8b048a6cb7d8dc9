package compare

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"
)

const (
	readersAtOnce = 4       // partitions that Read reads side by side
	fetchBytes    = 4 << 20 // per request; a larger batch comes alone
	retryAfter    = 50 * time.Millisecond
)

// ReadOptions say what of a topic is read.
type ReadOptions struct {
	// ReadCommitted leaves out aborted records and ends at the last stable
	// offset instead of the high watermark.
	ReadCommitted bool
}

// Read returns every record that a topic holds at the time of the call, in
// order, by partition. Empty partitions are in the result too.
func Read(ctx context.Context, opts []kgo.Opt, topic string, o ReadOptions) (map[int32][]Record, error) {
	t, err := open(ctx, opts, topic, o)
	if err != nil {
		return nil, fmt.Errorf("reading topic %s: %w", topic, err)
	}
	defer t.client.Close()
	var mu sync.Mutex // guards all
	all := map[int32][]Record{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readersAtOnce)
	for _, p := range t.partitions {
		g.Go(func() error {
			var got []Record
			for p.next < p.end {
				rs, err := p.read(ctx)
				if err != nil {
					return fmt.Errorf("reading %s/%d at offset %d: %w", topic, p.number, p.next, err)
				}
				got = append(got, rs...)
			}
			mu.Lock()
			defer mu.Unlock()
			all[p.number] = got
			return nil
		})
	}
	return all, g.Wait()
}

// topic is a topic that is being read.
type topic struct {
	client     *kgo.Client
	partitions []*partition // by number
}

// partition reads one partition from where it starts to where it ended when
// the topic was opened.
type partition struct {
	client     *kgo.Client
	topic      string
	number     int32
	next, end  int64
	isolation  int8
	unpack     kgo.Decompressor
	leader     int32    // −1 where it must be asked for
	topicID    [16]byte // newer brokers know topics by it
	fetchBytes int32
}

// open finds the partitions of a topic and their ends. The caller closes the
// client.
func open(ctx context.Context, opts []kgo.Opt, name string, o ReadOptions) (*topic, error) {
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	t := &topic{client: cl}
	for {
		err = t.find(ctx, name, o)
		if err == nil {
			return t, nil
		}
		if !retriable(err) || !pause(ctx) {
			cl.Close()
			return nil, err
		}
	}
}

// find asks for the start and end of each partition once.
func (t *topic) find(ctx context.Context, name string, o ReadOptions) error {
	adm := kadm.NewClient(t.client)
	starts, err := adm.ListStartOffsets(ctx, name)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return fmt.Errorf("listing start offsets: %w", err)
	}
	list := adm.ListEndOffsets
	if o.ReadCommitted {
		list = adm.ListCommittedOffsets
	}
	ends, err := list(ctx, name)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return fmt.Errorf("listing end offsets: %w", err)
	}
	t.partitions = nil
	for _, n := range slices.Sorted(maps.Keys(ends[name])) {
		p := &partition{
			client: t.client, topic: name, number: n, next: starts[name][n].Offset, end: ends[name][n].Offset,
			unpack: kgo.DefaultDecompressor(), leader: -1, fetchBytes: fetchBytes,
		}
		if o.ReadCommitted {
			p.isolation = 1
		}
		t.partitions = append(t.partitions, p)
	}
	if len(t.partitions) == 0 {
		return errors.New("the topic has no partitions")
	}
	return nil
}

// retriable reports whether an error may pass: those of connections and those
// that Kafka calls retriable.
func retriable(err error) bool {
	return kerr.IsRetriable(err) || kgo.IsRetryableBrokerErr(err)
}

// pause waits a moment; it returns false when ctx has ended.
func pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(retryAfter):
		return true
	}
}

// read returns some next records before the end. None is no end: whole batches
// may have been aborted or compacted away.
func (p *partition) read(ctx context.Context) ([]Record, error) {
	for {
		rs, err := p.fetch(ctx)
		if err == nil {
			return rs, nil
		}
		p.leader = -1
		if !retriable(err) {
			return nil, err
		}
		if !pause(ctx) {
			return nil, errors.Join(ctx.Err(), err)
		}
	}
}

// findLeader asks the cluster who leads the partition.
func (p *partition) findLeader(ctx context.Context) error {
	req := kmsg.NewPtrMetadataRequest()
	rt := kmsg.NewMetadataRequestTopic()
	rt.Topic = &p.topic
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, p.client)
	if err != nil {
		return fmt.Errorf("asking for the leader: %w", err)
	}
	if len(resp.Topics) != 1 {
		return errors.New("asking for the leader: the answer is about no topic")
	}
	if err := kerr.ErrorForCode(resp.Topics[0].ErrorCode); err != nil {
		return fmt.Errorf("asking for the leader: %w", err)
	}
	for _, rp := range resp.Topics[0].Partitions {
		if rp.Partition == p.number && rp.Leader >= 0 {
			p.leader, p.topicID = rp.Leader, resp.Topics[0].TopicID
			return nil
		}
	}
	return fmt.Errorf("asking for the leader: %w", kerr.LeaderNotAvailable)
}

// fetch asks the leader for records once.
func (p *partition) fetch(ctx context.Context) ([]Record, error) {
	if p.leader < 0 {
		if err := p.findLeader(ctx); err != nil {
			return nil, err
		}
	}
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.IsolationLevel = 500, 1, p.fetchBytes, p.isolation
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID = p.topic, p.topicID
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes, rp.CurrentLeaderEpoch = p.number, p.next, p.fetchBytes, -1
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	answer, err := p.client.Broker(int(p.leader)).Request(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("fetching: %w", err)
	}
	resp, ok := answer.(*kmsg.FetchResponse)
	if !ok {
		return nil, fmt.Errorf("fetching: the answer is %T", answer)
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return nil, fmt.Errorf("fetching: %w", err)
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return nil, errors.New("fetching: the answer is not about the one partition asked for")
	}
	return p.decode(&resp.Topics[0].Partitions[0])
}

// decode takes a response apart and moves on. Old messages can only come before
// record batches: brokers never went back to the old formats.
func (p *partition) decode(resp *kmsg.FetchResponseTopicPartition) ([]Record, error) {
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return nil, fmt.Errorf("fetching: %w", err)
	}
	var rs []Record
	next := p.next
	in := resp.RecordBatches
	for n, ok := isLegacy(in); ok; n, ok = isLegacy(in) {
		old, err := legacyRecords(in[:n], p.unpack)
		if err != nil {
			return nil, err
		}
		for _, r := range old {
			r.Partition = p.number
			rs = append(rs, r)
		}
		next, in = old[len(old)-1].Offset+1, in[n:]
	}
	isolation := kgo.ReadUncommitted()
	if p.isolation == 1 {
		isolation = kgo.ReadCommitted()
	}
	batches := *resp
	batches.RecordBatches = in
	got, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{
		Offset: next, Topic: p.topic, Partition: p.number, IsolationLevel: isolation,
	}, &batches, p.unpack, nil)
	if got.Err != nil {
		return nil, fmt.Errorf("decoding records: %w", got.Err)
	}
	for _, r := range got.Records {
		rs = append(rs, record(r))
	}
	// A batch comes whole, whichever of its offsets was asked for, and may reach
	// past the end.
	from := p.next
	p.next = next
	return slices.DeleteFunc(rs, func(r Record) bool { return r.Offset < from || r.Offset >= p.end }), nil
}

// record copies what is compared.
func record(r *kgo.Record) Record {
	c := Record{
		Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(),
		TimestampType: r.Attrs.TimestampType(), Key: r.Key, Value: r.Value,
	}
	for _, h := range r.Headers {
		c.Headers = append(c.Headers, Header(h))
	}
	return c
}
