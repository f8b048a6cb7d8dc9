package position

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// source is a fake cluster with topic "t" of two partitions, and a group on it.
func source(t *testing.T) (*kfake.Cluster, *kgo.Client, *Group) {
	t.Helper()
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "t"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	cl, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	g, err := NewGroup(GroupParams{Client: cl, Group: "g", Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	return fake, cl, g
}

// TestGroupCommits writes positions and reads them back, those of a topic that is
// gone left out (conformance item 128).
func TestGroupCommits(t *testing.T) {
	_, cl, g := source(t)
	if err := g.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok := g.Get("t", 0); ok || len(g.All()) != 0 {
		t.Error("a new group has positions")
	}
	err := g.Write(t.Context(), []Anchor{
		{Topic: "t", Partition: 0, Offset: 41, LeaderEpoch: -1},
		{Topic: "t", Partition: 1, Offset: -1, LeaderEpoch: -1},
		{Topic: "gone", Partition: 0, Offset: 7, LeaderEpoch: -1},
	})
	if err != nil {
		t.Fatal(err)
	}
	again, err := NewGroup(g.p)
	if err == nil {
		err = again.Open(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	for partition, want := range []int64{42, 0} {
		if a, ok := again.Get("t", int32(partition)); !ok || a.Next() != want || a.Bare() {
			t.Errorf("partition %d is at %d, %t, want %d", partition, a.Next(), ok, want)
		}
	}
	if all := again.All(); len(all) != 2 {
		t.Errorf("got %v", all)
	}
	committed, err := kadm.NewClient(cl).FetchOffsets(t.Context(), "g")
	if o, ok := committed.Lookup("t", 0); err != nil || !ok || o.At != 42 {
		t.Errorf("a lag tool sees %v, %v", o, err)
	}
}

// TestGroupWithAMemberIsLeftAlone has a member join: nothing is read or
// committed, and the error says who it is.
func TestGroupWithAMemberIsLeftAlone(t *testing.T) {
	fake, _, g := source(t)
	if err := g.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	member, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...), kgo.ClientID("mm-3"),
		kgo.ConsumerGroup("g"), kgo.ConsumeTopics("t"), kgo.DisableAutoCommit())
	if err != nil {
		t.Fatal(err)
	}
	defer member.Close()
	for {
		described, err := g.admin.DescribeGroups(t.Context(), "g")
		if err != nil {
			t.Fatal(err)
		}
		if len(described["g"].Members) > 0 && described["g"].State == "Stable" {
			break
		}
	}
	anchor := []Anchor{{Topic: "t", Offset: 1, LeaderEpoch: -1}}
	for name, err := range map[string]error{
		"open": g.Open(t.Context()), "check": g.Check(t.Context()), "write": g.Write(t.Context(), anchor),
	} {
		live, ok := errors.AsType[*LiveGroupError](err)
		if !ok || !strings.Contains(live.Error(), "mm-3 at 127.0.0.1") || live.Hint() == "" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, ok := g.Get("t", 0); ok {
		t.Error("what was not committed counts as a position")
	}
}

// TestGroupNamesThePermission that is missing.
func TestGroupNamesThePermission(t *testing.T) {
	fake, _, g := source(t)
	fake.ControlKey(int16(kmsg.OffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
		resp := req.ResponseKind().(*kmsg.OffsetCommitResponse)
		for _, rt := range req.(*kmsg.OffsetCommitRequest).Topics {
			st := kmsg.NewOffsetCommitResponseTopic()
			st.Topic, st.TopicID = rt.Topic, rt.TopicID
			for _, rp := range rt.Partitions {
				sp := kmsg.NewOffsetCommitResponseTopicPartition()
				sp.Partition, sp.ErrorCode = rp.Partition, kerr.GroupAuthorizationFailed.Code
				st.Partitions = append(st.Partitions, sp)
			}
			resp.Topics = append(resp.Topics, st)
		}
		return resp, nil, true
	})
	err := g.Write(t.Context(), []Anchor{{Topic: "t", LeaderEpoch: -1}})
	denied, ok := errors.AsType[*PermissionError](err)
	if !ok || denied.Operation != "READ" || denied.Group() != "g" || denied.Topic() != "" {
		t.Errorf("got %v", err)
	}
}
