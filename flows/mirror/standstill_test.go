package mirror

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/config/model"
)

func TestStandstill(t *testing.T) {
	type seen struct{ high, stable int64 }
	const least = 5
	for name, tt := range map[string]struct {
		seen []seen // one a second
		want bool
	}{
		"nothing behind it":          {[]seen{{4, 4}, {4, 4}, {4, 4}, {4, 4}, {4, 4}, {4, 4}}, false},
		"it moves":                   {[]seen{{9, 1}, {9, 2}, {9, 3}, {9, 4}, {9, 5}, {9, 6}}, false},
		"it stands":                  {[]seen{{9, 1}, {9, 1}, {9, 1}, {9, 1}, {9, 1}, {9, 1}}, true},
		"the log goes on":            {[]seen{{5, 1}, {6, 1}, {7, 1}, {8, 1}, {9, 1}, {10, 1}}, true},
		"not for so long":            {[]seen{{1, 1}, {6, 1}, {7, 1}, {8, 1}, {9, 1}, {10, 1}}, false},
		"it caught up in between":    {[]seen{{5, 1}, {6, 1}, {7, 7}, {8, 7}, {9, 7}, {10, 7}}, false},
		"a broker that does not say": {[]seen{{9, -1}, {9, -1}, {9, -1}, {9, -1}, {9, -1}, {9, -1}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var s standstill
			now := time.Now()
			for i, v := range tt.seen {
				s.saw(v.high, v.stable, now.Add(time.Duration(i)*time.Second))
			}
			if got := s.lasts(least*time.Second, now.Add(least*time.Second)); got != tt.want {
				t.Errorf("got %v of %+v, want %v", got, s, tt.want)
			}
		})
	}
}

// TestAnOpenTransactionIsNamed holds a partition up and lets it go: who does it, and
// what ends that, is in the status as long as it lasts. A transaction that no
// coordinator shows may hang, or be one that our user may not see.
func TestAnOpenTransactionIsNamed(t *testing.T) {
	for name, tt := range map[string]struct {
		flow   func(*model.Flow)
		broker func(*kfake.Cluster)
		says   []string // "": no problem at all
		fix    string
	}{
		"known": {
			says: []string{`committed records end at offset 1 of the source`, `transactional id "slow app", is open there (ongoing)`},
			fix:  "have the application with that transactional id end it; the broker aborts it after its transaction.timeout.ms, which is 40s",
		},
		"in another partition": {
			broker: elsewhere,
			says:   []string{`transactional id "slow app", hangs there: its coordinator knows of none in this partition`},
			fix:    " abort --topic t --partition 0 --start-offset 1",
		},
		"not shown": {
			broker: unlisted,
			says:   []string{"is open there, and no coordinator shows it to our user"},
			fix:    " abort --topic t --partition 0 --start-offset 1",
		},
		"read_uncommitted": {flow: func(f *model.Flow) { f.IsolationLevel = model.ReadUncommitted }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTwo(t)
			w.create(t, "t", 1)
			w.produce(t, "t", "before")
			if tt.broker != nil {
				tt.broker(w.source)
			}
			end := w.open(t, "t")
			w.produce(t, "t", "behind")
			edit := tt.flow
			if edit == nil {
				edit = func(*model.Flow) {}
			}
			f := w.flow(t, false, edit)
			f.heldAfter, f.heldLook = time.Millisecond, 5*time.Millisecond
			stop := start(t, f)
			defer stop()
			if len(tt.says) == 0 {
				until(t, "all is copied", func() bool { return f.Status().Records == 3 })
				end()
				if st := f.Status(); st.Held != 0 {
					t.Errorf("%d partitions count as held up: %v", st.Held, st.Problems)
				}
				return
			}
			until(t, "the problem is there", func() bool { return f.Status().Held == 1 })
			p := f.Status().Problems[0]
			for _, text := range tt.says {
				if !strings.Contains(p.Err.Error(), text) {
					t.Errorf("the problem is %q, want %q in it", p.Err, text)
				}
			}
			if !strings.Contains(p.Fix, tt.fix) || p.Stopped || p.Topic != "t" || p.Partition != 0 {
				t.Errorf("got %+v, want the fix %q", p, tt.fix)
			}
			end()
			until(t, "what was behind it is copied", func() bool { return f.Status().Records == 3 })
			until(t, "the problem is over", func() bool { st := f.Status(); return st.Held == 0 && len(st.Problems) == 0 })
		})
	}
}

// open writes a record in a transaction and returns what commits that.
func (w *two) open(t *testing.T, topic string) (end func()) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.source.ListenAddrs()...), kgo.TransactionalID("slow app"), kgo.TransactionTimeout(40*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte("open")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := cl.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
	}
}

// elsewhere has a broker say that a transaction is in another partition.
func elsewhere(k *kfake.Cluster) {
	var id atomic.Int64
	k.ControlKey(int16(kmsg.ListTransactions), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		id.Store(req.(*kmsg.ListTransactionsRequest).ProducerIDFilters[0])
		return nil, nil, false
	})
	k.ControlKey(int16(kmsg.DescribeTransactions), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		resp := req.ResponseKind().(*kmsg.DescribeTransactionsResponse)
		s := kmsg.NewDescribeTransactionsResponseTransactionState()
		s.TransactionalID, s.State, s.ProducerID = req.(*kmsg.DescribeTransactionsRequest).TransactionalIDs[0], "Ongoing", id.Load()
		s.Topics = []kmsg.DescribeTransactionsResponseTransactionStateTopic{{Topic: "t", Partitions: []int32{1}}}
		resp.TransactionStates = append(resp.TransactionStates, s)
		return resp, nil, true
	})
}

// unlisted has a broker show no transactions.
func unlisted(k *kfake.Cluster) {
	k.ControlKey(int16(kmsg.ListTransactions), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		return req.ResponseKind(), nil, true
	})
}
