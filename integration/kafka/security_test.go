package kafka_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/kafka"
)

// TestSecurity connects to clusters of each kind as they want it, and as they
// must refuse.
func TestSecurity(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]kafka.Options{
		"tls":               {TLS: true},
		"mutual tls":        {MTLS: true},
		"plain":             {SASL: kafka.Plain, Users: map[string]string{"ann": `pa"ss\word`}},
		"scram 256":         {SASL: kafka.ScramSHA256},
		"scram 512 and tls": {SASL: kafka.ScramSHA512, TLS: true},
		"scram on 3.9":      {SASL: kafka.ScramSHA256, TLS: true, Version: kafka.Version39},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := bounded(t)
			c := kafka.Start(t, o)
			if err := c.CreateTopic(ctx, kafka.Topic{Name: "a"}); err != nil {
				t.Fatal(err)
			}
			opts, err := c.ClientOpts()
			if err != nil {
				t.Fatal(err)
			}
			roundTrip(ctx, t, "a", opts...)

			stranger, err := kgo.NewClient(kgo.SeedBrokers(c.Bootstrap()...))
			if err != nil {
				t.Fatal(err)
			}
			defer stranger.Close()
			short, cancel := context.WithTimeout(ctx, 2*time.Second)
			defer cancel()
			if err := stranger.Ping(short); err == nil {
				t.Error("a client without credentials was let in")
			}
		})
	}
}

// TestAuthorizer lets one user read and write one prefix and no more.
func TestAuthorizer(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	c := kafka.Start(t, kafka.Options{
		SASL: kafka.Plain, Users: map[string]string{"ann": "a", "root": "r"},
		Authorizer: true, SuperUsers: []string{"User:root"},
	})
	for _, topic := range []string{"mine", "other"} {
		if err := c.CreateTopic(ctx, kafka.Topic{Name: topic}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Allow(ctx, "User:ann", "mine", kadm.OpRead, kadm.OpWrite, kadm.OpDescribe); err != nil {
		t.Fatal(err)
	}
	ann, err := c.ClientOptsAs("ann")
	if err != nil {
		t.Fatal(err)
	}
	roundTrip(ctx, t, "mine", ann...)
	cl, err := kgo.NewClient(append(ann, kgo.UnknownTopicRetries(0))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	err = cl.ProduceSync(ctx, &kgo.Record{Topic: "other", Value: []byte("x")}).FirstErr()
	if !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Errorf("writing what no ACL allows gave %v", err)
	}
	root, err := c.ClientOptsAs("root")
	if err != nil {
		t.Fatal(err)
	}
	roundTrip(ctx, t, "other", root...)
	if _, err := c.ClientOptsAs("eve"); err == nil {
		t.Error("options for an unknown user were made")
	}
	testAudit(t, c)
}

// testAudit checks that the audit log has what ann did with the ACL that let
// her, and what she was denied.
func testAudit(t *testing.T, c *kafka.Cluster) {
	t.Helper()
	all, err := c.Audit()
	if err != nil {
		t.Fatal(err)
	}
	written := kafka.Decision{
		Principal: "User:ann", Allowed: true, Operation: "WRITE", Resource: "Topic:LITERAL:mine", Request: "Produce",
		ACL: kafka.ACL{ResourceType: "TOPIC", Name: "mine", PatternType: "PREFIXED", Operation: "WRITE"},
	}
	if !slices.Contains(all, written) {
		t.Errorf("%+v is not in %+v", written, all)
	}
	if !slices.ContainsFunc(all, func(d kafka.Decision) bool {
		return !d.Allowed && d.Principal == "User:ann" && d.Resource == "Topic:LITERAL:other" && d.ACL == kafka.ACL{}
	}) {
		t.Errorf("no denial in %+v", all)
	}
}

// TestMTLSPrincipal checks who a client with the harness's certificate is.
func TestMTLSPrincipal(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	c := kafka.Start(t, kafka.Options{MTLS: true, Authorizer: true})
	if err := c.CreateTopic(ctx, kafka.Topic{Name: "a"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Allow(ctx, kafka.ClientPrincipal, "", kadm.OpRead, kadm.OpWrite, kadm.OpDescribe); err != nil {
		t.Fatal(err)
	}
	opts, err := c.ClientOpts()
	if err != nil {
		t.Fatal(err)
	}
	roundTrip(ctx, t, "a", opts...)
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	kafka.Require(t)
	for name, o := range map[string]kafka.Options{
		"users without a mechanism":        {Users: map[string]string{"a": "b"}},
		"an unknown mechanism":             {SASL: "OAUTH"},
		"an authorizer for the anonymous":  {Authorizer: true, TLS: true},
		"a version that nobody has pinned": {Version: "0.1"},
		"too many brokers":                 {Brokers: 10},
	} {
		if o.Version != "" && os.Getenv("STRAIT_KAFKA_DIR") != "" {
			continue // whatever is there is used
		}
		if _, err := kafka.New(bounded(t), t.TempDir(), o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
