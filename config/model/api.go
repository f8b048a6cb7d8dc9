package model

import (
	"net"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
)

// DefaultServerListen is where a server block listens that does not say.
const DefaultServerListen = "127.0.0.1:8844"

// Server says where the process answers for its API and dashboard.
type Server struct {
	Listen string // host:port

	Token     Secret // what a request must show to change something, and beyond loopback to be answered at all
	TokenFile string
	Cert      Secret // PEM
	CertFile  string
	Key       Secret // PEM
	KeyFile   string
	// ClientCA are the authorities of certificates that clients must show.
	ClientCA     Secret // PEM
	ClientCAFile string

	Pprof  bool
	Range  diag.Range
	Ranges Places // of what was written
}

// NewServer returns a server with every default.
func NewServer() *Server {
	s := &Server{}
	for _, d := range ServerFields(s) {
		d.ApplyDefault(field.HCL)
	}
	return s
}

// ServerFields declares the attributes of a server block.
func ServerFields(s *Server) []field.Def {
	list := []field.Def{
		field.String(&s.Listen, "listen",
			"Where to answer for the API and the dashboard, as host:port. Beyond loopback cert, key, and token or client_ca are required.").
			Default(DefaultServerListen),
		secret(&s.Token, "token",
			"What requests show as Authorization: Bearer TOKEN. With it they may change what runs; without it they only read, and beyond loopback get nothing.").
			File(&s.TokenFile),
		secret(&s.Cert, "cert", "Certificate chain of the server as PEM; with it only TLS is spoken.").File(&s.CertFile),
		secret(&s.Key, "key", "Private key of that certificate as PEM.").File(&s.KeyFile),
		secret(&s.ClientCA, "client_ca",
			"Authorities as PEM: every client must show a certificate of theirs, which then counts as the token does.").File(&s.ClientCAFile),
		field.Bool(&s.Pprof, "pprof", "Answer at /debug/pprof/ too, with profiles of the process, to those who may change something.").Default("false"),
	}
	for i := range list {
		list[i] = list[i].Changes(field.Live)
	}
	return list
}

// Encrypted reports whether the server speaks TLS.
func (s *Server) Encrypted() bool { return s.CertFile != "" || s.Cert.Reveal() != "" }

// HasToken reports whether the server knows a token.
func (s *Server) HasToken() bool { return s.TokenFile != "" || s.Token.Reveal() != "" }

// Mutual reports whether the server asks its clients for certificates.
func (s *Server) Mutual() bool { return s.ClientCAFile != "" || s.ClientCA.Reveal() != "" }

// Loopback reports whether a host, or the host of host:port, is this machine's own
// and nobody else's.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = strings.Trim(address, "[]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
