package keystore

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"

	"github.com/strait-mirror/strait/config/model"
)

// Config returns what crypto/tls needs for a connection, and what is wrong with
// the stores. ServerName is empty unless configured.
func Config(t *model.TLS, read func(path string) ([]byte, error)) (*tls.Config, []*Problem) {
	material, problems := Open(t, read)
	config := &tls.Config{
		MinVersion:                  version(t.MinVersion, tls.VersionTLS12),
		MaxVersion:                  version(t.MaxVersion, 0),
		ServerName:                  t.ServerName,
		CipherSuites:                suites(t.CipherSuites),
		ClientSessionCache:          tls.NewLRUClientSessionCache(0),
		DynamicRecordSizingDisabled: true, // throughput before the first byte's latency
	}
	if material.Roots != nil {
		config.RootCAs = x509.NewCertPool()
		for _, c := range material.Roots {
			config.RootCAs.AddCert(c)
		}
	}
	if pair := material.Identity; pair != nil {
		// Sent whatever authorities the broker names: its refusal is clearer than
		// a certificate that was silently left out.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair, nil }
	}
	if t.SkipHostnameCheck {
		config.InsecureSkipVerify = true // the chain is verified here, the name is not
		config.VerifyConnection = func(s tls.ConnectionState) error { return verifyChain(s, config.RootCAs) }
	}
	return config, problems
}

// version returns crypto/tls's number of a version of TLS.
func version(name string, otherwise uint16) uint16 {
	i := slices.Index(model.TLSVersions(), name)
	if i < 0 {
		return otherwise
	}
	return tls.VersionTLS10 + uint16(i)
}

// suites returns the numbers of cipher suites; names that do not exist were
// reported when the file was read.
func suites(names []string) []uint16 {
	var ids []uint16
	for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if slices.Contains(names, s.Name) {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// verifyChain checks a server's certificate without its name.
func verifyChain(s tls.ConnectionState, roots *x509.CertPool) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("the server sent no certificate")
	}
	options := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
	for _, cert := range s.PeerCertificates[1:] {
		options.Intermediates.AddCert(cert)
	}
	if _, err := s.PeerCertificates[0].Verify(options); err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: err}
	}
	return nil
}
