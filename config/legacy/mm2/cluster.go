package mm2

import (
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// role is the Kafka client whose settings a cluster is reached with. The model
// has one connection per cluster where MirrorMaker 2 has one per client.
type role string

const (
	roleConsumer role = "consumer" // the cluster is the source of a flow
	roleProducer role = "producer"
)

// roleOf returns the client that moves the data of a cluster.
func roleOf(alias string, pairs []pair) role {
	for _, p := range pairs {
		if p.enabled && p.from == alias {
			return roleConsumer
		}
	}
	return roleProducer
}

// common reads a common client key: the role's own, the cluster's, the top
// level's. Other roles that say something else are reported, since one
// connection serves all.
func (r *reader) common(alias string, main role, key string) (value, bool) {
	v, ok := r.lookup(alias+"."+string(main)+"."+key, alias+"."+key, key)
	for _, other := range []string{"consumer", "producer", "admin"} {
		if other == string(main) {
			continue
		}
		o, written := r.lookup(alias + "." + other + "." + key)
		switch {
		case !written:
		case !ok:
			v, ok = o, true
		case o.text != v.text:
			r.add(diag.Warnf(diag.CodeNoEffect, o.at,
				"%s has no effect: one connection serves all clients of a cluster, and %s is used", o.key, v.key))
		}
	}
	return v, ok
}

// cluster reads one alias.
func (r *reader) cluster(alias string, main role) *model.Cluster {
	c := model.NewCluster(field.Properties)
	c.Alias, c.Ranges = alias, model.Places{}
	for _, d := range model.ClusterFields(c) {
		var v value
		var ok bool
		switch d.Scope {
		case field.ScopeCluster:
			v, ok = r.common(alias, main, d.Key)
		case field.ScopeConsumer:
			v, ok = r.lookup(alias + ".consumer." + d.Key)
		case field.ScopeAlias:
			v, ok = r.lookup(alias + "." + d.Key)
		case field.ScopeNone, field.ScopeFlow, field.ScopeFlowOnly, field.ScopeProducer, field.ScopeWorker:
		}
		if ok {
			r.set(d, v, c.Ranges)
		}
	}
	r.servers(c)
	r.security(c, main)
	return c
}

// servers checks the brokers of a cluster and sets its place.
func (r *reader) servers(c *model.Cluster) {
	at, written := c.Ranges["bootstrap_servers"]
	c.Range = at
	key := c.Alias + ".bootstrap.servers"
	if !written || len(c.BootstrapServers) == 0 {
		clusters, _ := r.lookup("clusters")
		if !slices.ContainsFunc(r.problems, func(d diag.Diagnostic) bool { return strings.HasPrefix(d.Summary, key+":") }) {
			r.add(diag.Errorf(diag.CodeMissing, clusters.at, "%s is not set", key).WithFix("write %s = host:9092", key))
		}
		c.Range = clusters.at
		return
	}
	for i, s := range c.BootstrapServers {
		server, ok := model.ParseServer(s)
		if !ok {
			r.once(diag.Errorf(diag.CodeBadValue, at, "%s: every element must be host:port", key).WithFix("write host:9092"))
		}
		c.BootstrapServers[i] = server
	}
}

// security reads security.protocol and what it switches on.
func (r *reader) security(c *model.Cluster, main role) {
	protocol := "PLAINTEXT"
	v, ok := r.common(c.Alias, main, "security.protocol")
	if ok {
		protocol = strings.ToUpper(strings.TrimSpace(v.text))
		if !v.at.IsZero() {
			c.Ranges["security_protocol"] = v.at
		}
	}
	tls, sasl := false, false
	switch protocol {
	case "PLAINTEXT":
	case "SSL":
		tls = true
	case "SASL_PLAINTEXT":
		sasl = true
	case "SASL_SSL":
		tls, sasl = true, true
	default:
		r.placeOnce(diag.Errorf(diag.CodeBadValue, diag.Range{}, "must be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"), v)
	}
	// Keys of a protocol that is off are read all the same: they are known,
	// and MirrorMaker 2 does not mind them.
	t, s := r.readTLS(c, main, tls), r.readSASL(c, main, sasl)
	if tls {
		c.TLS = t
	}
	if sasl {
		c.SASL = s
	}
}

// loginModules maps what sasl.jaas.config names to the mechanisms it serves.
func loginModules() map[string][]string {
	return map[string][]string{
		"org.apache.kafka.common.security.plain.PlainLoginModule": {"PLAIN"},
		"org.apache.kafka.common.security.scram.ScramLoginModule": {"SCRAM-SHA-256", "SCRAM-SHA-512"},
	}
}

// readSASL reads mechanism and login. With on false it only marks the keys as
// known.
func (r *reader) readSASL(c *model.Cluster, main role, on bool) *model.SASL {
	s := &model.SASL{Mechanism: "GSSAPI"} // Java's default
	mechanism, written := r.common(c.Alias, main, "sasl.mechanism")
	jaas, ok := r.common(c.Alias, main, "sasl.jaas.config")
	if !on {
		return nil
	}
	at := c.Ranges.Of("security_protocol")
	if written {
		s.Mechanism, at = strings.TrimSpace(mechanism.text), mechanism.at
	}
	known := slices.Concat([]string{"PLAIN"}, loginModules()["org.apache.kafka.common.security.scram.ScramLoginModule"])
	if !slices.Contains(known, s.Mechanism) {
		name := s.Mechanism
		if mechanism.sensitive {
			name = "this one"
		}
		d := diag.Errorf(diag.CodeMechanism, at, "cluster %q: SASL mechanism %s is not supported", c.Alias, name).
			WithFix("use one of %s", strings.Join(known, ", "))
		if !written {
			d.Summary += "; it is Java's default when sasl.mechanism is not set"
		}
		r.once(d)
		return s
	}
	if !ok {
		r.once(diag.Errorf(diag.CodeJAAS, at, "cluster %q logs in by SASL but has no sasl.jaas.config", c.Alias).
			WithFix("set %s.sasl.jaas.config; a login file of the JVM is not read", c.Alias))
		return s
	}
	if jaas.missing {
		return s // reported
	}
	r.login(s, jaas)
	c.Ranges["sasl.password"] = jaas.at
	return s
}

// login reads user name and password.
func (r *reader) login(s *model.SASL, jaas value) {
	entries, problem, fix := parseJAAS(jaas.text)
	if problem != "" {
		d := diag.Errorf(diag.CodeJAAS, diag.Range{}, "%s", problem)
		d.Fix = fix
		r.placeOnce(d, jaas)
		return
	}
	if len(entries) > 1 {
		r.placeOnce(diag.Errorf(diag.CodeJAAS, diag.Range{}, "names more than one login module"), jaas)
		return
	}
	mechanisms, known := loginModules()[entries[0].module]
	switch options := entries[0].options; {
	case !known:
		r.placeOnce(diag.Errorf(diag.CodeMechanism, diag.Range{}, "the login module is not supported").
			WithFix("use PlainLoginModule or ScramLoginModule of org.apache.kafka.common.security"), jaas)
	case !slices.Contains(mechanisms, s.Mechanism):
		r.placeOnce(diag.Errorf(diag.CodeMechanism, diag.Range{}, "the login module is not the one of sasl.mechanism %s", s.Mechanism).
			WithFix("its mechanism is %s", strings.Join(mechanisms, " or ")), jaas)
	case strings.EqualFold(options["tokenauth"], "true"):
		r.placeOnce(diag.Errorf(diag.CodeMechanism, diag.Range{}, "delegation tokens are not supported"), jaas)
	case options["username"] == "" || options["password"] == "":
		r.placeOnce(diag.Errorf(diag.CodeJAAS, diag.Range{}, "needs username and password").
			WithFix(`write username="..." password="...";`), jaas)
	default:
		s.Username, s.Password = options["username"], model.NewSecret(options["password"])
	}
}
