package client

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// protocol reads security.protocol, which says what the other keys are for.
// Blocks of HCL switch on the same.
func (r *reader) protocol() {
	c := r.p.Cluster
	if c.TLS != nil {
		r.replaceTLS(c.TLS)
		r.tls, r.useTLS = c.TLS, true
	}
	if c.SASL != nil {
		if _, ok := r.get("sasl.jaas.config"); ok {
			c.SASL = &model.SASL{Mechanism: c.SASL.Mechanism}
		}
		r.sasl, r.useSASL = c.SASL, true
	}
	r.rows = rows(r.targets)
	v, ok := r.get("security.protocol")
	if !ok {
		return
	}
	c.Ranges["security_protocol"] = v.At
	r.useTLS, r.useSASL = false, false
	switch strings.ToUpper(strings.TrimSpace(v.Text)) {
	case "PLAINTEXT":
	case "SSL":
		r.useTLS = true
	case "SASL_PLAINTEXT":
		r.useSASL = true
	case "SASL_SSL":
		r.useTLS, r.useSASL = true, true
	default:
		r.add(diag.Errorf(diag.CodeBadValue, v.At, "must be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"), v)
	}
}

// replaceTLS forgets the trust and the identity of blocks where keys say others.
func (r *reader) replaceTLS(t *model.TLS) {
	for key := range r.p.Keys {
		switch {
		case strings.HasPrefix(key, "ssl.truststore."):
			t.CA, t.CAFile, t.Truststore = model.Secret{}, "", ""
			t.TruststorePassword, t.TruststorePasswordFile = model.Secret{}, ""
		case strings.HasPrefix(key, "ssl.keystore."):
			t.Certificate, t.CertificateFile, t.Key, t.KeyFile = model.Secret{}, "", model.Secret{}, ""
			t.Keystore, t.KeystorePassword, t.KeystorePasswordFile = "", model.Secret{}, ""
			t.KeyPassword, t.KeyPasswordFile = model.Secret{}, ""
		}
	}
}

// security joins what several keys say together.
func (r *reader) security() {
	if !r.useTLS {
		r.p.Cluster.TLS = nil
	}
	if !r.useSASL {
		r.p.Cluster.SASL = nil
	}
	if r.useTLS {
		r.versions()
		r.identification()
		r.pemTrust()
		r.p.Cluster.TLS = r.tls
		if !r.p.Unchecked {
			r.problems.Add(CheckTLS(r.tls, r.check("tls."))...)
		}
	}
	if r.useSASL {
		before := len(r.problems)
		told := r.login()
		r.p.Cluster.SASL = r.sasl
		if told && len(r.problems) == before && !r.p.Unchecked {
			r.problems.Add(CheckSASL(r.sasl, r.check("sasl."))...)
		}
	}
}

// check is how this reader checks files.
func (r *reader) check(block string) Check {
	return Check{
		Places: r.p.Cluster.Ranges, Block: block, ReadFile: r.p.ReadFile, AllowMissing: r.p.AllowMissing,
		Name: func(attribute string) string {
			for _, row := range r.rows {
				if v, ok := r.p.Keys[row.Key]; ok && row.place == block+attribute {
					return v.Name
				}
			}
			if v, ok := r.p.Keys["ssl.truststore.location"]; ok && block+attribute == "tls.ca" {
				return v.Name
			}
			return attribute
		},
	}
}

// versions reads which versions of TLS are spoken. Java's ssl.protocol is the
// newest one and opens older ones only through ssl.enabled.protocols; a client
// of its defaults speaks 1.2 and 1.3.
func (r *reader) versions() {
	known := model.TLSVersions()
	if v, ok := r.get("ssl.protocol"); ok {
		version := strings.TrimSpace(v.Text)
		r.p.Cluster.Ranges["tls.max_version"] = v.At
		switch i := slices.Index(known, version); {
		case i >= 0:
			r.tls.MaxVersion = version
		case version == "TLS":
			r.tls.MaxVersion = ""
		case version != "":
			r.badVersion(v)
		}
	}
	if v, ok := r.get("ssl.enabled.protocols"); ok {
		low, high := len(known), -1
		for _, version := range field.SplitList(v.Text) {
			i := slices.Index(known, version)
			if i < 0 {
				r.badVersion(v)
				continue
			}
			low, high = min(low, i), max(high, i)
		}
		if high >= 0 {
			r.tls.MinVersion, r.tls.MaxVersion = known[low], known[high]
			r.p.Cluster.Ranges["tls.min_version"], r.p.Cluster.Ranges["tls.max_version"] = v.At, v.At
		}
	}
	if r.tls.MinVersion == "" && slices.Index(known, r.tls.MaxVersion) >= 0 && r.tls.MaxVersion < "TLSv1.2" {
		r.tls.MinVersion = r.tls.MaxVersion
	}
}

func (r *reader) badVersion(v Value) {
	r.add(diag.Errorf(diag.CodeBadValue, v.At, "must name versions of TLS: %s", strings.Join(model.TLSVersions(), ", ")), v)
}

// pemTrust files a trust store of the type PEM under the attribute that HCL has
// for it.
func (r *reader) pemTrust() {
	kind, _ := r.get("ssl.truststore.type")
	at, ok := r.get("ssl.truststore.location")
	if ok && strings.TrimSpace(kind.Text) == "PEM" && r.tls.TruststorePassword.IsZero() {
		r.tls.CAFile, r.tls.Truststore = r.tls.Truststore, ""
		r.p.Cluster.Ranges["tls.ca"] = at.At
	}
}

// identification reads whether host names are verified.
func (r *reader) identification() {
	v, ok := r.get("ssl.endpoint.identification.algorithm")
	if !ok {
		return
	}
	r.p.Cluster.Ranges["tls.skip_hostname_check"] = v.At
	switch strings.ToLower(strings.TrimSpace(v.Text)) {
	case "":
		r.tls.SkipHostnameCheck = true
	case "https", "ldaps":
	default:
		r.add(diag.Errorf(diag.CodeBadValue, v.At, "must be https, or empty"), v)
	}
}

// path resolves a path in sasl.jaas.config.
func (r *reader) path(text string) string { return r.p.Keys["sasl.jaas.config"].path(text) }

// path resolves a path that a file says as v, or within it.
func (v Value) path(text string) string {
	text = strings.TrimSpace(text)
	if text == "" || v.Dir == "" || filepath.IsAbs(text) {
		return text
	}
	return filepath.Join(v.Dir, text)
}
