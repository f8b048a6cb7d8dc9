package offsets

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/strait-mirror/strait/flows/cluster"
)

// header is the first line of positions as CSV, columns how many it names.
const (
	header  = "topic,partition,offset"
	columns = 3
)

// connectOffsets is what Kafka Connect answers to /connectors/…/offsets (KIP-875).
type connectOffsets struct {
	Offsets []connectOffset `json:"offsets"`
}

type connectOffset struct {
	Partition connectPartition `json:"partition"`
	Offset    *connectValue    `json:"offset"` // null: there is none
}

type connectPartition struct {
	Cluster   *string `json:"cluster"`
	Partition *int32  `json:"partition"`
	Topic     *string `json:"topic"`
}

type connectValue struct {
	Offset *int64 `json:"offset"`
}

// Export returns positions as CSV or JSON; source is the alias that they belong to.
func Export(source string, positions []Position, format string) ([]byte, error) {
	var b bytes.Buffer
	if format == "json" {
		doc := connectOffsets{Offsets: []connectOffset{}}
		for _, p := range positions {
			if p.Offset >= 0 {
				doc.Offsets = append(doc.Offsets, connectOffset{
					connectPartition{&source, new(p.At.Partition), new(p.At.Topic)}, &connectValue{new(p.Offset)},
				})
			}
		}
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		err := e.Encode(doc)
		return b.Bytes(), err
	}
	w := csv.NewWriter(&b)
	rows := [][]string{strings.Split(header, ",")}
	for _, p := range positions {
		if p.Offset >= 0 {
			rows = append(rows, []string{p.At.Topic, strconv.Itoa(int(p.At.Partition)), strconv.FormatInt(p.Offset, 10)})
		}
	}
	err := w.WriteAll(rows)
	return b.Bytes(), err
}

// Import reads what Export has written, or Kafka Connect: positions by partition of
// the source, -1 where there is to be none.
func (p *Pair) Import(text []byte) (map[cluster.TopicPartition]int64, error) {
	var out map[cluster.TopicPartition]int64
	var err error
	if first := bytes.TrimSpace(text); len(first) > 0 && first[0] == '{' {
		out, err = importJSON(text, p.flow.From)
	} else {
		out, err = importCSV(text)
	}
	if err == nil && len(out) == 0 {
		err = errors.New("it holds none")
	}
	if err != nil {
		return nil, fmt.Errorf("reading positions: %w", err)
	}
	return out, nil
}

func importCSV(text []byte) (map[cluster.TopicPartition]int64, error) {
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = columns
	if first, err := r.Read(); err != nil || strings.Join(first, ",") != header {
		return nil, fmt.Errorf("the first line is not %q", header)
	}
	out := map[cluster.TopicPartition]int64{}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		partition, errPartition := strconv.ParseInt(row[1], 10, 32)
		offset, errOffset := strconv.ParseInt(row[2], 10, 64)
		if row[0] == "" || errPartition != nil || errOffset != nil {
			return nil, fmt.Errorf("line %d is not a topic, a partition and an offset", line)
		}
		if err := put(out, row[0], int32(partition), offset); err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// importJSON takes what Connect's validation does (MirrorUtils, seen in 4.2.0).
func importJSON(text []byte, source string) (map[cluster.TopicPartition]int64, error) {
	var doc connectOffsets
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	out := map[cluster.TopicPartition]int64{}
	for i, o := range doc.Offsets {
		p := o.Partition
		switch {
		case p.Cluster == nil || p.Topic == nil || *p.Topic == "" || p.Partition == nil || *p.Partition < 0:
			return nil, fmt.Errorf("position %d: its partition must have a cluster, a topic and a partition", i)
		case *p.Cluster != source:
			return nil, fmt.Errorf("position %d is of cluster %q, and the source of the flow is %q", i, *p.Cluster, source)
		case o.Offset != nil && o.Offset.Offset == nil:
			return nil, fmt.Errorf("position %d: its offset must have an offset", i)
		}
		var err error
		if o.Offset == nil {
			out[cluster.TopicPartition{Topic: *p.Topic, Partition: *p.Partition}] = -1
		} else {
			err = put(out, *p.Topic, *p.Partition, *o.Offset.Offset)
		}
		if err != nil {
			return nil, fmt.Errorf("position %d: %w", i, err)
		}
	}
	return out, nil
}

// put adds a position.
func put(out map[cluster.TopicPartition]int64, topic string, partition int32, offset int64) error {
	at := cluster.TopicPartition{Topic: topic, Partition: partition}
	if partition < 0 || offset < 0 {
		return fmt.Errorf("%s/%d=%d: neither may be below 0", topic, partition, offset)
	}
	if _, twice := out[at]; twice {
		return fmt.Errorf("%s/%d is there twice", topic, partition)
	}
	out[at] = offset
	return nil
}

// None returns that no partition of topics, or of all where none is named, is to
// have a position.
func (p *Pair) None(ctx context.Context, topics []string) (map[cluster.TopicPartition]int64, error) {
	has, err := p.Positions(ctx)
	if err != nil {
		return nil, err
	}
	out := map[cluster.TopicPartition]int64{}
	for _, h := range has {
		if len(topics) == 0 || slices.Contains(topics, h.At.Topic) {
			out[h.At] = -1
		}
	}
	for _, t := range topics {
		if !slices.ContainsFunc(has, func(h Position) bool { return h.At.Topic == t }) {
			return nil, fmt.Errorf("topic %q has no positions in this flow", t)
		}
	}
	return out, nil
}
