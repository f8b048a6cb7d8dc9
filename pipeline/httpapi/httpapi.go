// Package httpapi serves what others may ask of a running Strait over HTTP:
// metrics and health for everybody, and the API for those who may. It owns paths,
// limits, answers and who may ask for them; what it says comes from packages
// status, graph, events and telemetry. It never shows a secret or a record.
package httpapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Params is what Listen needs. All of it is required.
type Params struct {
	Address string // host:port; port 0 takes a free one
	What    string // is served, for errors: "metrics"
	Content Content
	Log     *slog.Logger
}

// Content is what is answered, and how.
type Content struct {
	Handler http.Handler // required
	TLS     *tls.Config  // nil: plain text
}

// Server answers on one address.
type Server struct {
	p       Params
	net     net.Listener
	http    *http.Server
	content atomic.Pointer[Content]
}

// Listen takes the address, so that a caller learns at once when it cannot be
// had; nothing is answered before Run.
func Listen(ctx context.Context, p Params) (*Server, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", p.Address)
	if err != nil {
		return nil, fmt.Errorf("listening for %s: %w", p.What, err)
	}
	s := &Server{p: p, net: l}
	s.Change(p.Content)
	s.http = &http.Server{
		Handler:           http.MaxBytesHandler(http.HandlerFunc(s.serve), maxBody),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(p.Log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// maxBody is the most bytes of a request's body: no path takes one.
const maxBody = 1 << 10

// Address is where the server listens.
func (s *Server) Address() string { return s.net.Addr().String() }

// Close gives an address back on which Run was not called.
func (s *Server) Close() { s.net.Close() }

// Change has the server answer otherwise from now on; connections there are keep
// being encrypted, or not, as they are. It may be called at any time.
func (s *Server) Change(c Content) { s.content.Store(&c) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.content.Load().Handler.ServeHTTP(w, r)
}

// listener encrypts as the content says that there is.
type listener struct {
	net.Listener
	server *Server
}

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if config := l.server.content.Load().TLS; err == nil && config != nil {
		return tls.Server(c, config), nil
	}
	return c, err //nolint:wrapcheck // net/http tells what is temporary by its type
}

// Run answers until ctx ends; then it lets answers under way end for a second.
// It closes the address.
func (s *Server) Run(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- s.http.Serve(listener{s.net, s}) }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if s.http.Shutdown(ctx) != nil {
			_ = s.http.Close() // who still reads has had its second
		}
		err = <-ended
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serving %s: %w", s.p.What, err)
}
