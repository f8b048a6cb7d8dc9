package repartition

import (
	"bytes"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/flows/internal/batch"
)

// mend sends again from the first parcel of which a record failed, when nothing
// flies any more. A broker refuses a whole batch for one of its records, and kgo
// fails what waits behind it, so that most of those that failed are innocent:
// the parcels with failures are sent record by record, each alone, and then all
// that came after them again, since records of their keys must come after.
func (l *Lane) mend() {
	for {
		l.mu.Lock()
		l.sent = 0
		suspect := false
		for _, p := range l.queue {
			suspect = suspect || p.failed
		}
		if !suspect && !l.closed {
			l.broken = false
			l.mu.Unlock()
			l.send() // still busy
			return
		}
		if l.closed {
			l.mu.Unlock()
			l.stop(nil)
			return
		}
		p := l.queue[0]
		l.mu.Unlock()

		if err := l.sendAlone(p); err != nil {
			l.stop(err)
			return
		}
		l.mu.Lock()
		if len(l.queue) > 0 && l.queue[0] == p { // else closed meanwhile
			l.queue = l.queue[1:]
			l.ackLocked(p)
			l.mu.Unlock()
			release(p.Batch)
			continue
		}
		l.mu.Unlock()
	}
}

// sendAlone sends the records of a parcel one after the other. It returns the
// error of one that cannot be written, nor skipped.
func (l *Lane) sendAlone(p *parcel) error {
	for r, err := range l.sink.p.Recoder.Records(p.Data) {
		if err != nil {
			return fmt.Errorf("decoding the batch before offset %d: %w", p.SourceNext, err)
		}
		err = l.sink.p.Client.ProduceSync(l.sink.ctx, l.record(r)).FirstErr()
		switch {
		case err == nil:
		case refused(err) && l.sink.p.Skip:
			l.mu.Lock()
			l.events.Skipped(1, err)
			l.mu.Unlock()
		default:
			return fmt.Errorf("writing a record: %w", err)
		}
	}
	return nil
}

// stop ends the mending of a lane that cannot go on, or was closed.
func (l *Lane) stop(err error) {
	l.mu.Lock()
	l.broken = false
	if l.sink.ctx.Err() == nil && !l.closed {
		l.closed, l.left = true, true
		l.events.Trouble(err, true)
	}
	left := l.restLocked()
	l.mu.Unlock()
	for _, p := range left {
		release(p.Batch)
	}
}

// record makes a record of its own: key, value and headers as they are, without
// a partition, its time that of the source. A record without a time gets the
// present one, as MirrorMaker 1's do.
func (l *Lane) record(r *batch.Record) *kgo.Record {
	made := &kgo.Record{
		Topic: l.topic, Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value),
	}
	if r.Timestamp >= 0 {
		made.Timestamp = time.UnixMilli(r.Timestamp)
	}
	for key, value := range r.EachHeader() {
		made.Headers = append(made.Headers, kgo.RecordHeader{Key: string(key), Value: bytes.Clone(value)})
	}
	return made
}
