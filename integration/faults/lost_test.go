package faults

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/strait-mirror/strait/integration/kafka"
)

// lost is one topic of one partition that loses records on either side.
type lost struct {
	t      *testing.T
	b      *Bed
	m      *Mirror
	w      *poisoner
	topic  string
	copies int64 // records that the target must hold by now
}

func newLost(t *testing.T, b *Bed, strait, topic string) *lost {
	t.Helper()
	return &lost{
		t: t, b: b, w: newPoisoner(t, b), topic: topic,
		m: NewMirror(t, MirrorParams{Strait: strait, From: b.A, To: b.B, Topics: topic}),
	}
}

// testLost has clusters lose records and topics, while the mirror runs and while it
// does not: what is gone is named, and everything that is there is copied once.
func testLost(t *testing.T, b *Bed, strait string) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*catchUp)
	defer cancel()
	const topic = "lost-t"
	x := newLost(t, b, strait, topic)
	x.create(ctx)
	x.write(ctx, 10, 10)
	x.start()
	x.arrive(ctx)

	// Records are deleted while nobody mirrors.
	end(t, x.m)
	x.write(ctx, 10, 5)
	var below kadm.Offsets
	below.AddOffset(topic, 0, 15, -1)
	if _, err := b.A.Admin().DeleteRecords(ctx, below); err != nil {
		t.Fatal(err)
	}
	x.start()
	x.says(ctx, "offset 10 is below the source's log, which holds 15 to 20; mirroring went on at offset 15")
	x.arrive(ctx)

	// The source topic is deleted and created again.
	x.remove(ctx, b.A, topic)
	x.says(ctx, `is not there any more`)
	x.create(ctx)
	x.write(ctx, 7, 7)
	x.says(ctx, "was created anew", "mirroring the source from its start")
	x.arrive(ctx)

	// And once more while nobody mirrors, with more records than the old one had.
	end(t, x.m)
	x.remove(ctx, b.A, topic)
	x.create(ctx)
	x.write(ctx, 30, 30)
	x.start()
	x.arrive(ctx)

	// The target topic is deleted: it gets all that the source holds.
	x.remove(ctx, b.B, "a."+topic)
	x.copies = 30
	x.says(ctx, `target topic \"a.lost-t\" was created anew`)
	x.arrive(ctx)
	x.equal(ctx)

	// The source loses the end of its log, as by an unclean election, and goes on.
	if err := b.A.Crash(1); err != nil {
		t.Fatal(err)
	}
	cut(t, b.A, topic, 0)
	if err := b.A.Revive(ctx, 1); err != nil {
		t.Fatal(err)
	}
	x.write(ctx, 3, 3)
	x.says(ctx, "the source's log was cut", "mirroring went on at offset")
	x.arrive(ctx)
	end(t, x.m)
	if n := strings.Count(x.m.Output(), "exact position not proven"); n > 0 {
		t.Errorf("%d positions were not proven", n)
	}
}

func (x *lost) create(ctx context.Context) {
	x.t.Helper()
	if err := x.b.A.CreateTopic(ctx, kafka.Topic{Name: x.topic, Partitions: 1}); err != nil {
		x.t.Fatal(err)
	}
}

// remove deletes a topic and has the writer forget it.
func (x *lost) remove(ctx context.Context, on *Side, topic string) {
	x.t.Helper()
	if _, err := on.Admin().DeleteTopics(ctx, topic); err != nil {
		x.t.Fatal(err)
	}
	x.w.cl.PurgeTopicsFromClient(topic)
}

// write writes n records of which so many are to arrive.
func (x *lost) write(ctx context.Context, n, arrive int) {
	x.t.Helper()
	for range n {
		x.w.write(ctx, x.topic, 0, 100)
	}
	x.copies += int64(arrive)
}

func (x *lost) start() {
	x.t.Helper()
	if err := x.m.Start(); err != nil {
		x.t.Fatal(err)
	}
}

// says waits until one line of the log has all texts.
func (x *lost) says(ctx context.Context, texts ...string) {
	x.t.Helper()
	err := poll(ctx, sampleEvery, func() (bool, error) {
	lines:
		for line := range strings.Lines(x.m.Output()) {
			for _, text := range texts {
				if !strings.Contains(line, text) {
					continue lines
				}
			}
			return true, nil
		}
		return false, fmt.Errorf("no line of the log has all of %q", texts)
	})
	if err != nil {
		x.t.Fatal(err)
	}
}

// arrive waits until the target holds as many records as it must.
func (x *lost) arrive(ctx context.Context) {
	x.t.Helper()
	err := poll(ctx, sampleEvery, func() (bool, error) {
		ends, err := x.b.B.Admin().ListEndOffsets(ctx, "a."+x.topic)
		if err != nil {
			return false, err
		}
		got := ends["a."+x.topic][0].Offset
		if got > x.copies {
			x.t.Fatalf("the target holds %d records, want %d", got, x.copies)
		}
		return got == x.copies, fmt.Errorf("the target holds %d records, want %d", got, x.copies)
	})
	if err != nil {
		x.t.Fatal(err)
	}
}

// equal compares both sides record by record.
func (x *lost) equal(ctx context.Context) {
	x.t.Helper()
	_, err := Judge(ctx, JudgeParams{
		From: x.b.A, To: x.b.B, Topics: []string{x.topic}, Name: func(topic string) string { return "a." + topic },
	})
	if err != nil {
		x.t.Error(err)
	}
}
