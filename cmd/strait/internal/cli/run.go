package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/cmd/strait/internal/engine"
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/pipeline/events"
)

// refresh is how often a status table on a terminal is drawn anew.
const refresh = 500 * time.Millisecond

// plainEvery is how often a flow gets a status line where there is no terminal.
const plainEvery = time.Minute

// runFlags are the flags of run.
type runFlags struct {
	once         bool
	alone        bool
	timeout      time.Duration
	drainTimeout time.Duration
	logLevel     string
	logFormat    string
	clusters     []string
	metrics      string
	compat       string
	server       string

	reload, allowDestructive bool
}

func (a *app) newRun() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run FILE...",
		Short: "Run a topology until it is told to end",
		Long: "Run reads a topology (.hcl or .properties, several files make one) and mirrors\n" +
			"its enabled flows until the process is asked to end. Then it finishes what is\n" +
			"under way, records its positions and exits; a second request ends it at once.\n\n" +
			"Several processes that run the same topology, on one host or many, share its work\n" +
			"through a group on each target: start another one to add it, stop one and the others\n" +
			"take over. With --once or --alone a process runs everything itself.\n\n" +
			"An edit of the files, or of what they include, is applied while it runs: flows\n" +
			"that it is not about are not touched. An edit that is\n" +
			"wrong, that leads to a cluster that does not answer, or that is destructive\n" +
			"(strait plan shows that), changes nothing and is reported; one that only failed\n" +
			"since a cluster did not answer is tried again every 30 seconds. SIGHUP has the\n" +
			"files read at once.\n\n" +
			"With the options of kafka-mirror-maker.sh it takes MirrorMaker 1's place: it goes on\n" +
			"where the consumer group of --consumer.config is, commits to it, and writes each\n" +
			"record to the partition that its key names.",
		Example: "  strait run mm2.properties\n  strait run --once topology.hcl\n" +
			"  strait run --consumer.config source.properties --producer.config target.properties --include 'orders.*'",
		Args: a.needsTopology,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.compat != "" && f.compat != string(model.CompatStrimzi) {
				return fmt.Errorf("--metrics-compat is %q; there is strimzi", f.compat)
			}
			if f.metrics != "" && !model.ParseListen(f.metrics) {
				return fmt.Errorf("--metrics-listen is %q, not host:port such as 127.0.0.1:9404", f.metrics)
			}
			if f.server != "" && (!model.ParseListen(f.server) || !model.Loopback(f.server)) {
				return fmt.Errorf("--server-listen is %q, not an address of this machine such as %s; beyond it a server block says who may ask", f.server, model.DefaultServerListen)
			}
			if f.timeout < 0 || f.drainTimeout < 0 {
				return errors.New("--timeout and --drain-timeout cannot be negative")
			}
			log, err := a.newLog(f.logLevel, f.logFormat)
			if err != nil {
				return err
			}
			return a.run(cmd, args, f, log)
		},
	}
	flags := cmd.Flags()
	a.vars.register(flags)
	flags.BoolVar(&f.once, "once", false, "mirror up to the ends seen at start, then exit")
	flags.BoolVar(&f.alone, "alone", false, "run everything here: join no group, and share nothing with others that run the same")
	flags.DurationVar(&f.timeout, "timeout", 30*time.Second, "with --once: how long to wait for a cluster that is down")
	flags.DurationVar(&f.drainTimeout, "drain-timeout", 30*time.Second, "how long to finish what is under way when asked to end")
	flags.StringSliceVar(&f.clusters, "clusters", nil, clustersUsage)
	flags.BoolVar(&f.reload, "reload", true, "apply edits of the files while running")
	flags.BoolVar(&f.allowDestructive, "allow-destructive", false, "apply also edits that rename live data or read it again")
	flags.StringVar(&f.metrics, "metrics-listen", "", "answer for /metrics, /healthz and /readyz at this `host:port`; beats metrics { listen }")
	flags.StringVar(&f.compat, "metrics-compat", "", "strimzi: expose MirrorMaker 2's series, too, as metrics { compat } does")
	flags.StringVar(&f.server, "server-listen", "", "answer for the API and the dashboard at this `host:port` of this machine; beats server { listen }")
	flags.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
	flags.StringVar(&f.logFormat, "log-format", "", "text or json (default $STRAIT_LOG_FORMAT, else text on a terminal and json elsewhere)")
	a.one.register(flags)
	return cmd
}

func (a *app) run(cmd *cobra.Command, paths []string, f runFlags, log *slog.Logger) error {
	ctx := cmd.Context()
	first, src := a.reading(paths, f.clusters)
	cfg, err := a.judge(first.Config, first.Problems, src)
	if err != nil {
		return err
	}
	what := "the options of MirrorMaker 1"
	if len(paths) > 0 {
		what = paths[0]
	}
	if len(f.clusters) > 0 && len(cfg.Flows) == 0 {
		return &resultError{code: exitConfig, err: fmt.Errorf("no flow goes to %s", strings.Join(f.clusters, " or "))}
	}
	if !runsAnything(cfg) {
		return &resultError{code: exitConfig, err: errors.New("no flow is enabled, so there is nothing to run")}
	}
	var ring events.Ring
	log = slog.New(ring.Handler(log.Handler()))
	restore := limitMemory(cfg, a.p.Getenv)
	defer restore()
	var instance *string
	if !f.once && !f.alone {
		id, release := claimInstance(paths, log)
		defer release()
		instance = id
	}
	e, err := a.p.Make(engine.Params{
		Config:       cfg,
		Log:          log,
		Instance:     instance,
		Once:         f.once,
		Timeout:      f.timeout,
		DrainTimeout: f.drainTimeout,

		AllowDestructive: f.allowDestructive,
	})
	if err != nil {
		return &resultError{code: exitConfig, err: err}
	}
	s := newServing(f, e, &ring, log, a.p.Getenv)
	edits := a.watch(ctx, paths, f, first, e, s, log)
	defer edits.close()
	if err := s.start(ctx, cfg, edits); err != nil {
		return failed(err)
	}
	defer s.close(ctx)
	began := time.Now()
	live := a.view.NewLive(plainEvery)
	err = engine.RunWatched(ctx, e, refresh, live.Show)
	live.End()
	if err != nil && !interrupted(ctx, err) {
		return failed(fmt.Errorf("running %s: %w", what, err))
	}
	a.view.Totals(e.Status(), time.Since(began))
	return nil
}

// runsAnything reports whether a flow is enabled. A properties file may have
// none: MirrorMaker 2 starts with one that only sends heartbeats, and so does
// Strait.
func runsAnything(cfg *model.Config) bool {
	return slices.ContainsFunc(cfg.Flows, func(f *model.Flow) bool { return f.Enabled || f.HeartbeatsOnly })
}

// load reads a topology and shows what is wrong with it; its error has been
// shown already.
func (a *app) load(paths []string, env func(string) (string, bool)) (*model.Config, error) {
	var src diag.Sources
	cfg, problems := a.p.Load(paths, env, &src)
	return a.judge(cfg, problems, &src)
}

// judge shows what is wrong with a topology, and refuses it where it cannot be
// used.
func (a *app) judge(cfg *model.Config, problems diag.List, src *diag.Sources) (*model.Config, error) {
	a.view.Diagnostics(problems, src)
	if problems.HasErrors() {
		return nil, &resultError{code: exitConfig}
	}
	return cfg, nil
}

// interrupted reports whether err says no more than that the user asked for
// the end.
func interrupted(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, errInterrupted))
}

// newLog returns a logger to stderr that keeps clear of a status table. Without a
// format people get text, and programs JSON.
func (a *app) newLog(level, format string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level is %q, not debug, info, warn or error", level)
	}
	fromEnv, _ := a.p.Getenv("STRAIT_LOG_FORMAT")
	said := "--log-format"
	if format == "" && fromEnv != "" {
		said, format = "STRAIT_LOG_FORMAT", fromEnv
	}
	if format == "" {
		format = "json"
		if isTerminal(a.p.Stderr) {
			format = "text"
		}
	}
	options := &slog.HandlerOptions{Level: l}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(a.view.LogWriter(), options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(a.view.LogWriter(), options)), nil
	}
	return nil, fmt.Errorf("%s is %q, not text or json", said, format)
}
