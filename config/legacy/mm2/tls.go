package mm2

import (
	"regexp"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
)

// readTLS reads trust and identity. With on false it only marks the keys as
// known.
func (r *reader) readTLS(c *model.Cluster, main role, on bool) *model.TLS {
	get := func(key string) value {
		v, ok := r.common(c.Alias, main, key)
		if ok && on {
			c.Ranges[key] = v.at
		}
		return v
	}
	trust := store{kind: get("ssl.truststore.type"), location: get("ssl.truststore.location"), inline: get("ssl.truststore.certificates")}
	identity := store{kind: get("ssl.keystore.type"), location: get("ssl.keystore.location"), inline: get("ssl.keystore.certificate.chain")}
	key, keyPassword := get("ssl.keystore.key"), get("ssl.key.password")
	get("ssl.truststore.password") // a PEM store has none: known, without effect
	get("ssl.keystore.password")
	algorithm, written := r.common(c.Alias, main, "ssl.endpoint.identification.algorithm")
	if !on {
		return nil
	}
	t := &model.TLS{}
	t.CA = r.pem(trust, "CERTIFICATE")
	chain := r.pem(identity, "CERTIFICATE")
	private := r.pem(store{location: identity.location, inline: key, second: true}, "PRIVATE KEY")
	switch {
	case strings.Contains(private.Reveal(), "ENCRYPTED PRIVATE KEY") || keyPassword.text != "":
		at := keyPassword
		if at.key == "" {
			at = key
		}
		if at.key == "" {
			at = identity.location
		}
		r.placeOnce(diag.Errorf(diag.CodeKeystore, diag.Range{}, "encrypted private keys are not supported").
			WithFix("decrypt it: openssl pkcs8 -in key.pem -out plain.pem"), at)
	case chain.IsZero() != private.IsZero():
		at := identity.location
		if at.key == "" {
			at = identity.inline
		}
		if at.key == "" {
			at = key
		}
		if !at.missing {
			r.placeOnce(diag.Errorf(diag.CodeKeystore, diag.Range{}, "a client certificate and its private key are needed, one of them is missing"), at)
		}
	default:
		t.Certificate, t.Key = chain, private
	}
	if written && strings.TrimSpace(algorithm.text) == "" {
		t.SkipHostnameCheck = true
		r.once(diag.Warnf(diag.CodeHostnameCheckOff, algorithm.at,
			"%s: the host names of the brokers are not verified", algorithm.key))
	}
	return t
}

// store is a key or trust store: a file, or PEM text in the properties.
type store struct {
	kind, location, inline value
	second                 bool // the location was complained about already
}

// pem returns the blocks of a store whose type ends in want, with the line
// breaks PEM needs: in a properties file they are often blanks.
func (r *reader) pem(s store, want string) model.Secret {
	text, from := s.inline.text, s.inline
	if from.missing || s.location.missing {
		return model.Secret{}
	}
	if text == "" && s.location.key != "" {
		from = s.location
		content, problem := r.read(strings.TrimSpace(from.text))
		if problem != "" {
			d := diag.Errorf(diag.CodeMissingValue, from.at, "%s: %s", from.key, problem)
			if r.p.AllowMissing {
				d.Severity = diag.Warning
			}
			if !s.second {
				r.once(d)
			}
			return model.Secret{}
		}
		text = string(content)
	}
	if text == "" {
		return model.Secret{}
	}
	blocks := pemBlocks(text, want)
	if blocks == "" && !s.second {
		r.placeOnce(r.notPEM(text, from, want), from)
	}
	return model.NewSecret(blocks)
}

// notPEM explains a store without the wanted blocks by its first bytes, as
// JVMs do, not by the type the file gives it.
func (r *reader) notPEM(text string, from value, want string) diag.Diagnostic {
	path := strings.TrimSpace(from.text)
	if from.sensitive {
		path = "STORE"
	}
	switch {
	case strings.HasPrefix(text, "\xfe\xed\xfe\xed"), strings.HasPrefix(text, "\xce\xce\xce\xce"):
		return diag.Errorf(diag.CodeKeystore, diag.Range{}, "Java key stores are not supported").
			WithFix("convert it: keytool -importkeystore -srckeystore %s -destkeystore store.p12 -deststoretype PKCS12; openssl pkcs12 -in store.p12 -nodes -out store.pem; set the type PEM", path)
	case strings.HasPrefix(text, "\x30"):
		return diag.Errorf(diag.CodeKeystore, diag.Range{}, "PKCS12 key stores are not supported").
			WithFix("convert it: openssl pkcs12 -in %s -nodes -out store.pem; set the type PEM", path)
	}
	return diag.Errorf(diag.CodeKeystore, diag.Range{}, "holds no PEM block %q", "BEGIN "+want)
}

// pemBlocks returns the PEM blocks whose type ends in want.
func pemBlocks(text, want string) string {
	var out strings.Builder
	block := regexp.MustCompile(`-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END ([A-Z0-9 ]+)-----`)
	for _, m := range block.FindAllStringSubmatch(text, -1) {
		if m[1] != m[3] || !strings.HasSuffix(m[1], want) {
			continue
		}
		body := strings.Join(strings.Fields(m[2]), "")
		out.WriteString("-----BEGIN " + m[1] + "-----\n")
		for len(body) > 64 {
			out.WriteString(body[:64] + "\n")
			body = body[64:]
		}
		out.WriteString(body + "\n-----END " + m[1] + "-----\n")
	}
	return out.String()
}

// read returns a file that a setting names, or why there is none.
func (r *reader) read(path string) ([]byte, string) {
	text, err := r.p.ReadFile(path)
	if err != nil {
		reason := err.Error()
		if i := strings.LastIndex(reason, ": "); i >= 0 {
			reason = reason[i+2:]
		}
		return nil, "cannot read file " + path + ": " + reason
	}
	if len(text) > 4<<20 {
		return nil, "file " + path + " is larger than 4 MiB"
	}
	return text, ""
}
