package batch

import "iter"

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
