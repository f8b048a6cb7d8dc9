package httpapi

import (
	"time"

	"github.com/strait-mirror/strait/pipeline/events"
	"github.com/strait-mirror/strait/pipeline/status"
)

// FormatVersion is that of all answers of the API but those of other packages.
const FormatVersion = 1

// Info says what answers, and what whoever asks may do.
type Info struct {
	FormatVersion int       `json:"format_version"`
	Version       string    `json:"version"`     // of the program
	Started       time.Time `json:"started"`     // the process
	MayChange     bool      `json:"may_change"`  // what the request showed allows it to change what runs
	TokenKnown    bool      `json:"token_known"` // there is a token that would allow it
	Reload        bool      `json:"reload"`      // the topology can be read again
}

// Partitions is a part of all partitions.
type Partitions struct {
	FormatVersion int                `json:"format_version"`
	Time          time.Time          `json:"time"`
	Total         int                `json:"total"` // that were asked for, shown or not
	Partitions    []status.Partition `json:"partitions"`
}

// Topics is a part of all topics.
type Topics struct {
	FormatVersion int            `json:"format_version"`
	Time          time.Time      `json:"time"`
	Total         int            `json:"total"` // that were asked for, shown or not
	Topics        []status.Topic `json:"topics"`
}

// Events is what lately happened.
type Events struct {
	FormatVersion int            `json:"format_version"`
	Events        []events.Event `json:"events"` // oldest first
}

// Revisions is the last topologies that were read, and what became of them.
type Revisions struct {
	FormatVersion int               `json:"format_version"`
	Revisions     []status.Revision `json:"revisions"` // oldest first; empty: edits are not looked for
}

// Reloaded is what became of a request to read the topology again.
type Reloaded struct {
	FormatVersion int           `json:"format_version"`
	Reload        status.Reload `json:"reload"`
}

// Failure is the answer of every path that could not do what it was asked for.
type Failure struct {
	Error string `json:"error"`
}
