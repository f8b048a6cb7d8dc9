// Package cluster is where clients are made.
package cluster

import "github.com/twmb/franz-go/pkg/kgo"

// New makes one.
func New() (*kgo.Client, error) { return kgo.NewClient() }
