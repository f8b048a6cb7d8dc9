package cluster

import (
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/internal/admin"
)

func TestExplainGivesTheCommandThatGrants(t *testing.T) {
	c := newCluster(t, []string{"127.0.0.1:1"}, func(m *model.Cluster) {
		m.SASL = &model.SASL{Mechanism: "PLAIN", Username: "ann", Password: model.NewSecret("x")}
	})
	for name, test := range map[string]struct{ operation, resource, want string }{
		"topic":   {"DESCRIBE_CONFIGS", admin.OnTopic("orders"), "--operation DescribeConfigs --topic orders"},
		"either":  {"CREATE", admin.OnTopic("orders") + " or cluster", "--operation Create --topic orders"},
		"cluster": {"IDEMPOTENT_WRITE", "cluster", "--operation IdempotentWrite --cluster"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.Explain(admin.Refused(kerr.ClusterAuthorizationFailed, test.operation, test.resource))
			p, ok := errors.AsType[*Problem](err)
			want := "kafka-acls.sh --bootstrap-server 127.0.0.1:1 --add --allow-principal 'User:ann' " + test.want
			if !ok || p.Fix != want {
				t.Errorf("got %+v, want the fix %q", err, want)
			}
			if got := err.Error(); got != `cluster "west": our user "ann" lacks the permission `+test.operation+" on "+test.resource {
				t.Errorf("got %q", got)
			}
		})
	}
}
