package position

import (
	"errors"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestPositionsAreTakenOverOnce imports a connector's positions, and never again:
// not when they have changed, nor when their topic is gone.
func TestPositionsAreTakenOverOnce(t *testing.T) {
	cl := newClient(t, newCluster(t))
	from := &Import{Topic: "offsets", Connector: "mirror"}
	open := func() (*Store, error) {
		s := newStore(t, Params{Client: cl, Import: from})
		return s, s.Open(testContext(t))
	}
	wants := func(why string, missing error) {
		t.Helper()
		_, err := open()
		e, ok := errors.AsType[*ImportError](err)
		if !ok || e.Hint() == "" || !errors.Is(e.Err, missing) {
			t.Fatalf("%s: %v", why, err)
		}
	}
	wants("no topic", kerr.UnknownTopicOrPartition)
	if _, err := kadm.NewClient(cl).CreateTopic(t.Context(), 3, 1, nil, "offsets"); err != nil {
		t.Fatal(err)
	}
	connect := func(connector, cluster string, partition, offset int) {
		t.Helper()
		r := &kgo.Record{
			Topic: "offsets", Key: fmt.Appendf(nil, `["%s",{"cluster":"%s","partition":%d,"topic":"t"}]`, connector, cluster, partition),
			Value: fmt.Appendf(nil, `{"offset":%d}`, offset),
		}
		if err := cl.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	connect("another", "A", 0, 1)
	connect("mirror", "Z", 0, 2)
	wants("no position of ours", nil)
	connect("mirror", "A", 0, 3)
	connect("mirror", "A", 1, 4)
	connect("mirror", "A", 0, 5)
	s, err := open()
	if err != nil {
		t.Fatal(err)
	}
	for partition, offset := range map[int32]int64{0: 5, 1: 4} {
		if a, ok := s.Get("t", partition); !ok || a.Offset != offset || !a.Bare() {
			t.Errorf("partition %d: %+v", partition, a)
		}
	}
	mustWrite(t, s, anchor(0, 9))
	connect("mirror", "A", 0, 70)
	connect("mirror", "A", 2, 70)
	for _, gone := range []bool{false, true} {
		if gone {
			if _, err := kadm.NewClient(cl).DeleteTopic(t.Context(), "offsets"); err != nil {
				t.Fatal(err)
			}
		}
		if s, err = open(); err != nil {
			t.Fatal(err)
		}
		if a, _ := s.Get("t", 0); a.Offset != 9 {
			t.Errorf("the position is %d again", a.Offset)
		}
		if _, ok := s.Get("t", 2); ok {
			t.Error("a position came later")
		}
	}
}
