package aclsync

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/internal/mm2fmt"
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

// TestTranslateGroupsAndIDs is what goes along where the flow says so.
func TestTranslateGroupsAndIDs(t *testing.T) {
	const none = "none"
	all := Params{
		Selector: names{}, Namer: names{}, TransactionalIDs: true, PrefixedTransactionalIDs: true,
		Group: func(name string, _ bool) string {
			if name == "other" {
				return ""
			}
			return "a." + name
		},
	}
	exact := all
	exact.PrefixedTransactionalIDs = false
	tests := map[string]struct {
		p    Params
		acl  admin.ACL
		want string
	}{
		"group":                    {all, admin.ACL{Kind: admin.GroupResource, Name: "g", Operation: "READ"}, `allows User:ann from host h READ on group "a.g"`},
		"all of a group":           {all, admin.ACL{Kind: admin.GroupResource, Name: "g", Operation: "ALL", Deny: true}, `denies User:ann from host h ALL on group "a.g"`},
		"prefix of groups":         {all, admin.ACL{Kind: admin.GroupResource, Name: "g-", Prefixed: true, Operation: "READ"}, `allows User:ann from host h READ on group "a.g-" (prefix)`},
		"group not taken along":    {all, admin.ACL{Kind: admin.GroupResource, Name: "other", Operation: "READ"}, none},
		"every group":              {all, admin.ACL{Kind: admin.GroupResource, Name: "*", Operation: "READ"}, none},
		"group by default":         {Params{Selector: names{}, Namer: names{}}, admin.ACL{Kind: admin.GroupResource, Name: "g", Operation: "READ"}, none},
		"id":                       {exact, admin.ACL{Kind: admin.TransactionalIDResource, Name: "t", Operation: "WRITE"}, `allows User:ann from host h WRITE on transactional id "t"`},
		"prefix of ids":            {all, admin.ACL{Kind: admin.TransactionalIDResource, Name: "t", Prefixed: true, Operation: "WRITE"}, `allows User:ann from host h WRITE on transactional id "t" (prefix)`},
		"prefix of ids by default": {exact, admin.ACL{Kind: admin.TransactionalIDResource, Name: "t", Prefixed: true, Operation: "WRITE"}, none},
		"every id":                 {all, admin.ACL{Kind: admin.TransactionalIDResource, Name: "*", Operation: "WRITE"}, none},
		"id by default":            {Params{Selector: names{}, Namer: names{}}, admin.ACL{Kind: admin.TransactionalIDResource, Name: "t", Operation: "WRITE"}, none},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.acl.Principal, tt.acl.Host = "User:ann", "h"
			got := none
			if a, ok := (&Syncer{p: tt.p}).translate(tt.acl); ok {
				got = a.String()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestRecordsOfOwnACLs has every ACL come back as it was, and leaves alone what a newer
// Strait may write.
func TestRecordsOfOwnACLs(t *testing.T) {
	for _, a := range []admin.ACL{
		{Name: "a.t", Principal: "User:ann", Host: "*", Operation: "READ"},
		{Kind: admin.GroupResource, Name: "g", Prefixed: true, Principal: "User:ann", Host: "h", Operation: "ALL", Deny: true},
		{Kind: admin.TransactionalIDResource, Name: "billing", Principal: "User:ann", Host: "*", Operation: "WRITE"},
	} {
		key, _, err := toRecord("a->b", a).Encode()
		if err != nil {
			t.Fatal(err)
		}
		k, err := mm2fmt.ParseACL(key)
		if err != nil {
			t.Fatal(err)
		}
		if back, known := fromRecord(k); back != a || !known || k.Flow != "a->b" {
			t.Errorf("%s comes back as %+v, %v", key, back, known)
		}
		k.Pattern = "suffixed"
		if _, known := fromRecord(k); known {
			t.Errorf("%+v is known", k)
		}
	}
}
