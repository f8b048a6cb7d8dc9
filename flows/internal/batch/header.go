package batch

import (
	"encoding/binary"
	"iter"
)

// EachHeader walks the headers of a record of magic 2 that was read by Records,
// in order, duplicates too. A nil value and an empty one differ.
func (r *Record) EachHeader() iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		rest := r.Headers
		for range r.HeaderCount {
			var key, value []byte
			key, rest, _ = cutBytes(rest) // parseBody has seen that all is well
			value, rest, _ = cutBytes(rest)
			if !yield(key, value) {
				return
			}
		}
	}
}

// Replace gives the record another key, value and headers, of which there are
// count. It writes them behind the bytes of buf and returns buf with them: they
// must stay until the record is done with. Neither key, value nor headers may be
// within buf.
func (r *Record) Replace(buf, key, value []byte, count int, headers iter.Seq2[string, []byte]) []byte {
	start := len(buf)
	buf = appendNullable(buf, key)
	buf = appendNullable(buf, value)
	buf = binary.AppendVarint(buf, int64(count))
	for k, v := range headers {
		buf = binary.AppendVarint(buf, int64(len(k)))
		buf = append(buf, k...)
		buf = appendNullable(buf, v)
	}
	r.body, r.changed = buf[start:], true
	r.parseBody()
	return buf
}
