package mm2fmt

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOffsetKeyIsByteForByteMirrorMakers(t *testing.T) {
	tests := map[string]struct {
		key  OffsetKey
		want string
	}{
		"golden bytes, as 4.2.0 writes them": {
			OffsetKey{SourceConnector, "A", "t-1", 7},
			`["MirrorSourceConnector",{"cluster":"A","partition":7,"topic":"t-1"}]`,
		},
		"no HTML escaping, raw UTF-8": {
			OffsetKey{SourceConnector, "<é&\u2028\u007f>", "t", 0},
			"[\"MirrorSourceConnector\",{\"cluster\":\"<é&\u2028\u007f>\",\"partition\":0,\"topic\":\"t\"}]",
		},
		"Jackson's escapes": {
			OffsetKey{"x", "a\"b\\c\n\t\r\b\f\x00\x1f/", "t", 2147483647},
			`["x",{"cluster":"a\"b\\c\n\t\r\b\f\u0000\u001F/","partition":2147483647,"topic":"t"}]`,
		},
		"our own name": {
			OffsetKey{"StraitPrevious", "A", "t-1", 7},
			`["StraitPrevious",{"cluster":"A","partition":7,"topic":"t-1"}]`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := test.key.Append(nil)
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Errorf("bytes differ (-want +got):\n%s", diff)
			}
			back, err := ParseOffsetKey(got)
			if err != nil || back != test.key {
				t.Errorf("reading back gave %+v, %v; want %+v", back, err, test.key)
			}
		})
	}
}

func TestParseOffsetKeyRefusesWhatMirrorMakerWouldNotFind(t *testing.T) {
	for name, key := range map[string]string{
		"checkpoint":         `["MirrorCheckpointConnector",{"partition":3,"topic":"A.t","group":"g1"}]`,
		"heartbeat":          `["MirrorHeartbeatConnector",{"sourceClusterAlias":"A","targetClusterAlias":"B"}]`,
		"other member order": `["MirrorSourceConnector",{"cluster":"A","topic":"t","partition":7}]`,
		"whitespace":         `["MirrorSourceConnector", {"cluster":"A","partition":7,"topic":"t"}]`,
		"needless escape":    `["MirrorSourceConnector",{"cluster":"\u0041","partition":7,"topic":"t"}]`,
		"negative partition": `["MirrorSourceConnector",{"cluster":"A","partition":-7,"topic":"t"}]`,
		"large partition":    `["MirrorSourceConnector",{"cluster":"A","partition":2147483648,"topic":"t"}]`,
		"duplicate member":   `["MirrorSourceConnector",{"cluster":"A","partition":7,"topic":"x","topic":"t"}]`,
		"more than a pair":   `["MirrorSourceConnector",{"cluster":"A","partition":7,"topic":"t"},1]`,
		"trailing":           `["MirrorSourceConnector",{"cluster":"A","partition":7,"topic":"t"}] `,
		"no JSON":            `topic`,
		"null":               `null`,
		"empty":              ``,
		"too long":           `["MirrorSourceConnector",{"cluster":"` + strings.Repeat("A", maxKeyBytes) + `","partition":7,"topic":"t"}]`,
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := ParseOffsetKey([]byte(key)); err == nil {
				t.Errorf("accepted as %+v", got)
			}
		})
	}
}

func fullValue() OffsetValue {
	return OffsetValue{
		Offset: 123, Version: OffsetVersion, TargetEnd: 200, ProducerID: 1 << 50, ProducerEpoch: 7,
		NextSequence: 2147483647, LeaderEpoch: 3, Generation: 12, Chain: `f1:"x"`,
		SourceTopicID: [16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
		TargetTopicID: [16]byte{255, 254, 253, 252, 251, 250, 249, 248, 247, 246, 245, 244, 243, 242, 241, 240},
	}
}

func TestOffsetValueGoldens(t *testing.T) {
	tests := map[string]struct {
		value OffsetValue
		want  string
	}{
		"bare": {BareOffset(123), `{"offset":123}`},
		"anchor": {
			fullValue(),
			`{"offset":123,"version":1,"target_end":200,"producer_id":1125899906842624,"producer_epoch":7,` +
				`"next_sequence":2147483647,"leader_epoch":3,"generation":12,` +
				`"source_topic_id":"AAECAwQFBgcICQoLDA0ODw","target_topic_id":"__79_Pv6-fj39vX08_Lx8A","chain":"f1:\"x\""}`,
		},
		"of a fence": {
			OffsetValue{Offset: 5, Version: 1, Fence: 3},
			`{"offset":5,"version":1,"target_end":0,"producer_id":0,"producer_epoch":0,"next_sequence":0,"leader_epoch":0,"generation":0,"fence":3}`,
		},
		"nothing mirrored, no ids": {
			OffsetValue{Offset: -1, Version: 1, LeaderEpoch: -1},
			`{"offset":-1,"version":1,"target_end":0,"producer_id":0,"producer_epoch":0,"next_sequence":0,"leader_epoch":-1,"generation":0}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := test.value.Append(nil)
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Errorf("bytes differ (-want +got):\n%s", diff)
			}
			back, err := ParseOffsetValue(got)
			if err != nil {
				t.Fatalf("reading back: %v", err)
			}
			if diff := cmp.Diff(test.value, back); diff != "" {
				t.Errorf("value differs after reading back (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseOffsetValue(t *testing.T) {
	tests := map[string]struct {
		value string
		want  OffsetValue
		fails bool
	}{
		"MirrorMaker's":          {`{"offset":123}`, BareOffset(123), false},
		"unknown members":        {`{"offset":5,"more":{"a":[1,2]},"x":null}`, BareOffset(5), false},
		"whitespace":             {" { \"offset\" : 5 } ", BareOffset(5), false},
		"last duplicate":         {`{"offset":5,"offset":6}`, BareOffset(6), false},
		"newer version":          {`{"offset":5,"version":2,"target_end":"other"}`, BareOffset(5), false},
		"version zero":           {`{"offset":5,"version":0}`, BareOffset(5), false},
		"other case is unknown":  {`{"OFFSET":5}`, BareOffset(-1), true},
		"member missing":         {`{"offset":5,"version":1,"target_end":7}`, BareOffset(5), true},
		"member of a wrong type": {strings.Replace(string(fullValue().Append(nil)), `"producer_epoch":7`, `"producer_epoch":"7"`, 1), BareOffset(123), true},
		"epoch out of range":     {strings.Replace(string(fullValue().Append(nil)), `"producer_epoch":7`, `"producer_epoch":32768`, 1), BareOffset(123), true},
		"fence below 0":          {strings.Replace(string(fullValue().Append(nil)), `"generation":12`, `"generation":12,"fence":-1`, 1), BareOffset(123), true},
		"broken id":              {strings.Replace(string(fullValue().Append(nil)), `AAECAwQFBgcICQoLDA0ODw`, `AAEC`, 1), BareOffset(123), true},
		"text version":           {`{"offset":5,"version":"1"}`, BareOffset(5), true},
		"fraction":               {`{"offset":5.0}`, BareOffset(-1), true},
		"exponent":               {`{"offset":1e3}`, BareOffset(-1), true},
		"text":                   {`{"offset":"5"}`, BareOffset(-1), true},
		"too large":              {`{"offset":9223372036854775808}`, BareOffset(-1), true},
		"null offset":            {`{"offset":null}`, BareOffset(-1), true},
		"empty object":           {`{}`, BareOffset(-1), true},
		"null":                   {`null`, BareOffset(-1), true},
		"array":                  {`[5]`, BareOffset(-1), true},
		"trailing":               {`{"offset":5}{}`, BareOffset(-1), true},
		"empty":                  {``, BareOffset(-1), true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := ParseOffsetValue([]byte(test.value))
			if (err != nil) != test.fails {
				t.Errorf("error is %v, want one: %v", err, test.fails)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("value differs (-want +got):\n%s", diff)
			}
		})
	}
	if _, err := ParseOffsetValue([]byte(`{"offset":null}`)); !errors.Is(err, ErrNoOffset) {
		t.Errorf("a null offset gave %v, want ErrNoOffset", err)
	}
}

func FuzzParseOffsetKey(f *testing.F) {
	f.Add([]byte(`["MirrorSourceConnector",{"cluster":"A","partition":7,"topic":"t-1"}]`))
	f.Add([]byte(`["x",{"cluster":"\u0000\"é","partition":0,"topic":""}]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		key, err := ParseOffsetKey(b)
		if err != nil {
			return
		}
		if again := key.Append(nil); string(again) != string(b) {
			t.Errorf("%q was read and written as %q", b, again)
		}
	})
}

func FuzzParseOffsetValue(f *testing.F) {
	f.Add(fullValue().Append(nil))
	f.Add([]byte(`{"offset":123}`))
	f.Add([]byte(`{"offset":-1,"version":1,"chain":"\u2028"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		value, err := ParseOffsetValue(b)
		if err != nil {
			if value.Version != 0 {
				t.Errorf("error %v came with %+v", err, value)
			}
			return
		}
		again, err := ParseOffsetValue(value.Append(nil))
		if err != nil {
			t.Fatalf("reading back %+v: %v", value, err)
		}
		if diff := cmp.Diff(value, again); diff != "" {
			t.Errorf("value differs after reading back (-want +got):\n%s", diff)
		}
	})
}
