package recent_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/strait-mirror/strait/flows/internal/recent"
)

func TestValues(t *testing.T) {
	var v recent.Values
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	nan := math.NaN()
	for _, step := range []struct {
		at    time.Duration
		add   float64
		count int64
		want  recent.Summary
	}{
		{0, 0, 0, recent.Summary{Last: nan, Average: nan, Least: nan, Most: nan}},
		{0, 6, 1, recent.Summary{Last: 6, Average: 6, Least: 6, Most: 6, PerSecond: 0.2}},
		{10 * time.Second, 2, 3, recent.Summary{Last: 2, Average: 3, Least: 2, Most: 6, PerSecond: 0.4}},
		{40 * time.Second, 20, 4, recent.Summary{Last: 20, Average: 11.5, Least: 2, Most: 20, PerSecond: 92.0 / 40}},
		{60 * time.Second, 0, 0, recent.Summary{Last: 20, Average: 20, Least: 20, Most: 20, PerSecond: 80.0 / 30}},
		{95 * time.Second, 0, 0, recent.Summary{Last: 20, Average: 20, Least: 20, Most: 20, PerSecond: 80.0 / 55}},
		{10 * time.Minute, 0, 0, recent.Summary{Last: 20, Average: nan, Least: nan, Most: nan}},
		{20 * time.Minute, 7, 2, recent.Summary{Last: 7, Average: 7, Least: 7, Most: 7, PerSecond: 14.0 / 30}},
	} {
		at := began.Add(step.at)
		if step.count > 0 {
			v.Add(at, step.add, step.count)
		}
		if d := cmp.Diff(step.want, v.At(at), cmpopts.EquateNaNs(), cmpopts.EquateApprox(0, 1e-9)); d != "" {
			t.Errorf("at %v (-want +got):\n%s", step.at, d)
		}
	}
}
