// Package httpapi serves what others may ask of a running Strait over HTTP:
// metrics and health. It owns paths, limits and answers; what it says comes from
// packages status and telemetry. Nothing it serves changes anything, or shows a
// setting or data.
package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/strait-mirror/strait/pipeline/status"
)

// Params is what Listen needs. All of it is required.
type Params struct {
	Address string                 // host:port; port 0 takes a free one
	Status  func() status.Snapshot // may be called at any time
	Metrics http.Handler
	Log     *slog.Logger
}

// Server answers on one address.
type Server struct {
	p        Params
	listener net.Listener
	http     *http.Server
}

// Listen takes the address, so that a caller learns at once when it cannot be
// had; nothing is answered before Run.
func Listen(ctx context.Context, p Params) (*Server, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", p.Address)
	if err != nil {
		return nil, fmt.Errorf("listening for metrics: %w", err)
	}
	s := &Server{p: p, listener: l}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", p.Metrics)
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	s.http = &http.Server{
		Handler:           http.MaxBytesHandler(mux, maxBody),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(p.Log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// maxBody is the most bytes of a request's body: no path takes one.
const maxBody = 1 << 10

// Address is where the server listens.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Run answers until ctx ends; then it lets answers under way end for a second.
// It closes the address.
func (s *Server) Run(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- s.http.Serve(s.listener) }()
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
	return fmt.Errorf("serving metrics: %w", err)
}
