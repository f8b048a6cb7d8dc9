package keystore

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"

	jks "github.com/pavlo-v-chernykh/keystore-go/v4"
)

// loadJKS reads a JKS store. As in Java, an empty password reads the
// certificates without checking the integrity of the store.
func loadJKS(store []byte, password string) (jks.KeyStore, error) {
	ks := jks.New(jks.WithOrderedAliases())
	if !boundedJKS(store) {
		return ks, refuse("", "is a damaged JKS key store")
	}
	err := ks.Load(bytes.NewReader(store), []byte(password))
	switch {
	case err == nil:
		return ks, nil
	case err.Error() != "got invalid digest": // the library has no value for it
		return ks, refuse("", "is a damaged JKS key store")
	case password == "":
		return ks, nil
	}
	return ks, refuse("list it with the right one: keytool -list -keystore STORE", "cannot be opened: the password is wrong")
}

// boundedJKS reports whether every length in a store is within it: the library
// allocates what a length says before it reads.
func boundedJKS(store []byte) bool {
	w := walker{left: store}
	w.skip(4)
	version := w.uint32()
	for n := w.uint32(); n > 0 && !w.short; n-- {
		tag := w.uint32()
		w.skip(uint32(w.uint16()))
		w.skip(8)
		certs := uint32(1)
		if tag == 1 {
			w.skip(w.uint32())
			certs = w.uint32()
		}
		for ; certs > 0 && !w.short; certs-- {
			if version == 2 {
				w.skip(uint32(w.uint16()))
			}
			w.skip(w.uint32())
		}
	}
	return !w.short
}

// walker goes over big-endian lengths.
type walker struct {
	left  []byte
	short bool // there was less than asked for
}

func (w *walker) skip(n uint32) []byte {
	if uint64(n) > uint64(len(w.left)) {
		w.short, w.left = true, nil
		return make([]byte, min(n, 4))
	}
	taken := w.left[:n]
	w.left = w.left[n:]
	return taken
}

func (w *walker) uint32() uint32 { return binary.BigEndian.Uint32(w.skip(4)) }
func (w *walker) uint16() uint16 { return binary.BigEndian.Uint16(w.skip(2)) }

func jksTrusted(store []byte, password string) ([]*x509.Certificate, error) {
	ks, err := loadJKS(store, password)
	if err != nil {
		return nil, err
	}
	var ders [][]byte
	for _, alias := range ks.Aliases() {
		if entry, err := ks.GetTrustedCertificateEntry(alias); err == nil {
			ders = append(ders, entry.Certificate.Content)
		} else if own, err := ks.GetPrivateKeyEntryCertificateChain(alias); err == nil && len(own) > 0 {
			ders = append(ders, own[0].Content)
		}
	}
	return parse(ders)
}

// jksIdentity returns the first private key by alias; Java offers the key whose
// issuer the broker names, which differs only in stores with several.
func jksIdentity(store []byte, password, keyPassword string) (*tls.Certificate, error) {
	ks, err := loadJKS(store, password)
	if err != nil {
		return nil, err
	}
	for _, alias := range ks.Aliases() {
		if !ks.IsPrivateKeyEntry(alias) {
			continue
		}
		entry, err := ks.GetPrivateKeyEntry(alias, []byte(keyPassword))
		if err != nil {
			return nil, refuse("check key_password (ssl.key.password)", "holds a private key that the password does not decrypt")
		}
		key, err := x509.ParsePKCS8PrivateKey(entry.PrivateKey)
		if err != nil {
			return nil, refuse("use an RSA, EC or Ed25519 key", "holds a private key of a kind that TLS does not use")
		}
		var ders [][]byte
		for _, c := range entry.CertificateChain {
			ders = append(ders, c.Content)
		}
		certs, err := parse(ders)
		if err != nil {
			return nil, err
		}
		return identity(key, certs)
	}
	return nil, refuse("", "holds no private key")
}
