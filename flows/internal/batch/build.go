package batch

// Build makes a batch of records, of which each has a timestamp, and a key and a value
// or what Replace gave it. The caller stamps it.
func (rc *Recoder) Build(records []Record) (Batch, error) {
	w := builder{rc: rc}
	for i := range records {
		if i == 0 {
			w.begin(LZ4, records[i].Timestamp)
		}
		w.add(&records[i])
	}
	if err := w.finish(); err != nil {
		return nil, err
	}
	return w.dst, nil
}
