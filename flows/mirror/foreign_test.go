package mirror

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/model"
)

// TestAForeignWriterIsNamed has somebody else write to a target topic between the
// flow's own records.
func TestAForeignWriterIsNamed(t *testing.T) {
	for name, tt := range map[string]struct {
		flow  func(*model.Flow)
		opts  []kgo.Opt
		topic string
		says  string // empty: it is counted, and no problem
	}{
		"idempotent": {topic: "a.t", says: "the producer with id "},
		"plain": {
			topic: "a.t", opts: []kgo.Opt{kgo.DisableIdempotentWrite()},
			says: "a producer without a producer id (enable.idempotence=false) also writes to a.t/0 of cluster \"b\"",
		},
		"names that are kept": {
			topic: "t", flow: func(f *model.Flow) { f.ReplicationPolicy = model.PolicyIdentity },
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTwo(t)
			w.create(t, "t", 1)
			w.produce(t, "t", "1")
			edit := tt.flow
			if edit == nil {
				edit = func(*model.Flow) {}
			}
			f := w.flow(t, false, edit)
			f.heldLook = 5 * time.Millisecond
			stop := start(t, f)
			defer stop()
			until(t, "the first record is copied", func() bool { return f.Status().Records == 1 })
			other, err := kgo.NewClient(append(tt.opts, kgo.SeedBrokers(w.target.ListenAddrs()...))...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(other.Close)
			for range 2 {
				if err := other.ProduceSync(t.Context(), &kgo.Record{Topic: tt.topic, Value: []byte("foreign")}).FirstErr(); err != nil {
					t.Fatal(err)
				}
			}
			w.produce(t, "t", "2")
			until(t, "it is counted", func() bool { return f.Status().Foreign == 2 })
			if tt.says == "" {
				if st := f.Status(); len(st.Problems) > 0 {
					t.Errorf("it is a problem: %v", st.Problems)
				}
				return
			}
			until(t, "it is named", func() bool { return len(f.Status().Problems) == 1 })
			p := f.Status().Problems[0]
			if !strings.Contains(p.Err.Error(), tt.says) || p.Stopped || p.Topic != "t" || p.Partition != 0 {
				t.Errorf("got %+v, want %q in it", p, tt.says)
			}
		})
	}
}
