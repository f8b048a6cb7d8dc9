package topicsync

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/flows/reconcile"
)

// TestForeseeWritesNothing has a pass create, grow and set, and the same one foreseen:
// what is foreseen is what the pass does, and each request that could write only asks.
func TestForeseeWritesNothing(t *testing.T) {
	var done []reconcile.Event
	b := newBench(t, func(p *Params) {
		p.SyncInterval = 1
		p.Changed = func(e reconcile.Event) { done = append(done, e) }
	})
	b.create(b.source, "t-new", 3, "retention.ms", "77")
	b.create(b.source, "t-short", 3, "retention.ms", "5")
	b.create(b.target, "A.t-short", 1)
	asked := 0
	b.target.Control(func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.target.KeepControl()
		switch r := req.(type) {
		case *kmsg.CreateTopicsRequest:
			asked++
			if !r.ValidateOnly {
				t.Error("topics are created")
			}
		case *kmsg.CreatePartitionsRequest:
			asked++
			if !r.ValidateOnly {
				t.Error("partitions are added")
			}
			return answerGrowth(r), nil, true // the fake cluster adds them all the same
		case *kmsg.IncrementalAlterConfigsRequest:
			asked++
			if !r.ValidateOnly {
				t.Error("settings are changed")
			}
			return answerChange(r), nil, true // likewise
		case *kmsg.MetadataRequest, *kmsg.DescribeConfigsRequest, *kmsg.ApiVersionsRequest:
		default:
			t.Errorf("the target is asked with %s", kmsg.NameForKey(req.Key()))
		}
		return nil, nil, false
	})
	foreseen, problems, err := Foresee(t.Context(), b.p)
	if err != nil || len(problems) > 0 || len(done) > 0 {
		t.Fatalf("%v, %+v; told of %+v", err, problems, done)
	}
	if asked < 4 {
		t.Errorf("the target was asked to validate %d times", asked)
	}
	var kinds []string
	for _, e := range foreseen {
		kinds = append(kinds, e.Kind+" "+e.Object)
	}
	for _, want := range []string{`topic created topic "A.t-new"`, `partitions added topic "A.t-short"`, `topic config set topic "A.t-short" retention.ms`} {
		if !strings.Contains(strings.Join(kinds, "\n"), want) {
			t.Errorf("%q is not foreseen: %q", want, kinds)
		}
	}

	acting := newBench(t, func(p *Params) {
		p.SyncInterval = 1
		p.Changed = func(e reconcile.Event) { done = append(done, e) }
	})
	acting.create(acting.source, "t-new", 3, "retention.ms", "77")
	acting.create(acting.source, "t-short", 3, "retention.ms", "5")
	acting.create(acting.target, "A.t-short", 1)
	if _, problems := acting.sync(); len(problems) > 0 {
		t.Fatalf("problems: %+v", problems)
	}
	if diff := cmp.Diff(foreseen, done); diff != "" {
		t.Errorf("a pass does something else (-foreseen +done):\n%s", diff)
	}
}

// TestForeseeSaysWhatIsRefused has the target refuse what it is asked to validate.
func TestForeseeSaysWhatIsRefused(t *testing.T) {
	b := newBench(t, nil)
	b.create(b.source, "t-new", 1)
	b.target.ControlKey(int16(kmsg.CreateTopics), func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.target.KeepControl()
		resp := req.ResponseKind().(*kmsg.CreateTopicsResponse)
		rt := kmsg.NewCreateTopicsResponseTopic()
		rt.Topic, rt.ErrorCode = "A.t-new", 29 // TOPIC_AUTHORIZATION_FAILED
		resp.Topics = append(resp.Topics, rt)
		return resp, nil, true
	})
	foreseen, problems, err := Foresee(t.Context(), b.p)
	if err != nil || len(foreseen) > 0 || len(problems) != 1 || !strings.Contains(problems[0].Err.Error(), "CREATE") {
		t.Errorf("%+v, %+v, %v", foreseen, problems, err)
	}
}

func answerGrowth(r *kmsg.CreatePartitionsRequest) kmsg.Response {
	resp := r.ResponseKind().(*kmsg.CreatePartitionsResponse)
	for _, rt := range r.Topics {
		answer := kmsg.NewCreatePartitionsResponseTopic()
		answer.Topic = rt.Topic
		resp.Topics = append(resp.Topics, answer)
	}
	return resp
}

func answerChange(r *kmsg.IncrementalAlterConfigsRequest) kmsg.Response {
	resp := r.ResponseKind().(*kmsg.IncrementalAlterConfigsResponse)
	for _, rr := range r.Resources {
		answer := kmsg.NewIncrementalAlterConfigsResponseResource()
		answer.ResourceType, answer.ResourceName = rr.ResourceType, rr.ResourceName
		resp.Resources = append(resp.Resources, answer)
	}
	return resp
}
