package hclfile

import (
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
)

// topAttributes are the attributes outside all blocks.
func topAttributes() []string { return []string{"deployment", "include"} }

// strait checks the strait blocks: which versions of the program the topology
// was written for.
func (r *reader) strait() {
	for _, b := range r.blocks["strait"] {
		r.noBlocks(b.Body, "in a strait block")
		for _, a := range inOrder(b.Body.Attributes) {
			if a.Name != "required_version" {
				r.unknown(a.NameRange, "attribute", a.Name, "in a strait block", []string{"required_version"}, nil)
				continue
			}
			v, known := r.value(a.Expr)
			if !known {
				continue
			}
			at := rangeOf(a.Expr.Range())
			fits, ok := allowsVersion(v.Text, r.p.Version)
			switch {
			case v.IsList || !ok:
				r.problems.Add(diag.Errorf(diag.CodeBadValue, at, "required_version: must be a list of conditions on the version").
					WithFix(`write ">= 0.3", or ">= 0.3, < 2.0"`))
			case !fits:
				r.problems.Add(diag.Errorf(diag.CodeBadValue, at, "the topology needs a version of strait that is %s; this is %s", v.Text, r.p.Version).
					WithFix("install such a version, or change required_version"))
			}
		}
	}
}

// deployment evaluates the name of the deployment; several files may give it
// only once.
func (r *reader) deployment() string {
	name := ""
	var first *hclsyntax.Attribute
	for _, a := range r.top["deployment"] {
		at := rangeOf(a.Expr.Range())
		if first != nil {
			r.problems.Add(diag.Errorf(diag.CodeDuplicateName, rangeOf(a.NameRange), "deployment is already set at %s", rangeOf(first.NameRange)))
			continue
		}
		first = a
		v, known := r.value(a.Expr)
		switch {
		case !known:
		case v.IsList || !safeName(v.Text):
			r.problems.Add(diag.Errorf(diag.CodeBadValue, at,
				"deployment: must consist of letters, digits, \"_\", \"-\" and \".\", since groups and topics are named after it"))
		default:
			name = v.Text
		}
	}
	return name
}

// includes reads the properties files that include = "mm2.properties", or a
// list of such, names: their clusters and flows join the topology.
func (r *reader) includes() []*model.Config {
	var parts []*model.Config
	for _, a := range r.top["include"] {
		at := rangeOf(a.Expr.Range())
		if r.dependsOnClusters(a.Expr) {
			r.problems.Add(diag.Errorf(diag.CodeUndefined, at, "include: which clusters there are must not depend on the clusters"))
			continue
		}
		v, known := r.value(a.Expr)
		if !known {
			continue
		}
		if !v.IsList {
			v.List = []string{v.Text}
		}
		for _, path := range v.List {
			if path == "" || v.Sensitive || r.p.Include == nil {
				r.problems.Add(diag.Errorf(diag.CodeBadValue, at, "include: must be the path of a properties file").
					WithFix(`write include = "mm2.properties"`))
				continue
			}
			part, problems := r.p.Include(resolvePath(dirOf(at.File), path), at)
			r.problems.Add(problems...)
			if part != nil {
				parts = append(parts, part)
			}
		}
	}
	return parts
}

// metrics decodes the metrics block, of which there is one at most.
func (r *reader) metrics() *model.Metrics {
	const where = "a metrics block"
	var m *model.Metrics
	for _, b := range r.blocks["metrics"] {
		if m != nil {
			r.problems.Add(diag.Errorf(diag.CodeDuplicateName, rangeOf(b.DefRange()), "there is already a metrics block at %s", m.Range))
			continue
		}
		m = &model.Metrics{Range: rangeOf(b.DefRange()), Ranges: model.Places{}}
		r.attributes(b.Body, target{where: where, defs: model.MetricsFields(m), places: m.Ranges})
		r.require(b, where, "listen")
		if at, written := m.Ranges["listen"]; written && !model.ParseListen(m.Listen) {
			r.problems.Add(diag.Errorf(diag.CodeBadValue, at, "listen: must be host:port").WithFix(`write "127.0.0.1:9404", or ":9404" for every address`))
		}
	}
	return m
}

// server decodes the server block, of which there is one at most.
func (r *reader) server() *model.Server {
	const where = "a server block"
	var s *model.Server
	for _, b := range r.blocks["server"] {
		if s != nil {
			r.problems.Add(diag.Errorf(diag.CodeDuplicateName, rangeOf(b.DefRange()), "there is already a server block at %s", s.Range))
			continue
		}
		s = model.NewServer()
		s.Range, s.Ranges = rangeOf(b.DefRange()), model.Places{}
		before := r.problems.Count(diag.Error)
		r.attributes(b.Body, target{where: where, defs: model.ServerFields(s), places: s.Ranges})
		if r.problems.Count(diag.Error) == before && !r.broken[b.TypeRange.Filename] {
			r.checkServer(b, s)
		}
	}
	return s
}

// checkServer looks at how the attributes of a server block go together. They go
// by what is written: lint may know no value of a token.
func (r *reader) checkServer(b *hclsyntax.Block, s *model.Server) {
	written := func(name string) bool {
		return b.Body.Attributes[name] != nil || b.Body.Attributes[name+"_file"] != nil
	}
	at := s.Range
	if p, ok := s.Ranges["listen"]; ok {
		at = p
	}
	switch {
	case !model.ParseListen(s.Listen):
		r.problems.Add(diag.Errorf(diag.CodeBadValue, at, "listen: must be host:port").WithFix("write %q", model.DefaultServerListen))
	case written("cert") != written("key"):
		r.problems.Add(diag.Errorf(diag.CodeMissing, s.Range, "a server block needs both cert and key, or neither").WithFix("add the one that is missing"))
	case written("client_ca") && !written("cert"):
		r.problems.Add(diag.Errorf(diag.CodeMissing, s.Range, "client_ca without TLS: nobody could show a certificate").WithFix("add cert_file and key_file"))
	case model.Loopback(s.Listen):
	case !written("cert"), !written("token") && !written("client_ca"):
		r.problems.Add(diag.Errorf(diag.CodeOpenServer, at, "listen: %s can be reached by others, who would not have to show who they are", s.Listen).
			WithFix("listen on 127.0.0.1, or set cert_file, key_file, and token or client_ca_file"))
	}
}
