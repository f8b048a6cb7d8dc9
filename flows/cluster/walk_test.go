package cluster

import (
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/strait-mirror/strait/config/model"
)

// TestWalk goes to clusters with nothing wrong, and with one thing wrong at each
// step: the steps before work, the last one says why it does not.
func TestWalk(t *testing.T) {
	a := newAuthority(t)
	soon := a.server(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(49 * time.Hour) })
	user := func(password string) *model.SASL {
		return &model.SASL{Mechanism: "PLAIN", Username: "ann", Password: model.NewSecret(password)}
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0") // nobody speaks there
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := silent.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	t.Cleanup(func() { silent.Close() })
	login := []kfake.Opt{kfake.EnableSASL(), kfake.Superuser("PLAIN", "ann", "right")}
	for name, tt := range map[string]struct {
		kafka   []kfake.Opt
		address string // instead
		edit    func(*model.Cluster)
		steps   string
		detail  string // of the last
		warning string // of any
		cause   string // of the last
	}{
		"plain": {steps: "tcp versions metadata", detail: "brokers: 1"},
		"all of it": {
			kafka: append(login, kfake.TLS(soon)),
			edit:  func(c *model.Cluster) { c.TLS, c.SASL = a.trusted(), user("right") },
			steps: "tcp tls versions sasl metadata", detail: "brokers: 1", warning: "in 2 days: renew it",
		},
		"no such name":  {address: "nowhere.invalid:9092", steps: "dns", cause: "nowhere.invalid"},
		"not listening": {address: "127.0.0.1:1", steps: "tcp", cause: "nothing listens there"},
		"another protocol": {
			edit:  func(c *model.Cluster) { c.TLS = a.trusted() },
			steps: "tcp tls", cause: "does not speak TLS",
		},
		"no Kafka": {address: silent.Addr().String(), steps: "tcp versions", cause: "closed the connection"},
		"wrong password": {
			kafka: login, edit: func(c *model.Cluster) { c.SASL = user("wrong") },
			steps: "tcp versions sasl", cause: `user "ann"`,
		},
		"another cluster": {
			edit:  func(c *model.Cluster) { c.ExpectClusterID = "other" },
			steps: "tcp versions metadata", cause: "expect_cluster_id is other",
		},
	} {
		t.Run(name, func(t *testing.T) {
			addresses := []string{tt.address}
			if tt.address == "" {
				addresses = startKafka(t, tt.kafka...).ListenAddrs()
			}
			visits := newCluster(t, addresses, tt.edit).Walk(t.Context())
			if len(visits) != 1 {
				t.Fatalf("%d visits: %+v", len(visits), visits)
			}
			v := visits[0]
			var names, warnings []string
			for i, s := range v.Steps {
				names = append(names, s.Name)
				warnings = append(warnings, s.Warning)
				if s.Err != nil && i < len(v.Steps)-1 {
					t.Errorf("%s does not work, and more was tried: %v", s.Name, s.Err)
				}
			}
			last := v.Steps[len(v.Steps)-1]
			if got := strings.Join(names, " "); got != tt.steps {
				t.Errorf("steps are %q, want %q: %v", got, tt.steps, last.Err)
			}
			if !strings.Contains(last.Detail, tt.detail) || !strings.Contains(strings.Join(warnings, " "), tt.warning) {
				t.Errorf("found %q, warned %q", last.Detail, warnings)
			}
			if _, explained := errors.AsType[*Problem](last.Err); (last.Err == nil) != (tt.cause == "") || tt.cause != "" && (!explained || !strings.Contains(last.Err.Error(), tt.cause)) {
				t.Errorf("the cause is %v, want %q", last.Err, tt.cause)
			}
			if !cmp.Equal(v.Err(), last.Err, cmp.Comparer(errors.Is)) {
				t.Errorf("the visit's error is %v", v.Err())
			}
			if last.Err == nil && v.Broker == NoBroker {
				t.Error("the broker's id is not known")
			}
		})
	}
}

// TestWalkFindsBrokers is given one of three brokers.
func TestWalkFindsBrokers(t *testing.T) {
	k := startKafka(t, kfake.NumBrokers(3))
	visits := newCluster(t, k.ListenAddrs()[1:2], nil).Walk(t.Context())
	ids := map[int32]bool{}
	for _, v := range visits {
		if v.Err() != nil {
			t.Errorf("%s: %v", v.Address, v.Err())
		}
		ids[v.Broker] = true
	}
	if len(visits) != 3 || len(ids) != 3 || ids[NoBroker] {
		t.Errorf("visited %+v", visits)
	}
}
