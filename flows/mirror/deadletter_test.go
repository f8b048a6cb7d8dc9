package mirror

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/config/model"
)

// TestDeadLettersThatCannotBeWritten has a target that refuses dead letters: the
// partition that has some stops and says so, in front of them, others go on; when
// they are taken again, a restart goes on where it stopped.
func TestDeadLettersThatCannotBeWritten(t *testing.T) {
	w := newTwo(t)
	for _, topic := range []string{"good", "mixed"} {
		w.create(t, topic, 1)
		w.produce(t, topic, `{"n":1}`)
	}
	w.produce(t, "mixed", "bad")
	w.produce(t, "mixed", `{"n":3}`)
	w.produce(t, "good", `{"n":2}`)
	var refusing atomic.Bool
	refusing.Store(true)
	w.target.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		w.target.KeepControl()
		resp := req.ResponseKind().(*kmsg.ProduceResponse)
		for _, rt := range req.(*kmsg.ProduceRequest).Topics {
			if dead := w.target.TopicInfo("dead"); dead == nil || rt.TopicID != dead.TopicID || !refusing.Load() {
				return nil, nil, false
			}
			st := kmsg.NewProduceResponseTopic()
			st.Topic, st.TopicID = rt.Topic, rt.TopicID
			for _, rp := range rt.Partitions {
				sp := kmsg.NewProduceResponseTopicPartition()
				sp.Partition, sp.ErrorCode = rp.Partition, kerr.TopicAuthorizationFailed.Code
				st.Partitions = append(st.Partitions, sp)
			}
			resp.Topics = append(resp.Topics, st)
		}
		return resp, nil, true
	})
	edit := func(def *model.Flow) {
		stage := model.NewStage(model.StageFilter)
		stage.Name, stage.When, stage.OnError = "n", `json("n") != 0`, model.OnErrorDeadLetter
		def.Topics, def.Stages, def.DeadLetterTopic = []string{"good", "mixed"}, []*model.Stage{stage}, "dead"
	}
	f := w.flow(t, false, edit)
	stop := start(t, f)
	until(t, "the partition has stopped", func() bool {
		for _, p := range f.problems() {
			_, dead := errors.AsType[*DeadLetterError](p.Err)
			if dead && p.Stopped && p.Topic == "mixed" && strings.Contains(p.Err.Error(), `"dead"`) && p.Fix != "" {
				return true
			}
		}
		return false
	})
	until(t, "the other topic goes on", func() bool { return w.held(t, "a.good") == 2 })
	if n := w.held(t, "a.mixed"); n > 1 || f.Status().DeadLetters != 0 {
		t.Errorf("%d records passed the letter, %d letters", n, f.Status().DeadLetters)
	}
	stop()
	refusing.Store(false)
	f = w.flow(t, false, edit)
	defer start(t, f)()
	until(t, "all has arrived", func() bool { return w.held(t, "a.mixed") == 2 && f.Status().DeadLetters == 1 })
	if got := strings.Join(w.values(t, "a.mixed"), " "); got != `{"n":1} {"n":3}` {
		t.Errorf("the target holds %s", got)
	}
}
