package control_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/integration/kafka"
)

// unverified has brokers take records of transactions that their coordinators know
// nothing of, as those before Kafka 3.6 did: only so can a transaction hang.
func unverified() map[string]string {
	return map[string]string{"transaction.partition.verification.enable": "false"}
}

// testOpenTransactions tells a transaction that its application will end from one
// that nobody ever will, in a topic of two partitions.
func testOpenTransactions(ctx context.Context, t *testing.T, c *kafka.Cluster, topic string) {
	t.Helper()
	begin(ctx, t, c, "slow-app", topic, 0)
	late := begin(ctx, t, c, "late-app", topic, 1)
	// The coordinator ends a transaction while a record of it is under way.
	id, epoch, err := late.ProducerID(ctx)
	if err != nil {
		t.Fatal(err)
	}
	end := kmsg.NewPtrEndTxnRequest()
	end.TransactionalID, end.ProducerID, end.ProducerEpoch = "late-app", id, epoch
	if resp, err := end.RequestWith(ctx, late); err != nil || resp.ErrorCode != 0 {
		t.Fatalf("ending a transaction: %+v, %v", resp, err)
	}
	m := model.NewCluster(field.HCL)
	m.Alias, m.BootstrapServers = "a", c.Bootstrap()
	source, err := cluster.New(cluster.Params{Config: m, Log: logTo(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	first, second := cluster.TopicPartition{Topic: topic, Partition: 0}, cluster.TopicPartition{Topic: topic, Partition: 1}
	look := func() map[cluster.TopicPartition]cluster.OpenTransaction {
		return source.OldestTransactions(ctx, []cluster.TopicPartition{first, second})
	}
	for open := look()[second]; open.Err != nil || open.Start >= 0; open = look()[second] { // the marker comes after the answer
		if ctx.Err() != nil {
			t.Fatalf("the transaction does not end: %+v", open)
		}
	}
	write(ctx, t, late, topic, 1)
	got := look()
	for (got[second].Coordinated || got[second].State == "PrepareAbort") && ctx.Err() == nil { // the coordinator notes the end after the marker
		got = look()
	}
	want := map[cluster.TopicPartition]cluster.OpenTransaction{
		first:  {Start: 0, ID: "slow-app", State: "Ongoing", Timeout: 10 * time.Minute, Coordinated: true},
		second: {Start: 2, ProducerID: id, Epoch: epoch, ID: "late-app", State: "CompleteAbort", Timeout: 10 * time.Minute},
	}
	slow := got[first]
	slow.ProducerID, slow.Epoch = 0, 0
	got[first] = slow
	if d := cmp.Diff(want, got, cmpopts.EquateErrors()); d != "" {
		t.Errorf("open transactions differ (-want +got):\n%s", d)
	}
}

// begin opens a transaction with a record in a partition. The client keeps to the
// versions before transaction.version 2, in which a producer has one epoch.
func begin(ctx context.Context, t *testing.T, c *kafka.Cluster, id, topic string, partition int32) *kgo.Client {
	t.Helper()
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(int16(kmsg.Produce), 11)
	versions.SetMaxKeyVersion(int16(kmsg.AddPartitionsToTxn), 3)
	versions.SetMaxKeyVersion(int16(kmsg.EndTxn), 4)
	cl, err := kgo.NewClient(append(c.AdminOpts(), kgo.TransactionalID(id), kgo.TransactionTimeout(10*time.Minute),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxVersions(versions))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	write(ctx, t, cl, topic, partition)
	return cl
}

func write(ctx context.Context, t *testing.T, cl *kgo.Client, topic string, partition int32) {
	t.Helper()
	if err := cl.ProduceSync(ctx, &kgo.Record{Topic: topic, Partition: partition, Value: []byte("x")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
}
