package source

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/flows/internal/memory"
	"github.com/strait-mirror/strait/flows/internal/wire"
)

// batchOf returns a record batch's header with filler for its records.
func batchOf(base int64, delta, epoch int32, size int) []byte {
	b := make([]byte, max(size, prefixBytes+shortestBatch))
	binary.BigEndian.PutUint64(b, uint64(base))
	binary.BigEndian.PutUint32(b[atLength:], uint32(len(b)-prefixBytes))
	binary.BigEndian.PutUint32(b[atEpoch:], uint32(epoch))
	b[atMagic] = 2
	binary.BigEndian.PutUint32(b[atLastDelta:], uint32(delta))
	for i := prefixBytes + shortestBatch; i < len(b); i++ {
		b[i] = byte(base) + byte(i)
	}
	return b
}

// logEntry is one batch of a model log.
type logEntry struct {
	base, last int64
	epoch      int32
	data       []byte
}

// modelLog is one partition of a model cluster.
type modelLog struct {
	id      wire.TopicID
	leader  int32 // -1: none
	epoch   int32
	replica int32 // preferred for readers with a rack; -1: none
	start   int64
	end     int64
	entries []logEntry
	fault   int16 // answered instead of data while set
	missing bool
	garbage bool // answers are not record data
}

// held is a partition in a model session.
type heldPartition struct {
	wire.FetchPartition
	told int64 // high watermark last told; -1: none
}

type modelSession struct {
	epoch int32
	list  []*heldPartition // in the order they are served
}

// modelBroker serves what a model cluster says it leads.
type modelBroker struct {
	down     bool
	sessions map[int32]*modelSession
}

// view is what metadata says of one partition.
type view struct {
	leader, epoch int32
	id            wire.TopicID
}

// model is a cluster in memory, with sessions, epochs and faults as a Kafka
// broker has them. It implements Client, Leaders and Offsets.
type model struct {
	mu         sync.Mutex // guards the rest
	changed    chan struct{}
	brokers    map[int32]*modelBroker
	logs       map[nameKey]*modelLog
	known      map[nameKey]view
	latency    time.Duration
	nextID     int32
	noSessions bool
	byID       bool // answers carry ids, not names
	noHints    bool
	refreshErr error
	failNext   map[int32]int        // fetches that fail after the broker did them
	requests   []*wire.FetchRequest // but those that only close a session
	inflight   map[int32]int
	refreshes  int
	hasty      bool // never waits
	terse      bool // a partition new in a session is not spoken of unless there is news
	cuts       bool // never answers more than it was asked for (before KIP-74)
}

func newModel(brokers int) *model {
	m := &model{
		changed: make(chan struct{}), brokers: map[int32]*modelBroker{}, logs: map[nameKey]*modelLog{},
		known: map[nameKey]view{}, latency: time.Millisecond, failNext: map[int32]int{}, inflight: map[int32]int{},
	}
	for i := range int32(brokers) {
		m.brokers[i] = &modelBroker{sessions: map[int32]*modelSession{}}
	}
	return m
}

// update changes the model and wakes everything that waits for it.
func (m *model) update(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *model) create(topic string, partition, leader int32) nameKey {
	name := nameKey{topic, partition}
	m.update(func() {
		id := wire.TopicID{1}
		copy(id[1:], topic)
		m.logs[name] = &modelLog{id: id, leader: leader, epoch: 1, replica: -1}
	})
	return name
}

func (m *model) append(name nameKey, delta int32, size int) {
	m.update(func() {
		l := m.logs[name]
		e := logEntry{base: l.end, last: l.end + int64(delta), epoch: l.epoch, data: batchOf(l.end, delta, l.epoch, size)}
		l.entries = append(l.entries, e)
		l.end = e.last + 1
	})
}

func (m *model) move(name nameKey, leader int32) {
	m.update(func() {
		l := m.logs[name]
		l.leader = leader
		l.epoch++
	})
}

var errDown = errors.New("connection refused")

func (m *model) Fetch(ctx context.Context, broker int32, req *wire.FetchRequest, alloc Allocator) (*wire.FetchResponse, error) {
	if err := m.begin(ctx, broker, req); err != nil {
		return nil, err
	}
	defer func() {
		m.mu.Lock()
		m.inflight[broker]--
		m.mu.Unlock()
	}()
	timer := time.NewTimer(req.MaxWait)
	defer timer.Stop()
	s, code := m.open(broker, req)
	if code != 0 {
		return &wire.FetchResponse{ErrorCode: code}, nil
	}
	for last := req.MaxWait == 0; ; {
		resp, wait, err := m.serve(broker, req, s, alloc, last)
		if resp != nil || err != nil {
			return resp, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-wait:
		case <-timer.C:
			last = true
		}
	}
}

func (m *model) begin(ctx context.Context, broker int32, req *wire.FetchRequest) error {
	m.mu.Lock()
	latency := m.latency
	if req.SessionEpoch >= 0 {
		m.requests = append(m.requests, req)
	}
	m.mu.Unlock()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(latency):
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.brokers[broker] == nil || m.brokers[broker].down {
		return errDown
	}
	m.inflight[broker]++
	return nil
}

// open finds or makes the session of a request, as KIP-227 has it.
func (m *model) open(broker int32, req *wire.FetchRequest) (*modelSession, int16) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.brokers[broker]
	if req.SessionEpoch <= 0 {
		delete(b.sessions, req.SessionID)
		s := &modelSession{}
		if req.SessionEpoch == 0 && !m.noSessions {
			m.nextID++
			b.sessions[m.nextID] = s
			req.SessionID = m.nextID // in the test's copy: the answer carries it
		} else {
			req.SessionID = 0
		}
		for _, p := range req.Partitions {
			s.list = append(s.list, &heldPartition{p, -1})
		}
		return s, 0
	}
	s := b.sessions[req.SessionID]
	switch {
	case s == nil:
		return nil, kerr.FetchSessionIDNotFound.Code
	case s.epoch+1 != req.SessionEpoch:
		return nil, kerr.InvalidFetchSessionEpoch.Code
	}
	s.epoch++
	for _, p := range req.Partitions {
		i := slices.IndexFunc(s.list, func(h *heldPartition) bool { return h.PartitionKey == p.PartitionKey })
		if i < 0 {
			h := &heldPartition{p, -1}
			if l := m.logs[nameKey{p.Topic, p.Partition}]; m.terse && l != nil {
				h.told = l.end
			}
			s.list = append(s.list, h)
			continue
		}
		s.list[i].FetchPartition = p
	}
	for _, k := range req.Forgotten {
		before := len(s.list)
		s.list = slices.DeleteFunc(s.list, func(h *heldPartition) bool { return h.PartitionKey == k })
		if len(s.list) == before {
			panic(fmt.Sprintf("%v was forgotten, but is not in the session", k))
		}
	}
	return s, 0
}

// serve answers from what there is; nil when it should wait for more.
func (m *model) serve(broker int32, req *wire.FetchRequest, s *modelSession, alloc Allocator, last bool) (*wire.FetchResponse, chan struct{}, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.brokers[broker].down {
		return nil, nil, errDown
	}
	resp := &wire.FetchResponse{SessionID: req.SessionID}
	full := req.SessionEpoch <= 0
	left, urgent := int(req.MaxBytes), last || m.hasty
	var fed []*heldPartition
	for _, h := range s.list {
		fp, data := m.answer(broker, req, h, left, left == int(req.MaxBytes))
		if fp.ErrorCode != 0 || fp.DivergingEpoch >= 0 || fp.PreferredReplica >= 0 || len(data) > 0 {
			urgent = true
		} else if !full && h.told == fp.HighWatermark {
			continue
		}
		h.told = fp.HighWatermark
		if len(data) > 0 {
			left -= len(data)
			buf := alloc.Get(len(data))
			copy(buf.Bytes(), data)
			fp.Records = buf
			fed = append(fed, h)
		}
		if m.byID {
			fp.Topic = ""
		} else {
			fp.ID = wire.TopicID{}
		}
		resp.Partitions = append(resp.Partitions, fp)
	}
	if !urgent {
		for _, fp := range resp.Partitions { // said when the answer goes out
			for _, h := range s.list {
				if h.Partition == fp.Partition && (h.Topic == fp.Topic || h.ID == fp.ID) {
					h.told = -1
				}
			}
		}
		return nil, m.changed, nil
	}
	s.list = append(slices.DeleteFunc(s.list, func(h *heldPartition) bool { return slices.Contains(fed, h) }), fed...)
	if m.failNext[broker] > 0 {
		m.failNext[broker]--
		release(resp.Partitions)
		return nil, nil, errors.New("connection reset")
	}
	return resp, nil, nil
}

// answer says what a broker says of one partition.
func (m *model) answer(broker int32, req *wire.FetchRequest, h *heldPartition, left int, first bool) (wire.FetchedPartition, []byte) {
	fp := wire.FetchedPartition{
		PartitionKey: h.PartitionKey, HighWatermark: -1, LastStableOffset: -1, LogStartOffset: -1,
		DivergingEpoch: -1, LeaderID: -1, LeaderEpoch: -1, PreferredReplica: -1,
	}
	l := m.logs[nameKey{h.Topic, h.Partition}]
	switch {
	case l == nil || l.missing:
		fp.ErrorCode = kerr.UnknownTopicOrPartition.Code
	case l.id != h.ID:
		fp.ErrorCode = kerr.UnknownTopicID.Code
	case l.fault != 0:
		fp.ErrorCode = l.fault
	case l.leader != broker && l.replica != broker:
		fp.ErrorCode = kerr.NotLeaderForPartition.Code
		if l.leader >= 0 && !m.noHints {
			fp.LeaderID, fp.LeaderEpoch = l.leader, l.epoch
		}
	case h.CurrentEpoch >= 0 && h.CurrentEpoch < l.epoch:
		fp.ErrorCode = kerr.FencedLeaderEpoch.Code
	case h.CurrentEpoch > l.epoch:
		fp.ErrorCode = kerr.UnknownLeaderEpoch.Code
	}
	if fp.ErrorCode != 0 {
		return fp, nil
	}
	fp.HighWatermark, fp.LastStableOffset, fp.LogStartOffset = l.end, l.end, l.start
	if req.Rack != "" && l.replica >= 0 && l.replica != broker {
		fp.PreferredReplica = l.replica
		return fp, nil
	}
	if h.LastFetchedEpoch >= 0 {
		if epoch, end := l.endOf(h.LastFetchedEpoch); epoch < h.LastFetchedEpoch || end < h.Offset {
			fp.DivergingEpoch, fp.DivergingEnd = epoch, end
			return fp, nil
		}
	}
	if h.Offset < l.start || h.Offset > l.end {
		fp.ErrorCode = kerr.OffsetOutOfRange.Code
		return fp, nil
	}
	return fp, l.read(h.Offset, min(int(h.MaxBytes), left), first && !m.cuts, m.cuts)
}

// endOf returns the largest epoch in the log not above the given one, and where
// it ends.
func (l *modelLog) endOf(epoch int32) (int32, int64) {
	found := int32(0)
	end := l.start
	for _, e := range l.entries {
		if e.epoch > epoch {
			return found, end
		}
		found, end = e.epoch, e.last+1
	}
	return found, l.end
}

// read returns up to limit bytes from offset on, cut where the limit falls, but a
// whole first entry if the answer holds no other (KIP-74).
func (l *modelLog) read(offset int64, limit int, first, cuts bool) []byte {
	if l.garbage {
		return []byte("this is no record batch, and no message set either")
	}
	var data []byte
	from, _ := slices.BinarySearchFunc(l.entries, offset, func(e logEntry, o int64) int {
		if e.last < o {
			return -1
		}
		return 1
	})
	for _, e := range l.entries[from:] {
		switch {
		case len(data) == 0 && len(e.data) > limit && first:
			return slices.Clone(e.data)
		case len(data) == 0 && len(e.data) > limit && !cuts:
			return nil
		case len(data)+len(e.data) > limit:
			return append(data, e.data[:limit-len(data)]...)
		}
		data = append(data, e.data...)
	}
	return data
}

func (m *model) Leader(topic string, partition int32) (broker, epoch int32, id wire.TopicID, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.known[nameKey{topic, partition}]
	return v.leader, v.epoch, v.id, ok && v.leader >= 0
}

func (m *model) Refresh(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(2 * time.Millisecond):
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refreshes++
	if m.refreshErr != nil {
		return m.refreshErr
	}
	clear(m.known)
	for name, l := range m.logs {
		if !l.missing {
			m.known[name] = view{l.leader, l.epoch, l.id}
		}
	}
	return nil
}

func (m *model) Hint(topic string, partition, leader, epoch int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name := nameKey{topic, partition}
	if v, ok := m.known[name]; ok && epoch > v.epoch {
		m.known[name] = view{leader, epoch, v.id}
	}
}

func (m *model) Earliest(ctx context.Context, topic string, partition int32) (int64, int32, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.logs[nameKey{topic, partition}].start, wire.NoEpoch, ctx.Err()
}

func (m *model) Latest(ctx context.Context, topic string, partition int32) (int64, int32, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.logs[nameKey{topic, partition}]
	return l.end, l.epoch, ctx.Err()
}

// since returns the requests after the first n.
func (m *model) since(n int) []*wire.FetchRequest {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.requests[n:])
}

func (m *model) names() []nameKey {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(maps.Keys(m.logs), func(a, b nameKey) int { return int(a.partition - b.partition) })
}

// taker is a Handler that checks what it gets against the model's log and keeps
// it until told otherwise.
type taker struct {
	t      testing.TB
	m      *model
	name   nameKey
	budget *memory.Budget
	excess int64 // bytes the budget may be overdrawn by

	mu        sync.Mutex // guards the rest
	p         *Partition
	next      int64
	keep      bool // delivered data is not processed
	kept      []*memory.Buffer
	batches   int
	problems  []error
	recovered int
	high      int64
	removed   bool
}

func (h *taker) Fetched(f Fetched) {
	log := h.entries(f.Data(), f.Offset)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.removed {
		h.t.Error("a handler was called after Remove")
	}
	if f.Offset != h.next || f.Next != log.next {
		h.t.Errorf("%v: fetched %d to %d, want %d to %d", h.name, f.Offset, f.Next, h.next, log.next)
	}
	if free := h.budget.Free(); free < -h.excess {
		h.t.Errorf("the budget is overdrawn by %d bytes", -free)
	}
	h.next = f.Next
	h.batches += log.count
	h.kept = append(h.kept, f.Records)
	if !h.keep {
		h.dropLocked()
	}
}

// seen is what a handler found in data.
type seen struct {
	next  int64
	count int
}

// entries compares data with the model's log, byte by byte.
func (h *taker) entries(data []byte, offset int64) seen {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	l := h.m.logs[h.name]
	s := seen{next: offset}
	for len(data) > 0 {
		i := slices.IndexFunc(l.entries, func(e logEntry) bool { return e.base <= s.next && s.next <= e.last })
		if i < 0 {
			h.t.Errorf("%v: data for offset %d, which is not in the log", h.name, s.next)
			return s
		}
		e := l.entries[i]
		if len(data) < len(e.data) || string(data[:len(e.data)]) != string(e.data) {
			h.t.Errorf("%v: the batch at %d is not the log's", h.name, e.base)
			return s
		}
		data, s.next, s.count = data[len(e.data):], e.last+1, s.count+1
	}
	return s
}

func (h *taker) dropLocked() {
	for _, buf := range h.kept {
		size := buf.Size()
		buf.Release()
		h.p.Done(size)
	}
	h.kept = h.kept[:0]
}

func (h *taker) Progress(high, _, _ int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.high = high
}

func (h *taker) Problem(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.problems = append(h.problems, err)
}

func (h *taker) Recovered() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.recovered++
}

// stall has the taker keep what it gets, or let go of it.
func (h *taker) stall(keep bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.keep = keep
	if !keep {
		h.dropLocked()
	}
}

func (h *taker) at() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.next
}

func (h *taker) trouble() []error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.problems)
}
