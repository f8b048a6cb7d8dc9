package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

// stream is what one producer writes to one topic.
type stream struct {
	topic      string
	partitions int32
	configs    map[string]string
	share      int  // of the demo's records, in percent
	inTxn      bool // in transactions, some of them aborted
	record     func(r *rand.Rand, n int64) *kgo.Record
}

// workload returns what is written on the two sides: 50 percent each.
func workload() (west, east []stream) {
	west = []stream{
		{topic: "orders", partitions: 4, share: 30, record: order},
		{topic: "payments", partitions: 3, share: 10, inTxn: true, record: payment},
		{
			topic: "customers", partitions: 2, share: 10, record: customer,
			configs: map[string]string{"cleanup.policy": "compact"},
		},
	}
	east = []stream{
		{topic: "orders", partitions: 4, share: 20, record: order},
		{topic: "clicks", partitions: 6, share: 30, record: click},
	}
	return west, east
}

// order has a key, headers, one of them twice, and a JSON value.
func order(r *rand.Rand, n int64) *kgo.Record {
	id := fmt.Sprintf("order-%06d", r.IntN(50_000))
	return &kgo.Record{
		Key: []byte(id),
		Value: fmt.Appendf(nil, `{"id":%q,"n":%d,"amount":%d.%02d,"currency":"EUR","items":%d,"note":%q}`,
			id, n, r.IntN(900), r.IntN(100), 1+r.IntN(9), strings.Repeat("fragile ", r.IntN(12))),
		Headers: []kgo.RecordHeader{
			{Key: "trace-id", Value: fmt.Appendf(nil, "%016x", r.Uint64())},
			{Key: "hop", Value: []byte("web")},
			{Key: "hop", Value: []byte("checkout")},
		},
	}
}

// payment has a header without a value.
func payment(r *rand.Rand, n int64) *kgo.Record {
	return &kgo.Record{
		Key:     fmt.Appendf(nil, "account-%04d", r.IntN(2_000)),
		Value:   fmt.Appendf(nil, `{"n":%d,"cents":%d}`, n, r.IntN(1_000_000)),
		Headers: []kgo.RecordHeader{{Key: "reviewed", Value: nil}},
	}
}

// customer is a tombstone now and then, and now and then has an empty value.
func customer(r *rand.Rand, n int64) *kgo.Record {
	record := &kgo.Record{Key: fmt.Appendf(nil, "customer-%03d", r.IntN(500))}
	switch r.IntN(10) {
	case 0: // a tombstone
	case 1:
		record.Value = []byte{}
	default:
		record.Value = fmt.Appendf(nil, `{"version":%d,"tier":"gold"}`, n)
	}
	return record
}

// click has no key, and a value that is not text.
func click(r *rand.Rand, n int64) *kgo.Record {
	value := make([]byte, 40+r.IntN(200))
	for i := range value {
		value[i] = byte(r.Uint32())
	}
	return &kgo.Record{
		Value:   value,
		Headers: []kgo.RecordHeader{{Key: "seq", Value: fmt.Appendf(nil, "%d", n)}},
	}
}
