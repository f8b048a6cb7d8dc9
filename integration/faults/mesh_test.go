package faults

import (
	"context"
	"testing"

	"github.com/strait-mirror/strait/integration/kafka"
)

// TestMesh has three clusters of which each mirrors to both others under unchanged
// names, with producers on every side, and kills the mirror: no record returns,
// none is lost, and none arrives twice.
func TestMesh(t *testing.T) {
	if testing.Short() {
		t.Skip("starts brokers")
	}
	b := NewBed(t, 1, 1, nil)
	c := &Side{Alias: "c"}
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	t.Cleanup(func() {
		if err := c.close(); err != nil {
			t.Errorf("closing cluster c: %v", err)
		}
	})
	if err := c.start(ctx, t.TempDir(), kafka.Options{Brokers: 1, Reroute: true, Config: config(1)}); err != nil {
		t.Fatal(err)
	}
	s := seed(t)
	newBothWays(t, []*Side{b.A, b.B, c}, BuildStrait(t), 1, s).survive(s)
}
