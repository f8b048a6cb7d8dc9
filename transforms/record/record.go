// Package record owns one noun: a record as stages see it, the same for batches
// of every format. How records are stored is known to flows/internal/batch; what
// becomes of one on its way is decided by transforms/program.
package record

import (
	"iter"
	"slices"
)

// Record is one record of a source partition. What its slices hold are views and
// must not be written to; Key, Value, Headers and Timestamp may be replaced.
type Record struct {
	Topic     string // on the source
	Partition int32  // on the source
	Offset    int64  // on the source
	Timestamp int64  // milliseconds since 1970, or -1
	Key       []byte // nil: none
	Value     []byte // nil: a tombstone
	Headers   []Header
	Changed   bool // Key, Value, Headers or Timestamp are not the source's
}

// Header is one header. A key may occur several times.
type Header struct {
	Key   string
	Value []byte // nil: null
}

// Header returns the value of the last header of a key, as Kafka's lastHeader
// does; ok is false where there is none. The value may be nil all the same.
func (r *Record) Header(key string) (value []byte, ok bool) {
	for _, h := range slices.Backward(r.Headers) {
		if h.Key == key {
			return h.Value, true
		}
	}
	return nil, false
}

// EachHeader walks the headers in order.
func (r *Record) EachHeader() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for _, h := range r.Headers {
			if !yield(h.Key, h.Value) {
				return
			}
		}
	}
}
