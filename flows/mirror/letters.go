package mirror

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/internal/judge"
	"github.com/strait-mirror/strait/flows/internal/wire"
	"github.com/strait-mirror/strait/flows/sink"
	"github.com/strait-mirror/strait/flows/txn"
	"github.com/strait-mirror/strait/transforms/keyhash"
)

// mostOfLetters is about how many bytes of dead letters are in one batch: less than
// any topic takes that takes letters of a usual size.
const mostOfLetters = 256 << 10

// parts returns letters as parts of a transaction.
func (d *deadLetters) parts(ctx context.Context, letters []judge.Dead, s *session) ([]txn.Part, error) {
	if len(letters) == 0 {
		return nil, nil
	}
	count, err := d.partitions(ctx)
	if err != nil {
		return nil, d.failed(err)
	}
	def := d.flow.def()
	type heap struct {
		records []batch.Record
		bytes   int
	}
	var made []txn.Part
	heaps := map[int32]*heap{}
	put := func(n int32, h *heap) error {
		b, err := s.recoder.Build(h.records)
		if err == nil {
			made = append(made, txn.Part{
				Batch:  sink.Batch{Data: b, Records: int32(len(h.records)), MaxTimestamp: b.MaxTimestamp()},
				Target: wire.PartitionKey{Topic: def.DeadLetterTopic, Partition: n}, Aside: true,
			})
		}
		return err
	}
	for i := range letters {
		r := stored(letter(&letters[i], def.DeadLetterTopic, def.Name))
		n := letters[i].Partition % count
		if r.Key != nil {
			n = keyhash.Partition(r.Key, count)
		}
		h := heaps[n]
		if h == nil {
			h = &heap{}
			heaps[n] = h
		}
		if size := len(r.Key) + len(r.Value) + len(r.Headers); h.bytes > 0 && h.bytes+size > mostOfLetters {
			if err := put(n, h); err != nil {
				return nil, d.failed(err)
			}
			*h = heap{}
		}
		h.records = append(h.records, r)
		h.bytes += len(r.Key) + len(r.Value) + len(r.Headers)
	}
	for n, h := range heaps {
		if err := put(n, h); err != nil {
			return nil, d.failed(err)
		}
	}
	d.say(letters)
	return made, nil
}

// partitions returns how many the topic has, the first time after it has seen to it.
func (d *deadLetters) partitions(ctx context.Context) (int32, error) {
	ctx, cancel := context.WithTimeout(ctx, deadLetterTimeout)
	defer cancel()
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.makeLocked(ctx); err != nil {
		return 0, err
	}
	target, topic := d.flow.p.Target, d.flow.def().DeadLetterTopic
	known := target.Metadata()
	if known.Partitions(topic) == 0 {
		known.Track(topic)
		if err := known.Refresh(ctx); err != nil {
			return 0, err
		}
	}
	if n := known.Partitions(topic); n > 0 {
		return n, nil
	}
	return 0, errNotKnown(target, topic)
}

// stored is a record as a batch holds it.
func stored(from *kgo.Record) batch.Record {
	at := from.Timestamp
	if at.IsZero() { // it had none on the source
		at = time.Now()
	}
	r := batch.Record{Timestamp: at.UnixMilli()}
	r.Replace(nil, from.Key, from.Value, len(from.Headers), func(yield func(string, []byte) bool) {
		for _, h := range from.Headers {
			if !yield(h.Key, h.Value) {
				return
			}
		}
	})
	return r
}
