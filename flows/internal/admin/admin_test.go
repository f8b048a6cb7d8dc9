package admin

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

func newClient(t *testing.T) (*kfake.Cluster, *kgo.Client) {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.AllowAutoTopicCreation())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return c, cl
}

func TestInGroups(t *testing.T) {
	weight := func(n int) int { return n }
	tests := map[string]struct {
		weights map[string]int
		want    [][]string
	}{
		"none":         {nil, nil},
		"all at once":  {map[string]int{"b": 4, "a": 6}, [][]string{{"a", "b"}}},
		"split":        {map[string]int{"a": 6, "b": 5, "c": 5, "d": 1}, [][]string{{"a"}, {"b", "c"}, {"d"}}},
		"heavy by one": {map[string]int{"a": 1, "b": 99, "c": 1}, [][]string{{"a"}, {"b"}, {"c"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, inGroups(test.weights, 10, weight)); diff != "" {
				t.Errorf("groups differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTopicsNeverCreatesAndAnswersForEachName(t *testing.T) {
	c, cl := newClient(t)
	if err := c.CreateTopic("t", 3, nil); err != nil {
		t.Fatal(err)
	}
	topics, err := Topics(t.Context(), cl, []string{"t", "missing"})
	if err != nil {
		t.Fatal(err)
	}
	if got := topics["t"]; !got.Ready(3) || got.Ready(4) || got.ID != c.TopicInfo("t").TopicID {
		t.Errorf("got %+v", got)
	}
	if got := topics["missing"]; !errors.Is(got.Err, kerr.UnknownTopicOrPartition) || got.Ready(0) {
		t.Errorf("got %+v", got)
	}
	if c.TopicInfo("missing") != nil {
		t.Error("asking for a topic created it")
	}
	if none, err := Topics(t.Context(), cl, []string{}); err != nil || len(none) != 0 {
		t.Errorf("asking for no topic gave %v, %v", none, err)
	}
}

func TestValidateCreatesNothing(t *testing.T) {
	c, cl := newClient(t)
	wanted := map[string]NewTopic{"t": {Partitions: 2, ReplicationFactor: -1, Settings: map[string]string{"retention.ms": "5"}}}
	answers, err := Validate(t.Context(), cl, wanted)
	if err != nil || answers["t"].Err != nil || c.TopicInfo("t") != nil {
		t.Fatalf("got %+v, %v, topic %+v", answers, err, c.TopicInfo("t"))
	}
	if answers, err = Create(t.Context(), cl, wanted); err != nil || answers["t"].ID != c.TopicInfo("t").TopicID {
		t.Fatalf("got %+v, %v", answers, err)
	}
	if got := answers["t"].Settings["retention.ms"].Value; got != "5" {
		t.Errorf("the answer has retention.ms=%q", got)
	}
	if answers, err = Create(t.Context(), cl, wanted); err != nil || !errors.Is(answers["t"].Err, kerr.TopicAlreadyExists) {
		t.Errorf("a second creation gave %+v, %v", answers, err)
	}
}

func TestWaitReadyGivesUpWithTheLastAnswer(t *testing.T) {
	c, cl := newClient(t)
	if err := c.CreateTopic("t", 1, nil); err != nil {
		t.Fatal(err)
	}
	topics, err := WaitReady(t.Context(), cl, map[string]int32{"t": 1, "later": 1}, 30*time.Millisecond)
	if err != nil || !topics["t"].Ready(1) || topics["later"].Ready(1) {
		t.Errorf("got %+v, %v", topics, err)
	}
}

func TestRefusedNamesThePermission(t *testing.T) {
	err := fmt.Errorf("altering: %w", Refused(fmt.Errorf("%w (no)", kerr.TopicAuthorizationFailed), "ALTER", OnTopic("t")))
	denied, ok := errors.AsType[*MissingPermissionError](err)
	if !ok || denied.Operation != "ALTER" || denied.Resource != `topic "t"` || !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Errorf("got %v", err)
	}
	if err := Refused(kerr.InvalidConfig, "ALTER", OnTopic("t")); err != kerr.InvalidConfig {
		t.Errorf("got %v", err)
	}
}
