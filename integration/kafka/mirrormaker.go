package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// mirrorMakerGrace is how long MirrorMaker 2 may take to stop: its workers
// finish what they are doing for up to a minute.
const mirrorMakerGrace = 90 * time.Second

// MirrorMakerOptions say what MirrorMaker 2 to run.
type MirrorMakerOptions struct {
	Properties string   // required: the text of mm2.properties
	Version    string   // default DefaultVersion; ignored with STRAIT_KAFKA_DIR
	Clusters   []string // values of --clusters; default none
	Heap       string   // as in -Xmx; default 256m
	Production bool     // Java flags of Kafka's own start scripts, for measurements
	JVM        []string // more Java flags, last
}

// MirrorMaker is a process of the real MirrorMaker 2.
type MirrorMaker struct{ *Program }

// NewMirrorMaker starts MirrorMaker 2 with its files under dir, an existing
// directory that remains the caller's to remove. It waits for nothing: watch
// the target cluster, or Log, for what the process has done.
func NewMirrorMaker(ctx context.Context, dir string, o MirrorMakerOptions) (*MirrorMaker, error) {
	if o.Properties == "" {
		return nil, errors.New("starting MirrorMaker 2: properties are required")
	}
	d, err := prepare(ctx, cmp.Or(o.Version, DefaultVersion))
	if err != nil {
		return nil, err
	}
	files := logConfigs()
	files["mm2.properties"] = o.Properties
	if err := writeFiles(dir, files); err != nil {
		return nil, err
	}
	args := append(jvm{heap: o.Heap, production: o.Production, extra: o.JVM}.flags(d),
		"-cp", d.classPath,
		"-Dlog4j2.configurationFile="+filepath.Join(dir, "log4j2.properties"),
		"-Dlog4j.configuration=file:"+filepath.Join(dir, "log4j.properties"),
		"org.apache.kafka.connect.mirror.MirrorMaker", filepath.Join(dir, "mm2.properties"))
	if len(o.Clusters) > 0 {
		args = append(append(args, "--clusters"), o.Clusters...)
	}
	proc, err := start(d.java.path, args, dir, filepath.Join(dir, "mm2.log"))
	if err != nil {
		return nil, fmt.Errorf("starting MirrorMaker 2: %w", err)
	}
	return &MirrorMaker{&Program{name: "MirrorMaker 2", proc: proc, grace: mirrorMakerGrace}}, nil
}

// StartMirrorMaker runs MirrorMaker 2 for the length of a test. Should the
// test fail, the end of its log is printed.
func StartMirrorMaker(t testing.TB, o MirrorMakerOptions) *MirrorMaker {
	t.Helper()
	Require(t)
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	m, err := NewMirrorMaker(ctx, t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("ending MirrorMaker 2: %v", err)
		}
		if t.Failed() {
			t.Logf("MirrorMaker 2's last words:\n%s", m.Log(60))
		}
	})
	return m
}
