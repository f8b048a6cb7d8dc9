package mm1_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/legacy/mm1"
	"github.com/strait-mirror/strait/config/model"
)

const (
	consumer = "bootstrap.servers=a:9092\ngroup.id=mirror\n"
	producer = "bootstrap.servers=b:9092\n"
)

// read reads two files and options that name them.
func read(consumer, producer string, o mm1.Options) (*model.Config, diag.List) {
	files := map[string]string{"c.properties": consumer, "p.properties": producer}
	if o.ConsumerConfig == "" {
		o.ConsumerConfig = "c.properties"
	}
	if o.ProducerConfig == "" {
		o.ProducerConfig = "p.properties"
	}
	return mm1.Read(mm1.Params{
		Options: o,
		Env:     func(name string) (string, bool) { return "s3cret", name == "PASSWORD" },
		ReadFile: func(path string) ([]byte, error) {
			text, ok := files[path]
			if !ok {
				return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
			}
			return []byte(text), nil
		},
	})
}

// TestDefaults is what MirrorMaker 1 does when it is told nothing.
func TestDefaults(t *testing.T) {
	cfg, problems := read(consumer, producer, mm1.Options{Include: "orders"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	f := cfg.Flows[0]
	got := fmt.Sprintln(f.Name, f.From, f.To, f.Enabled, f.Topics, len(f.TopicsExclude), f.ReplicationPolicy, f.ReplicationFactor,
		f.Start, f.IsolationLevel, f.ErrorsTolerance, f.Delivery, f.Repartitions())
	if want := "source->target source target true [orders] 0 identity -1 latest read_committed none at_least_once true\n"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	want := &model.MirrorMaker1{Group: "mirror", CommitInterval: time.Minute, BatchSize: 16384}
	if diff := cmp.Diff(want, f.MirrorMaker1); diff != "" {
		t.Error(diff)
	}
	from, to := cfg.Cluster("source"), cfg.Cluster("target")
	if from.BootstrapServers[0] != "a:9092" || to.BootstrapServers[0] != "b:9092" || from.ClientID != "mirror" {
		t.Errorf("got clusters %+v and %+v", from, to)
	}
}

// TestSettings reads what the files and options may say.
func TestSettings(t *testing.T) {
	cfg, problems := read(consumer+"auto.offset.reset=earliest\nisolation.level=read_uncommitted\nmax.partition.fetch.bytes=2097152\n"+
		"fetch.max.wait.ms=100\nclient.rack=r1\nenable.auto.commit=false\nsecurity.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n"+
		"config.providers=env\nconfig.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider\n"+
		`sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="${env:PASSWORD}";`+"\n",
		producer+"compression.type=zstd\nlinger.ms=5\nbatch.size=1000\nacks=all\nbuffer.memory=33554432\nmax.request.size=2000000\nclient.id=mm\npartitioner.ignore.keys=true\n",
		mm1.Options{Whitelist: "x", Include: "a,b", CommitInterval: "1500", AbortOnSendFailure: "False", NumStreams: "1", KeepPartitions: true, NoCreateTopics: true})
	if len(problems) != 1 || problems[0].Code != diag.CodeNoEffect || problems[0].Subject.File != "--whitelist" {
		t.Errorf("got problems %v", problems)
	}
	f := cfg.Flows[0]
	got := fmt.Sprintln(f.Start, f.IsolationLevel, f.MaxPartitionFetchBytes, f.FetchMaxWait, f.BufferMemory, f.MaxRequestSize, f.ErrorsTolerance, f.CompressionType, f.Topics)
	if want := "earliest read_uncommitted 2097152 100ms 33554432 2000000 all zstd [a|b]\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	want := &model.MirrorMaker1{
		Group: "mirror", CommitInterval: 1500 * time.Millisecond, KeepPartitions: true, LeaveTopics: true,
		BatchSize: 1000, Linger: 5 * time.Millisecond, IgnoreKeys: true,
	}
	if diff := cmp.Diff(want, f.MirrorMaker1); diff != "" {
		t.Error(diff)
	}
	from := cfg.Cluster("source")
	if from.Rack != "r1" || from.SASL == nil || from.SASL.Username != "u" || from.SASL.Password.Reveal() != "s3cret" || cfg.Cluster("target").ClientID != "mm" {
		t.Errorf("got %+v", from)
	}
}

// TestInclude is kafka.utils.TopicFilter's treatment of the option, conformance
// item 127 among it.
func TestInclude(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"name":     {"orders", "orders"},
		"list":     {"another_topic,new.*,foo", "another_topic|new.*|foo"},
		"blanks":   {"  a , b c ", "a|bc"},
		"quotes":   {`"'a.*'"`, "a.*"},
		"inside":   {`a"b`, `a"b`},
		"controls": {"\t\na\x01 ", "a"},
		"tabs":     {"a\tb", "a\tb"}, // only blanks are removed
		"regex":    {"(?!tmp).*", "(?!tmp).*"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, o := range []mm1.Options{{Include: c.text}, {Whitelist: c.text}} {
				cfg, problems := read(consumer, producer, o)
				if problems.HasErrors() || cfg.Flows[0].Topics[0] != c.want {
					t.Errorf("got %q, %v, want %q", cfg.Flows[0].Topics, problems, c.want)
				}
			}
		})
	}
}

// TestProblems is what is said of files and options, with its place.
func TestProblems(t *testing.T) {
	include := mm1.Options{Include: "a"}
	for name, c := range map[string]struct {
		consumer, producer string
		options            mm1.Options
		want               []string
	}{
		"no brokers": {"group.id=g\n", "\n", include, []string{
			"c.properties: error: bootstrap.servers is not set (ST003)", "p.properties: error: bootstrap.servers is not set (ST003)",
		}},
		"no group":    {"bootstrap.servers=a:1\n", producer, include, []string{"c.properties: error: group.id is not set (ST003)"}},
		"empty group": {"bootstrap.servers=a:1\ngroup.id=\n", producer, include, []string{"c.properties:2:10: error: group.id is not set (ST003)"}},
		"no topics":   {consumer, producer, mm1.Options{Include: " ' "}, []string{"--include: error: --include names no topic (ST003)"}},
		"no file": {consumer, producer, mm1.Options{Include: "a", ProducerConfig: "none"}, []string{
			"none: error: cannot read the file of --producer.config: file does not exist (ST017)",
		}},
		"same cluster": {consumer, "bootstrap.servers=a:9092\n", include, []string{
			"p.properties:1:19: error: source and target are the same cluster (a:9092): every record would be copied again without end (ST102)",
		}},
		"classes": {
			consumer + "interceptor.classes=X\n", producer + "partitioner.class=Y\n",
			mm1.Options{Include: "a", MessageHandler: "H", MessageHandlerArgs: "x", RebalanceListener: "L", RebalanceListenerArgs: "y"},
			[]string{
				"--consumer.rebalance.listener: error: --consumer.rebalance.listener: a Java class cannot run here (ST307)",
				"--message.handler: error: --message.handler: a Java class cannot run here (ST307)",
				"--message.handler.args: error: --message.handler.args: a Java class cannot run here (ST307)",
				"--rebalance.listener.args: error: --rebalance.listener.args: a Java class cannot run here (ST307)",
				"c.properties:3:21: error: interceptor.classes: a Java class cannot run here (ST307)",
				"p.properties:2:19: error: partitioner.class: a Java class cannot run here (ST307)",
			},
		},
		"bad options": {consumer, producer, mm1.Options{Include: "a", NumStreams: "0", CommitInterval: "x", AbortOnSendFailure: "maybe"}, []string{
			`--abort.on.send.failure: error: "maybe" must be true or false (ST015)`,
			"--num.streams: error: 0 is out of range: must be between 1 and 2147483647 (ST309)",
			`--offset.commit.interval.ms: error: "x" must be a whole number of milliseconds (ST015)`,
		}},
		"no effect": {
			consumer + "enable.auto.commit=true\npartition.assignment.strategy=x\nauto.offset.reset=none\n", producer + "acks=1\nproducer.type=sync\n",
			mm1.Options{Include: "a", NumStreams: "3", NewConsumer: true},
			[]string{
				"--new.consumer: info: --new.consumer has no effect, as in MirrorMaker 1 (ST306)",
				"--num.streams: info: --num.streams has no effect: every partition is copied in parallel (ST306)",
				"c.properties:3:20: warning: enable.auto.commit has no effect: offsets are committed once the target has the records (ST306)",
				"c.properties:4:31: info: partition.assignment.strategy has no effect: Strait commits to the group without being a member of it (ST306)",
				`c.properties:5:19: warning: auto.offset.reset: a partition without an offset of the group does not stop the mirror as "none" does; it begins at its start (ST306)`,
				"p.properties:2:6: warning: acks has no effect: every record is acknowledged by all replicas in sync (acks=all) (ST306)",
				"p.properties:3:15: info: producer.type has no effect: offsets are committed for what is acknowledged only, whether records wait for each other or not (ST306)",
			},
		},
		"unknown": {consumer + "isolation.levle=x\n", producer, include, []string{`c.properties:3:1: warning: no property "isolation.levle"; it has no effect (ST002)`}},
		"bad value": {consumer + "auto.offset.reset=soon\n", producer + "compression.type=rar\n", include, []string{
			`c.properties:3:19: error: auto.offset.reset: "soon" must be "earliest" or "latest" (ST015)`,
			`p.properties:2:18: error: compression.type: "rar" must be "gzip", "lz4", "none", "snappy" or "zstd" (ST015)`,
		}},
		"syntax": {consumer + `x=\u12`, producer, include, []string{`c.properties:3:3: error: malformed \u escape (ST001)`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := read(c.consumer, c.producer, c.options)
			var got []string
			for _, p := range problems {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzRead has nothing crash the reader, and no secret leave it.
func FuzzRead(f *testing.F) {
	f.Add(consumer, producer, "a,b")
	f.Add("sasl.jaas.config=q8zq\nsecurity.protocol=SASL_SSL\ngroup.id=${x:y}", "partitioner.class=\\u00", "'")
	f.Fuzz(func(t *testing.T, c, p, include string) {
		cfg, problems := read(c, p, mm1.Options{Include: include})
		if cfg == nil || len(cfg.Flows) != 1 {
			t.Fatalf("got %v", cfg)
		}
		for _, d := range problems {
			if strings.Contains(d.Summary+d.Fix, "q8zq") {
				t.Errorf("a secret is shown: %s", d)
			}
		}
	})
}
