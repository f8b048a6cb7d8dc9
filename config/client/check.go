package client

import (
	"crypto/tls"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/keystore"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/config/secret"
)

// Check is how CheckTLS and CheckSASL look at files and place what they find.
type Check struct {
	Places       model.Places
	Block        string     // in front of the attributes in Places: "tls."
	At           diag.Range // of what has no place of its own
	Name         func(attribute string) string
	ReadFile     func(path string) ([]byte, error)
	AllowMissing bool
}

// CheckTLS reads the stores of a connection and reports what is wrong with them
// and with its other settings.
func CheckTLS(t *model.TLS, c Check) diag.List {
	var problems diag.List
	_, wrong := keystore.Open(t, c.ReadFile)
	for _, p := range wrong {
		d := diag.Errorf(diag.CodeKeystore, c.at(p.Attribute), "%s: %s", c.Name(p.Attribute), p.Err.Reason)
		if p.Path != "" && !p.Err.Absent {
			d.Summary = c.Name(p.Attribute) + ": " + p.Path + " " + p.Err.Reason
		}
		if p.Err.Absent {
			d.Code = diag.CodeMissingValue
			d.Summary = c.Name(p.Attribute) + ": " + p.Path + " " + p.Err.Reason
			if c.AllowMissing {
				d.Severity = diag.Warning
			}
		}
		if p.Err.Fix != "" {
			d.Fix = strings.ReplaceAll(p.Err.Fix, "STORE", orWord(p.Path, "STORE"))
		}
		problems.Add(d)
	}
	if t.SkipHostnameCheck {
		problems.Add(diag.Warnf(diag.CodeHostnameCheckOff, c.at("skip_hostname_check"),
			"%s: the host names of the brokers are not verified", c.Name("skip_hostname_check")))
	}
	problems.Add(c.ciphers(t)...)
	if min, max := slices.Index(model.TLSVersions(), t.MinVersion), slices.Index(model.TLSVersions(), t.MaxVersion); min >= 0 && max >= 0 && min > max {
		problems.Add(diag.Errorf(diag.CodeBadValue, c.at("min_version"), "%s is newer than %s", t.MinVersion, t.MaxVersion))
	}
	return problems
}

func orWord(s, word string) string {
	if s == "" {
		return word
	}
	return s
}

func (c Check) at(attribute string) diag.Range {
	if at := c.Places.Of(c.Block + attribute); !at.IsZero() {
		return at
	}
	return c.At
}

// ciphers reports cipher suites that do not exist or cannot be chosen.
func (c Check) ciphers(t *model.TLS) diag.List {
	var problems diag.List
	usable := 0
	for i, name := range t.CipherSuites {
		if findSuite(name) != nil {
			usable++
			continue
		}
		problems.Add(diag.Warnf(diag.CodeNoEffect, c.at(model.Element("cipher_suites", i)),
			"%s: no cipher suite %q here; it is left out", c.Name("cipher_suites"), name))
	}
	if len(t.CipherSuites) > 0 && usable == 0 {
		problems.Add(diag.Errorf(diag.CodeBadValue, c.at("cipher_suites"), "%s: none of the cipher suites exists here", c.Name("cipher_suites")))
	}
	return problems
}

// findSuite finds a cipher suite by its IANA name, also an insecure one, which
// someone may need for an old broker.
func findSuite(name string) *tls.CipherSuite {
	for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// CheckSASL reports a login that lacks something, and files of it that cannot
// be read.
func CheckSASL(s *model.SASL, c Check) diag.List {
	var problems diag.List
	for _, d := range model.SASLFields(s) {
		path := d.FilePath()
		if d.Path {
			path = d.Text()
		}
		if path == "" || d.Name == "truststore" || d.Name == "ca" {
			continue
		}
		if _, err := c.ReadFile(path); err != nil {
			p := diag.Errorf(diag.CodeMissingValue, c.at(d.Name), "%s: %s cannot be read: %s", c.Name(d.Name), path, secret.Reason(err))
			if c.AllowMissing {
				p.Severity = diag.Warning
			}
			problems.Add(p)
		}
	}
	if missing := incomplete(s); missing != "" {
		problems.Add(diag.Errorf(diag.CodeMissing, c.At, "the login by %s needs %s", s.Mechanism, missing))
	}
	if s.OAuth.TLS.HasTrust() {
		problems.Add(CheckTLS(&s.OAuth.TLS, c)...)
	}
	return problems
}

// incomplete says what a login lacks; "" if nothing.
func incomplete(s *model.SASL) string {
	switch s.Mechanism {
	case model.MechanismPlain, model.MechanismScramSHA256, model.MechanismScramSHA512:
		if s.Username == "" || s.Password.IsZero() && s.PasswordFile == "" {
			return "username and password"
		}
	case model.MechanismOAuthBearer:
		return incompleteOAuth(&s.OAuth, s.Username)
	case model.MechanismGSSAPI:
		k := s.Kerberos
		if k.Keytab != "" && k.Principal == "" {
			return "the principal of the keytab"
		}
	case model.MechanismAWSMSKIAM:
		if (s.IAM.AccessKeyID == "") != s.IAM.SecretAccessKey.IsZero() {
			return "both access_key_id and secret_access_key, or neither"
		}
	}
	return ""
}
