package keystore

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"

	"software.sslmate.com/src/go-pkcs12"
)

// pkcs12Trusted reads the entries that Java marks as trusted, or the
// certificate of a private key.
func pkcs12Trusted(store []byte, password string) ([]*x509.Certificate, error) {
	if slow(store) {
		return nil, tooSlow()
	}
	certs, err := pkcs12.DecodeTrustStore(store, password)
	if err == nil {
		return certs, nil
	}
	if _, leaf, _, keyErr := pkcs12.DecodeChain(store, password); keyErr == nil {
		return []*x509.Certificate{leaf}, nil
	}
	if strings.Contains(err.Error(), "not marked as trusted") {
		return nil, refuse("import its certificates: keytool -importcert -keystore trust.p12 -file ca.pem",
			"holds no certificate that is marked as trusted; stores made by openssl are not, and Java does not trust them either")
	}
	return nil, pkcs12Error(err)
}

func pkcs12Identity(store []byte, password string) (*tls.Certificate, error) {
	if slow(store) {
		return nil, tooSlow()
	}
	key, leaf, others, err := pkcs12.DecodeChain(store, password)
	if err != nil {
		return nil, pkcs12Error(err)
	}
	return identity(key, append([]*x509.Certificate{leaf}, others...))
}

// pkcs12Error explains what the library says.
func pkcs12Error(err error) *Error {
	text := err.Error()
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword), errors.Is(err, pkcs12.ErrDecryption):
		return refuse("list it with the right one: keytool -list -keystore STORE", "cannot be opened: the password is wrong or missing")
	case strings.Contains(text, "private key missing"), strings.Contains(text, "expected only"):
		return refuse("", "holds no private key")
	case strings.Contains(text, "one key bag"):
		return refuse("make a store of its own: keytool -importkeystore -srckeystore STORE -destkeystore one.p12 -srcalias ALIAS",
			"holds several private keys; only one is supported")
	case strings.Contains(text, "certificate missing"):
		return refuse("", "holds no certificate for its private key")
	}
	return refuse("", "is a PKCS12 store that cannot be read: %s", strings.TrimPrefix(text, "pkcs12: "))
}
