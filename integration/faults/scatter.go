package faults

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/compare"
)

// Scattered says where stages send the records of a partition, which have headers that
// say where they came from. A nil one sends them to the partition of the same number.
type Scattered struct {
	Provenance string                               // what the names of those headers begin with
	Partitions int                                  // of the target
	Place      func(key []byte, source int32) int32 // the partition on the target
}

// targets returns how many partitions a target topic has whose source has count.
func (s *Scattered) targets(count int) int {
	if s == nil {
		return count
	}
	return s.Partitions
}

// source returns the source partition of a record on the target.
func (s *Scattered) source(r *kgo.Record) int32 {
	if s == nil {
		return r.Partition
	}
	for _, h := range r.Headers {
		if h.Key == s.Provenance+"partition" {
			n, _ := strconv.Atoi(string(h.Value))
			return int32(n)
		}
	}
	return -1
}

// gather puts what a target topic holds back into the partitions and the order of the
// source. The error says that a record is where it does not belong, or that those of a
// source partition are in another order there; what is missing or there twice is for
// the comparison.
func (s *Scattered) gather(target map[int32][]compare.Record) (map[int32][]compare.Record, error) {
	type origin struct {
		offset int64
		compare.Record
	}
	found := map[int32][]origin{}
	for _, at := range sorted(target) {
		last := map[int32]int64{}
		for _, r := range target[at] {
			from, offset, ok := s.origin(r)
			if want := s.Place(r.Key, from); !ok || at != want {
				return nil, fmt.Errorf("%v is in partition %d, want %d", r, at, want)
			}
			if before, seen := last[from]; seen && offset < before {
				return nil, fmt.Errorf("partition %d has offset %d of partition %d behind %d", at, offset, from, before)
			}
			last[from] = offset
			found[from] = append(found[from], origin{offset, r})
		}
	}
	out := map[int32][]compare.Record{}
	for from, rs := range found {
		slices.SortStableFunc(rs, func(a, b origin) int { return cmp.Compare(a.offset, b.offset) })
		for _, r := range rs {
			out[from] = append(out[from], r.Record)
		}
	}
	return out, nil
}

// origin returns where a record was on the source.
func (s *Scattered) origin(r compare.Record) (partition int32, offset int64, ok bool) {
	said := map[string]string{}
	for _, h := range r.Headers {
		said[h.Key] = string(h.Value)
	}
	n, err := strconv.Atoi(said[s.Provenance+"partition"])
	offset, wrong := strconv.ParseInt(said[s.Provenance+"offset"], 10, 64)
	return int32(n), offset, err == nil && wrong == nil
}
