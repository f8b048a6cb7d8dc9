package internaltopic

import (
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKindOf(t *testing.T) {
	t.Parallel()
	for topic, want := range map[string]Kind{
		"heartbeats": Heartbeats, "a.heartbeats": Heartbeats, "b.a.heartbeats": Heartbeats,
		"a.checkpoints.internal": Checkpoints, "a__checkpoints__internal": Checkpoints,
		"mm2-offset-syncs.a.internal": OffsetSyncs, "mm2-offset-syncs_a_internal": OffsetSyncs,
		"mm2-offsets.a.internal": Positions, "mm2-strait-places.a.internal": Places, "mm2-strait-index.a.internal": Producers, "mm2-strait-acls.a.internal": ACLs,
		"mm2-status.a.internal": Status, "mm2-configs.a.internal": Configs,
		"orders": "", "mm2-offsets": "", "orders.internal": "",
	} {
		if got, ok := KindOf(topic); got != want || ok != (want != "") {
			t.Errorf("%s is %q, %v; want %q", topic, got, ok, want)
		}
	}
}

// TestDecode reads bytes that MirrorMaker 2 4.2.0 wrote, and ours.
func TestDecode(t *testing.T) {
	t.Parallel()
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	position := []byte(`["MirrorSourceConnector",{"cluster":"a","partition":3,"topic":"t"}]`)
	for name, tt := range map[string]struct {
		kind       Kind
		key, value []byte
		want       string // fields as JSON
		problem    string
	}{
		"heartbeat":  {Heartbeats, unhex("000141000142"), unhex("00000000018bcfe56800"), `[["source","A"],["target","B"],["timestamp",1700000000000]]`, ""},
		"checkpoint": {Checkpoints, unhex("000267310003412e7400000003"), unhex("0000000000000000000a000000000000000500016d"), `[["group","g1"],["topic","A.t"],["partition",3],["upstream",10],["downstream",5],["metadata","m"]]`, ""},
		"sync":       {OffsetSyncs, unhex("0002743100000002"), unhex("0000000000000064000000000000005a"), `[["topic","t1"],["partition",2],["upstream",100],["downstream",90]]`, ""},
		"cut short":  {OffsetSyncs, unhex("00027431"), unhex("0000000000000064000000000000005a"), `null`, "too short"},
		"tombstone":  {Heartbeats, unhex("000141000142"), nil, `null`, "it has no value"},
		"position":   {Positions, position, []byte(`{"offset":41}`), `[["connector","MirrorSourceConnector"],["cluster","a"],["topic","t"],["partition",3],["offset",41]]`, ""},
		"anchor": {
			Positions, position, []byte(`{"offset":41,"version":1,"target_end":9,"producer_id":7,"producer_epoch":1,"next_sequence":5,"leader_epoch":2,"generation":-1}`),
			`[["connector","MirrorSourceConnector"],["cluster","a"],["topic","t"],["partition",3],["offset",41],["version",1],["target_end",9],["producer_id",7],["producer_epoch",1],["next_sequence",5],["leader_epoch",2],["generation",-1],["fence",0],["source_topic_id",""],["target_topic_id",""],["chain",""]]`, "",
		},
		"no position":      {Positions, position, nil, `[["connector","MirrorSourceConnector"],["cluster","a"],["topic","t"],["partition",3],["deleted",true]]`, ""},
		"other connector":  {Positions, []byte(`["MirrorHeartbeatConnector",{"sourceClusterAlias":"a"}]`), []byte(`{"offset":0}`), `[["key",["MirrorHeartbeatConnector",{"sourceClusterAlias":"a"}]],["value",{"offset":0}]]`, ""},
		"no key at all":    {Positions, []byte(`connector-x`), []byte(`{"password":"p"}`), `null`, "reading offset key"},
		"places":           {Places, []byte("0:t"), []byte(`{"version":1,"source_topic_id":"AAAAAAAAAAAAAAAAAAAAAA==","target_topic":"a.t","target_partition":0,"target_topic_id":"AAAAAAAAAAAAAAAAAAAAAA==","offsets":[10,8,5,5]}`), `[["topic","t"],["partition",0],["source_topic_id",""],["target_topic","a.t"],["target_partition",0],["target_topic_id",""],["offsets",[[10,8],[15,13]]]]`, ""},
		"an ACL":           {ACLs, []byte(`{"flow":"eu","resource":"group","name":"g","pattern":"literal","principal":"User:ann","host":"*","operation":"READ","permission":"allow"}`), []byte(`{"version":1}`), `[["flow","eu"],["resource","group"],["name","g"],["pattern","literal"],["principal","User:ann"],["host","*"],["operation","READ"],["permission","allow"],["deleted",false]]`, ""},
		"no ACL":           {ACLs, []byte("g"), nil, `null`, "reading an ACL"},
		"no places":        {Places, []byte("0:t"), nil, `[["topic","t"],["partition","0"],["deleted",true]]`, ""},
		"producer":         {Producers, []byte("17"), []byte(`{"alias":"a"}`), `[["producer_id",17],["origin",{"alias":"a"}]]`, ""},
		"no producer":      {Producers, []byte("x"), nil, `null`, `key "x" is not a producer id`},
		"status":           {Status, []byte("status-connector-x"), []byte(`{"state":"RUNNING"}`), `[["key","status-connector-x"],["value",{"state":"RUNNING"}]]`, ""},
		"no status":        {Status, []byte("k"), []byte(`{`), `[["key","k"]]`, "not JSON"},
		"long status":      {Status, []byte("k"), []byte(strings.Repeat("1", maxFallback+1)), `[["key","k"]]`, "more than the 65536"},
		"passwords":        {Configs, []byte("connector-x"), []byte(`{"p":1}`), `[["key","connector-x"],["value_bytes",7]]`, ""},
		"no passwords":     {Configs, []byte("connector-x"), nil, `[["key","connector-x"],["deleted",true]]`, ""},
		"no such kind":     {"else", nil, nil, `null`, `no kind "else"`},
		"a broken anchor":  {Positions, position, []byte(`{"offset":41,"version":1}`), `[["connector","MirrorSourceConnector"],["cluster","a"],["topic","t"],["partition",3]]`, "target_end"},
		"places elsewhere": {Places, []byte("t"), []byte(`{}`), `null`, "reading places"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fields, err := Decode(tt.kind, tt.key, tt.value)
			var pairs [][2]any
			for _, f := range fields {
				pairs = append(pairs, [2]any{f.Name, f.Value})
			}
			got, wrong := json.Marshal(pairs)
			if wrong != nil {
				t.Fatal(wrong)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if tt.problem == "" && err != nil || tt.problem != "" && (err == nil || !strings.Contains(err.Error(), tt.problem)) {
				t.Errorf("the error is %v, want %q", err, tt.problem)
			}
		})
	}
}

// FuzzDecode: whatever a topic holds, every kind says something of it, and what it
// says can be printed.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("0:t"), []byte(`{"version":1,"offsets":[1,1]}`))
	f.Add([]byte(`["c",{"partition":1}]`), []byte(`{"offset":1}`))
	f.Add([]byte("\x00\x01a\x00\x01b"), make([]byte, 10))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		for _, kind := range slices.Concat(Kinds(), []Kind{""}) {
			fields, err := Decode(kind, key, value)
			if len(fields) == 0 && err == nil {
				t.Errorf("%s: neither fields nor an error", kind)
			}
			for _, field := range fields {
				if _, err := json.Marshal(field.Value); err != nil {
					t.Errorf("%s: %s: %v", kind, field.Name, err)
				}
			}
		}
	})
}
