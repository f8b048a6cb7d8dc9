package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// SourceOptions say what Java program to run beside Kafka's classes.
type SourceOptions struct {
	File    string   // required: a program in one source file, which Java compiles itself
	Args    []string // of the program
	Env     []string // as os.Environ's, over this process's own
	Version string   // of Kafka; default DefaultVersion; ignored with STRAIT_KAFKA_DIR
}

// RunSource runs a Java program to its end with Kafka's classes on the class
// path. What it printed is in the error if it failed.
func RunSource(ctx context.Context, o SourceOptions) error {
	if o.File == "" {
		return errors.New("running a Java program: a file is required")
	}
	d, err := prepare(ctx, cmp.Or(o.Version, DefaultVersion))
	if err != nil {
		return err
	}
	args := append(jvm{extra: []string{"-cp", d.classPath, o.File}}.flags(d), o.Args...)
	cmd := exec.CommandContext(ctx, d.java.path, args...)
	cmd.Env = append(os.Environ(), o.Env...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("running %s: %w\n%s", o.File, err, text)
	}
	return nil
}
