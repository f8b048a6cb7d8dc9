package offsets_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/integration/kafka"
)

// TestCommands runs the commands about offsets and groups as a person would,
// beside the flow that they are about, or after it.
func TestCommands(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	p := startPair(t)
	program := build(t)
	create(ctx, t, p.source, "t", 2)
	create(ctx, t, p.source, "elsewhere", 1)
	produce(ctx, t, p.source, "t", "k", 0, 1000, 2)
	produce(ctx, t, p.source, "elsewhere", "k", 0, 10, 1)
	for group, at := range map[string]map[int32]int64{"drained": {0: 500, 1: 500}, "behind": {0: 123}, "console-consumer-1": {0: 1}, "busy": {1: 7}} {
		commit(ctx, t, p.source, group, "t", at)
	}
	commit(ctx, t, p.source, "other", "elsewhere", map[int32]int64{0: 5})
	heartbeat(ctx, t, p.source, &kmsg.ShareGroupHeartbeatRequest{
		GroupID: "sharing", MemberID: "b3VyLW93bi1tZW1iZXItMQ", SubscribedTopicNames: []string{"t"},
	})
	heartbeat(ctx, t, p.source, &kmsg.ConsumerGroupHeartbeatRequest{
		Group: "modern", MemberID: "b3VyLW93bi1tZW1iZXItMg", RebalanceTimeoutMillis: 60000, SubscribedTopicNames: []string{"t"},
		Topics: []kmsg.ConsumerGroupHeartbeatRequestTopic{},
	})
	config := p.config(flow("a", "b", []string{"t"}))
	stop := run(ctx, t, config)
	awaitOffsets(ctx, t, p.target, "drained", "a.t", map[int32]int64{0: 500, 1: 500})
	awaitOffsets(ctx, t, p.target, "behind", "a.t", map[int32]int64{0: 123})
	awaitOffsets(ctx, t, p.target, "busy", "a.t", map[int32]int64{1: 7})
	await(ctx, t, func() (string, bool) { // of each group in each partition
		end := ends(ctx, t, p.target, "a.checkpoints.internal")[0]
		return fmt.Sprintf("there are %d checkpoints", end), end >= 4
	})
	stop()
	c := commands{program: program, file: p.write(t, []string{"t"})}
	t.Run("internal topics", func(t *testing.T) { testInternalTopics(ctx, t, c) })
	t.Run("groups", func(t *testing.T) { testGroups(ctx, t, p, c) })
	t.Run("translate", func(t *testing.T) { testTranslate(ctx, t, p, c) })
}

// write writes a topology of one flow for the program, and returns its path.
func (p pair) write(t *testing.T, topics []string, more ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "topology.hcl")
	text := fmt.Sprintf("cluster \"a\" { bootstrap_servers = [%q] }\ncluster \"b\" { bootstrap_servers = [%q] }\n"+
		"flow \"a->b\" {\n  topics                     = [\"%s\"]\n  sync_group_offsets_enabled = true\n%s}\n",
		p.source.Bootstrap()[0], p.target.Bootstrap()[0], strings.Join(topics, `", "`), strings.Join(more, ""))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// build builds the program.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "strait")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/strait-mirror/strait/cmd/strait").CombinedOutput()
	if err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	return program
}

// commands runs the program on a topology.
type commands struct{ program, file string }

// exec runs a command whose arguments before the file are args, and returns what
// it printed.
func (c commands) exec(ctx context.Context, t *testing.T, code int, args ...string) (stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var out, log bytes.Buffer
	cmd := exec.CommandContext(ctx, c.program, append(args, c.file)...)
	cmd.Stdout, cmd.Stderr = &out, &log
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok || exit != nil && exit.ExitCode() != code || exit == nil && code != 0 {
		t.Fatalf("strait %v: %v, want exit code %d\n%s%s", args, err, code, &out, &log)
	}
	return out.String(), log.String()
}

// heartbeat has somebody be in a group of a kind that our client knows nothing of.
func heartbeat(ctx context.Context, t *testing.T, c *kafka.Cluster, req kmsg.Request) {
	t.Helper()
	await(ctx, t, func() (string, bool) { // it fails while the first coordinator ever is being made
		resp, err := c.Client().Request(ctx, req)
		if err != nil {
			return err.Error(), false
		}
		switch r := resp.(type) {
		case *kmsg.ShareGroupHeartbeatResponse:
			return fmt.Sprint("joining: ", r.ErrorCode), r.ErrorCode == 0
		case *kmsg.ConsumerGroupHeartbeatResponse:
			return fmt.Sprint("joining: ", r.ErrorCode), r.ErrorCode == 0
		}
		return fmt.Sprintf("unexpected %T", resp), false
	})
}

// seenGroup is a group as the command says.
type seenGroup struct {
	Group, Type, Reason                    string
	Partitions, Translated, Exact, Waiting int
}

func testGroups(ctx context.Context, t *testing.T, p pair, c commands) {
	consumer, err := kgo.NewClient(kgo.SeedBrokers(p.target.Bootstrap()...), kgo.ConsumerGroup("busy"), kgo.ConsumeTopics("a.t"))
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	if err := consumer.PollFetches(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	commit(ctx, t, p.source, "behind", "t", map[int32]int64{0: 200})
	out, _ := c.exec(ctx, t, 0, "groups", "--output", "json")
	var doc struct {
		FormatVersion int `json:"format_version"`
		Flows         []struct{ Groups []seenGroup }
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil || doc.FormatVersion != 1 || len(doc.Flows) != 1 {
		t.Fatalf("%v in\n%s", err, out)
	}
	want := []seenGroup{
		{"behind", "classic", "", 1, 1, 1, 1},
		{"busy", "classic", "somebody is in it at the target, where it is stable: its offsets there are theirs", 1, 1, 1, 0},
		{"console-consumer-1", "classic", `it matches groups_exclude "console-consumer-.*"`, 0, 0, 0, 0},
		{"drained", "classic", "", 2, 2, 2, 0},
		{"modern", "consumer", "it has no offset in a mirrored topic", 0, 0, 0, 0},
		{"other", "classic", "it has no offset in a mirrored topic", 0, 0, 0, 0},
		{"sharing", "share", "it is a share group, which has no offset to go on at but a state of its own for each record", 0, 0, 0, 0},
	}
	if diff := cmp.Diff(want, doc.Flows[0].Groups); diff != "" {
		t.Errorf("groups differ (-want +got):\n%s", diff)
	}
	text, _ := c.exec(ctx, t, 0, "groups", "--flow", "a->b")
	t.Logf("\n%s", text)
}
