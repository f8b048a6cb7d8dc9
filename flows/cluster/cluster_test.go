package cluster

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/internal/memory"
	"github.com/strait-mirror/strait/flows/internal/wire"
)

// write appends n records to a partition with a client of its own.
func write(t testing.TB, c *Cluster, topic string, partition int32, n int) {
	t.Helper()
	opts := append(c.control.Opts(), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	producer, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	for range n {
		r := &kgo.Record{Topic: topic, Partition: partition, Value: []byte("value")}
		if err := producer.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// fetchAll returns the bytes of records that a data client reads from t/0.
func fetchAll(t testing.TB, c *Cluster) int {
	t.Helper()
	data, err := c.Data("fetch")
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	c.Metadata().Track("t")
	if err := c.Metadata().Refresh(t.Context()); err != nil {
		t.Fatal(c.Explain(err))
	}
	leader, ok := c.Metadata().Leader("t", 0)
	if !ok {
		t.Fatal(c.Metadata().Err("t"))
	}
	got, err := data.Fetch(t.Context(), leader.Broker, &wire.FetchRequest{
		MaxWait: time.Second, MinBytes: 1, MaxBytes: 1 << 20, SessionEpoch: -1,
		Partitions: []wire.FetchPartition{{
			PartitionKey: wire.PartitionKey{Topic: "t", ID: leader.ID}, MaxBytes: 1 << 20,
			CurrentEpoch: leader.Epoch, LastFetchedEpoch: wire.NoEpoch,
		}},
	}, memory.NewBudget(1<<20))
	if err != nil {
		t.Fatal(c.Explain(err))
	}
	if len(got.Partitions) != 1 || got.Partitions[0].ErrorCode != 0 || got.Partitions[0].Records == nil {
		t.Fatalf("%+v", got)
	}
	return len(got.Partitions[0].Records.Bytes())
}

func TestClientsReachEveryKindOfListener(t *testing.T) {
	a := newAuthority(t)
	mutual := a.server(nil)
	mutual.ClientAuth, mutual.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	mutual.ClientCAs.AddCert(a.cert)
	cert, key := a.pair(nil)
	identity := a.trusted()
	identity.Certificate, identity.Key = model.NewSecret(cert), model.NewSecret(key)
	wrongName := func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"broker.test"} }
	anyName, otherName := a.trusted(), a.trusted()
	anyName.SkipHostnameCheck = true
	otherName.ServerName = "broker.test"
	login := func(mechanism string) *model.SASL {
		return &model.SASL{Mechanism: mechanism, Username: "ann", Password: model.NewSecret("secret")}
	}
	users := []kfake.Opt{
		kfake.EnableSASL(), kfake.Superuser("PLAIN", "ann", "secret"),
		kfake.Superuser("SCRAM-SHA-256", "ann", "secret"), kfake.Superuser("SCRAM-SHA-512", "ann", "secret"),
	}
	for name, test := range map[string]struct {
		kafka []kfake.Opt
		tls   *model.TLS
		sasl  *model.SASL
	}{
		"plaintext":     {},
		"TLS":           {kafka: []kfake.Opt{kfake.TLS(a.server(nil))}, tls: a.trusted()},
		"mutual TLS":    {kafka: []kfake.Opt{kfake.TLS(mutual)}, tls: identity},
		"any name":      {kafka: []kfake.Opt{kfake.TLS(a.server(wrongName))}, tls: anyName},
		"other name":    {kafka: []kfake.Opt{kfake.TLS(a.server(wrongName))}, tls: otherName},
		"PLAIN":         {kafka: users, sasl: login("PLAIN")},
		"SCRAM-SHA-256": {kafka: users, sasl: login("SCRAM-SHA-256")},
		"SCRAM-SHA-512": {kafka: append(users, kfake.TLS(a.server(nil))), tls: a.trusted(), sasl: login("SCRAM-SHA-512")},
	} {
		t.Run(name, func(t *testing.T) {
			k := startKafka(t, test.kafka...)
			c := newCluster(t, k.ListenAddrs(), func(m *model.Cluster) { m.TLS, m.SASL = test.tls, test.sasl })
			write(t, c, "t", 0, 3)
			if fetchAll(t, c) == 0 {
				t.Error("nothing was read")
			}
			if topics, err := c.Admin().ListTopics(t.Context()); err != nil || len(topics) != 2 {
				t.Errorf("%d topics, %v", len(topics), err)
			}
		})
	}
}

func TestSkippingTheHostNameStillVerifiesTheChain(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	k := startKafka(t, kfake.TLS(other.server(nil)))
	c := newCluster(t, k.ListenAddrs(), func(m *model.Cluster) {
		m.TLS = a.trusted()
		m.TLS.SkipHostnameCheck = true
	})
	_, err := c.Control().Request(t.Context(), kmsg.NewPtrMetadataRequest())
	if err == nil || !strings.Contains(c.Explain(err).Error(), "is not trusted") {
		t.Fatal(err)
	}
}

func TestControlCallsReturnWithinSeconds(t *testing.T) {
	c := newCluster(t, []string{"127.0.0.1:1"}, nil)
	began := time.Now()
	if _, err := c.Control().Request(t.Context(), kmsg.NewPtrMetadataRequest()); err == nil {
		t.Fatal("no error")
	}
	if took := time.Since(began); took > 2*retryTimeout {
		t.Errorf("it took %v", took)
	}
}

func TestMissingPermissionsAreErrorsOfTheirTopic(t *testing.T) {
	k := startKafka(t, kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "root", "secret"),
		kfake.User("PLAIN", "ann", "secret", kfake.ACL{
			Resource: kmsg.ACLResourceTypeTopic, Name: "t", Pattern: kmsg.ACLResourcePatternTypeLiteral,
			Operation: kmsg.ACLOperationRead, Allow: true,
		}))
	c := newCluster(t, k.ListenAddrs(), func(m *model.Cluster) {
		m.SASL = &model.SASL{Mechanism: "PLAIN", Username: "ann", Password: model.NewSecret("secret")}
	})
	m := c.Metadata()
	m.Track("t", "u")
	if err := m.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m.Err("t") != nil || m.Err("u") != kerr.TopicAuthorizationFailed {
		t.Errorf("%v, %v", m.Err("t"), m.Err("u"))
	}
	if got := c.Explain(m.Err("u")).Error(); !strings.Contains(got, "lacks a permission (ACL) on a topic") {
		t.Error(got)
	}
}

func TestClientsLogWithTheirCluster(t *testing.T) {
	var out bytes.Buffer
	l := newLogger(slog.New(slog.NewTextHandler(&out, nil)).With("cluster", "west"))
	if l.Level() != kgo.LogLevelError {
		t.Errorf("level %v", l.Level())
	}
	l.Log(kgo.LogLevelWarn, "a repeated warning")
	l.Log(kgo.LogLevelError, "given up", "broker", 1)
	if got := out.String(); !strings.Contains(got, "level=WARN msg=\"given up\" cluster=west component=kgo broker=1") || strings.Contains(got, "repeated") {
		t.Error(got)
	}
}

func TestADataClientFindsNewBrokers(t *testing.T) {
	k := startKafka(t)
	c := newCluster(t, k.ListenAddrs(), nil)
	write(t, c, "t", 0, 1)
	data, err := c.Data("fetch")
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	fetch := func(ctx context.Context, broker int32) error {
		id := k.TopicInfo("t").TopicID
		r, err := data.Fetch(ctx, broker, &wire.FetchRequest{
			MinBytes: 1, MaxBytes: 1 << 20, SessionEpoch: -1,
			Partitions: []wire.FetchPartition{{
				PartitionKey: wire.PartitionKey{Topic: "t", ID: id}, MaxBytes: 1 << 20, CurrentEpoch: wire.NoEpoch, LastFetchedEpoch: wire.NoEpoch,
			}},
		}, memory.NewBudget(1<<20))
		if err == nil {
			err = kerr.ErrorForCode(r.Partitions[0].ErrorCode)
		}
		return err
	}
	if err := fetch(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if _, _, err := k.AddNode(7, 0); err != nil {
		t.Fatal(err)
	}
	if err := k.MoveTopicPartition("t", 0, 7); err != nil {
		t.Fatal(err)
	}
	if err := fetch(t.Context(), 7); err != nil {
		t.Fatal(err)
	}

	// The same broker at another address: the old one refuses, which makes the
	// client look again.
	if err := k.RemoveNode(7); err != nil {
		t.Fatal(err)
	}
	if _, _, err := k.AddNode(7, 0); err != nil {
		t.Fatal(err)
	}
	if err := k.MoveTopicPartition("t", 0, 7); err != nil {
		t.Fatal(err)
	}
	k.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		return nil, errors.New("removed nodes of kfake keep their connections"), true
	})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		err := fetch(ctx, 7)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		if err := c.Metadata().Refresh(ctx); err != nil { // paces the loop
			t.Fatal(err)
		}
	}
}
