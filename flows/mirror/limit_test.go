package mirror

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/strait-mirror/strait/config/model"
)

func TestLimit(t *testing.T) {
	tests := map[string]struct {
		bytes, records int64
		fetch          int64 // bytes of each
		batch          int64 // records of each
		took           time.Duration
	}{
		"none":              {0, 0, 1 << 20, 1000, 0},
		"bytes":             {1000, 0, 500, 1000, 10 * time.Second},
		"records":           {0, 100, 1 << 20, 50, 10 * time.Second},
		"the tighter":       {1000, 10, 500, 10, 20 * time.Second},
		"larger than a lot": {1000, 0, 5000, 1, 100 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLimit(&atomic.Int64{}, &model.Flow{BytesPerSecond: tt.bytes, RecordsPerSecond: tt.records})
				begun := time.Now()
				for range 20 {
					l.Fetched(tt.fetch)
					l.read(tt.batch)
					if err := l.Wait(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				// A limit that was unused before holds nothing back at once.
				if took := time.Since(begun); took < tt.took-2*time.Second || took > tt.took+time.Second || took != l.waited() {
					t.Errorf("took %v, waited %v, want about %v", took, l.waited(), tt.took)
				}
			})
		})
	}
}

// TestLimitChanges lifts a limit while somebody waits for it, and ends a wait.
func TestLimitChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		progress := &atomic.Int64{}
		l := newLimit(progress, &model.Flow{BytesPerSecond: 1})
		l.Fetched(1000)
		begun := time.Now()
		ended := make(chan error)
		go func() { ended <- l.Wait(t.Context()) }()
		time.Sleep(10*time.Second + time.Second/2)
		l.set(&model.Flow{})
		if err := <-ended; err != nil || time.Since(begun) > 12*time.Second || progress.Load() < 10 {
			t.Errorf("%v after %v, progress %d", err, time.Since(begun), progress.Load())
		}
		l.set(&model.Flow{BytesPerSecond: 1})
		l.Fetched(1000)
		why := errors.New("over")
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() { ended <- l.Wait(ctx) }()
		synctest.Wait()
		cancel(why)
		if err := <-ended; !errors.Is(err, why) {
			t.Errorf("got %v", err)
		}
		if l.Most() != 1 {
			t.Errorf("asks for %d bytes", l.Most())
		}
	})
}
