package mirror

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestReportsTellAProblemOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := reports{open: map[string]*report{}, events: map[string]time.Time{}}
		p := Problem{Err: errors.New("the broker is down")}
		told, solved, had := 0, 0, 0
		tell := func() { told++ }
		over := func(n int, lasted time.Duration) {
			solved, had = solved+1, n
			if lasted != time.Minute {
				t.Errorf("it lasted %v, want a minute", lasted)
			}
		}
		for range 1000 { // as many partitions
			r.begin(p, tell)
		}
		time.Sleep(time.Minute)
		for range 1000 {
			r.end(p, over)
		}
		if told != 1 || solved != 1 || had != 1000 {
			t.Errorf("told %d times, solved %d times, concerned %d", told, solved, had)
		}
		r.end(p, over) // of a problem that nobody has
		r.begin(p, tell)
		if told != 2 || solved != 1 {
			t.Errorf("a new beginning was told %d times, want 2; solved %d times", told, solved)
		}
	})
}

// TestReportsNameEveryPartitionThatLostRecords has two partitions with one problem.
func TestReportsNameEveryPartitionThatLostRecords(t *testing.T) {
	r := reports{open: map[string]*report{}, events: map[string]time.Time{}}
	told := 0
	for partition := range int32(2) {
		p := Problem{Topic: "t", Partition: partition, Err: errors.New("not proven"), records: noteUnproven.records()}
		for range 2 {
			r.begin(p, func() { told++ })
		}
	}
	if told != 2 {
		t.Errorf("%d lines were logged, want one of each partition", told)
	}
}

func TestReportsRemindOfWhatIsMetAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := reports{open: map[string]*report{}, events: map[string]time.Time{}}
		p := Problem{Err: errors.New("too large")}
		told := 0
		for range 21 { // a stopped partition is tried again every 30 s
			r.begin(p, func() { told++ })
			r.end(p, nil) // it met another problem
			time.Sleep(30 * time.Second)
		}
		if told != 3 {
			t.Errorf("told %d times in ten minutes, want at the start and every five minutes", told)
		}
		if !r.again("skipped") || r.again("skipped") {
			t.Error("an event was not told once")
		}
		time.Sleep(remind)
		if !r.again("skipped") {
			t.Error("an event was never told again")
		}
	})
}
