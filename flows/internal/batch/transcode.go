package batch

// blob says whether e changes b's compression and nothing that needs its
// records.
func (e *Edit) blob(b Batch) bool {
	return e.Codec != nil && *e.Codec != b.Codec() && e.Keep == nil && b.Magic() == 2 && b.Count() > 0 && b.Dense() &&
		b.BaseOffset() >= e.From && (!e.AppendTime || !b.LogAppendTime())
}

// transcode appends b compressed by e.Codec, its records unread. fits is false
// when the result is above e.MaxBytes; it is then not appended.
func (rc *Recoder) transcode(dst []byte, b Batch, e Edit, s *scratch) (out []byte, fits bool, err error) {
	p, err := rc.payload(b, s, b.Codec(), b.Payload())
	if err != nil {
		return nil, false, err
	}
	start := len(dst)
	out = append(dst, b[:headerSize]...)
	if out, err = rc.compress(out, p, *e.Codec); err != nil {
		return nil, false, err
	}
	if e.MaxBytes > 0 && len(out)-start > e.MaxBytes {
		return dst, false, nil
	}
	seal(out[start:], *e.Codec)
	return out, true, nil
}
