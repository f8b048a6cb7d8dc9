package graph

import "fmt"

// Needs is how much of a record batch a node has to see.
type Needs int

// What a node may need, least first.
const (
	NeedsNames   Needs = iota + 1 // of topics and partitions, no record at all
	NeedsHeader                   // the batch header: 61 bytes in front of the records
	NeedsPayload                  // the records as one compressed blob
	NeedsRecords                  // the records
)

// String is the word for it.
func (n Needs) String() string {
	switch n {
	case NeedsNames:
		return "names"
	case NeedsHeader:
		return "header"
	case NeedsPayload:
		return "payload"
	case NeedsRecords:
		return "records"
	}
	return "invalid"
}

// MarshalText is String.
func (n Needs) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// Mode is how batches travel along a path.
type Mode string

// The modes, cheapest first.
const (
	PassThrough Mode = "pass-through" // byte for byte but for the header
	Transcode   Mode = "transcode"    // compressed anew as one blob, records not parsed
	Decode      Mode = "decode"       // records are parsed; batches that change are built anew
)

// mode is what a need leads to.
func (n Needs) mode() Mode {
	switch n {
	case NeedsRecords:
		return Decode
	case NeedsPayload:
		return Transcode
	case NeedsNames, NeedsHeader:
	}
	return PassThrough
}

// Reason is why a path has its mode.
type Reason struct {
	Node string // id; empty: no node asks for more than pass-through
	Text string // a clause: "only names and headers are needed"
}

// reasons returns the mode of a path over nodes, and the nodes to blame for it.
func reasons(nodes []*Node) (Mode, []Reason) {
	most := NeedsNames
	for _, n := range nodes {
		most = max(most, n.Needs)
	}
	if most.mode() == PassThrough {
		return PassThrough, []Reason{{Text: "only names and headers are needed"}}
	}
	var why []Reason
	for _, n := range nodes {
		if n.Needs == most {
			why = append(why, Reason{Node: n.ID, Text: fmt.Sprintf("%s needs the %s", n.title(), most)})
		}
	}
	return most.mode(), why
}

// title names a node in a sentence.
func (n *Node) title() string {
	if n.Kind == Stage {
		return fmt.Sprintf("%s %q", n.Stage, n.Name)
	}
	return fmt.Sprintf("%s %q", n.Kind, n.Name)
}
