package offsetsync

// place is a place on both sides: the records of the source below source are on
// the target below target, and no others.
type place struct{ source, target int64 }

// rule decides which records are worth a sync, as MirrorMaker 2's source task
// does (OffsetSyncWriter, seen in 4.2.0): the first of a run, and every one with
// which a reader that knows only the last sync would be further behind than it
// may. Its zero value has seen no record.
type rule struct {
	synced   bool  // a sync was due
	prev     place // behind the last record
	lastSync int64 // target offset of the last sync's record
}

// due reports whether the last of records, which end at now, is to be synced.
// Records whose offsets follow each other on the source are one run.
func (r *rule) due(now place, records, lagMax int64) bool {
	last := now.target - 1
	due := !r.synced || last-(r.lastSync+1) >= lagMax ||
		now.source-r.prev.source != records || last < r.prev.target-1
	r.prev = now
	if due {
		r.synced, r.lastSync = true, last
	}
	return due
}
