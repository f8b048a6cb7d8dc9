package model

import "github.com/strait-mirror/strait/config/field"

// WindowStage keeps the records of a time.
type WindowStage struct {
	From  string // a timestamp as ParseTime reads it; "": from the first record on
	Until string // the same; "": to the last one
}

func windowFields(w *WindowStage) []field.Def {
	return []field.Def{
		field.String(&w.From, "from",
			"The earliest timestamp that is copied, as in 2026-01-31T12:00:00Z, or milliseconds since 1970. Batches that end before it are dropped unopened. Others of several records are decompressed, since no header tells the earliest timestamp in a batch, and passed on as they are where all of it is in the window."),
		field.String(&w.Until, "until",
			"The earliest timestamp that is not copied any more, in the same form. Without from, batches that end before it pass unopened; others are decompressed. A record without a timestamp is older than all others."),
	}
}
