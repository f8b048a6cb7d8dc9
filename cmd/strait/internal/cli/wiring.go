package cli

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/strait-mirror/strait/cmd/strait/internal/engine"
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/legacy/mm1"
	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/config/settings"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/grant"
	"github.com/strait-mirror/strait/flows/group"
	"github.com/strait-mirror/strait/flows/mirror"
	"github.com/strait-mirror/strait/flows/position"
	"github.com/strait-mirror/strait/flows/survey"
	"github.com/strait-mirror/strait/pipeline/lint"
	"github.com/strait-mirror/strait/pipeline/offsets"
	"github.com/strait-mirror/strait/pipeline/plan"
	"github.com/strait-mirror/strait/pipeline/supervisor"
	"github.com/strait-mirror/strait/transforms/chain"
	"github.com/strait-mirror/strait/transforms/filter"
)

// loadTopology reads a topology with package load, checks its patterns, which
// config cannot (what they mean is a matter of transforms), and adds what lint
// warns of before a start.
func (a *app) loadTopology(paths []string, env func(string) (string, bool), src *diag.Sources) (*model.Config, diag.List) {
	cfg, problems := load.Load(paths, a.loadOptions(env, src))
	if cfg == nil {
		return cfg, problems
	}
	problems = checkPatterns(cfg, problems)
	problems.Add(lint.AtStart(cfg, src, problems.HasErrors())...)
	problems.Sort()
	return cfg, problems
}

// loadOptions says how the command that runs reads a topology.
func (a *app) loadOptions(env func(string) (string, bool), src *diag.Sources) load.Options {
	o := load.Options{Env: env, Vars: a.vars.values, VarFiles: a.vars.files, Version: version(), Sources: src, AllowMissing: a.offline}
	if a.record != nil {
		o.ReadFile = a.record.readFile
	}
	return o
}

// loadMirrorMaker1 reads what MirrorMaker 1 is started with.
func loadMirrorMaker1(o mm1.Options, env func(string) (string, bool), src *diag.Sources) (*model.Config, diag.List) {
	cfg, problems := mm1.Read(mm1.Params{Options: o, Env: env, ReadFile: os.ReadFile, Sources: src})
	return cfg, checkPatterns(cfg, problems)
}

// checkPatterns adds what is wrong with the patterns of a topology.
func checkPatterns(cfg *model.Config, problems diag.List) diag.List {
	for _, f := range cfg.Flows {
		_, bad := chain.ForFlow(f)
		problems.Add(bad...)
		_, bad = filter.GroupsForFlow(f)
		problems.Add(bad...)
	}
	problems.Sort()
	return problems
}

// javaSettings lists what MirrorMaker 2 makes of a properties file, for flows to
// the target clusters, or all.
func javaSettings(path string, targets []string, env func(string) (string, bool), src *diag.Sources) (settings.Listing, diag.List) {
	c, problems := load.Java(path, load.Options{Env: env, Sources: src})
	if c == nil {
		return settings.Listing{}, problems
	}
	list, more := settings.OfJava(c, targets)
	problems.Add(more...)
	problems.Sort()
	return list, problems
}

// makeEngine makes what runs a topology.
func makeEngine(p engine.Params) (engine.Engine, error) {
	s, err := supervisor.NewFleet(supervisor.Params{
		Config:       p.Config,
		Log:          p.Log,
		Instance:     p.Instance,
		Once:         p.Once,
		Timeout:      p.Timeout,
		DrainTimeout: p.DrainTimeout,

		AllowDestructive: p.AllowDestructive,
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// claimInstance returns who this process is among those that run the same files
// here, until release is called. Where that cannot be told apart it is somebody
// new: others then wait for its session when it was killed.
func claimInstance(files []string, log *slog.Logger) (id *string, release func()) {
	host, err := os.Hostname()
	if err == nil {
		var i *group.Instance
		if i, err = group.Claim(group.InstanceParams{Host: host, Files: files, Dir: os.TempDir()}); err == nil {
			return &i.ID, i.Close
		}
	}
	log.Warn("no lasting identity in the group, going on as somebody new", "err", err)
	return new(""), func() {}
}

// askCluster surveys a cluster for lint. What its client logs comes back as the
// error.
func askCluster(ctx context.Context) func(*model.Cluster, survey.Wanted) lint.Answer {
	return func(c *model.Cluster, wanted survey.Wanted) lint.Answer {
		facts, err := survey.Collect(ctx, survey.Params{Config: c, Log: slog.New(slog.DiscardHandler), Wanted: wanted})
		return lint.Answer{Facts: facts, Err: err}
	}
}

// positionsWithin bounds the reading of a flow's positions: where a transaction
// hangs among them, there is no end to read to.
const positionsWithin = 10 * time.Second

// askPositions reads positions for lint.
func askPositions(ctx context.Context) func(*model.Config, *model.Flow) ([]position.Anchor, error) {
	return func(cfg *model.Config, f *model.Flow) ([]position.Anchor, error) {
		p, err := openPair(cfg, f, slog.New(slog.DiscardHandler))
		if err != nil {
			return nil, err
		}
		defer p.Close()
		limited, cancel := context.WithTimeout(ctx, positionsWithin)
		defer cancel()
		return p.Anchors(limited)
	}
}

// listTopics asks a cluster for its topics.
func listTopics(ctx context.Context, c *model.Cluster, log *slog.Logger) ([]string, error) {
	asked, err := cluster.New(cluster.Params{Config: c, Log: log})
	if err != nil {
		return nil, err
	}
	defer asked.Close()
	return asked.TopicNames(ctx)
}

// walkCluster goes the way to each broker of a cluster.
func walkCluster(ctx context.Context, c *model.Cluster) ([]cluster.Visit, error) {
	asked, err := cluster.New(cluster.Params{Config: c, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	defer asked.Close()
	return asked.Walk(ctx), nil
}

// missingGrants asks a cluster which of wanted it does not grant.
func missingGrants(ctx context.Context, c *model.Cluster, principal string, wanted []grant.Grant, log *slog.Logger) ([]grant.Grant, error) {
	asked, err := cluster.New(cluster.Params{Config: c, Log: log})
	if err != nil {
		return nil, err
	}
	defer asked.Close()
	return asked.Missing(ctx, principal, wanted)
}

// seal writes the positions of a flow outside of transactions.
func seal(ctx context.Context, c *model.Cluster, f *model.Flow, log *slog.Logger) (int, error) {
	target, err := cluster.New(cluster.Params{Config: c, Log: log})
	if err != nil {
		return 0, err
	}
	defer target.Close()
	return mirror.Seal(ctx, mirror.SealParams{Flow: f, Target: target, Log: log})
}

// foresee asks what a flow would create and change.
func foresee(ctx context.Context, cfg *model.Config, f *model.Flow, log *slog.Logger) (plan.OnFlow, error) {
	return supervisor.Foresee(ctx, supervisor.Params{Config: cfg, Log: log}, f)
}

// openPair returns the clusters of a flow.
func openPair(cfg *model.Config, f *model.Flow, log *slog.Logger) (*offsets.Pair, error) {
	return offsets.Open(offsets.Params{Config: cfg, Flow: f, Log: log})
}
