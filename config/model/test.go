package model

import (
	"strconv"
	"time"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
)

// Test says what a flow is to make of records. It has no part in what runs.
type Test struct {
	Name   string
	Flow   string // "": the only one there is
	Input  []*TestRecord
	Expect []*TestRecord

	Range  diag.Range
	Ranges Places // of what was written
}

// TestRecord is a record of a Test: one that comes in, or what is expected of one
// that goes out.
type TestRecord struct {
	Topic     string
	Partition int32
	Offset    int64  // on the source
	Timestamp string // RFC 3339, or milliseconds since 1970; "": 0
	Key       string
	Value     string
	Headers   map[string]string

	Range diag.Range
	// Ranges tells what was written. A Key or Value that was not is null; what is
	// not written in an expected record may be anything, and that null is expected
	// is under Null.
	Ranges Places
}

// Null is the key in Places of an attribute that was written as null.
func Null(name string) string { return name + " = null" }

// TestFields declares the attributes of a test.
func TestFields(t *Test) []field.Def {
	return []field.Def{
		field.String(&t.Flow, "flow", "Name of the flow that the records go through; it may be left out where there is only one."),
	}
}

// TestRecordFields declares the attributes of the records of a test.
func TestRecordFields(r *TestRecord) []field.Def {
	return []field.Def{
		field.String(&r.Topic, "topic", "Of an input the topic on the source, of an expected record that on the target."),
		field.Int(&r.Partition, "partition", 0, 1<<30, "Number of the partition; of an input 0 where it is not written."),
		field.Int(&r.Offset, "offset", 0, 1<<62, "Offset of an input on the source; where it is not written, one behind the input before."),
		field.String(&r.Timestamp, "timestamp", "As in 2026-01-31T12:00:00Z, or milliseconds since 1970."),
		field.String(&r.Key, "key", "null, or not written in an input: there is no key."),
		field.String(&r.Value, "value", "null, or not written in an input: a tombstone."),
		field.Map(&r.Headers, "headers", "Texts by name. What is expected has to be all that there is."),
	}
}

// ParseTime reads a timestamp of a test, as milliseconds since 1970.
func ParseTime(text string) (ms int64, ok bool) {
	if text == "" {
		return 0, true
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return ms, true
	}
	t, err := time.Parse(time.RFC3339, text)
	return t.UnixMilli(), err == nil
}
