package kafka

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// auditFile is where a node with an authorizer writes what it decided, in its
// directory.
const auditFile = "authorizer.log"

// auditConfigs extend logConfigs, by file name, by a log of the authorizer's own:
// denials, and at this level what is allowed.
func auditConfigs() map[string]string {
	return map[string]string{
		"log4j2.properties": `logger.audit.name=kafka.authorizer.logger
logger.audit.level=DEBUG
logger.audit.additivity=false
logger.audit.appenderRef.audit.ref=audit
appender.audit.type=File
appender.audit.name=audit
appender.audit.fileName=` + auditFile + `
appender.audit.layout.type=PatternLayout
appender.audit.layout.pattern=%m%n
`,
		"log4j.properties": `log4j.logger.kafka.authorizer.logger=DEBUG, audit
log4j.additivity.kafka.authorizer.logger=false
log4j.appender.audit=org.apache.log4j.FileAppender
log4j.appender.audit.File=` + auditFile + `
log4j.appender.audit.layout=org.apache.log4j.PatternLayout
log4j.appender.audit.layout.ConversionPattern=%m%n
`,
	}
}

// Decision is what an authorizer decided about one use of one resource.
type Decision struct {
	Principal string // as "User:name"
	Allowed   bool
	Operation string // as READ
	Resource  string // as Topic:LITERAL:name
	Request   string // as Fetch
	ACL       ACL    // that allowed or denied it; zero without one
}

func (d Decision) String() string {
	verb := "denied"
	if d.Allowed {
		verb = "allowed"
	}
	return fmt.Sprintf("%s was %s %s on %s for %s", d.Principal, verb, d.Operation, d.Resource, d.Request)
}

// ACL is an ACL that allows something, in the protocol's spelling.
type ACL struct {
	ResourceType string // as TOPIC
	Name         string
	PatternType  string // LITERAL or PREFIXED
	Operation    string // as READ
}

// Audit returns what a cluster with Options.Authorizer has decided so far, each
// node's decisions in order. What the harness and the brokers do themselves is
// left out.
func (c *Cluster) Audit() ([]Decision, error) {
	if !c.opts.Authorizer {
		return nil, errors.New("reading the audit log: the cluster has no authorizer")
	}
	// As StandardAuthorizerData.buildAuditMessage writes them.
	decision := regexp.MustCompile(`^Principal = (.+) is (Allowed|Denied) operation = (\w+) from host = \S+ on resource = (\S+) for request = (\w+) `)
	acl := regexp.MustCompile(`StandardAcl[([]resourceType=(\w+), resourceName=(.*), patternType=(\w+), principal=.*, operation=(\w+), permissionType`)
	var all []Decision
	for _, n := range c.nodes() {
		text, err := os.ReadFile(filepath.Join(n.dir, auditFile))
		if err != nil {
			return nil, fmt.Errorf("reading the audit log: %w", err)
		}
		for line := range strings.Lines(string(text)) {
			m := decision.FindStringSubmatch(line)
			if m == nil {
				return nil, fmt.Errorf("reading the audit log: %q is no decision", line)
			}
			d := Decision{Principal: m[1], Allowed: m[2] == "Allowed", Operation: m[3], Resource: m[4], Request: m[5]}
			if a := acl.FindStringSubmatch(line); a != nil {
				d.ACL = ACL{ResourceType: a[1], Name: a[2], PatternType: a[3], Operation: a[4]}
			}
			if d.Principal != "User:ANONYMOUS" {
				all = append(all, d)
			}
		}
	}
	return all, nil
}
