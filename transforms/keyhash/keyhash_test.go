package keyhash

import "testing"

// The cases are those of Kafka's UtilsTest.testMurmur2.
func TestMurmur2IsKafkas(t *testing.T) {
	for key, want := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536, "a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971, "abc": 479470107,
	} {
		if got := int32(murmur2([]byte(key))); got != want {
			t.Errorf("murmur2(%q) = %d, want %d", key, got, want)
		}
	}
}

func TestPartitionIsInTheTopic(t *testing.T) {
	for _, count := range []int32{1, 2, 3, 7, 100000} {
		for i := range 1000 {
			key := make([]byte, i%40)
			for n := range key {
				key[n] = byte(i * (n + 3))
			}
			if p := Partition(key, count); p < 0 || p >= count {
				t.Fatalf("Partition(%x, %d) = %d", key, count, p)
			}
		}
	}
}
