package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Size of the topology that is linted.
const (
	lintClusters = 100
	lintFlows    = 1000
)

// wideTopology writes a topology of many flows between many clusters.
func wideTopology(language string) string {
	var b strings.Builder
	if language == "hcl" {
		b.WriteString("locals {\n  topics = [\"orders.*\", \"payments\"]\n}\n")
	} else {
		aliases := make([]string, lintClusters)
		for i := range aliases {
			aliases[i] = fmt.Sprintf("c%d", i)
		}
		fmt.Fprintf(&b, "clusters = %s\n", strings.Join(aliases, ", "))
	}
	for i := range lintClusters {
		if language == "hcl" {
			fmt.Fprintf(&b, "cluster \"c%d\" {\n  bootstrap_servers = [\"c%[1]d:9092\"]\n}\n", i)
		} else {
			fmt.Fprintf(&b, "c%d.bootstrap.servers = c%[1]d:9092\n", i)
		}
	}
	for i := range lintFlows {
		from := i % lintClusters
		to := (from + 1 + i/lintClusters) % lintClusters
		if language == "hcl" {
			fmt.Fprintf(&b, "flow \"c%d->c%d\" {\n  topics             = concat(local.topics, [\"t%d\\\\..*\"])\n  replication_factor = 3\n}\n", from, to, i)
		} else {
			fmt.Fprintf(&b, "c%[1]d->c%[2]d.enabled = true\nc%[1]d->c%[2]d.topics = orders.*, payments, t%[3]d\\\\..*\nc%[1]d->c%[2]d.replication.factor = 3\n", from, to, i)
		}
	}
	return b.String()
}

// lint measures whole processes of strait lint on large files.
func (b *bench) lint(ctx context.Context) (*page, error) {
	p := &page{title: "Lint of a large file", single: true}
	p.say("`strait lint` on one file of %d clusters and %d flows, each with three patterns of topics, without findings: from the start of the process to its end. The brokers of the bench stand idle beside it. %d runs of each language.", lintClusters, lintFlows, b.s.runs)
	dir, err := b.lab.newDir("lint")
	if err != nil {
		return nil, err
	}
	runs := table{head: []string{"run", "language", "seconds", "CPU s"}}
	seconds := spreadTable("seconds")
	var all []float64
	for _, language := range []string{"hcl", "properties"} {
		path := filepath.Join(dir, "wide."+language)
		if err := os.WriteFile(path, []byte(wideTopology(language)), 0o600); err != nil {
			return nil, fmt.Errorf("writing a large topology: %w", err)
		}
		var took []float64
		for i := range b.s.runs {
			began := time.Now()
			cmd := exec.CommandContext(ctx, b.s.strait, "lint", path)
			out, err := cmd.CombinedOutput()
			wall := time.Since(began)
			if err != nil {
				return nil, errors.Join(fmt.Errorf("linting: %w", err), errors.New(string(out[:min(len(out), 1000)])))
			}
			cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			runs.add(i+1, language, number(wall.Seconds()), number(cpu.Seconds()))
			took = append(took, wall.Seconds())
		}
		seconds.spread(language, took)
		all = append(all, took...)
	}
	p.tables = append(p.tables, seconds, runs)
	p.goals = append(p.goals, atMost("seconds for 1,000 flows, largest", all, slices.Max, 1, " s"))
	return p, nil
}
