package position

import (
	"encoding/binary"
	"slices"
	"testing"
)

// connectAssignment is what Connect's leader assigns: connectors with tasks.
func connectAssignment(names []string, tasks [][]int32) []byte {
	text := func(b []byte, s string) []byte { return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...) }
	b := []byte{0, 2, 0, 0}
	b = text(text(b, "connect-1"), "http://host/")
	b = binary.BigEndian.AppendUint64(b, 7)
	b = binary.BigEndian.AppendUint32(b, uint32(len(names)))
	for i, n := range names {
		b = binary.BigEndian.AppendUint32(text(b, n), uint32(len(tasks[i])))
		for _, id := range tasks[i] {
			b = binary.BigEndian.AppendUint32(b, uint32(id))
		}
	}
	return append(b, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0) // nothing revoked, no delay
}

func TestConnectTasks(t *testing.T) {
	b := connectAssignment([]string{"MirrorSourceConnector", "MirrorHeartbeatConnector"}, [][]int32{{-1}, {-1, 0}})
	if got, want := connectTasks(b), []string{"MirrorHeartbeatConnector"}; !slices.Equal(got, want) {
		t.Errorf("tasks of %q, want %q", got, want)
	}
	b = connectAssignment([]string{"MirrorSourceConnector"}, [][]int32{{3, 1}})
	if got, want := connectTasks(b), []string{"MirrorSourceConnector"}; !slices.Equal(got, want) {
		t.Errorf("tasks of %q, want %q", got, want)
	}
	// A task that is to be given up runs until the worker joins again.
	none := connectAssignment(nil, nil)
	head := len(none) - 12 // in front of the number of connectors
	revoking := append(none[:head+4:head+4], b[head:len(b)-8]...)
	if got, want := connectTasks(append(revoking, 0, 0, 0, 0)), []string{"MirrorSourceConnector"}; !slices.Equal(got, want) {
		t.Errorf("revoked tasks of %q, want %q", got, want)
	}
	for n := range b {
		_ = connectTasks(b[:n]) // does not panic
	}
}

func FuzzConnectTasks(f *testing.F) {
	f.Add(connectAssignment([]string{"MirrorSourceConnector"}, [][]int32{{-1, 0, 1}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got := connectTasks(b); len(got) > len(b)/4 {
			t.Errorf("%d connectors in %d bytes", len(got), len(b))
		}
	})
}
