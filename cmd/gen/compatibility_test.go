package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNumbers(t *testing.T) {
	tests := map[string][]int{
		"39":               {39},
		"39 and 121":       {39, 121},
		"21, 42, 44 and 7": {21, 42, 44, 7},
		"1 to 4, 6 and 8":  {1, 2, 3, 4, 6, 8},
		"67 to 69":         {67, 68, 69},
	}
	for text, want := range tests {
		if diff := cmp.Diff(want, numbers(text)); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
		if m := cited.FindStringSubmatch("It is conformance items " + text + "."); m == nil || !cmp.Equal(numbers(m[1]), want) {
			t.Errorf("%s is not found: %q", text, m)
		}
	}
}
