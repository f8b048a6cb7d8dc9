// Package explain holds what real brokers do to clients with wrong settings
// against what Strait says of it. The words for each case are tested in
// flows/cluster; here it is that real brokers cause them, and that settings that
// fit are let in.
package explain

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	surveys "github.com/strait-mirror/strait/flows/survey"
	"github.com/strait-mirror/strait/integration/kafka"
)

// attempt is one way to connect; want is "" where it must succeed.
type attempt struct {
	tls  *model.TLS
	sasl *model.SASL
	want string
}

func login(mechanism, password string) *model.SASL {
	return &model.SASL{Mechanism: mechanism, Username: "ann", Password: model.NewSecret(password)}
}

func secret(pem []byte) model.Secret { return model.NewSecret(string(pem)) }

// connect asks for metadata and returns what the user would read.
func connect(t *testing.T, k *kafka.Cluster, a attempt) string {
	t.Helper()
	c, err := cluster.New(cluster.Params{
		Config: &model.Cluster{Alias: "west", BootstrapServers: k.Bootstrap(), TLS: a.tls, SASL: a.sasl},
		Log:    slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err = c.Control().Request(ctx, kmsg.NewPtrMetadataRequest()); err == nil {
		return ""
	}
	return c.Explain(err).Error()
}

// walk goes the same way step by step. It ends at the broker, having seen all that
// the settings ask for, or says the same of the step that fails.
func walk(t *testing.T, k *kafka.Cluster, a attempt) {
	t.Helper()
	c, err := cluster.New(cluster.Params{
		Config: &model.Cluster{Alias: "west", BootstrapServers: k.Bootstrap(), TLS: a.tls, SASL: a.sasl},
		Log:    slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	visits := c.Walk(t.Context())
	if len(visits) != 1 || len(visits[0].Steps) == 0 {
		t.Fatalf("visited %+v", visits)
	}
	var steps []string
	for _, s := range visits[0].Steps {
		steps = append(steps, s.Name)
		if s.Name == cluster.StepTLS && s.Err == nil && !strings.Contains(s.Detail, "valid until") {
			t.Errorf("of TLS is said %q", s.Detail)
		}
	}
	last := visits[0].Steps[len(steps)-1]
	if a.want != "" {
		if last.Err == nil || !strings.Contains(last.Err.Error(), a.want) {
			t.Errorf("after %v: %v, which does not say %q", steps, last.Err, a.want)
		}
		return
	}
	want := []string{cluster.StepTCP}
	if a.tls != nil {
		want = append(want, cluster.StepTLS)
	}
	want = append(want, cluster.StepVersions)
	if a.sasl != nil {
		want = append(want, cluster.StepSASL)
	}
	want = append(want, cluster.StepMetadata)
	if last.Err != nil || !slices.Equal(steps, want) || visits[0].Broker == cluster.NoBroker {
		t.Errorf("went %v, want %v: %v", steps, want, last.Err)
	}
	for _, s := range visits[0].Steps {
		if s.Took <= 0 && s.Name != cluster.StepSASL {
			t.Errorf("%s took %v", s.Name, s.Took)
		}
	}
}

// verify expects a cluster by its id, and another one.
func verify(t *testing.T, k *kafka.Cluster) {
	t.Helper()
	def := &model.Cluster{Alias: "west", BootstrapServers: k.Bootstrap()}
	c, err := cluster.New(cluster.Params{Config: def, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if def.ExpectClusterID, err = c.ID(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Verify(t.Context()); err != nil {
		t.Errorf("the right cluster is refused: %v", err)
	}
	right := def.ExpectClusterID
	def.ExpectClusterID = "another"
	err = c.Verify(t.Context())
	if err == nil || !strings.Contains(err.Error(), "id "+right+", but expect_cluster_id is another") {
		t.Errorf("another cluster: %v", err)
	}
}

// survey asks for what lint --online compares.
func survey(t *testing.T, k *kafka.Cluster) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.Bootstrap()...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	if _, err := adm.CreateTopic(t.Context(), 2, 1, nil, "orders"); err != nil {
		t.Fatal(err)
	}
	commits := kadm.Offsets{}
	commits.AddOffset("orders", 1, 0, -1)
	if _, err := adm.CommitOffsets(t.Context(), "reader", commits); err != nil {
		t.Fatal(err)
	}
	facts, err := surveys.Collect(t.Context(), surveys.Params{
		Config: &model.Cluster{Alias: "west", BootstrapServers: k.Bootstrap()}, Log: slog.New(slog.DiscardHandler),
		Wanted: surveys.Wanted{Group: func(string) bool { return true }},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := surveys.Group{State: "Empty", Topics: []string{"orders"}}
	if diff := cmp.Diff(want, facts.Groups["reader"]); diff != "" {
		t.Errorf("the group (-want +got):\n%s", diff)
	}
	if facts.MinInsync != 1 || facts.Settings["socket.request.max.bytes"] != "104857600" {
		t.Errorf("min.insync.replicas %d, settings %v", facts.MinInsync, facts.Settings)
	}
}

// TestRealBrokersAreExplained tries every setting on every kind of listener.
func TestRealBrokersAreExplained(t *testing.T) {
	const speaksTLS, speaksPlain = "the listener speaks TLS", "the listener does not speak TLS"
	anyTLS := &model.TLS{}
	users := map[string]string{"ann": "right"}
	for name, test := range map[string]struct {
		kafka    kafka.Options
		attempts func(kafka.PEM) map[string]attempt
	}{
		"plaintext": {kafka.Options{}, func(kafka.PEM) map[string]attempt {
			return map[string]attempt{
				"as it should be":    {},
				"TLS":                {tls: anyTLS, want: speaksPlain},
				"login not expected": {sasl: login("PLAIN", "right"), want: "does not expect a SASL login"},
			}
		}},
		"tls": {kafka.Options{TLS: true}, func(p kafka.PEM) map[string]attempt {
			trusted := &model.TLS{CA: secret(p.CA)}
			return map[string]attempt{
				"as it should be":    {tls: trusted},
				"plaintext":          {want: speaksTLS},
				"plaintext login":    {sasl: login("PLAIN", "right"), want: speaksTLS},
				"unknown authority":  {tls: anyTLS, want: "is not trusted"},
				"login not expected": {tls: trusted, sasl: login("PLAIN", "right"), want: "does not expect a SASL login"},
			}
		}},
		"mutual tls": {kafka.Options{MTLS: true}, func(p kafka.PEM) map[string]attempt {
			return map[string]attempt{
				"as it should be": {tls: &model.TLS{CA: secret(p.CA), Certificate: secret(p.ClientCert), Key: secret(p.ClientKey)}},
				"no certificate":  {tls: &model.TLS{CA: secret(p.CA)}, want: "demands a client certificate"},
			}
		}},
		"plain": {kafka.Options{SASL: kafka.Plain, Users: users}, func(kafka.PEM) map[string]attempt {
			return map[string]attempt{
				"as it should be": {sasl: login("PLAIN", "right")},
				"wrong password":  {sasl: login("PLAIN", "wrong"), want: `refuses user "ann" with PLAIN`},
				"wrong mechanism": {sasl: login("SCRAM-SHA-256", "right"), want: "does not offer SASL mechanism SCRAM-SHA-256"},
				"no login":        {want: "demands a SASL login"},
				"TLS":             {tls: anyTLS, sasl: login("PLAIN", "right"), want: speaksPlain},
			}
		}},
		"scram": {kafka.Options{SASL: kafka.ScramSHA256, Users: users}, func(kafka.PEM) map[string]attempt {
			return map[string]attempt{
				"as it should be": {sasl: login("SCRAM-SHA-256", "right")},
				"wrong password":  {sasl: login("SCRAM-SHA-256", "wrong"), want: `refuses user "ann" with SCRAM-SHA-256`},
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			k := kafka.Start(t, test.kafka)
			if name == "plaintext" {
				verify(t, k)
				survey(t, k)
			}
			for name, a := range test.attempts(k.PEM()) {
				t.Run(name, func(t *testing.T) {
					got := connect(t, k, a)
					switch {
					case a.want == "" && got != "":
						t.Errorf("not let in: %s", got)
					case !strings.Contains(got, a.want):
						t.Errorf("%q does not say %q", got, a.want)
					case got != "" && !strings.Contains(got, k.Bootstrap()[0]):
						t.Errorf("%q does not name the address", got)
					}
					walk(t, k, a)
				})
			}
		})
	}
}
