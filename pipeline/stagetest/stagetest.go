// Package stagetest owns what becomes of the test blocks of a topology: the records
// of each go through the stages of its flow, as they would on their way from one
// cluster to the other, and what comes out is compared with what is expected. It is
// offline and pure.
package stagetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/transforms/chain"
	"github.com/strait-mirror/strait/transforms/program"
	"github.com/strait-mirror/strait/transforms/record"
)

// Result is what became of one test.
type Result struct {
	Test     *model.Test
	Failures []Failure // none: it passed
}

// Failure is one difference between what is expected and what came out.
type Failure struct {
	At   diag.Range
	Text string
}

// Run runs the tests of a topology without errors in file order, those whose names
// match says yes to.
func Run(cfg *model.Config, match func(name string) bool) []Result {
	var results []Result
	for _, t := range cfg.Tests {
		if match(t.Name) {
			results = append(results, Result{Test: t, Failures: run(cfg, t)})
		}
	}
	return results
}

// output is a record on the target.
type output struct {
	record.Record
	partition int32 // -1: only the target can tell
	from      *model.TestRecord
}

func run(cfg *model.Config, t *model.Test) []Failure {
	i := slices.IndexFunc(cfg.Flows, func(f *model.Flow) bool { return t.Flow == "" || f.Name == t.Flow })
	f := cfg.Flows[i]
	c, problems := chain.ForFlow(f)
	if err := problems.Err(); err != nil {
		return []Failure{{t.Range, err.Error()}}
	}
	var outputs []output
	var failures []Failure
	next := int64(0)
	for _, in := range t.Input {
		if in.Ranges.Of("offset").IsZero() {
			in.Offset = next
		}
		next = in.Offset + 1
		out, kept, err := send(f, c, in)
		switch {
		case err != nil:
			failures = append(failures, Failure{in.Range, err.Error()})
		case kept:
			outputs = append(outputs, out)
		}
	}
	return append(failures, compare(t, outputs)...)
}

// send sends a record through a flow. The error says what stops its partition.
func send(f *model.Flow, c *chain.Chain, in *model.TestRecord) (out output, kept bool, err error) {
	route := c.Route(in.Topic)
	if route.Err != nil {
		return out, false, fmt.Errorf("topic %q cannot be mirrored: %w", in.Topic, route.Err)
	}
	if !route.Copy {
		return out, false, nil
	}
	source := read(in)
	out = output{Record: source, partition: in.Partition, from: in}
	out.Topic = route.Target
	p := f.PartitionMapping()
	if p.Mapping != model.MappingIdentity {
		out.partition = -1
		if p.Partitions > 0 {
			out.partition = c.Place(in.Partition, source.Key, p.Partitions)
		}
	}
	records := c.Records(in.Topic)
	if records == nil {
		return out, true, nil
	}
	made := source
	kept, err = records.Apply(&made, nil)
	if dead, ok := errors.AsType[*program.Error](err); ok && dead.DeadLetter {
		out.Topic, out.partition = f.DeadLetterTopic, -1
		return out, true, nil
	}
	if p.Partitions > 0 && p.Mapping == model.MappingKey {
		out.partition = c.Place(in.Partition, made.Key, p.Partitions)
	}
	made.Topic = out.Topic
	out.Record = made
	return out, kept, err
}

// read is a record as the source holds it.
func read(in *model.TestRecord) record.Record {
	r := record.Record{Topic: in.Topic, Partition: in.Partition, Offset: in.Offset}
	r.Timestamp, _ = model.ParseTime(in.Timestamp) // it was read before
	if !in.Ranges.Of("key").IsZero() {
		r.Key = []byte(in.Key)
	}
	if !in.Ranges.Of("value").IsZero() {
		r.Value = []byte(in.Value)
	}
	for _, name := range slices.Sorted(maps.Keys(in.Headers)) {
		r.Headers = append(r.Headers, record.Header{Key: name, Value: []byte(in.Headers[name])})
	}
	return r
}

// compare holds what came out against what is expected, in order.
func compare(t *model.Test, outputs []output) (failures []Failure) {
	for i, want := range t.Expect {
		if i >= len(outputs) {
			failures = append(failures, Failure{want.Range, fmt.Sprintf("expected a record, but only %d came out", len(outputs))})
			break
		}
		failures = append(failures, differences(want, outputs[i])...)
	}
	for i := len(t.Expect); i < len(outputs); i++ {
		failures = append(failures, Failure{outputs[i].from.Range, "came out and was not expected: " + show(outputs[i])})
	}
	return failures
}

// differences compares what want says with a record.
func differences(want *model.TestRecord, got output) (failures []Failure) {
	add := func(name, is, wanted string) {
		at := want.Ranges.Of(name)
		if at.IsZero() {
			at = want.Ranges.Of(model.Null(name))
		}
		if !at.IsZero() && is != wanted {
			failures = append(failures, Failure{at, fmt.Sprintf("%s is %s, expected %s", name, is, wanted)})
		}
	}
	nullable := func(name, text string) string {
		if want.Ranges.Of(name).IsZero() {
			return "null"
		}
		return quote([]byte(text))
	}
	at, _ := model.ParseTime(want.Timestamp) // it was read before
	add("topic", quote([]byte(got.Topic)), quote([]byte(want.Topic)))
	add("partition", partition(got.partition), partition(want.Partition))
	add("offset", fmt.Sprint(got.Offset), fmt.Sprint(want.Offset))
	add("timestamp", fmt.Sprint(got.Timestamp), fmt.Sprint(at))
	add("key", quote(got.Key), nullable("key", want.Key))
	add("value", quote(got.Value), nullable("value", want.Value))
	var headers []record.Header
	for _, name := range slices.Sorted(maps.Keys(want.Headers)) {
		headers = append(headers, record.Header{Key: name, Value: []byte(want.Headers[name])})
	}
	sorted := slices.Clone(got.Headers)
	slices.SortStableFunc(sorted, func(a, b record.Header) int { return strings.Compare(a.Key, b.Key) })
	add("headers", headersOf(sorted), headersOf(headers))
	return failures
}

func partition(n int32) string {
	if n < 0 {
		return "known to the target alone"
	}
	return fmt.Sprint(n)
}

func headersOf(list []record.Header) string {
	parts := make([]string, len(list))
	for i, h := range list {
		parts[i] = h.Key + " = " + quote(h.Value)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// quote writes bytes as they would be in a topology.
func quote(b []byte) string {
	if b == nil {
		return "null"
	}
	return fmt.Sprintf("%q", b)
}

func show(o output) string {
	return fmt.Sprintf("topic %q, key %s, value %s, headers %s", o.Topic, quote(o.Key), quote(o.Value), headersOf(o.Headers))
}
