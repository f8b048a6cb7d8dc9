package status

import "time"

// What had a topology read.
const (
	ByStart   = "start"   // the process began with it
	ByFiles   = "files"   // they changed
	ByRequest = "request" // a signal, the API or strait reload
	ByRetry   = "retry"   // what they say could not be applied before
)

// What became of an edit.
const (
	Applied   = "applied"   // it runs
	Unchanged = "unchanged" // it changes nothing that runs
	Refused   = "refused"   // everything runs on as it was
)

// Revision is a topology that was read, and what became of it. It holds no secrets:
// the values of properties that are secret are not in it.
type Revision struct {
	ID       int       `json:"id"`       // 1 for what the process began with, and one more with each that was read
	Revision int       `json:"revision"` // that runs since, as in Reload
	Time     time.Time `json:"time"`     // when it was read
	Seconds  float64   `json:"seconds"`  // from then until it ran, or was refused
	Trigger  string    `json:"trigger"`  // one of the constants above
	Outcome  string    `json:"outcome"`  // likewise
	Error    string    `json:"error,omitempty"`
	Plan     string    `json:"plan,omitempty"` // how many parts there are to change in which way
	// Changes is what it changes, or would have; nothing where it could not be read.
	Changes []RevisionChange `json:"changes,omitempty"`
	// MoreChanges is how many there are beside Changes, where it was cut.
	MoreChanges int `json:"more_changes,omitempty"`
}

// RevisionChange is one difference to what ran before.
type RevisionChange struct {
	Part     string `json:"part"`               // as in `flow "a->b"`; empty: the process
	Action   string `json:"action"`             // one of the actions of strait plan
	Property string `json:"property,omitempty"` // empty: all of the part comes or goes
	Before   string `json:"before,omitempty"`
	After    string `json:"after,omitempty"`
	Note     string `json:"note,omitempty"`
}
