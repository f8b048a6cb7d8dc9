package cli

import (
	"context"
	"log/slog"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/pipeline/httpapi"
	"github.com/strait-mirror/strait/pipeline/status"
	"github.com/strait-mirror/strait/pipeline/telemetry"
)

// serving answers for metrics and health while an engine runs.
type serving struct {
	stop  context.CancelFunc
	ended chan struct{}
}

// serve starts to answer at the address of the flag, else at that of the
// topology; without either it does nothing. An address that cannot be had is an
// error at once.
func serve(ctx context.Context, flag string, cfg *model.Config, read func() status.Snapshot, log *slog.Logger) (*serving, error) {
	address := flag
	if address == "" && cfg.Metrics != nil {
		address = cfg.Metrics.Listen
	}
	s := &serving{stop: func() {}, ended: make(chan struct{})}
	if address == "" {
		close(s.ended)
		return s, nil
	}
	m, err := telemetry.New(telemetry.Params{Status: read, Version: version()})
	if err != nil {
		return nil, err
	}
	server, err := httpapi.Listen(ctx, httpapi.Params{Address: address, Status: read, Metrics: m.Handler(), Log: log})
	if err != nil {
		return nil, err
	}
	log.Info("serving /metrics, /healthz and /readyz", "address", server.Address())
	// It outlives the request to end: a flow that drains is still worth a look.
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(s.ended)
		if err := server.Run(ctx); err != nil {
			log.Error("metrics are no longer served", "err", err)
		}
	}()
	return s, nil
}

// close ends it.
func (s *serving) close() {
	s.stop()
	<-s.ended
}
