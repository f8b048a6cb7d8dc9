// Package examples owns the topologies that are shipped with the program: one
// folder each, the same in HCL and as properties. They are files to read and to
// start from; the demo runs one of them as it is.
package examples

import _ "embed"

//go:embed active-active/strait.hcl
var activeActive []byte

// ActiveActive returns the topology of two clusters that mirror each other, as
// HCL. It takes the clusters' addresses from WEST_BROKERS and EAST_BROKERS.
func ActiveActive() []byte { return append([]byte(nil), activeActive...) }
