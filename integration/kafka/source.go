package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// streams is the list of jars of Kafka Streams, of the default version of Kafka.
const streams = "streams-" + DefaultVersion

// SourceOptions say what Java program to run beside Kafka's classes.
type SourceOptions struct {
	File    string   // required: a program in one source file, which Java compiles itself
	Args    []string // of the program
	Env     []string // as os.Environ's, over this process's own
	Version string   // of Kafka; default DefaultVersion; ignored with STRAIT_KAFKA_DIR
	Streams bool     // Kafka Streams is on the class path, too; not with another Version
}

// RunSource runs a Java program to its end with Kafka's classes on the class
// path. What it printed is in the error if it failed.
func RunSource(ctx context.Context, o SourceOptions) error {
	path, args, err := o.command(ctx)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), o.Env...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("running %s: %w\n%s", o.File, err, text)
	}
	return nil
}

// StartSource runs a Java program as RunSource does, until the caller stops it or the
// test ends. Should the test fail, what it printed is.
func StartSource(t testing.TB, o SourceOptions) *Program {
	t.Helper()
	Require(t)
	path, args, err := o.command(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewProgram(t.TempDir(), ProgramOptions{Path: path, Args: args, Env: o.Env})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s said:\n%s", o.File, p.Log(60))
		}
		if err := p.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("ending %s: %v", o.File, err)
		}
	})
	return p
}

// command returns what runs the program.
func (o SourceOptions) command(ctx context.Context) (path string, args []string, err error) {
	if o.File == "" {
		return "", nil, errors.New("running a Java program: a file is required")
	}
	d, err := prepare(ctx, cmp.Or(o.Version, DefaultVersion))
	if err != nil {
		return "", nil, err
	}
	file, err := filepath.Abs(o.File)
	if err != nil {
		return "", nil, fmt.Errorf("finding %s: %w", o.File, err)
	}
	classes := d.classPath
	if o.Streams {
		base, err := cacheDir()
		if err != nil {
			return "", nil, err
		}
		more, err := cached(ctx, base, streams)
		if err != nil {
			return "", nil, err
		}
		classes += string(os.PathListSeparator) + more
	}
	return d.java.path, append(jvm{extra: []string{"-cp", classes, file}}.flags(d), o.Args...), nil
}
