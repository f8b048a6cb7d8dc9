package model

import (
	"maps"
	"reflect"
	"slices"
)

// Clone returns a copy that shares nothing with c.
func (c *Cluster) Clone() *Cluster {
	out := *c
	out.BootstrapServers = slices.Clone(c.BootstrapServers)
	out.Properties, out.Ranges = maps.Clone(c.Properties), maps.Clone(c.Ranges)
	if c.TLS != nil {
		out.TLS = c.TLS.clone()
	}
	if c.SASL != nil {
		sasl := *c.SASL
		sasl.OAuth.Extensions = slices.Clone(sasl.OAuth.Extensions)
		sasl.OAuth.TLS = *sasl.OAuth.TLS.clone()
		out.SASL = &sasl
	}
	return &out
}

func (t *TLS) clone() *TLS {
	out := *t
	out.CipherSuites = slices.Clone(t.CipherSuites)
	return &out
}

// clone returns a copy whose properties can be set without those of s.
func (s *Stage) clone() *Stage {
	out := *s
	if s.Filter != nil {
		filter := *s.Filter
		out.Filter = &filter
	}
	if s.Rename != nil {
		rename := *s.Rename
		out.Rename = &rename
	}
	if s.Partition != nil {
		partition := *s.Partition
		out.Partition = &partition
	}
	if s.Window != nil {
		window := *s.Window
		out.Window = &window
	}
	if s.Headers != nil {
		headers := *s.Headers
		out.Headers = &headers
	}
	if s.Mask != nil {
		mask := *s.Mask
		out.Mask = &mask
	}
	if s.Set != nil {
		set := *s.Set
		out.Set = &set
	}
	return &out
}

// SameAs reports whether c and o reach a cluster in the same way, wherever that
// was written.
func (c *Cluster) SameAs(o *Cluster) bool {
	d := &differ{}
	d.fields("", reflect.ValueOf(*c), reflect.ValueOf(*o))
	return len(d.found) == 0
}
