package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/strait-mirror/strait/cmd/strait/internal/view"
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/pipeline/preview"
)

// maxList is the most bytes of a list of topics.
const maxList = 64 << 20

// topicsFlags are the flags of topics.
type topicsFlags struct {
	list    string
	online  bool
	flows   []string
	output  string
	timeout time.Duration
}

func (a *app) newTopics() *cobra.Command {
	var f topicsFlags
	cmd := &cobra.Command{
		Use:   "topics FILE...",
		Short: "Show which topics would be copied, why, and under which name",
		Long: "Topics shows what each flow does with topics: whether it copies them, which rule\n" +
			"decides that, and what they are called on the target. The names come from a list\n" +
			"(--list, one a line, \"-\" reads standard input) or from the source clusters\n" +
			"(--online). Without --flow it shows the flows that are enabled.",
		Example: "  kafka-topics.sh --bootstrap-server a:9092 --list | strait topics --list - mm2.properties\n" +
			"  strait topics --online --flow 'dc1->dc2' topology.hcl",
		Args: a.needsTopology,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case (f.list != "") == f.online:
				return errors.New("topics needs either --list or --online")
			case f.timeout <= 0:
				return errors.New("--timeout must be positive")
			case f.output != "text" && f.output != "json":
				return fmt.Errorf("--output is %q, not text or json", f.output)
			}
			return a.topics(cmd.Context(), args, f)
		},
	}
	flags := cmd.Flags()
	a.vars.register(flags)
	a.one.register(flags)
	flags.StringVar(&f.list, "list", "", "file with names of topics, one a line; - is standard input")
	flags.BoolVar(&f.online, "online", false, "ask the source clusters for their topics")
	flags.StringArrayVar(&f.flows, "flow", nil, "show this flow only; may be given several times")
	flags.StringVar(&f.output, "output", "text", "text or json")
	flags.DurationVar(&f.timeout, "timeout", 30*time.Second, "with --online: how long to wait for a cluster")
	a.completeFlows(cmd, "flow")
	return cmd
}

func (a *app) topics(ctx context.Context, paths []string, f topicsFlags) error {
	a.offline = !f.online
	cfg, err := a.topology(paths)
	if err != nil {
		return err
	}
	flows, err := pickFlows(cfg, f.flows)
	if err != nil {
		return err
	}
	names, err := a.topicNames(ctx, cfg, flows, f)
	if err != nil {
		return failed(err)
	}
	out := view.Topics{}
	for _, flow := range flows {
		list, ok := names[flow.From]
		if !ok {
			continue // its cluster did not answer, which is said below
		}
		previewed, problems := preview.Topics(flow, list)
		if problems.HasErrors() {
			return failed(problems.Err())
		}
		out.Flows = append(out.Flows, previewed)
	}
	if err := a.view.Topics(out, f.output == "json"); err != nil {
		return failed(err)
	}
	if len(out.Flows) < len(flows) {
		return &resultError{code: exitFailed}
	}
	return nil
}

// pickFlows returns the named flows, or those that are enabled.
func pickFlows(cfg *model.Config, names []string) ([]*model.Flow, error) {
	var known []string
	for _, f := range cfg.Flows {
		known = append(known, f.Name)
	}
	for _, name := range names {
		if slices.Contains(known, name) {
			continue
		}
		if near := field.Suggest(name, known); near != "" {
			return nil, fmt.Errorf("no flow %q: did you mean %q?", name, near)
		}
		return nil, fmt.Errorf("no flow %q", name)
	}
	var flows []*model.Flow
	for _, f := range cfg.Flows {
		if slices.Contains(names, f.Name) || len(names) == 0 && f.Enabled {
			flows = append(flows, f)
		}
	}
	return flows, nil
}

// topicNames returns the names to ask flows about, by source cluster. A cluster
// that does not answer is left out, and the reason shown.
func (a *app) topicNames(ctx context.Context, cfg *model.Config, flows []*model.Flow, f topicsFlags) (map[string][]string, error) {
	names := map[string][]string{}
	for _, flow := range flows {
		names[flow.From] = nil
	}
	if !f.online {
		list, err := a.readList(f.list)
		for alias := range names {
			names[alias] = list
		}
		return names, err
	}
	log := slog.New(slog.DiscardHandler) // what is wrong comes back as an error
	type answer struct {
		alias string
		names []string
		err   error
	}
	answers := make(chan answer, len(names))
	var g errgroup.Group
	for alias := range names {
		g.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, f.timeout)
			defer cancel()
			list, err := a.p.ListTopics(ctx, cfg.Cluster(alias), log)
			answers <- answer{alias, list, err}
			return nil
		})
	}
	_ = g.Wait() // its functions return nil
	close(answers)
	for got := range answers {
		names[got.alias] = got.names
		if got.err != nil {
			a.view.Error(got.err)
			delete(names, got.alias)
		}
	}
	return names, nil
}

// readList reads the file of --list.
func (a *app) readList(path string) ([]string, error) {
	from, name := a.p.Stdin, "standard input"
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("reading a list of topics: %w", err)
		}
		defer file.Close()
		from, name = file, path
	}
	text, err := io.ReadAll(io.LimitReader(from, maxList+1))
	if err != nil {
		return nil, fmt.Errorf("reading a list of topics: %w", err)
	}
	if len(text) > maxList {
		return nil, fmt.Errorf("reading a list of topics: %s has more than %d bytes", name, maxList)
	}
	list, problems := preview.ParseList(name, text)
	var src diag.Sources
	src.Add(name, text)
	a.view.Diagnostics(problems, &src)
	if problems.HasErrors() {
		return nil, &resultError{code: exitFailed}
	}
	return list, nil
}
