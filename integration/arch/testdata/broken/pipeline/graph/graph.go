// Package graph keeps state without an owner.
package graph

import (
	_ "embed"
	"errors"
	"regexp"
)

// ErrCycle is allowed: it is there to be compared with.
var ErrCycle = errors.New("cycle")

var namePattern = regexp.MustCompile(`^[a-z]+$`)

//go:embed graph.go
var text string

var allowed = map[string]int{}

var _ error = ErrCycle

var (
	count int                             // want: has the package-level variable count
	names = map[string]bool{}             // want: has the package-level variable names
	wrong = errors.New("not named error") // want: has the package-level variable wrong
)

func init() { // want: has an init function
	count++
}
