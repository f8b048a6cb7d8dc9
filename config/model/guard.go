package model

// Values of Flow.LoopGuard.
const (
	LoopGuardAuto  = "auto"  // on where the policy keeps topic names: what came from the target is left out
	LoopGuardLocal = "local" // as auto, and whatever a flow brought to the source is left out, wherever it came from
	LoopGuardOff   = "off"
)

// Guarded reports whether f leaves out records that came from its target, and
// tells flows in the other direction which records are its own. A flow like
// MirrorMaker 1 keeps nothing on the target but records.
func (f *Flow) Guarded() bool {
	return f.ReplicationPolicy == PolicyIdentity && f.LoopGuard != LoopGuardOff && f.MirrorMaker1 == nil
}
