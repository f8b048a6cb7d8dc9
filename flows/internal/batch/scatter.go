package batch

// Scatter is Recode for a batch whose records go to several places. It calls put
// with a new batch of every place, and with more where one would be too large; the
// records of a place are in their order. The bytes that put is given are valid during
// the call. It returns how many records Keep refused.
//
// place is asked once of every record that is kept, as Keep left it. On an error what
// was put is of no use.
func (rc *Recoder) Scatter(b Batch, e Edit, place func(*Record) int32, put func(place int32, b Batch)) (dropped int, err error) {
	s := rc.borrow()
	defer rc.giveBack(s)
	c, err := rc.open(b, s)
	if err != nil {
		return 0, err
	}
	r := recoding{c: c, e: e, codec: b.Codec()}
	if e.Codec != nil {
		r.codec = *e.Codec
	}
	if b.Magic() == 2 && e.AppendTime && b.LogAppendTime() {
		r.c.appendTime = true
	}
	r.c.parse = true
	places := scattering{rc: rc, max: e.MaxBytes, codec: r.codec, put: put, at: map[int32]*heap{}}
	defer places.giveBack()
	var rec Record
	for {
		ok, err := r.c.next(&rec)
		if err != nil {
			return dropped, err
		}
		if !ok {
			return dropped, places.finish()
		}
		if rec.Offset < e.From {
			continue
		}
		rec.changed = false
		if e.Keep != nil && !r.keeps(&rec) {
			dropped++
			continue
		}
		if err := places.add(place(&rec), &rec, r.baseTime(&rec)); err != nil {
			return dropped, err
		}
	}
}

// scattering is the batches of one Scatter.
type scattering struct {
	rc    *Recoder
	max   int // bytes of a batch; 0: no limit
	codec Codec
	put   func(place int32, b Batch)
	at    map[int32]*heap
	order []int32 // places as they came, so that the result depends on the batch alone
}

// heap is the batch of one place, while it is built.
type heap struct {
	w     builder
	s     *scratch
	first int64 // offset of its first record
}

// add writes a record to its place.
func (t *scattering) add(place int32, r *Record, baseTime int64) error {
	h := t.at[place]
	if h == nil {
		h = &heap{s: t.rc.borrow()}
		h.w = builder{rc: t.rc, dst: h.s.decoded[:0], raw: h.s.raw}
		t.at[place] = h
		t.order = append(t.order, place)
	}
	// What a codec makes of bytes that it cannot compress is larger than they are,
	// by less than this.
	if room := t.max / 16 * 15; h.w.count > 0 && t.max > 0 && headerSize+h.w.size()+h.w.recordSize(r) > room {
		if err := t.close(place, h); err != nil {
			return err
		}
	}
	if h.w.count == 0 {
		h.w.dst, h.first = h.w.dst[:0], r.Offset
		h.w.begin(t.codec, baseTime)
	}
	h.w.add(r)
	return nil
}

// close hands a batch on. What is too large by itself gets a last chance
// uncompressed.
func (t *scattering) close(place int32, h *heap) error {
	size := headerSize + h.w.size()
	if err := h.w.finish(); err != nil {
		return err
	}
	if t.max > 0 && len(h.w.dst) > t.max {
		if t.codec == None || size > t.max {
			return &RecordTooLargeError{Offset: h.first, Size: min(size, len(h.w.dst)), Max: t.max}
		}
		plain := builder{rc: t.rc, dst: h.w.dst[:0]}
		plain.begin(None, h.w.baseTime)
		plain.dst = append(plain.dst, h.w.raw...)
		plain.count, plain.maxTime = h.w.count, h.w.maxTime
		if err := plain.finish(); err != nil {
			return err
		}
		h.w.dst = plain.dst
	}
	t.put(place, h.w.dst)
	h.w.count = 0
	return nil
}

func (t *scattering) finish() error {
	for _, place := range t.order {
		if h := t.at[place]; h.w.count > 0 {
			if err := t.close(place, h); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *scattering) giveBack() {
	for _, h := range t.at {
		h.s.decoded, h.s.raw = h.w.dst, h.w.raw
		t.rc.giveBack(h.s)
	}
}
