package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/strait-mirror/strait/integration/kafka"
)

// machine is what the figures hang on: the commit and what it ran on.
type machine struct {
	commit string
	java   string
	cpu    string
	kernel string
	memory string
	load   string // of the minute before the bench
}

// inspectMachine collects the facts; what a system does not tell stays "unknown".
func inspectMachine(ctx context.Context) (machine, error) {
	m := machine{cpu: "unknown", kernel: runtime.GOOS, memory: "unknown", load: "unknown"}
	head, err := exec.CommandContext(ctx, "git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return m, fmt.Errorf("finding the commit: %w", err)
	}
	m.commit = strings.TrimSpace(string(head))
	changes, err := exec.CommandContext(ctx, "git", "status", "--porcelain", "--untracked-files=no", "--", ":/", ":(exclude,top)docs").Output()
	if err != nil {
		return m, fmt.Errorf("finding uncommitted changes: %w", err)
	}
	if len(changes) > 0 {
		m.commit += " with uncommitted changes"
	}
	java := "java"
	if home := os.Getenv("JAVA_HOME"); home != "" {
		java = filepath.Join(home, "bin", "java")
	}
	version, err := exec.CommandContext(ctx, java, "-version").CombinedOutput()
	if err != nil && !errors.Is(err, exec.ErrNotFound) {
		return m, fmt.Errorf("asking Java for its version: %w", err)
	}
	m.java, _, _ = strings.Cut(string(version), "\n")
	m.cpu = after(read("/proc/cpuinfo"), "model name", m.cpu)
	if release := strings.TrimSpace(read("/proc/sys/kernel/osrelease")); release != "" {
		number, _, _ := strings.Cut(release, "-") // what follows names the build
		m.kernel += " " + number
	}
	if kib, err := strconv.ParseFloat(strings.TrimSuffix(after(read("/proc/meminfo"), "MemTotal", ""), " kB"), 64); err == nil {
		m.memory = fmt.Sprintf("%.1f GiB", kib/(1<<20))
	}
	if f := strings.Fields(read("/proc/loadavg")); len(f) > 0 {
		m.load = f[0]
	}
	return m, nil
}

// read returns a small file, or nothing.
func read(name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		return "" // another system
	}
	return string(text)
}

// after returns what follows "key:" in the first line that begins with key.
func after(text, key, otherwise string) string {
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return otherwise
}

// table is the facts as a table.
func (m machine) table() table {
	t := table{head: []string{"", ""}}
	t.add("commit", m.commit)
	t.add("Go", runtime.Version())
	t.add("Kafka and MirrorMaker 2", kafka.DefaultVersion)
	t.add("Java", m.java)
	t.add("processor", fmt.Sprintf("%s, %s", m.cpu, plural(runtime.NumCPU(), "core")))
	t.add("memory", m.memory)
	t.add("kernel", m.kernel)
	t.add("load before", m.load)
	return t
}
