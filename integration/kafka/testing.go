package kafka

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"
)

// startTimeout bounds the start of a cluster on a slow and busy machine; the
// first start ever also downloads Kafka.
const startTimeout = 5 * time.Minute

// Require skips the test on a machine without Java, saying what to install. In
// continuous integration (CI=true) a test that does not run is a failure.
func Require(t testing.TB) {
	t.Helper()
	if _, err := findJava(t.Context()); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("CI must run this test: %v", err)
		}
		t.Skipf("NOT RUN: %v", err)
	}
}

// Start starts a cluster for the length of a test, which it first skips where
// Require says so. Should the test fail, the ends of the nodes' logs are
// printed.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	Require(t)
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	c, err := New(ctx, t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("closing the cluster: %v", err)
		}
		if t.Failed() {
			t.Logf("the brokers' last words:\n%s", c.Logs(40))
		}
	})
	return c
}
