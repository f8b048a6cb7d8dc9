package batch

// Build makes a batch of records that have keys and values alone. Its records
// have one timestamp, in milliseconds; the caller stamps it.
func (rc *Recoder) Build(timestamp int64, records []Record) (Batch, error) {
	w := builder{rc: rc}
	w.begin(LZ4, timestamp)
	for i := range records {
		r := records[i]
		r.Timestamp = timestamp
		w.add(&r)
	}
	if err := w.finish(); err != nil {
		return nil, err
	}
	return w.dst, nil
}
