package batch

import "math"

// Edit says what Recode makes of a batch. The zero Edit makes it dense and leaves
// the rest as it is. Whatever is set, the result is of magic 2, dense, and free
// of flags and producer.
type Edit struct {
	From       int64              // drops records below this source offset: the batch started before the wanted one
	Codec      *Codec             // compresses the result so; nil keeps the batch's codec
	AppendTime bool               // gives every record of a LogAppendTime batch its append time
	MaxBytes   int                // splits into batches of at most so many bytes, header included; 0: no limit
	Keep       func(*Record) bool // drops records it says no to; nil keeps all

	// Spare leaves b as it is, in a result that is Intact, where Keep drops and
	// changes none: a batch that Classify passes is not compressed anew for having
	// been looked at.
	Spare bool
}

// Edit is what makes a batch of which Classify says Recode acceptable, when from
// is the next wanted offset.
func (l *Limits) Edit(from int64) Edit {
	return Edit{
		From: from, Codec: l.Codec, MaxBytes: int(l.MaxMessageBytes),
		AppendTime: !l.LogAppendTime && !l.ProducerTimestamps,
	}
}

// Recoded is what became of one batch.
type Recoded struct {
	Bytes   []byte // the caller's dst with the new batches behind it
	Parts   []Part // the new batches in order; none when no record is left
	Dropped int    // records that Keep refused
	Intact  bool   // Spare: b itself is the result, Parts has none
}

// Part is one batch of a result.
type Part struct {
	Batch Batch // within Bytes
	Next  int64 // source offset behind what this and earlier parts stand for
}

// Recode appends to dst what e makes of b: one batch, several if it must be
// split, none if no record is left. Records keep their bytes, order and
// timestamps; the new batches have base offset 0, no producer and a fresh CRC, and
// pass a broker's checks once Stamp gave them a sequence, or as they are.
//
// Keep sees every record from From on in order, some of them again when a part
// has to be made smaller, so it must depend on the record alone. It may Replace what
// is in the record and change its Timestamp; other changes are lost. It must not keep
// its argument.
//
// The result depends on b, e and the Recoder's Params alone, so that recovery may
// compare payloads with what an earlier process sent.
//
// Errors are *CorruptError, *TooLargeError and *RecordTooLargeError; dst's own
// bytes are never changed.
func (rc *Recoder) Recode(dst []byte, b Batch, e Edit) (Recoded, error) {
	s := rc.borrow()
	defer rc.giveBack(s)
	if e.blob(b) {
		out, fits, err := rc.transcode(dst, b, e, s)
		if err != nil {
			return Recoded{}, err
		}
		if fits {
			return result(out, len(dst), []Part{{Next: b.NextOffset()}}, 0), nil
		}
	}
	c, err := rc.open(b, s)
	if err != nil {
		return Recoded{}, err
	}
	r := recoding{c: c, e: e, w: builder{rc: rc, dst: dst, raw: s.raw}, codec: b.Codec()}
	if e.Codec != nil {
		r.codec = *e.Codec
	}
	if b.Magic() == 2 && e.AppendTime && b.LogAppendTime() {
		r.c.appendTime = true
	}
	r.c.parse = e.Keep != nil
	parts, err := r.run()
	s.raw = r.w.raw
	switch {
	case err != nil:
		return Recoded{}, err
	case r.intact:
		return Recoded{Bytes: dst, Intact: true}, nil
	}
	return result(r.w.dst, len(dst), parts, r.dropped), nil
}

// result cuts the parts out of the finished bytes: dst may have moved while it
// grew.
func result(dst []byte, start int, parts []Part, dropped int) Recoded {
	rest := dst[min(start, len(dst)):]
	for i := range parts {
		if b, after, err := Next(rest); err == nil {
			parts[i].Batch, rest = b, after
		}
	}
	return Recoded{Bytes: dst, Parts: parts, Dropped: dropped}
}

// recoding is one Recode under way.
type recoding struct {
	c       cursor
	e       Edit
	w       builder
	codec   Codec
	room    int // most uncompressed bytes of records per part
	dropped int
	intact  bool // nothing was dropped, and that is all that was asked
}

func (r *recoding) run() ([]Part, error) {
	parts := make([]Part, 0, 1)
	r.room = math.MaxInt
	if r.e.MaxBytes > 0 && r.codec == None {
		r.room = r.e.MaxBytes - headerSize
	}
	for {
		before := r.c
		p, err := r.part(r.codec)
		if err != nil {
			return nil, err
		}
		if r.intact {
			return nil, nil
		}
		if size := len(r.w.dst) - r.w.start; p.count > 0 && r.e.MaxBytes > 0 && size > r.e.MaxBytes {
			again, err := r.smaller(p, size)
			if err != nil {
				return nil, err
			}
			if again {
				r.c = before
				continue
			}
		}
		if p.count > 0 {
			parts = append(parts, Part{Next: p.next})
		} else if len(parts) > 0 {
			parts[len(parts)-1].Next = p.next // dropped records at the end belong to the part before
		}
		r.dropped += p.dropped
		if p.last {
			return parts, nil
		}
	}
}

// part says what one pass over records made.
type part struct {
	count   int32
	dropped int
	first   int64 // offset of its first record
	next    int64 // source offset behind it
	last    bool  // no records are left
	changed bool  // Keep has replaced a record
}

// part builds one batch of as many of the next records as there is room for.
func (r *recoding) part(codec Codec) (p part, err error) {
	var rec Record
	for {
		before := r.c
		ok, err := r.c.next(&rec)
		if err != nil {
			return p, err
		}
		if !ok {
			p.last, p.next = true, max(r.c.batch.NextOffset(), r.c.prev+1)
			break
		}
		if rec.Offset < r.e.From {
			continue
		}
		offset := rec.Offset
		rec.changed = false
		if r.e.Keep != nil && !r.keeps(&rec) {
			p.dropped++
			continue
		}
		if p.count == 0 {
			r.w.begin(codec, r.baseTime(&rec))
			p.first = offset
		} else if r.w.recordSize(&rec) > r.room-r.w.size() {
			r.c, p.next = before, offset
			break
		}
		r.w.add(&rec)
		p.count, p.changed = r.w.count, p.changed || rec.changed
	}
	if p.count == 0 {
		return p, nil
	}
	if r.intact = r.e.Spare && p.last && !p.changed && p.count == r.c.batch.Count(); r.intact {
		return p, nil
	}
	return p, r.w.finish()
}

// keeps asks Keep of a record as consumers see it: with the append time where the
// batch has one. It is stored with its producer's timestamp nevertheless where
// that is what the target is given, unless Keep has changed it.
func (r *recoding) keeps(rec *Record) bool {
	b := r.c.batch
	if b.Magic() < 2 || !b.LogAppendTime() || r.c.appendTime {
		return r.e.Keep(rec)
	}
	stored, shown := rec.Timestamp, b.MaxTimestamp()
	rec.Timestamp = shown
	keep := r.e.Keep(rec)
	if rec.Timestamp == shown {
		rec.Timestamp = stored
	}
	return keep
}

// baseTime is what the timestamp deltas of a part count from. Those of the source
// batch stay as they are where they can.
func (r *recoding) baseTime(first *Record) int64 {
	if r.c.batch.Magic() < 2 || r.c.appendTime {
		return first.Timestamp
	}
	return r.c.batch.BaseTimestamp()
}

// smaller undoes a part that came out larger than allowed and shrinks the room by
// how well it compressed, so that the caller tries again. A single record gets a
// last chance uncompressed: then the part stays and again is false.
func (r *recoding) smaller(p part, size int) (again bool, err error) {
	raw := r.w.size()
	r.w.undo()
	if p.count > 1 {
		fit := int(float64(raw) * float64(r.e.MaxBytes-headerSize) / float64(size) * 15 / 16)
		r.room = max(1, min(fit, raw/2+raw/4))
		return true, nil
	}
	if r.codec != None && headerSize+raw <= r.e.MaxBytes {
		payload := r.w.raw
		w := builder{rc: r.w.rc, dst: r.w.dst, raw: nil}
		w.begin(None, r.w.baseTime)
		w.dst = append(w.dst, payload...)
		w.count, w.maxTime = r.w.count, r.w.maxTime
		if err := w.finish(); err != nil {
			return false, err
		}
		r.w.dst = w.dst
		return false, nil
	}
	return false, &RecordTooLargeError{Offset: p.first, Size: min(size, headerSize+raw), Max: r.e.MaxBytes}
}
