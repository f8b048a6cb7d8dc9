package convert

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
)

// secretsDir is where the HCL expects what Kubernetes keeps in secrets: as
// files, the way pods mount them.
const secretsDir = "/etc/strait/secrets"

// strimzi reads KafkaMirrorMaker2 resources: v1beta2 lists clusters and names
// them in mirrors, v1 has a target and a source in each mirror.
func (c *converter) strimzi() *form {
	r := newResource()
	for _, file := range c.p.Files {
		docs, problems := parseTrees(file)
		c.report.Problems.Add(problems...)
		for _, doc := range docs {
			for _, one := range resources(doc, 0) {
				r.read(one)
			}
		}
	}
	if len(r.aliases) == 0 && !c.report.Problems.HasErrors() {
		c.report.Problems.Add(diag.Errorf(diag.CodeMissing, diag.Range{File: c.p.Files[0].Name}, "the file holds no KafkaMirrorMaker2 resource with mirrors").
			WithFix("give the YAML of the resource: kubectl get kafkamirrormaker2 NAME -o yaml"))
		return nil
	}
	r.sameNames()
	r.f.finish(r.aliases)
	return r.f
}

// finish adds what holds the form together.
func (f *form) finish(aliases []string) {
	const provider = "org.apache.kafka.common.config.provider."
	f.set("clusters", strings.Join(aliases, ", "))
	f.set("emit.heartbeats.enabled", "false") // a connector sends them, or nobody does
	f.set("config.providers", "env,file,dir")
	f.set("config.providers.env.class", provider+"EnvVarConfigProvider")
	f.set("config.providers.file.class", provider+"FileConfigProvider")
	f.set("config.providers.dir.class", provider+"DirectoryConfigProvider")
}

// resources are the KafkaMirrorMaker2 resources of a document, also those in a
// List as kubectl prints it.
func resources(doc tree, depth int) []tree {
	switch doc.get("kind").str() {
	case "KafkaMirrorMaker2":
		return []tree{doc}
	case "List", "KafkaMirrorMaker2List":
		var list []tree
		if depth == 0 { // YAML can make a list an element of itself
			for _, item := range doc.get("items").items() {
				list = append(list, resources(item, depth+1)...)
			}
		}
		return list
	}
	return nil
}

// resource reads one KafkaMirrorMaker2 after the other into a form.
type resource struct {
	f       *form
	aliases []string
	worker  string             // alias of the cluster that Kafka Connect keeps its state on
	fixed   *regexp.Regexp     // ${provider:namespace/name:key}
	names   map[string]*naming // by flow
}

func newResource() *resource {
	return &resource{f: newForm(), names: map[string]*naming{}, fixed: regexp.MustCompile(`\$\{([^:}]+):(?:[^/:}]*/)?([^:}]+):([^}]+)\}`)}
}

func (r *resource) read(doc tree) {
	spec := doc.get("spec")
	r.worker = spec.get("connectCluster").str()
	spec.each(func(key string, v tree) {
		switch key {
		case "connectCluster":
		case "clusters":
			for _, one := range v.items() {
				r.cluster(one)
			}
		case "target":
			r.worker = v.get("alias").str()
			r.cluster(v)
		case "mirrors":
			for _, one := range v.items() {
				r.mirror(one, spec.get("target"))
			}
		default:
			r.f.ignore(v.source(), diag.CodeNoEffect, "is about the pods that ran MirrorMaker 2")
		}
	})
	r.positions(spec)
}

// ends are the aliases of a mirror's clusters.
func ends(mirror, target tree) (from, to string) {
	from, to = mirror.get("sourceCluster").str(), mirror.get("targetCluster").str()
	if from == "" {
		from = mirror.get("source", "alias").str()
	}
	if to == "" {
		to = target.get("alias").str()
	}
	return from, to
}

// cluster reads a cluster, or the source of a mirror.
func (r *resource) cluster(t tree) {
	alias := t.get("alias").str()
	if alias == "" {
		return
	}
	if !slices.Contains(r.aliases, alias) {
		r.aliases = append(r.aliases, alias)
	}
	r.f.comment(t.comment())
	login, tls := t.get("authentication"), t.get("tls")
	t.each(func(key string, v tree) {
		switch key {
		case "alias", "authentication", "tls":
		case "bootstrapServers":
			r.set(alias+".bootstrap.servers", v)
		case "config":
			v.each(func(name string, value tree) {
				if !strings.HasPrefix(name, "config.providers") {
					r.set(alias+"."+name, value)
				}
			})
		case "groupId", "configStorageTopic", "offsetStorageTopic", "statusStorageTopic":
			r.f.ignore(v.source(), diag.CodeNoEffect, "there is no Connect runtime here; see the note on positions")
		default:
			r.f.ignore(v.source(), diag.CodeUnknownKey, "no such field of a cluster")
		}
	})
	protocol := "PLAINTEXT"
	if tls.exists() {
		protocol = "SSL"
		r.trust(alias, tls)
	}
	if login.exists() && r.login(alias, login) {
		protocol = map[string]string{"PLAINTEXT": "SASL_PLAINTEXT", "SSL": "SASL_SSL"}[protocol]
	}
	if protocol != "PLAINTEXT" {
		at := tls
		if !at.exists() {
			at = login
		}
		r.f.set(alias+".security.protocol", protocol, at.source())
	}
}

// set adds a scalar. Variables of Strimzi's providers for secrets become files.
func (r *resource) set(key string, v tree) {
	text, ok := v.scalar()
	if !ok {
		r.f.needs(v.source(), diag.CodeBadValue, "must be a text, a number or a bool")
		return
	}
	text = r.fixed.ReplaceAllStringFunc(text, func(found string) string {
		m := r.fixed.FindStringSubmatch(found)
		if m[1] != "secrets" && m[1] != "configmaps" {
			return found
		}
		return r.secret(m[2], m[3])
	})
	text = strings.ReplaceAll(text, "io.strimzi.kafka.connect.mirror.IdentityReplicationPolicy", "org.apache.kafka.connect.mirror.IdentityReplicationPolicy")
	r.f.comment(v.comment())
	r.f.set(key, text, v.source())
}

// secret is the variable that reads a key of a Kubernetes secret.
func (r *resource) secret(name, key string) string {
	r.f.note("Kubernetes keeps %s: mount it at %s", name, path.Join(secretsDir, name))
	return "${dir:" + path.Join(secretsDir, name) + ":" + key + "}"
}

// ref is the variable for a reference {secretName, <key>}.
func (r *resource) ref(t tree, key string) string {
	return r.secret(t.get("secretName").str(), t.get(key).str())
}

// trust reads trusted certificates: none trusts the system's.
func (r *resource) trust(alias string, tls tree) {
	certs := tls.get("trustedCertificates").items()
	if len(certs) == 0 {
		return
	}
	file := path.Join(secretsDir, alias+"-ca.pem")
	if cert := certs[0].get("certificate").str(); len(certs) == 1 && cert != "" {
		name := certs[0].get("secretName").str()
		file = path.Join(secretsDir, name, cert)
		r.f.note("Kubernetes keeps %s: mount it at %s", name, path.Join(secretsDir, name))
	} else {
		var names []string
		for _, one := range certs {
			names = append(names, one.get("secretName").str()+"/"+one.get("certificate").str()+one.get("pattern").str())
		}
		r.f.note("cluster %s trusts several certificates: put %s into the file %s", alias, strings.Join(names, ", "), file)
	}
	r.f.set(alias+".ssl.truststore.type", "PEM", tls.source())
	r.f.set(alias+".ssl.truststore.location", file, tls.source())
}
