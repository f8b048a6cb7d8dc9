package events_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/strait-mirror/strait/pipeline/events"
)

func TestRemembersWhatTheLogIsTold(t *testing.T) {
	var ring events.Ring
	var text strings.Builder
	log := slog.New(ring.Handler(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelWarn})))
	log.With("flow", "a->b").Info("control plane changed", "kind", "topic created", "before", "", "after", "3 partitions")
	log.Debug("nothing to tell")
	log.WithGroup("kafka").Warn("broker gone", "node", 1, slog.Group("at", "time", time.Unix(0, 0)))
	log.Error("gave up", "err", strings.Repeat("x", 5000))

	want := []events.Event{
		{ID: 1, Level: "info", Message: "control plane changed", Flow: "a->b", Attrs: map[string]string{"kind": "topic created", "before": "", "after": "3 partitions"}},
		{ID: 2, Level: "warn", Message: "broker gone", Attrs: map[string]string{"kafka.node": "1", "kafka.at.time": "1970-01-01T00:00:00Z"}},
		{ID: 3, Level: "error", Message: "gave up", Attrs: map[string]string{"err": strings.Repeat("x", 1000) + "…"}},
	}
	if diff := cmp.Diff(want, ring.Since(0, 100), cmpopts.IgnoreFields(events.Event{}, "Time")); diff != "" {
		t.Error(diff)
	}
	if got := ring.Since(1, 1); len(got) != 1 || got[0].ID != 3 {
		t.Errorf("the last one after the first is %+v", got)
	}
	if s := text.String(); strings.Contains(s, "control plane") || !strings.Contains(s, "kafka.node=1") {
		t.Errorf("the log's own level does not hold:\n%s", s)
	}
}

func TestIsBounded(t *testing.T) {
	var ring events.Ring
	log := slog.New(ring.Handler(slog.DiscardHandler))
	for range 10_000 {
		log.Info("again")
	}
	got := ring.Since(0, 1<<30)
	if len(got) < 1000 || len(got) > 1250 || got[len(got)-1].ID != 10_000 || got[0].ID != got[len(got)-1].ID-int64(len(got))+1 {
		t.Errorf("%d events from %d to %d", len(got), got[0].ID, got[len(got)-1].ID)
	}
	if got := ring.Since(10_000, 10); len(got) != 0 {
		t.Errorf("after the last one there is %+v", got)
	}
}

// TestHandsOn holds the handler to what slog expects of one.
func TestHandsOn(t *testing.T) {
	var ring events.Ring
	var out bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		out.Reset()
		return ring.Handler(slog.NewJSONHandler(&out, nil))
	}, func(t *testing.T) map[string]any {
		t.Helper()
		var m map[string]any
		if err := json.Unmarshal(out.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		return m
	})
}
