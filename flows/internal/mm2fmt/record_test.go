package mm2fmt

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// record is what all three have.
type record interface {
	Encode() (key, value []byte, err error)
}

// parse reads a record as kind's.
func parse(kind record, key, value []byte) (record, error) {
	switch kind.(type) {
	case OffsetSync:
		return ParseOffsetSync(key, value)
	case Checkpoint:
		return ParseCheckpoint(key, value)
	default:
		return ParseHeartbeat(key, value)
	}
}

func TestRecordsHaveMirrorMakersBytes(t *testing.T) {
	tests := map[string]struct {
		record     record
		key, value string // hex, as MirrorMaker 2 4.2.0 wrote them
	}{
		"offset sync": {
			OffsetSync{Topic: "t1", Partition: 2, Upstream: 100, Downstream: 90},
			"0002743100000002", "0000000000000064000000000000005a",
		},
		"checkpoint": {
			Checkpoint{Group: "g1", Topic: "A.t", Partition: 3, Upstream: 10, Downstream: 5, Metadata: "m"},
			"000267310003412e7400000003", "0000000000000000000a000000000000000500016d",
		},
		"checkpoint without metadata": {
			Checkpoint{Group: "", Topic: "ä", Partition: 0, Upstream: 1, Downstream: 0},
			"00000002c3a400000000", "0000000000000000000100000000000000000000",
		},
		"heartbeat": {
			Heartbeat{Source: "A", Target: "B", Timestamp: 1700000000000},
			"000141000142", "00000000018bcfe56800",
		},
		"negative": {
			OffsetSync{Topic: "", Partition: -1, Upstream: -1, Downstream: math.MinInt64},
			"0000ffffffff", "ffffffffffffffff8000000000000000",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			key, value, err := tt.record.Encode()
			if err != nil || hex.EncodeToString(key) != tt.key || hex.EncodeToString(value) != tt.value {
				t.Errorf("got %x and %x, %v; want %s and %s", key, value, err, tt.key, tt.value)
			}
			for _, more := range []string{"", "later versions may have more"} {
				got, err := parse(tt.record, key, append(bytes.Clone(value), more...))
				if diff := cmp.Diff(tt.record, got); err != nil || diff != "" {
					t.Errorf("read back with error %v (-want +got):\n%s", err, diff)
				}
			}
		})
	}
}

func TestRecordsCutShortAreRefused(t *testing.T) {
	for name, r := range map[string]record{
		"offset sync": OffsetSync{Topic: "t", Upstream: 1, Downstream: 1},
		"checkpoint":  Checkpoint{Group: "g", Topic: "t", Metadata: "m"},
		"heartbeat":   Heartbeat{Source: "a", Target: "b", Timestamp: 1},
	} {
		t.Run(name, func(t *testing.T) {
			key, value, err := r.Encode()
			if err != nil {
				t.Fatal(err)
			}
			for n := range key {
				if _, err := parse(r, key[:n], value); !errors.Is(err, errShort) || !strings.Contains(err.Error(), name+" key") {
					t.Errorf("%d bytes of the key gave %v", n, err)
				}
			}
			for n := range value {
				if _, err := parse(r, key, value[:n]); !errors.Is(err, errShort) || !strings.Contains(err.Error(), name+" value") {
					t.Errorf("%d bytes of the value gave %v", n, err)
				}
			}
			if _, err := parse(r, key, nil); !errors.Is(err, errTombstone) {
				t.Errorf("a record without a value gave %v", err)
			}
			if _, err := parse(r, []byte{0xff, 0xff, 0, 0, 0, 0, 0, 0}, value); err == nil {
				t.Error("a text of a negative length was read")
			}
		})
	}
}

func TestTextsTooLongAreRefused(t *testing.T) {
	long := strings.Repeat("x", math.MaxInt16+1)
	for name, r := range map[string]record{
		"topic of a sync":       OffsetSync{Topic: long},
		"group":                 Checkpoint{Group: long},
		"topic of a checkpoint": Checkpoint{Topic: long},
		"metadata":              Checkpoint{Metadata: long},
		"alias":                 Heartbeat{Target: long},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := r.Encode(); !errors.Is(err, ErrTooLong) {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, _, err := (OffsetSync{Topic: long[1:]}).Encode(); err != nil {
		t.Errorf("the longest text gave %v", err)
	}
}

// FuzzRecords has the fields that were read written as they were.
func FuzzRecords(f *testing.F) {
	for _, r := range []record{
		OffsetSync{Topic: "t", Partition: 1, Upstream: 2, Downstream: 3},
		Checkpoint{Group: "g", Topic: "t", Partition: 1, Upstream: 2, Downstream: 3, Metadata: "m"},
		Heartbeat{Source: "a", Target: "b", Timestamp: 4},
	} {
		key, value, err := r.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(key, value)
	}
	f.Fuzz(func(t *testing.T, key, value []byte) {
		for _, kind := range []record{OffsetSync{}, Checkpoint{}, Heartbeat{}} {
			r, err := parse(kind, key, value)
			if err != nil {
				continue
			}
			k, v, err := r.Encode()
			if err != nil {
				t.Fatalf("%+v was read and not written: %v", r, err)
			}
			read := bytes.Clone(value)
			if _, bare := kind.(OffsetSync); !bare {
				read[0], read[1] = 0, 0 // any version is read, one is written
			}
			if !bytes.HasPrefix(key, k) || !bytes.HasPrefix(read, v) {
				t.Fatalf("%x and %x were read as %+v and written as %x and %x", key, value, r, k, v)
			}
		}
	})
}
