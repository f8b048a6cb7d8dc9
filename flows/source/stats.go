package source

import "sync/atomic"

// Stats counts what a Fetcher did since New.
type Stats struct {
	Fetches    int64 // answered requests
	Empty      int64 // answered requests that brought no data
	Bytes      int64 // of record data delivered, cut-off ends included
	Unfit      int64 // bytes fetched in vain: the partition had moved on, or nothing was complete
	Errors     int64 // requests that got no answer
	Sessions   int64 // fetch sessions opened
	Resets     int64 // fetch sessions a broker refused to continue
	Failures   int64 // times a partition had to wait and be asked for anew
	Refreshes  int64 // of metadata, asked for by this fetcher
	Starved    int64 // times a loop waited because all its partitions held their share of the budget
	Partitions int   // added and not removed
	Loops      int   // fetch loops there are
	Reserved   int64 // bytes reserved by fetches under way
}

// counters are the parts of Stats that are counted.
type counters struct {
	fetches, empty, bytes, unfit, errors, sessions, resets, failures, refreshes, starved atomic.Int64
}

// Stats returns a copy; it is cheap and may be called at any time.
func (f *Fetcher) Stats() Stats {
	c := &f.counters
	s := Stats{
		Fetches: c.fetches.Load(), Empty: c.empty.Load(), Bytes: c.bytes.Load(), Unfit: c.unfit.Load(),
		Errors: c.errors.Load(), Sessions: c.sessions.Load(), Resets: c.resets.Load(),
		Failures: c.failures.Load(), Refreshes: c.refreshes.Load(), Starved: c.starved.Load(),
		Reserved: f.reserved.Load(),
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, same := range f.byName {
		s.Partitions += len(same)
	}
	s.Loops = len(f.loops)
	return s
}
