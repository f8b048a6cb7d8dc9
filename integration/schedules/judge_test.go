package schedules

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/integration/compare"
)

// await waits until the flow is at the end of the source.
func (s *schedule) await() {
	s.t.Helper()
	cl, err := kgo.NewClient(s.opts(s.source)...)
	if err != nil {
		s.t.Fatal(err)
	}
	defer cl.Close()
	mark := strconv.Itoa(s.made) + "-last"
	for _, topic := range s.topics {
		for p := range int32(partitions) {
			r := &kgo.Record{Topic: topic, Partition: p, Key: []byte(mark + topic)}
			if err := cl.ProduceSync(s.t.Context(), r).FirstErr(); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	to, err := kgo.NewClient(s.opts(s.target)...)
	if err != nil {
		s.t.Fatal(err)
	}
	defer to.Close()
	for deadline := time.Now().Add(settled); ; time.Sleep(200 * time.Millisecond) {
		if s.arrived(kadm.NewClient(to), mark) {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the flow has not come to the end: %+v", s.life.flow.Status())
		}
	}
}

// arrived reports whether the last record of each partition is on the target.
func (s *schedule) arrived(to *kadm.Client, mark string) bool {
	if _, err := to.ListEndOffsets(s.t.Context(), s.copy); err != nil || s.target.TopicInfo(s.copy) == nil {
		return false
	}
	got, err := s.copied()
	if err != nil {
		return false
	}
	last := map[string]bool{}
	for p, records := range got {
		for _, r := range records {
			if strings.HasPrefix(string(r.Key), mark) {
				last[fmt.Sprintf("%s/%d", r.Key, p)] = true
			}
		}
	}
	return len(last) == len(s.topics)*partitions
}

// copied reads the target topic.
func (s *schedule) copied() (map[int32][]compare.Record, error) {
	return compare.Read(s.t.Context(), s.opts(s.target), s.copy, compare.ReadOptions{ReadCommitted: s.delivery == model.Transactional})
}

// judge compares all records, those of each source topic with what the target
// has of them.
func (s *schedule) judge() {
	s.t.Helper()
	to, err := s.copied()
	if err != nil {
		s.t.Fatal(err)
	}
	exact := s.delivery != model.AtLeastOnce
	for _, topic := range s.topics {
		from, err := compare.Read(s.t.Context(), s.opts(s.source), topic, compare.ReadOptions{ReadCommitted: true})
		if err != nil {
			s.t.Fatal(err)
		}
		report := compare.Diff(from, s.of(topic, to), compare.Options{AllowDuplicates: !exact})
		if err := report.Err(); err != nil {
			s.t.Errorf("%s: %v", s.delivery, err)
		}
		s.repeated += int(report.Duplicates)
		s.t.Logf("%s of %s to %s: %s", s.delivery, topic, s.copy, report)
	}
	if exact && s.unproven > 0 {
		s.t.Errorf("%d places could not be proven", s.unproven)
	}
}

// of returns the records of the target that are a source topic's.
func (s *schedule) of(topic string, all map[int32][]compare.Record) map[int32][]compare.Record {
	own := map[int32][]compare.Record{}
	for p, records := range all {
		for _, r := range records {
			if strings.HasSuffix(string(r.Key), topic) {
				own[p] = append(own[p], r)
			}
		}
	}
	return own
}
