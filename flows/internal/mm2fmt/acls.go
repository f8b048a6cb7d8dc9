package mm2fmt

import (
	"encoding/json"
	"fmt"
)

// ACLsTopic returns the name of the topic in which Strait keeps which ACLs of the
// target it has created itself. mm2 and .internal keep MirrorMaker 2 from mirroring it.
func ACLsTopic(source string) string { return "mm2-strait-acls." + source + ".internal" }

// ACL is one that a flow has created; all of it is the key of a record.
type ACL struct {
	Flow       string `json:"flow"`
	Resource   string `json:"resource"` // "topic", "group", "transactional_id"
	Name       string `json:"name"`
	Pattern    string `json:"pattern"` // "literal", "prefixed"
	Principal  string `json:"principal"`
	Host       string `json:"host"`
	Operation  string `json:"operation"`  // "READ"
	Permission string `json:"permission"` // "allow", "deny"
}

// Encode returns the record's key, and its value while there is such an ACL.
func (a ACL) Encode() (key, value []byte, err error) {
	if key, err = json.Marshal(a); err != nil {
		return nil, nil, fmt.Errorf("encoding an ACL: %w", err)
	}
	return key, []byte(`{"version":1}`), nil
}

// ParseACL reads a record's key.
func ParseACL(key []byte) (ACL, error) {
	const most = 128 << 10 // names have 32 KiB at most
	var a ACL
	if len(key) > most {
		return a, fmt.Errorf("reading an ACL: the key has %d bytes", len(key))
	}
	if err := json.Unmarshal(key, &a); err != nil {
		return a, fmt.Errorf("reading an ACL: %w", err)
	}
	return a, nil
}
