package keystore

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/config/secret"
)

// Material is what the stores of a connection hold.
type Material struct {
	Roots    []*x509.Certificate // to trust; none: the system's
	Identity *tls.Certificate    // to show; nil: none
}

// Problem is what is wrong with one attribute of a tls block.
type Problem struct {
	Attribute string // "truststore"
	Path      string // of the file; empty for text
	Err       *Error
}

// Error names the file and the reason.
func (p *Problem) Error() string {
	if p.Path == "" {
		return p.Attribute + ": " + p.Err.Reason
	}
	return p.Attribute + ": " + p.Path + " " + p.Err.Reason
}

// Unwrap returns the reason.
func (p *Problem) Unwrap() error { return p.Err }

// Open reads all stores that t names, and reports every problem; what could be
// read is returned.
func Open(t *model.TLS, read func(path string) ([]byte, error)) (Material, []*Problem) {
	o := &opener{read: read}
	m := Material{Roots: o.roots(t), Identity: o.identity(t)}
	return m, o.problems
}

type opener struct {
	read     func(path string) ([]byte, error)
	problems []*Problem
}

// report adds a problem unless err is nil, and reports whether it was.
func (o *opener) report(attribute, path string, err error) bool {
	if err == nil {
		return true
	}
	reason, ok := errors.AsType[*Error](err)
	if !ok {
		reason = &Error{Reason: err.Error()}
	}
	o.problems = append(o.problems, &Problem{Attribute: attribute, Path: path, Err: reason})
	return false
}

// text returns what an attribute says, in itself or in a file.
func (o *opener) text(attribute string, text model.Secret, path string) ([]byte, bool) {
	if path == "" {
		return []byte(text.Reveal()), true
	}
	content, err := o.read(path)
	if err != nil {
		err = &Error{Reason: fmt.Sprintf("cannot be read: %s", secret.Reason(err)), Absent: true}
	}
	return content, o.report(attribute, path, err)
}

func (o *opener) password(attribute string, text model.Secret, path string) (string, bool) {
	password, err := secret.Text(text, path, o.read)
	if err != nil {
		err = &Error{Reason: err.Error(), Absent: true}
	}
	return password, o.report(attribute, path, err)
}

// roots reads whom to trust.
func (o *opener) roots(t *model.TLS) []*x509.Certificate {
	var roots []*x509.Certificate
	if !t.CA.IsZero() || t.CAFile != "" {
		if text, ok := o.text("ca", t.CA, t.CAFile); ok {
			if kind := Sniff(text); kind != PEM {
				o.report("ca", t.CAFile, refuse(notPEM(kind, "truststore"), "holds no PEM text"))
			} else {
				certs, err := Trusted(text, "")
				o.report("ca", t.CAFile, err)
				roots = append(roots, certs...)
			}
		}
	}
	if t.Truststore == "" {
		return roots
	}
	store, ok := o.text("truststore", model.Secret{}, t.Truststore)
	password, ok2 := o.password("truststore_password", t.TruststorePassword, t.TruststorePasswordFile)
	if ok && ok2 {
		certs, err := Trusted(store, password)
		o.report("truststore", t.Truststore, err)
		roots = append(roots, certs...)
	}
	return roots
}

// notPEM is what to do about a file that should have been PEM.
func notPEM(kind Kind, store string) string {
	if kind == JKS || kind == PKCS12 || kind == JCEKS {
		return "name the file as " + store + " instead, with " + store + "_password"
	}
	return `PEM starts with "-----BEGIN"; to name a file write its path as <name>_file`
}

// identity reads what to show.
func (o *opener) identity(t *model.TLS) *tls.Certificate {
	keyPassword, ok := o.password("key_password", t.KeyPassword, t.KeyPasswordFile)
	if !ok {
		return nil
	}
	if t.Keystore != "" {
		store, ok := o.text("keystore", model.Secret{}, t.Keystore)
		password, ok2 := o.password("keystore_password", t.KeystorePassword, t.KeystorePasswordFile)
		if !ok || !ok2 {
			return nil
		}
		pair, err := Identity(store, password, keyPassword)
		o.report("keystore", t.Keystore, err)
		return pair
	}
	return o.pair(t, keyPassword)
}

// pair reads certificate and key where they are apart.
func (o *opener) pair(t *model.TLS, keyPassword string) *tls.Certificate {
	hasCert := !t.Certificate.IsZero() || t.CertificateFile != ""
	hasKey := !t.Key.IsZero() || t.KeyFile != ""
	if !hasCert && !hasKey {
		return nil
	}
	if !hasCert || !hasKey {
		attribute := map[bool]string{true: "cert", false: "key"}[hasCert]
		o.report(attribute, "", refuse("set cert and key, or neither", "needs the other half: a client certificate and its private key go together"))
		return nil
	}
	certs, ok := o.pem("cert", t.Certificate, t.CertificateFile)
	key, ok2 := o.pem("key", t.Key, t.KeyFile)
	if !ok || !ok2 {
		return nil
	}
	pair, err := PEMIdentity(certs, key, keyPassword)
	o.report("key", t.KeyFile, err)
	return pair
}

// pem is text that must be PEM.
func (o *opener) pem(attribute string, text model.Secret, path string) ([]byte, bool) {
	content, ok := o.text(attribute, text, path)
	if kind := Sniff(content); ok && kind != PEM {
		ok = o.report(attribute, path, refuse(notPEM(kind, "keystore"), "holds no PEM text"))
	}
	return content, ok
}
