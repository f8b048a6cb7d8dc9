package lint

import (
	"bytes"
	"crypto/x509"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/keystore"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/config/props"
	"github.com/strait-mirror/strait/config/secret"
)

// credential is one place where a secret is set.
type credential struct {
	name string // attribute or key
	at   diag.Range
	text string // as written: an expression in HCL, the value in a properties file
}

// credentials finds where passwords, tokens and private keys are set.
func (t *topology) credentials() []credential {
	var list []credential
	for _, c := range t.cfg.Clusters {
		list = append(list, t.inBlock("", c.Ranges)...)
		list = append(list, t.inProperties(c.Properties)...)
	}
	if s := t.cfg.Server; s != nil {
		list = append(list, t.inBlock("server.", s.Ranges)...)
	}
	for _, f := range t.cfg.Flows {
		list = append(list, t.inProperties(f.Properties)...)
	}
	for _, file := range t.src.Files() {
		if filepath.Ext(file) != ".properties" {
			continue
		}
		text, _ := t.src.Text(file)
		doc, _ := props.Parse(file, text, props.Latin1) // reported by the reader
		for _, e := range doc.Effective() {
			if isCredential(e.Key) {
				list = append(list, credential{e.Key, e.ValueRange, e.Value})
			}
		}
	}
	return list
}

// inBlock finds where the attributes of a block of an HCL file set secrets.
func (t *topology) inBlock(prefix string, places model.Places) []credential {
	var list []credential
	for name, at := range places {
		text, ok := t.text(at)
		if ok && filepath.Ext(at.File) == ".hcl" && isCredential(prefix+name) && !t.inFile(at) {
			list = append(list, credential{prefix + name, at, text})
		}
	}
	return list
}

// inProperties finds where properties = {} of an HCL file sets secrets.
func (t *topology) inProperties(keys map[string]model.Property) []credential {
	var list []credential
	for key, p := range keys {
		if text, ok := t.text(p.Range); ok && filepath.Ext(p.Range.File) == ".hcl" && isCredential(key) {
			list = append(list, credential{key, p.Range, text})
		}
	}
	return list
}

// inFile reports whether what is written at a place is the path of the file that
// holds the secret: places go by the attribute without _file.
func (t *topology) inFile(at diag.Range) bool {
	all, ok := t.src.Text(at.File)
	if !ok || at.Start.Byte > len(all) {
		return false
	}
	before, isValue := bytes.CutSuffix(bytes.TrimRight(all[:at.Start.Byte], " \t"), []byte("="))
	return isValue && bytes.HasSuffix(bytes.TrimRight(before, " \t"), []byte("_file"))
}

// text is what is written at a place.
func (t *topology) text(at diag.Range) (string, bool) {
	all, ok := t.src.Text(at.File)
	if !ok || at.Start.Byte >= at.End.Byte || at.End.Byte > len(all) {
		return "", false
	}
	return string(all[at.Start.Byte:at.End.Byte]), true
}

// isCredential reports whether an attribute such as "sasl.password" or a key
// such as "A.ssl.keystore.password" holds a secret.
func isCredential(name string) bool {
	last := name[strings.LastIndex(name, ".")+1:]
	switch {
	case strings.HasSuffix(name, "sasl.jaas.config"), name == "tls.key", name == "server.key", strings.HasSuffix(name, "ssl.keystore.key"):
		return true
	case strings.HasSuffix(last, "_file"), last == "location":
		return false
	}
	return strings.HasSuffix(last, "password") || strings.HasSuffix(last, "secret") || strings.HasSuffix(last, "token")
}

// checkLiteralSecrets finds secrets that stand in the file itself.
func checkLiteralSecrets(t *topology, r *reporter) {
	const hcl, properties = `write env("NAME"), or file("/path")`, "declare a config provider and write ${env:NAME} or ${file:/path:key}"
	names := map[string]bool{} // of locals and variables, to whether a literal is behind one
	for _, c := range t.credentials() {
		switch {
		case filepath.Ext(c.at.File) == ".properties":
			if literalProperty(c) {
				r.add(c.at, properties, "%s: a secret stands in the file", c.name)
			}
		case t.literalExpression(c.text, names):
			r.add(c.at, hcl, "%s: a secret stands in the file", c.name)
		}
	}
}

// jaasSecret finds the secrets of sasl.jaas.config.
var jaasSecret = regexp.MustCompile(`(?i)(?:password|secret|token)\s*=\s*("[^"]+"|'[^']+'|[^\s"';]+)`)

// literalProperty reports whether the value of a key is a secret and not a
// reference to one.
func literalProperty(c credential) bool {
	if !strings.HasSuffix(c.name, "jaas.config") {
		return strings.TrimSpace(c.text) != "" && !strings.Contains(c.text, "${")
	}
	for _, m := range jaasSecret.FindAllStringSubmatch(c.text, -1) {
		if !strings.Contains(m[1], "${") {
			return true
		}
	}
	return false
}

var (
	onlyString    = regexp.MustCompile(`^"(?:[^"\\$%]|\\.|\$\$|[$%][^{"])+"$|^<<`)
	onlyReference = regexp.MustCompile(`^(local|var)\.([A-Za-z_][\w-]*)$`)
)

// maxReferences bounds how many names are looked for in the text.
const maxReferences = 100

// literalExpression reports whether an expression is a string, or a local or a
// variable that is one.
func (t *topology) literalExpression(text string, known map[string]bool) bool {
	if onlyString.MatchString(text) {
		return true
	}
	m := onlyReference.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	if _, done := known[text]; !done && len(known) < maxReferences {
		pattern := `(?m)^\s*` + regexp.QuoteMeta(m[2]) + `\s*=\s*"[^"$]`
		if m[1] == "var" {
			pattern = `variable\s+"` + regexp.QuoteMeta(m[2]) + `"\s*\{[^}]*\bdefault\s*=\s*"[^"$]`
		}
		assigned := regexp.MustCompile(pattern)
		known[text] = slices.ContainsFunc(t.src.Files(), func(file string) bool {
			all, _ := t.src.Text(file)
			return filepath.Ext(file) == ".hcl" && assigned.Match(all)
		})
	}
	return known[text]
}

var (
	quotedText   = regexp.MustCompile(`"([^"\\]+)"`)
	providerPath = regexp.MustCompile(`\$\{[^}:]+:([^}:]+):[^}]*\}`)
)

// checkOpenFiles finds files with secrets that everybody may read.
func checkOpenFiles(t *topology, r *reporter) {
	if runtime.GOOS == "windows" {
		return // its permissions are not in the mode
	}
	for _, c := range t.credentials() {
		for _, path := range pathsIn(c) {
			info, err := t.p.Stat(path)
			if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o004 != 0 {
				r.add(c.at, "chmod o-rwx "+path, "%s: every user of the machine may read %s", c.name, path)
				break
			}
		}
	}
}

// pathsIn returns what may be a path in the value of a credential.
func pathsIn(c credential) []string {
	var paths []string
	if filepath.Ext(c.at.File) == ".properties" {
		for _, m := range providerPath.FindAllStringSubmatch(c.text, -1) {
			paths = append(paths, m[1])
		}
		return paths
	}
	if strings.HasPrefix(c.text, "env(") {
		return nil
	}
	for _, m := range quotedText.FindAllStringSubmatch(c.text, -1) {
		path := m[1]
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(c.at.File), path)
		}
		paths = append(paths, path)
	}
	return paths
}

// checkPlainLogin finds logins whose password and records anybody on the way
// can read.
func checkPlainLogin(t *topology, r *reporter) {
	for _, c := range t.cfg.Clusters {
		if c.SASL != nil && c.TLS == nil {
			at := c.Ranges.Of("security_protocol")
			if at.IsZero() {
				at = c.Range
			}
			r.add(at, "add a tls block; in a properties file use SASL_SSL",
				"cluster %q logs in without TLS: login and records can be read on the way", c.Alias)
		}
	}
}

// checkTLSVersion finds connections that may use broken versions of TLS.
func checkTLSVersion(t *topology, r *reporter) {
	for _, c := range t.cfg.Clusters {
		if c.TLS == nil {
			continue
		}
		for _, bound := range []struct{ name, version string }{{"tls.max_version", c.TLS.MaxVersion}, {"tls.min_version", c.TLS.MinVersion}} {
			if bound.version == "TLSv1" || bound.version == "TLSv1.1" {
				r.add(place(c, bound.name, "tls.min_version"), "write TLSv1.2 or newer", "cluster %q: connections may use %s", c.Alias, bound.version)
				break
			}
		}
	}
}

// soon is how long a certificate should last at least.
const soon = 30 * 24 * time.Hour

// checkCertificates finds certificates that end soon. Of what is trusted one
// that lasts is enough: bundles keep old ones.
func checkCertificates(t *topology, r *reporter) {
	now := t.p.Now()
	for _, c := range t.cfg.Clusters {
		if c.TLS == nil {
			continue
		}
		material, _ := keystore.Open(c.TLS, readFile(t)) // what cannot be read was said by the reader
		if own := material.Identity; own != nil && own.Leaf.NotAfter.Before(now.Add(soon)) {
			r.add(place(c, "tls.cert", "tls.keystore", "tls.key"), "renew it; a new file is used for the next connection, without a restart",
				"cluster %q: the client certificate %s", c.Alias, ends(own.Leaf.NotAfter, now))
		}
		trusted := material.Roots
		if len(trusted) == 0 {
			continue
		}
		last := slices.MaxFunc(trusted, func(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) })
		if last.NotAfter.Before(now.Add(soon)) {
			r.add(place(c, "tls.ca", "tls.truststore"), "add the next certificate of the authority",
				"cluster %q: the last of the trusted certificates %s", c.Alias, ends(last.NotAfter, now))
		}
	}
}

// readFile reads the files that a topology names.
func readFile(t *topology) func(path string) ([]byte, error) {
	if t.p.Load.ReadFile != nil {
		return t.p.Load.ReadFile
	}
	return secret.ReadFile
}

func ends(at, now time.Time) string {
	if at.Before(now) {
		return "ended on " + at.Format(time.DateOnly)
	}
	return "ends on " + at.Format(time.DateOnly)
}

// place is where the first of the names of a cluster was written, else the
// cluster.
func place(c *model.Cluster, names ...string) diag.Range {
	for _, name := range names {
		if at := c.Ranges.Of(name); !at.IsZero() {
			return at
		}
	}
	return c.Range
}
