package batch

import (
	"testing"
)

func TestClassify(t *testing.T) {
	codec := func(c Codec) *Codec { return &c }
	two := []rec{{delta: 0, ts: 5, value: []byte("a")}, {delta: 1, ts: 6, value: []byte("b")}}
	gap := []rec{{delta: 0, ts: 5, value: []byte("a")}, {delta: 2, ts: 6, value: []byte("b")}}
	plain := spec{base: 10, baseTS: 5, records: two}
	with := func(edit func(*spec)) spec { s := plain; edit(&s); return s }
	tests := map[string]struct {
		spec    spec
		from    int64
		aborted []AbortedTransaction
		limits  Limits
		want    Decision
	}{
		"dense":            {spec: plain, from: 10, want: Decision{Action: Pass}},
		"hole before it":   {spec: plain, from: 3, want: Decision{Action: Pass}},
		"idempotent":       {spec: with(func(s *spec) { s.pid, s.attributes = 9, bitDeleteHorizon }), from: 10, want: Decision{Action: Pass}},
		"committed":        {spec: with(func(s *spec) { s.pid, s.attributes = 9, bitTransactional }), from: 10, want: Decision{Action: Pass}},
		"aborted":          {spec: with(func(s *spec) { s.pid, s.attributes = 9, bitTransactional }), from: 10, aborted: []AbortedTransaction{{9, 11}}, want: Decision{Drop, Aborted}},
		"other aborted":    {spec: with(func(s *spec) { s.pid, s.attributes = 9, bitTransactional }), from: 10, aborted: []AbortedTransaction{{8, 11}}, want: Decision{Action: Pass}},
		"aborted later":    {spec: with(func(s *spec) { s.pid, s.attributes = 9, bitTransactional }), from: 10, aborted: []AbortedTransaction{{9, 12}}, want: Decision{Action: Pass}},
		"control":          {spec: with(func(s *spec) { s.pid, s.attributes = 9, bitTransactional|bitControl }), from: 10, want: Decision{Drop, Control}},
		"behind":           {spec: plain, from: 12, want: Decision{Drop, Behind}},
		"behind, control":  {spec: with(func(s *spec) { s.pid, s.attributes = 9, bitTransactional|bitControl }), from: 12, want: Decision{Drop, Behind}},
		"behind, aborted":  {spec: with(func(s *spec) { s.pid, s.attributes = 9, bitTransactional }), from: 12, aborted: []AbortedTransaction{{9, 11}}, want: Decision{Drop, Behind}},
		"empty":            {spec: spec{base: 10, lastDelta: 3}, from: 10, want: Decision{Drop, Empty}},
		"mid batch":        {spec: plain, from: 11, want: Decision{Recode, MidBatch}},
		"sparse":           {spec: spec{base: 10, records: gap}, from: 10, want: Decision{Recode, Sparse}},
		"sparse at end":    {spec: with(func(s *spec) { s.lastDelta = 2 }), from: 10, want: Decision{Recode, Sparse}},
		"append time":      {spec: with(func(s *spec) { s.attributes = bitLogAppendTime }), from: 10, want: Decision{Recode, AppendTime}},
		"target stamps":    {spec: with(func(s *spec) { s.attributes = bitLogAppendTime }), from: 10, limits: Limits{LogAppendTime: true}, want: Decision{Action: Pass}},
		"user accepts":     {spec: with(func(s *spec) { s.attributes = bitLogAppendTime }), from: 10, limits: Limits{ProducerTimestamps: true}, want: Decision{Action: Pass}},
		"other codec":      {spec: plain, from: 10, limits: Limits{Codec: codec(LZ4)}, want: Decision{Recode, WantedCodec}},
		"codec as it is":   {spec: with(func(s *spec) { s.codec = LZ4 }), from: 10, limits: Limits{Codec: codec(LZ4)}, want: Decision{Action: Pass}},
		"too large":        {spec: plain, from: 10, limits: Limits{MaxMessageBytes: 70}, want: Decision{Recode, TooLarge}},
		"just fits":        {spec: spec{base: 1, records: []rec{{ts: 0}}}, from: 1, limits: Limits{MaxMessageBytes: 61 + 7}, want: Decision{Action: Pass}},
		"first of several": {spec: with(func(s *spec) { s.attributes = bitLogAppendTime }), from: 11, limits: Limits{MaxMessageBytes: 1}, want: Decision{Recode, MidBatch}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := Classify(tc.spec.build(t), tc.from, NewAbortedFilter(tc.aborted), tc.limits)
			if got != tc.want {
				t.Fatalf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestAbortedFilterFollowsTransactions(t *testing.T) {
	data := func(base, pid int64) Batch {
		return spec{base: base, pid: pid, attributes: bitTransactional, records: []rec{{value: []byte("v")}}}.build(t)
	}
	idempotent := func(base, pid int64) Batch {
		return spec{base: base, pid: pid, records: []rec{{value: []byte("v")}}}.build(t)
	}
	marker := func(base, pid int64, kind Marker) Batch {
		key := []byte{0, 0, 0, byte(kind)}
		return spec{base: base, pid: pid, attributes: bitTransactional | bitControl, records: []rec{{key: key, value: []byte{0, 0, 0, 0, 0, 1}}}}.build(t)
	}
	f := NewAbortedFilter([]AbortedTransaction{{2, 20}, {1, 30}, {1, 10}}) // unsorted
	steps := []struct {
		b    Batch
		want bool
	}{
		{data(5, 1), false},
		{marker(6, 1, MarkerCommit), false},
		{data(10, 1), true},
		{data(11, 2), false},
		{marker(12, 2, MarkerCommit), false},
		{idempotent(13, 1), false}, // an id may also write without a transaction
		{data(20, 2), true},
		{data(21, 1), true},
		{data(22, 3), false},
		{marker(23, 1, MarkerAbort), false},
		{data(24, 1), false}, // the next transaction of the same id committed
		{marker(25, 1, MarkerCommit), false},
		{data(26, 2), true},
		{data(30, 1), true}, // and the one after aborted
		{marker(31, 1, MarkerAbort), false},
		{marker(32, 2, MarkerAbort), false},
		{data(33, 2), false},
	}
	for i, s := range steps {
		if got := f.Aborted(s.b); got != s.want {
			t.Errorf("step %d at offset %d: aborted %v, want %v", i, s.b.BaseOffset(), got, s.want)
		}
	}
	if MarkerOf(marker(1, 1, MarkerCommit)) != MarkerCommit || MarkerOf(marker(1, 1, MarkerAbort)) != MarkerAbort || MarkerOf(data(1, 1)) != MarkerNone {
		t.Error("markers are misread")
	}
}

func TestAbortedFilterWithoutTransactionsIsNil(t *testing.T) {
	if f := NewAbortedFilter(nil); f != nil || f.Aborted(sample(t)) {
		t.Fatal("an empty list aborts something")
	}
}
