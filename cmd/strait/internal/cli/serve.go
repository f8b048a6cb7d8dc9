package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/strait-mirror/strait/cmd/strait/internal/engine"
	"github.com/strait-mirror/strait/config/keystore"
	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/config/settings"
	"github.com/strait-mirror/strait/pipeline/dashboard"
	"github.com/strait-mirror/strait/pipeline/events"
	"github.com/strait-mirror/strait/pipeline/graph"
	"github.com/strait-mirror/strait/pipeline/httpapi"
	"github.com/strait-mirror/strait/pipeline/support"
	"github.com/strait-mirror/strait/pipeline/telemetry"
)

// serving answers over HTTP while an engine runs: at the addresses of the flags,
// else at those of the topology, also when an edit changes them.
type serving struct {
	flags   runFlags
	engine  engine.Engine
	ring    *events.Ring
	log     *slog.Logger
	env     func(string) (string, bool)
	began   time.Time
	key     graph.Key
	edits   *reloading
	metrics *telemetry.Metrics

	mu   sync.Mutex            // guards open and cfg
	cfg  *model.Config         // that is served; nil: none yet
	open map[string]*answering // by what is served; nil: not started, or closed
}

// answering is one server that runs.
type answering struct {
	server *httpapi.Server
	asked  string // the address as it was asked for
	stop   context.CancelFunc
	ended  chan struct{}
}

func newServing(f runFlags, e engine.Engine, ring *events.Ring, log *slog.Logger, env func(string) (string, bool)) *serving {
	return &serving{flags: f, engine: e, ring: ring, log: log, env: env, began: time.Now(), key: graph.NewKey()}
}

// start begins to answer. An address that cannot be had is an error at once.
func (s *serving) start(ctx context.Context, cfg *model.Config, edits *reloading) error {
	s.edits = edits
	p := telemetry.Params{Status: edits.status, Version: version(), Env: s.env, Log: s.log}
	if e, ok := s.engine.(engine.Observed); ok {
		p.Partitions = e.Partitions
		p.Labels = func() bool {
			m := e.Topology().Metrics
			return m != nil && m.PartitionLabels
		}
		p.Strimzi = func() bool {
			m := e.Topology().Metrics
			return s.flags.compat == string(model.CompatStrimzi) || m != nil && m.Compat == model.CompatStrimzi
		}
	}
	m, err := telemetry.New(ctx, p)
	if err != nil {
		return err
	}
	s.metrics = m
	s.mu.Lock()
	s.open = map[string]*answering{}
	s.mu.Unlock()
	return s.change(ctx, cfg, func() error { return nil })
}

// change takes the addresses that cfg asks for, calls apply, and then answers
// there, and no longer at those before. Where either fails, nothing is changed.
func (s *serving) change(ctx context.Context, cfg *model.Config, apply func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		return apply()
	}
	var steps []step
	health := func() (httpapi.Content, error) {
		return httpapi.Content{Handler: httpapi.Health(s.edits.status, s.metrics.Handler())}, nil
	}
	err := s.prepare(ctx, &steps, forMetrics, s.metricsAddress(cfg), health)
	if is, was := s.server(cfg), s.server(s.cfg); err == nil && !s.key.Identify(is).Same(s.key.Identify(was)) {
		address := ""
		if is != nil {
			address = is.Listen
		}
		err = s.prepare(ctx, &steps, forAPI, address, func() (httpapi.Content, error) { return s.api(is) })
	}
	if err == nil {
		err = apply()
	}
	for _, step := range steps {
		if err != nil {
			step.undo()
		} else {
			step.do()
		}
	}
	if err == nil {
		s.cfg = cfg
	}
	return err
}

// What is served.
const (
	forMetrics = "/metrics, /healthz and /readyz"
	forAPI     = "the API and the dashboard"
)

// step is a change that is prepared: one of both functions is called.
type step struct{ do, undo func() }

// prepare prepares to answer at an address, or nowhere where it is empty. s.mu is
// held, also when the steps are done.
func (s *serving) prepare(ctx context.Context, steps *[]step, what, address string, of func() (httpapi.Content, error)) error {
	was := s.open[what]
	if address == "" {
		*steps = append(*steps, step{func() { was.close(); delete(s.open, what) }, func() {}})
		return nil
	}
	content, err := of()
	if err != nil {
		return err
	}
	if was != nil && was.asked == address {
		*steps = append(*steps, step{func() { was.server.Change(content) }, func() {}})
		return nil
	}
	server, err := httpapi.Listen(ctx, httpapi.Params{Address: address, What: what, Content: content, Log: s.log})
	if err != nil {
		return err //nolint:wrapcheck // it says what for
	}
	*steps = append(*steps, step{func() { was.close(); s.open[what] = s.run(ctx, what, address, server) }, server.Close})
	return nil
}

func (s *serving) metricsAddress(cfg *model.Config) string {
	if cfg.Metrics == nil {
		return s.flags.metrics
	}
	return cmp.Or(s.flags.metrics, cfg.Metrics.Listen)
}

// server returns the server block with the address of the flag; nil: there is to be
// none, or nothing was served yet.
func (s *serving) server(cfg *model.Config) *model.Server {
	if cfg == nil {
		return nil
	}
	if s.flags.server == "" {
		return cfg.Server
	}
	server := model.NewServer()
	if cfg.Server != nil {
		copied := *cfg.Server
		server = &copied
	}
	server.Listen = s.flags.server
	return server
}

// run answers until it is closed: it outlives the request to end, since a flow
// that drains is still worth a look.
func (s *serving) run(ctx context.Context, what, asked string, server *httpapi.Server) *answering {
	s.log.Info("serving "+what, "address", server.Address()) //nolint:sloglint // one of two constants
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	a := &answering{server: server, asked: asked, stop: stop, ended: make(chan struct{})}
	go func() {
		defer close(a.ended)
		if err := server.Run(ctx); err != nil {
			s.log.Error("an address is no longer answered at", "err", err)
		}
	}()
	return a
}

func (a *answering) close() {
	if a != nil {
		a.stop()
		<-a.ended
	}
}

// lastPush is how long the end may wait for who metrics are pushed to.
const lastPush = 5 * time.Second

// close ends all of it. The last metrics are pushed also where ctx has ended.
func (s *serving) close(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.open {
		a.close()
	}
	s.open = nil
	if s.metrics == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastPush)
	defer cancel()
	if err := s.metrics.Close(ctx); err != nil {
		s.log.Warn("the last metrics could not be pushed", "err", err)
	}
}

// api is what is answered at a server block's address.
func (s *serving) api(def *model.Server) (httpapi.Content, error) {
	token, err := secretOf("token", def.Token, def.TokenFile)
	if err != nil {
		return httpapi.Content{}, err
	}
	config, err := serverTLS(def)
	if err != nil {
		return httpapi.Content{}, err
	}
	p := httpapi.APIParams{
		Access:  httpapi.Access{Local: model.Loopback(def.Listen), Token: token, Certificates: def.Mutual()},
		Version: version(), Started: s.began, Log: s.log, Pprof: def.Pprof,
		Status: s.edits.status, Events: s.ring.Since, Revisions: s.edits.revisions, Dashboard: dashboard.Handler(),
	}
	if e, ok := s.engine.(engine.Observed); ok {
		p.Partitions = e.Partitions
		p.Graph = func() *graph.Graph { return graph.New(e.Topology(), s.key) }
		p.Support = func() []support.File { return s.support(e.Topology()) }
		p.Redact = func(text string) string { return settings.NewRedactor(e.Topology(), token).Redact(text) }
	}
	if e, ok := s.engine.(httpapi.Steering); ok {
		p.Steering = e
	}
	if s.edits.Reloader != nil {
		p.Reload = s.edits.Reload
	}
	return httpapi.Content{Handler: httpapi.API(p), TLS: config}, nil
}

// secretOf is what an attribute of a server block says, in itself or in a file.
func secretOf(name string, text model.Secret, path string) (string, error) {
	if path == "" {
		return text.Reveal(), nil
	}
	content, err := load.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("server: reading %s: %w", name, err)
	}
	value := strings.TrimSpace(string(content))
	if value == "" {
		return "", fmt.Errorf("server: reading %s: %s is empty", name, path)
	}
	return value, nil
}

// serverTLS is how a server block speaks TLS; nil: it does not.
func serverTLS(def *model.Server) (*tls.Config, error) {
	if !def.Encrypted() {
		return nil, nil //nolint:nilnil // plain text is an answer
	}
	cert, err := secretOf("cert", def.Cert, def.CertFile)
	if err != nil {
		return nil, err
	}
	key, err := secretOf("key", def.Key, def.KeyFile)
	if err != nil {
		return nil, err
	}
	pair, err := keystore.PEMIdentity([]byte(cert), []byte(key), "")
	if err != nil {
		return nil, fmt.Errorf("server: cert and key: %w", err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*pair}}
	if !def.Mutual() {
		return config, nil
	}
	ca, err := secretOf("client_ca", def.ClientCA, def.ClientCAFile)
	if err != nil {
		return nil, err
	}
	roots, err := keystore.Trusted([]byte(ca), "")
	if err != nil {
		return nil, fmt.Errorf("server: client_ca: %w", err)
	}
	config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	for _, c := range roots {
		config.ClientCAs.AddCert(c)
	}
	return config, nil
}
