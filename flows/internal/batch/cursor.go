package batch

import "iter"

// cursor walks the records of one batch. Copies of it walk on independently.
type cursor struct {
	batch      Batch // for its header
	rest       []byte
	left       int32 // records in rest
	prev       int64 // offset of the record before, or just below the first possible
	parse      bool  // fill in key, value and headers too
	appendTime bool  // give every record the time
	time       int64
	relative   int64 // magic 0 and 1: added to the offsets of a compressed entry's messages
}

// open decompresses b into s and returns a cursor before its first record.
func (rc *Recoder) open(b Batch, s *scratch) (cursor, error) {
	if b.Magic() < 2 {
		return rc.openLegacy(b, s)
	}
	p := b.Payload()
	if len(p) > 0 { // the cleaner's empty batches have nothing to decompress
		var err error
		if p, err = rc.payload(b, s, b.Codec(), p); err != nil {
			return cursor{}, err
		}
	}
	if b.Count() < 0 || int64(b.Count())*minRecordSize > int64(len(p)) {
		return cursor{}, corrupt(b, "more records than its bytes can hold")
	}
	return cursor{batch: b, rest: p, left: b.Count(), prev: b.BaseOffset() - 1, time: b.MaxTimestamp()}, nil
}

// next reads the next record into r. It returns false after the last one.
func (c *cursor) next(r *Record) (bool, error) {
	if c.left == 0 {
		if len(c.rest) > 0 {
			return false, corrupt(c.batch, "bytes after the last record")
		}
		return false, nil
	}
	if c.batch.Magic() < 2 {
		return c.nextLegacy(r)
	}
	var ok bool
	if c.rest, ok = r.cut(c.rest); !ok {
		return false, corrupt(c.batch, "malformed record")
	}
	c.left--
	r.Offset = c.batch.BaseOffset() + int64(r.OffsetDelta)
	r.Timestamp = c.batch.BaseTimestamp() + r.TimestampDelta
	if c.appendTime {
		r.Timestamp = c.time
	}
	if r.Offset <= c.prev || r.Offset > c.batch.LastOffset() {
		return false, corrupt(c.batch, "record offsets out of order")
	}
	c.prev = r.Offset
	if c.parse && !r.parseBody() {
		return false, corrupt(c.batch, "malformed key, value or headers")
	}
	return true, nil
}

// Records walks the records of a batch of any magic, all of them, as consumers
// see them: with the append time where the batch has one. A record and its bytes
// are valid until the loop body ends. An error ends the walk.
func (rc *Recoder) Records(b Batch) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		s := rc.borrow()
		defer rc.giveBack(s)
		c, err := rc.open(b, s)
		if err != nil {
			yield(nil, err)
			return
		}
		c.parse = true
		c.appendTime = c.appendTime || b.Magic() == 2 && b.LogAppendTime()
		var r Record
		for {
			ok, err := c.next(&r)
			if err != nil {
				yield(nil, err)
				return
			}
			if !ok || !yield(&r, nil) {
				return
			}
		}
	}
}
