package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/strait-mirror/strait/config/model"
)

// mirrored is one source topic and the topic that must be equal to it.
type mirrored struct {
	from, to       *side
	source, target string
	partitions     int32
	anyCodec       bool // compression may differ
}

// mirrors lists what the enabled flows have to copy.
func mirrors(cfg *model.Config, sides ...*side) []mirrored {
	byName := map[string]*side{}
	for _, s := range sides {
		byName[s.name] = s
	}
	var list []mirrored
	for _, flow := range cfg.Flows {
		from, to := byName[flow.From], byName[flow.To]
		if !flow.Enabled || from == nil || to == nil {
			continue
		}
		for _, st := range from.streams {
			m := mirrored{from: from, to: to, source: st.topic, target: st.topic, partitions: st.partitions}
			if flow.ReplicationPolicy != model.PolicyIdentity {
				m.target = flow.From + flow.ReplicationPolicySeparator + st.topic
			}
			list = append(list, m)
		}
	}
	return list
}

// outcome is what comparing one topic showed.
type outcome struct {
	mirrored
	records     int64    // records of the source that were compared
	differences []string // at most one per partition, which ends the comparison there
}

// compare reads every pair of partitions from begin to end with a client of its
// own and compares record by record: key, value, headers, timestamp, timestamp
// type, compression and order. Neither side may be written meanwhile.
func compare(ctx context.Context, list []mirrored) ([]outcome, error) {
	outcomes := make([]outcome, len(list))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4) // topics at a time
	for i, m := range list {
		g.Go(func() error {
			o := outcome{mirrored: m}
			for p := range m.partitions {
				n, difference, err := comparePartition(ctx, m, p)
				if err != nil {
					return fmt.Errorf("comparing %s/%s[%d]: %w", m.from.name, m.source, p, err)
				}
				o.records += n
				if difference != "" {
					o.differences = append(o.differences, fmt.Sprintf("partition %d: %s", p, difference))
				}
			}
			outcomes[i] = o
			return nil
		})
	}
	return outcomes, g.Wait()
}

// comparePartition returns how many records the source has and the first
// difference, or "".
func comparePartition(ctx context.Context, m mirrored, p int32) (records int64, difference string, err error) {
	source, err := newReader(ctx, m.from, m.source, p)
	if err != nil {
		return 0, "", err
	}
	defer source.close()
	target, err := newReader(ctx, m.to, m.target, p)
	if errors.Is(err, errNoPartition) {
		return 0, fmt.Sprintf("%s/%s has no such partition", m.to.name, m.target), nil
	}
	if err != nil {
		return 0, "", err
	}
	defer target.close()
	for {
		want, err := source.next(ctx)
		if err != nil {
			return records, "", err
		}
		got, err := target.next(ctx)
		if err != nil {
			return records, "", err
		}
		switch {
		case want == nil && got == nil:
			return records, "", nil
		case want == nil:
			return records, fmt.Sprintf("the target has more than the %d records of the source, from offset %d on", records, got.Offset), nil
		case got == nil:
			return records, fmt.Sprintf("the target ends after %d records; missing from source offset %d on", records, want.Offset), nil
		}
		if d := differ(want, got, m.anyCodec); d != "" {
			return records, fmt.Sprintf("source offset %d, target offset %d: %s", want.Offset, got.Offset, d), nil
		}
		records++
	}
}

// differ says in what two records differ, or "".
func differ(want, got *kgo.Record, anyCodec bool) string {
	differs := func(what, source, target string) string {
		return fmt.Sprintf("%s differs\n    source %s\n    target %s", what, source, target)
	}
	switch {
	case !sameBytes(want.Key, got.Key):
		return differs("key", show(want.Key), show(got.Key))
	case !sameBytes(want.Value, got.Value):
		return differs("value", show(want.Value), show(got.Value))
	case !slices.EqualFunc(want.Headers, got.Headers, func(a, b kgo.RecordHeader) bool {
		return a.Key == b.Key && sameBytes(a.Value, b.Value)
	}):
		return differs("headers", showHeaders(want.Headers), showHeaders(got.Headers))
	case !want.Timestamp.Equal(got.Timestamp):
		return differs("timestamp", fmt.Sprint(want.Timestamp.UnixMilli()), fmt.Sprint(got.Timestamp.UnixMilli()))
	case want.Attrs.TimestampType() != got.Attrs.TimestampType():
		return differs("timestamp type", fmt.Sprint(want.Attrs.TimestampType()), fmt.Sprint(got.Attrs.TimestampType()))
	case !anyCodec && want.Attrs.CompressionType() != got.Attrs.CompressionType():
		return differs("compression", codec(want), codec(got))
	}
	return ""
}

// codec is the name of a batch's compression.
func codec(r *kgo.Record) string {
	names := []string{"none", "gzip", "snappy", "lz4", "zstd"}
	if n := int(r.Attrs.CompressionType()); n < len(names) {
		return names[n]
	}
	return "unknown"
}

// sameBytes tells null from empty.
func sameBytes(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// show is the begin of b, as text where it is text.
func show(b []byte) string {
	if b == nil {
		return "null"
	}
	const mostText, mostBinary = 48, 20
	text := !bytes.ContainsFunc(b, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) })
	switch {
	case text && len(b) <= mostText:
		return strconv.Quote(string(b))
	case text:
		return fmt.Sprintf("%q... (%d bytes)", b[:mostText], len(b))
	case len(b) <= mostBinary:
		return fmt.Sprintf("%x", b)
	}
	return fmt.Sprintf("%x... (%d bytes)", b[:mostBinary], len(b))
}

func showHeaders(headers []kgo.RecordHeader) string {
	shown := make([]string, len(headers))
	for i, h := range headers {
		shown[i] = h.Key + "=" + show(h.Value)
	}
	return "[" + strings.Join(shown, " ") + "]"
}

// errNoPartition is a topic or partition that does not exist.
var errNoPartition = errors.New("no such partition")

// reader yields the committed records of one partition, up to its end when the
// reader was made.
type reader struct {
	client   *kgo.Client
	end      int64 // the last stable offset
	at       int64 // the offset to come
	buffered []*kgo.Record
}

func newReader(ctx context.Context, s *side, topic string, number int32) (*reader, error) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(s.address()),
		kgo.ClientID("strait-demo-compare"),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {number: kgo.NewOffset().AtStart()}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // their offsets show where the end is reached
	)
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	ends, err := kadm.NewClient(client).ListCommittedOffsets(ctx, topic)
	if err != nil {
		client.Close()
		return nil, fmt.Errorf("listing the end: %w", err)
	}
	end, ok := ends.Lookup(topic, number)
	if !ok {
		client.Close()
		return nil, errNoPartition
	}
	if end.Err != nil {
		client.Close()
		return nil, fmt.Errorf("listing the end: %w", end.Err)
	}
	return &reader{client: client, end: end.Offset}, nil
}

func (r *reader) close() { r.client.Close() }

// next returns the next record that is not a transaction's marker, or nil at
// the end.
func (r *reader) next(ctx context.Context) (*kgo.Record, error) {
	for {
		for len(r.buffered) > 0 {
			record := r.buffered[0]
			r.buffered = r.buffered[1:]
			r.at = record.Offset + 1
			if !record.Attrs.IsControl() && record.Offset < r.end {
				return record, nil
			}
		}
		if r.at >= r.end {
			return nil, nil
		}
		fetches := r.client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("reading at offset %d: %w", r.at, err)
		}
		r.buffered = fetches.Records()
	}
}
