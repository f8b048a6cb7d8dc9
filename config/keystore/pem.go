package keystore

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"regexp"
	"strings"

	"github.com/youmark/pkcs8"
)

// block finds PEM blocks also where line breaks became blanks, as they do in a
// properties file; Kafka's DefaultSslEngineFactory is as lenient.
var block = regexp.MustCompile(`-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END ([A-Z0-9 ]+)-----`)

// pemBlocks returns the blocks of text whose type ends in want.
func pemBlocks(text []byte, want string) []*pem.Block {
	var found []*pem.Block
	for _, m := range block.FindAllSubmatch(text, -1) {
		kind := string(m[1])
		if kind != string(m[3]) || !strings.HasSuffix(kind, want) {
			continue
		}
		b := &pem.Block{Type: kind}
		body, err := base64.StdEncoding.DecodeString(string(bytes.Join(bytes.Fields(m[2]), nil)))
		if err == nil {
			b.Bytes = body
		}
		found = append(found, b)
	}
	return found
}

// legacyEncrypted matches the header of a key that OpenSSL encrypted before
// PKCS #8; its "-" keep block from finding it.
var legacyEncrypted = regexp.MustCompile(`Proc-Type:\s*4,ENCRYPTED`)

func pemCertificates(text []byte) ([]*x509.Certificate, error) {
	var ders [][]byte
	for _, b := range pemBlocks(text, "CERTIFICATE") {
		ders = append(ders, b.Bytes)
	}
	return parse(ders)
}

// PEMIdentity returns the private key of one PEM text with the certificates of
// another, the own one first. password decrypts an encrypted PKCS #8 key.
func PEMIdentity(certificates, key []byte, password string) (*tls.Certificate, error) {
	private, err := pemKey(key, password)
	if err != nil {
		return nil, err
	}
	certs, err := pemCertificates(certificates)
	if err != nil {
		return nil, err
	}
	return identity(private, certs)
}

// pemKey reads the first private key of a text.
func pemKey(text []byte, password string) (any, error) {
	const decrypt = "convert it: openssl pkcs8 -topk8 -in STORE -out key.pem"
	if legacyEncrypted.Match(text) {
		return nil, refuse(decrypt, "holds a private key in OpenSSL's own encryption; only encrypted PKCS #8 is read")
	}
	blocks := pemBlocks(text, "PRIVATE KEY")
	if len(blocks) == 0 {
		return nil, refuse("", "holds no private key")
	}
	der := blocks[0].Bytes
	switch blocks[0].Type {
	case "ENCRYPTED PRIVATE KEY":
		if password == "" {
			return nil, refuse("set the key's password: key_password (ssl.key.password)", "holds an encrypted private key, and no password for it is set")
		}
		if slow(der) {
			return nil, tooSlow()
		}
		key, _, err := pkcs8.ParsePrivateKey(der, []byte(password))
		if err != nil {
			return nil, refuse("check key_password (ssl.key.password)", "holds a private key that the password does not decrypt")
		}
		return key, nil
	case "RSA PRIVATE KEY":
		return orRefuse(x509.ParsePKCS1PrivateKey(der))
	case "EC PRIVATE KEY":
		return orRefuse(x509.ParseECPrivateKey(der))
	}
	return orRefuse(x509.ParsePKCS8PrivateKey(der))
}

// orRefuse hides what a parser says of a private key behind a fixed text.
func orRefuse[T any](key T, err error) (any, error) {
	if err != nil {
		return nil, refuse("", "holds a private key that cannot be read")
	}
	return key, nil
}
