package aclsync

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/flows/internal/admin"
)

// names mirrors the topics that begin with t under the name of the source a.
type names struct{}

func (names) Selected(topic string) bool      { return strings.HasPrefix(topic, "t") }
func (names) RemoteTopic(topic string) string { return "a." + topic }

// TestTranslate is conformance item 39.
func TestTranslate(t *testing.T) {
	const none = "none"
	tests := map[string]struct {
		acl  admin.ACL
		want string
	}{
		"read":                  {admin.ACL{Name: "t", Operation: "READ"}, `allows User:ann from host h READ on topic "a.t"`},
		"write":                 {admin.ACL{Name: "t", Operation: "WRITE"}, none},
		"all":                   {admin.ACL{Name: "t", Operation: "ALL"}, `allows User:ann from host h READ on topic "a.t"`},
		"describe":              {admin.ACL{Name: "t", Operation: "DESCRIBE"}, `allows User:ann from host h DESCRIBE on topic "a.t"`},
		"deny all":              {admin.ACL{Name: "t", Operation: "ALL", Deny: true}, `denies User:ann from host h ALL on topic "a.t"`},
		"deny write":            {admin.ACL{Name: "t", Operation: "WRITE", Deny: true}, `denies User:ann from host h WRITE on topic "a.t"`},
		"topic not mirrored":    {admin.ACL{Name: "x", Operation: "READ"}, none},
		"prefix":                {admin.ACL{Name: "t", Prefixed: true, Operation: "READ"}, none},
		"every topic, of which": {admin.ACL{Name: "*", Operation: "READ"}, none},
	}
	s := &Syncer{p: Params{Selector: names{}, Namer: names{}}}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.acl.Principal, tt.acl.Host = "User:ann", "h"
			got := none
			if a, ok := s.translate(tt.acl); ok {
				got = a.String()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	s.p.Prefix = func(prefix string) string { return "a." + prefix }
	a, ok := s.translate(admin.ACL{Name: "anything", Prefixed: true, Operation: "ALL", Principal: "User:ann", Host: "h"})
	if want := `allows User:ann from host h READ on topic "a.anything" (prefix)`; !ok || a.String() != want {
		t.Errorf("got %v, want %s", a, want)
	}
}
