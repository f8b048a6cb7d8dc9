package source

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/flows/internal/wire"
)

// answered hands over what a response brought. It returns the bytes of records
// in it, and whether nothing came of it: neither a delivery nor an error.
func (l *loop) answered(resp *wire.FetchResponse) (got int64, idle bool) {
	f, s := l.f, &l.session
	if resp.ErrorCode != 0 {
		release(resp.Partitions)
		l.refused(resp.ErrorCode)
		return 0, false
	}
	opened := s.opening()
	s.answered(resp.SessionID)
	if opened && s.id != 0 {
		f.counters.sessions.Add(1)
	}

	l.delivered = false
	idle = true
	for i := range resp.Partitions {
		fp := &resp.Partitions[i]
		if fp.Records != nil {
			got += int64(len(fp.Records.Bytes()))
		}
		e := s.find(fp.PartitionKey)
		if e == nil || !e.open || e.round == s.round {
			f.unfit(fp)
			continue
		}
		e.round = s.round
		idle = idle && !tells(fp)
		l.answer(e, fp)
	}
	for _, e := range s.fresh {
		if e.round != s.round { // nothing new, so no error either
			l.confirm(e)
		}
	}
	if got == 0 {
		f.counters.empty.Add(1)
	}
	return got, idle && !l.delivered
}

// tells reports whether an answer says something besides its records.
func tells(fp *wire.FetchedPartition) bool {
	return fp.ErrorCode != 0 || fp.DivergingEpoch >= 0 || fp.PreferredReplica >= 0
}

// refused deals with an error of a whole response.
func (l *loop) refused(code int16) {
	s := &l.session
	continued := !s.opening()
	s.reset()
	switch code {
	case kerr.FetchSessionIDNotFound.Code:
		s.lost()
		fallthrough
	case kerr.InvalidFetchSessionEpoch.Code, kerr.FetchSessionTopicIDError.Code:
		l.f.counters.resets.Add(1)
		l.f.p.Log.Debug("fetch session lost", "broker", l.broker, "error", kerr.ErrorForCode(code))
		if continued {
			return // open one at once
		}
	}
	l.failAll(classify(code, l.broker, -1))
}

// failAll has all partitions of the loop wait and be looked for anew.
func (l *loop) failAll(fl failure) {
	for _, e := range l.session.entries {
		if e.dropped {
			continue
		}
		e.p.calls.Lock()
		l.fail(e, fl)
		e.p.calls.Unlock()
	}
	l.takeChanges()
}

// fail has a partition wait. e.p.calls is held.
func (l *loop) fail(e *entry, fl failure) {
	f, p := l.f, e.p
	f.mu.Lock()
	tell := l.ownsLocked(e) && f.failLocked(p, fl, time.Now())
	f.mu.Unlock()
	if tell {
		f.tell(p, fl.err)
	}
}

// ownsLocked returns whether e is still what its partition wants. f.mu is held.
func (l *loop) ownsLocked(e *entry) bool {
	return e.p.loop == l && e.p.version == e.version
}

// confirm notes that a partition that had failed is being fetched.
func (l *loop) confirm(e *entry) {
	f, p := l.f, e.p
	p.calls.Lock()
	defer p.calls.Unlock()
	f.mu.Lock()
	tell := l.ownsLocked(e) && f.healLocked(p)
	f.mu.Unlock()
	e.ailing = false
	if tell {
		f.recovered(p)
	}
}

// answer deals with what a response says of one partition.
func (l *loop) answer(e *entry, fp *wire.FetchedPartition) {
	e.p.calls.Lock()
	defer e.p.calls.Unlock()
	switch {
	case fp.ErrorCode != 0:
		l.f.unfit(fp)
		l.fault(e, fp)
	case fp.DivergingEpoch >= 0:
		l.f.unfit(fp)
		l.fail(e, failure{
			err: &DivergedError{
				Requested: e.sent.offset, LastEpoch: e.sent.last, Epoch: fp.DivergingEpoch, End: fp.DivergingEnd,
			},
			label: "diverged", tell: true, park: true,
		})
	case fp.PreferredReplica >= 0 && fp.PreferredReplica != l.broker:
		l.f.unfit(fp)
		l.redirect(e, fp.PreferredReplica)
	default:
		l.deliver(e, fp)
	}
}

// fault deals with a partition's error.
func (l *loop) fault(e *entry, fp *wire.FetchedPartition) {
	fl := classify(fp.ErrorCode, l.broker, e.sent.offset)
	if fp.LeaderID >= 0 {
		l.f.p.Leaders.Hint(e.key.Topic, e.key.Partition, fp.LeaderID, fp.LeaderEpoch)
		fl.fresh = true
	}
	l.fail(e, fl)
}

// redirect has a partition read from a follower, as its leader asks (KIP-392).
// That is no sign of health: the follower may not answer.
func (l *loop) redirect(e *entry, replica int32) {
	f, p := l.f, e.p
	f.mu.Lock()
	defer f.mu.Unlock()
	if !l.ownsLocked(e) {
		return
	}
	now := time.Now()
	f.detachLocked(p)
	p.replica, p.replicaUntil, p.stale = replica, now.Add(replicaLease), false
	f.scheduleLocked(p, now)
}

// deliver hands over a partition's data and progress.
func (l *loop) deliver(e *entry, fp *wire.FetchedPartition) {
	f, p := l.f, e.p
	from := e.sent.offset
	x := extent{next: from}
	if fp.Records != nil {
		var err error
		if x, err = walk(fp.Records.Bytes(), from); err != nil {
			f.unfit(fp)
			l.fail(e, corrupt(from, err))
			return
		}
	}

	f.mu.Lock()
	if !l.ownsLocked(e) {
		f.mu.Unlock()
		f.unfit(fp)
		return
	}
	// The next offset is set before the handler gets the data: should the
	// partition move meanwhile, its next loop goes on there.
	if fp.Records != nil {
		p.need = f.needLocked(x)
	}
	need := p.need
	if x.end > 0 {
		p.offset, p.epoch = x.next, x.epoch
	}
	heal := f.healLocked(p)
	f.mu.Unlock()

	e.ailing = false
	l.advance(e, x)
	if need != e.need {
		l.setNeed(e, need)
		l.engage(e)
	}
	if heal {
		f.recovered(p)
	}
	p.handler.Progress(fp.HighWatermark, fp.LastStableOffset, fp.LogStartOffset)
	if x.end == 0 {
		f.unfit(fp)
		return
	}
	f.counters.bytes.Add(int64(len(fp.Records.Bytes())))
	e.peak = p.held.Add(fp.Records.Size())
	l.delivered = true
	l.engage(e)
	p.handler.Fetched(Fetched{
		Records: fp.Records, Start: x.start, End: x.end, Sound: fp.Sound, Offset: from, Next: x.next, Epoch: x.epoch,
		Aborted: fp.Aborted, HighWatermark: fp.HighWatermark,
		LastStableOffset: fp.LastStableOffset, LogStartOffset: fp.LogStartOffset,
	})
	fp.Records = nil
}

// needLocked returns the bytes to ask for next where the usual limits may be too
// small: a batch was cut off with nothing before it, or the last ones were larger
// than what is asked for at first. f.mu is held.
func (f *Fetcher) needLocked(x extent) int32 {
	switch {
	case x.end == 0:
		return int32(x.cut)
	case int64(x.largest) <= f.firstSizeLocked():
		return 0
	}
	return int32(x.largest)
}

// advance has the next request ask for what follows x.
func (l *loop) advance(e *entry, x extent) {
	if x.end > 0 {
		e.want.offset, e.want.last = x.next, x.epoch
		e.fed = l.session.round
		l.resize(e, int64(x.end))
		l.session.touch(e)
	}
}

// unfit gives back data that nobody wants.
func (f *Fetcher) unfit(fp *wire.FetchedPartition) {
	if fp.Records != nil {
		f.counters.unfit.Add(int64(len(fp.Records.Bytes())))
		giveBack(&fp.Records)
	}
}
