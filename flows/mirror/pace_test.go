package mirror

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	const interval = 5 * time.Second
	type pass struct {
		took  time.Duration
		quiet bool
		rest  time.Duration
	}
	for name, passes := range map[string][]pass{
		"creating topics lengthens no rest": {
			{6 * time.Second, false, 0},
			{20 * time.Millisecond, true, 4980 * time.Millisecond},
			{20 * time.Millisecond, true, 4980 * time.Millisecond},
			{20 * time.Millisecond, true, 4980 * time.Millisecond},
			{3 * time.Second, false, 2 * time.Second},
			{20 * time.Millisecond, true, 4980 * time.Millisecond},
		},
		"nor does one busy moment": {
			{20 * time.Millisecond, true, 4980 * time.Millisecond},
			{2 * time.Second, true, 3 * time.Second},
			{20 * time.Millisecond, true, 4980 * time.Millisecond},
			{2 * time.Second, true, 3 * time.Second},
			{2 * time.Second, true, 3 * time.Second},
		},
		"a slow cluster does": {
			{time.Second, true, 4 * time.Second},
			{2 * time.Second, true, 3 * time.Second},
			{time.Second, true, 99 * time.Second},
			{100 * time.Millisecond, true, 9900 * time.Millisecond},
		},
	} {
		var p pace
		for i, step := range passes {
			if got := p.rest(interval, step.took, step.quiet); got != step.rest {
				t.Errorf("%s: after pass %d the rest is %v, want %v", name, i, got, step.rest)
			}
		}
	}
}
