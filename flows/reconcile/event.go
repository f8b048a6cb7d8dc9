package reconcile

import "log/slog"

// Event is one change that the control plane made to a cluster.
type Event struct {
	Kind    string // what was done: "topic created", "topic config set"
	Cluster string // alias
	Object  string // what it was done to: `topic "orders" retention.ms`
	Before  string // what there was; empty: nothing
	After   string // what there is; empty: nothing
}

// Log writes the event.
func (e Event) Log(to *slog.Logger) {
	to.Info("control plane changed", "kind", e.Kind, "cluster", e.Cluster, "object", e.Object, "before", e.Before, "after", e.After)
}
