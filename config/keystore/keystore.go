// Package keystore reads what Java keeps certificates and private keys in: JKS,
// PKCS12 and PEM, recognised by their content whatever their name or configured
// type says, as JVMs do. It gives crypto/tls what it needs and says in a
// sentence, without quoting anything secret, what is wrong with a store. Which
// stores a connection uses is declared in config/model.
package keystore

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
)

// Kind is a format of stores.
type Kind int

// The formats; the zero value is none of them.
const (
	Unknown Kind = iota
	PEM
	JKS
	PKCS12
	JCEKS
)

// Sniff tells the format of a store by its first bytes.
func Sniff(store []byte) Kind {
	switch {
	case bytes.HasPrefix(store, []byte("\xfe\xed\xfe\xed")):
		return JKS
	case bytes.HasPrefix(store, []byte("\xce\xce\xce\xce")):
		return JCEKS
	case bytes.HasPrefix(store, []byte("\x30")): // an ASN.1 sequence
		return PKCS12
	case bytes.Contains(store, []byte("-----BEGIN ")): // text may precede the first block
		return PEM
	}
	return Unknown
}

// Error is why a store cannot be used. Neither text quotes the store or its
// passwords.
type Error struct {
	Reason string // reads after the name of the store: "holds no certificate"
	Fix    string // what to do; "STORE" in it stands for the path; may be empty
	Absent bool   // the file cannot be read at all
}

// Error returns the reason.
func (e *Error) Error() string { return e.Reason }

func refuse(fix, format string, args ...any) *Error {
	return &Error{Reason: fmt.Sprintf(format, args...), Fix: fix}
}

// keytoolToPKCS12 converts a store that is not supported.
const keytoolToPKCS12 = "convert it: keytool -importkeystore -srckeystore STORE -srcstoretype JCEKS -destkeystore STORE.p12 -deststoretype PKCS12"

// unsupported is the error of a store in a format that is not read.
func unsupported(kind Kind) *Error {
	if kind == JCEKS {
		return refuse(keytoolToPKCS12, "is a JCEKS key store, which is not supported")
	}
	return refuse("", "is neither JKS, PKCS12 nor PEM")
}

// Trusted returns the certificates a trust store says to trust: as in Java, the
// trusted entries, and of private key entries the first certificate. An empty
// password leaves the integrity of a JKS store unchecked.
func Trusted(store []byte, password string) ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	var err error
	switch kind := Sniff(store); kind {
	case PEM:
		certs, err = pemCertificates(store)
	case JKS:
		certs, err = jksTrusted(store, password)
	case PKCS12:
		certs, err = pkcs12Trusted(store, password)
	case Unknown, JCEKS:
		err = unsupported(kind)
	}
	if err == nil && len(certs) == 0 {
		err = refuse("add one: keytool -importcert -keystore STORE -file ca.pem", "holds no certificate to trust")
	}
	return certs, err
}

// Identity returns the private key of a key store with its certificates, the
// own one first. An empty keyPassword means that of the store, as in Java.
func Identity(store []byte, password, keyPassword string) (*tls.Certificate, error) {
	if keyPassword == "" {
		keyPassword = password
	}
	switch kind := Sniff(store); kind {
	case PEM:
		return PEMIdentity(store, store, keyPassword)
	case JKS:
		return jksIdentity(store, password, keyPassword)
	case PKCS12:
		return pkcs12Identity(store, password)
	default:
		return nil, unsupported(kind)
	}
}

// identity joins a private key with its certificates.
func identity(key any, certs []*x509.Certificate) (*tls.Certificate, error) {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, refuse("use an RSA, EC or Ed25519 key", "holds a private key of a kind that TLS does not use")
	}
	if len(certs) == 0 {
		return nil, refuse("", "holds no certificate for its private key")
	}
	public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok {
		return nil, refuse("use an RSA, EC or Ed25519 key", "holds a private key of a kind that TLS does not use")
	}
	own := slices.IndexFunc(certs, func(c *x509.Certificate) bool { return public.Equal(c.PublicKey) })
	if own < 0 {
		return nil, refuse("put key and certificate of one request together", "the private key belongs to none of the certificates")
	}
	pair := &tls.Certificate{PrivateKey: key, Leaf: certs[own]}
	for _, c := range chain(certs[own], certs) {
		pair.Certificate = append(pair.Certificate, c.Raw)
	}
	return pair, nil
}

// chain puts certificates behind the one they issued, in the order that TLS
// sends them; what belongs to another chain is left out.
func chain(leaf *x509.Certificate, certs []*x509.Certificate) []*x509.Certificate {
	list := []*x509.Certificate{leaf}
	for len(list) <= len(certs) {
		last := list[len(list)-1]
		next := slices.IndexFunc(certs, func(c *x509.Certificate) bool {
			return !slices.ContainsFunc(list, c.Equal) && bytes.Equal(c.RawSubject, last.RawIssuer)
		})
		if next < 0 {
			break
		}
		list = append(list, certs[next])
	}
	return list
}

// parse reads DER certificates.
func parse(ders [][]byte) ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	for _, der := range ders {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, refuse("", "holds a certificate that cannot be read: %v", err)
		}
		certs = append(certs, c)
	}
	return certs, nil
}
