package kafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// MirrorMaker1Options say what MirrorMaker 1 to run.
type MirrorMaker1Options struct {
	Consumer, Producer string   // required: the texts of its two properties files
	Args               []string // its other options
}

// MirrorMaker1 is a process of the real MirrorMaker 1, of Kafka 3.9: later ones
// have none.
type MirrorMaker1 struct{ *Program }

// NewMirrorMaker1 starts MirrorMaker 1 with its files under dir, an existing
// directory that remains the caller's to remove. It waits for nothing.
func NewMirrorMaker1(ctx context.Context, dir string, o MirrorMaker1Options) (*MirrorMaker1, error) {
	d, err := prepare(ctx, Version39)
	if err != nil {
		return nil, err
	}
	files := logConfigs()
	files["consumer.properties"], files["producer.properties"] = o.Consumer, o.Producer
	if err := writeFiles(dir, files); err != nil {
		return nil, err
	}
	args := append(jvm{}.flags(d), "-cp", d.classPath,
		"-Dlog4j2.configurationFile="+filepath.Join(dir, "log4j2.properties"),
		"-Dlog4j.configuration=file:"+filepath.Join(dir, "log4j.properties"),
		"kafka.tools.MirrorMaker",
		"--consumer.config", filepath.Join(dir, "consumer.properties"),
		"--producer.config", filepath.Join(dir, "producer.properties"))
	proc, err := start(d.java.path, append(args, o.Args...), dir, filepath.Join(dir, "mm1.log"))
	if err != nil {
		return nil, fmt.Errorf("starting MirrorMaker 1: %w", err)
	}
	return &MirrorMaker1{&Program{name: "MirrorMaker 1", proc: proc, grace: stopGrace}}, nil
}

// StartMirrorMaker1 runs MirrorMaker 1 for at most the length of a test. Should
// the test fail, the end of its log is printed.
func StartMirrorMaker1(t testing.TB, o MirrorMaker1Options) *MirrorMaker1 {
	t.Helper()
	Require(t)
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	m, err := NewMirrorMaker1(ctx, t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("ending MirrorMaker 1: %v", err)
		}
		if t.Failed() {
			t.Logf("MirrorMaker 1's last words:\n%s", m.Log(60))
		}
	})
	return m
}
