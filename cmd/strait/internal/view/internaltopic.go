package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/strait-mirror/strait/flows/internaltopic"
)

// mostPairs is how many pairs of offsets a line of text holds.
const mostPairs = 4

type internalRecordJSON struct {
	FormatVersion int            `json:"format_version"`
	Topic         string         `json:"topic"`
	Partition     int32          `json:"partition"`
	Offset        int64          `json:"offset"`
	Time          time.Time      `json:"time"`
	Kind          string         `json:"kind"`
	Fields        map[string]any `json:"fields"`
	Problem       string         `json:"problem,omitempty"` // why it could not be decoded
}

// InternalRecord shows a record of an internal topic on a line of its own.
func (v *View) InternalRecord(topic string, r internaltopic.Record, asJSON bool) error {
	if asJSON {
		return v.jsonLine(internalRecord(topic, r))
	}
	line := []string{fmt.Sprintf("%d/%d", r.Partition, r.Offset), r.Time.UTC().Format("2006-01-02T15:04:05.000Z")}
	for _, f := range r.Fields {
		line = append(line, v.Faint(f.Name+"=")+fieldText(f.Value))
	}
	if r.Problem != nil {
		line = append(line, v.Bad("cannot be decoded: "+visibleText(r.Problem.Error())))
	}
	v.Print("%s", strings.Join(line, " "))
	return nil
}

// jsonLine writes a value on one line.
func (v *View) jsonLine(value any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	v.Raw(b.Bytes())
	return nil
}

func internalRecord(topic string, r internaltopic.Record) internalRecordJSON {
	doc := internalRecordJSON{
		FormatVersion: 1, Topic: topic, Partition: r.Partition, Offset: r.Offset, Time: r.Time.UTC(), Kind: string(r.Kind),
		Fields: make(map[string]any, len(r.Fields)),
	}
	for _, f := range r.Fields {
		doc.Fields[f.Name] = f.Value
	}
	if r.Problem != nil {
		doc.Problem = r.Problem.Error()
	}
	return doc
}

// fieldText is a field's value for people.
func fieldText(value any) string {
	switch value := value.(type) {
	case string:
		return visibleText(value)
	case json.RawMessage:
		return visibleText(string(value))
	case internaltopic.Pairs:
		return pairsText(value)
	default:
		return fmt.Sprint(value)
	}
}

// visibleText quotes what would not be seen, or not as one word.
func visibleText(text string) string {
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == '\uFFFD' }) {
		return strconv.Quote(text)
	}
	return text
}

// pairsText shows the ends of a list of pairs.
func pairsText(pairs internaltopic.Pairs) string {
	var out []string
	for i, p := range pairs {
		if len(pairs) > mostPairs && i == mostPairs/2 {
			out = append(out, fmt.Sprintf("… %d more …", len(pairs)-mostPairs))
		}
		if len(pairs) <= mostPairs || i < mostPairs/2 || i >= len(pairs)-mostPairs/2 {
			out = append(out, fmt.Sprintf("%d→%d", p[0], p[1]))
		}
	}
	return "[" + strings.Join(out, " ") + "]"
}
