package security_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/strait-mirror/strait/integration/kafka"
)

// TestClientsOfTheirOwn has what reads records and what asks for topics log in
// as two users, each of which may do only its own work.
func TestClientsOfTheirOwn(t *testing.T) {
	kafka.Require(t)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	users := map[string]string{"admin": "admin-secret", "asks": "asks-secret", "reads": "reads-secret"}
	b := &bed{
		source: kafka.Start(t, kafka.Options{SASL: kafka.ScramSHA512, Users: users, Authorizer: true, SuperUsers: []string{"User:admin"}}),
		target: kafka.Start(t, kafka.Options{}),
		files:  t.TempDir(),
	}
	if err := b.source.CreateTopic(ctx, kafka.Topic{Name: topic, Partitions: 2}); err != nil {
		t.Fatal(err)
	}
	b.write(ctx, t, 500)
	if err := b.source.Allow(ctx, "User:reads", topic, kadm.OpRead); err != nil {
		t.Fatal(err)
	}
	if err := b.source.Allow(ctx, "User:asks", topic, kadm.OpDescribe, kadm.OpDescribeConfigs); err != nil {
		t.Fatal(err)
	}
	jaas := func(user, password string) string {
		return fmt.Sprintf("org.apache.kafka.common.security.scram.ScramLoginModule required username=%q password=%q;", user, password)
	}
	common := map[string]string{"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": kafka.ScramSHA512}
	with := func(more map[string]string) map[string]string {
		lines := maps.Clone(common)
		maps.Copy(lines, more)
		return lines
	}
	right := map[string]string{"consumer.sasl.jaas.config": jaas("reads", users["reads"]), "admin.sasl.jaas.config": jaas("asks", users["asks"])}
	cases := map[string]struct {
		text func(alias string) string
		want string // in the reason why it fails; "": it does not
	}{
		"p-own": {func(alias string) string { return b.properties(alias, with(right)) }, ""},
		"h-own": {func(alias string) string {
			return b.hcl(alias, properties(with(map[string]string{
				"sasl.jaas.config": jaas("asks", users["asks"]), "consumer.sasl.jaas.config": jaas("reads", users["reads"]),
			})))
		}, ""},
		"p-swapped": {func(alias string) string {
			return b.properties(alias, with(map[string]string{
				"consumer.sasl.jaas.config": jaas("asks", users["asks"]), "admin.sasl.jaas.config": jaas("asks", users["asks"]),
			}))
		}, "READ"},
		"p-wrong": {func(alias string) string {
			return b.properties(alias, with(map[string]string{
				"consumer.sasl.jaas.config": jaas("reads", users["reads"]), "admin.sasl.jaas.config": jaas("asks", "not-the-secret"),
			}))
		}, "password"},
	}
	for alias, tt := range cases {
		t.Run(alias, func(t *testing.T) {
			name := alias + map[byte]string{'p': ".properties", 'h': ".hcl"}[alias[0]]
			patience := time.Minute
			if tt.want != "" {
				patience = 2 * time.Second
			}
			err := once(ctx, t, b.read(t, name, tt.text(alias)), patience)
			switch {
			case tt.want == "" && err != nil:
				t.Fatal(err)
			case tt.want == "":
				if err := b.difference(ctx, alias); err != nil {
					t.Error(err)
				}
			case err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret"):
				t.Errorf("got %v", err)
			}
		})
	}
}
