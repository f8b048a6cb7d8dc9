package mm2

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
)

func read(text string) (*model.Config, diag.List) {
	files := map[string]string{
		"ca.pem": authority, "store.jceks": "\xce\xce\xce\xce",
		"/s/x.properties": "key=v\\u00e1lue\nother=é\nnested=${env:E}\nagain=${file:/s/x.properties:nested}", "/d/token": "from dir\n",
	}
	return Read(Params{
		File: "f", Text: []byte(text),
		Env: func(name string) (string, bool) { return "from env", name == "E" },
		ReadFile: func(path string) ([]byte, error) {
			if text, ok := files[path]; ok {
				return []byte(text), nil
			}
			return nil, errors.New("open " + path + ": no such file or directory")
		},
	})
}

// authority is a certificate to trust; its key is lost.
const authority = `-----BEGIN CERTIFICATE-----
MIIBlzCCAT2gAwIBAgIUSKgnvRHkhCSokustFx5oZ4+L7gcwCgYIKoZIzj0EAwIw
IDEeMBwGA1UEAwwVc3RyYWl0IHRlc3QgYXV0aG9yaXR5MCAXDTI2MTEyMjIxMzMw
OFoYDzIxMjYxMDI5MjEzMzA4WjAgMR4wHAYDVQQDDBVzdHJhaXQgdGVzdCBhdXRo
b3JpdHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAS8nq9bW6gumlZnsBGWN3qj
GNbz+H5PW62eKx45o9H9JnizpMnIEGZsOojAgxbULmF3+YtHfXglW5hjq4TLHoU3
o1MwUTAdBgNVHQ4EFgQUizQ6SL7a1oAYqXUic5QtCAO2p9QwHwYDVR0jBBgwFoAU
izQ6SL7a1oAYqXUic5QtCAO2p9QwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQD
AgNIADBFAiB3z4UIJCAwPvvxBqcdD+hRPd9FUgJmqMcgpeSL2oHizQIhAKZLSrXV
+JRLufjhyeXYo0dJCD11VSqB7rVic51wOb4w
-----END CERTIFICATE-----
`

const (
	two   = "clusters=A,B\nA.bootstrap.servers=a:9092\nB.bootstrap.servers=b:9092\n"
	three = "clusters=A,B,C\nC.bootstrap.servers=c:9092\n" // behind two, as the next
	six   = "clusters=A,B,C,D,E,F\nC.bootstrap.servers=c:9092\nD.bootstrap.servers=d:9092\nE.bootstrap.servers=e:9092\nF.bootstrap.servers=f:9092\n"
)

// TestPrecedence shows which of several keys wins.
func TestPrecedence(t *testing.T) {
	flow := func(get func(*model.Flow) any) func(*model.Config) any {
		return func(c *model.Config) any { return get(c.Flows[0]) }
	}
	size := flow(func(f *model.Flow) any { return f.FetchMaxBytes })
	delivery := flow(func(f *model.Flow) any { return f.Delivery })
	topics := flow(func(f *model.Flow) any { return strings.Join(f.Topics, " ") })
	protocol := func(c *model.Config) any { return c.Cluster("A").TLS != nil }
	tests := map[string]struct {
		text string
		get  func(*model.Config) any
		want any
	}{
		"flow beats top level":        {"topics=x\nA->B.topics=y", topics, "y"},
		"top level":                   {"topics=x, y", topics, "x y"},
		"blank topics":                {"A->B.topics=", topics, ""},
		"flow only":                   {"use.defaults.from=source", flow(func(f *model.Flow) any { return f.UseDefaultsFrom }), "target"},
		"source.consumer wins":        {"A.consumer.fetch.max.bytes=1\nA->B.source.consumer.fetch.max.bytes=2\nA->B.consumer.fetch.max.bytes=3", size, int32(2)},
		"cluster beats flow.consumer": {"A.consumer.fetch.max.bytes=1\nA->B.consumer.fetch.max.bytes=3", size, int32(1)},
		"flow.consumer":               {"A->B.consumer.fetch.max.bytes=3", size, int32(3)},
		"not without cluster":         {"consumer.fetch.max.bytes=3", size, int32(8 << 20)},
		"not without client":          {"A.fetch.max.bytes=3", size, int32(8 << 20)},
		"not of the target":           {"B.consumer.fetch.max.bytes=3", size, int32(8 << 20)},
		"override wins": {
			"B.producer.max.request.size=2048\nA->B.producer.override.max.request.size=4096",
			flow(func(f *model.Flow) any { return f.MaxRequestSize }), int32(4096),
		},
		"transactions of the target":  {"B.exactly.once.source.support=ENABLED", delivery, model.Transactional},
		"transactions being prepared": {"B.exactly.once.source.support=preparing", delivery, model.ExactlyOnce},
		"transactions of the source":  {"A.exactly.once.source.support=enabled", delivery, model.ExactlyOnce},
		"cluster beats top level":     {"A.security.protocol=PLAINTEXT\nsecurity.protocol=SSL", protocol, false},
		"role beats cluster":          {"A.security.protocol=PLAINTEXT\nA.consumer.security.protocol=SSL", protocol, true},
		"top level reaches clusters":  {"security.protocol=SSL", protocol, true},
		"lower case":                  {"security.protocol=ssl", protocol, true},
		"role of a client not used":   {"A.producer.security.protocol=SSL", protocol, false},
		"interval":                    {"A->B.refresh.topics.interval.seconds=60", flow(func(f *model.Flow) any { return f.RefreshTopicsInterval }), time.Minute},
		"no interval":                 {"", flow(func(f *model.Flow) any { return f.RefreshTopicsInterval }), 4 * time.Second},
		"isolation differs from MM2":  {"", flow(func(f *model.Flow) any { return f.IsolationLevel }), model.ReadCommitted},
		"isolation restored":          {"A.consumer.isolation.level=read_uncommitted", flow(func(f *model.Flow) any { return f.IsolationLevel }), model.ReadUncommitted},
		"earliest":                    {"", flow(func(f *model.Flow) any { return f.Start }), model.StartEarliest},
		"no reset":                    {"A.consumer.auto.offset.reset=none", flow(func(f *model.Flow) any { return f.Start }), model.StartEarliest},
		"a duration ago":              {"A.consumer.auto.offset.reset=by_duration:P1D", flow(func(f *model.Flow) any { return f.Start }), model.StartEarliest},
		"latest":                      {"A.consumer.auto.offset.reset=latest", flow(func(f *model.Flow) any { return f.Start }), model.StartLatest},
		"identity":                    {"replication.policy.class=org.apache.kafka.connect.mirror.IdentityReplicationPolicy", flow(func(f *model.Flow) any { return f.ReplicationPolicy }), model.PolicyIdentity},
		"excludes replace":            {"topics.exclude=x", flow(func(f *model.Flow) any { return strings.Join(f.TopicsExclude, " ") }), "x"},
		"excludes of 3.9":             {"topics.blacklist=x", flow(func(f *model.Flow) any { return strings.Join(f.TopicsExclude, " ") }), "x"},
		"exclude beats blacklist":     {"topics.blacklist=x\ntopics.exclude=y", flow(func(f *model.Flow) any { return strings.Join(f.TopicsExclude, " ") }), "y"},
		"rack":                        {"A.consumer.client.rack=r", func(c *model.Config) any { return c.Cluster("A").Rack }, "r"},
		"last duplicate wins":         {"topics=x\ntopics=y", topics, "y"},
		"listener name":               {"A.bootstrap.servers=SSL://x:1, y:2", func(c *model.Config) any { return strings.Join(c.Cluster("A").BootstrapServers, " ") }, "x:1 y:2"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg, problems := read(two + "A->B.enabled=true\n" + tt.text)
			if problems.HasErrors() {
				t.Fatal(problems)
			}
			if diff := cmp.Diff(tt.want, tt.get(cfg)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestPairs shows which pairs give a flow, and whether it runs: + copies
// records, ~ only sends heartbeats, - does nothing. It is conformance items 9 to 11
// and 32.
func TestPairs(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"nothing":                  {"", "A->B~ B->A~"},
		"one":                      {"A->B.enabled=true", "A->B+ B->A~"},
		"any case":                 {"A->B.enabled=TRUE", "A->B+ B->A~"},
		"file order":               {"B->A.enabled=true\nA->B.enabled=true", "B->A+ A->B+"},
		"off":                      {"A->B.enabled=false\nA->B.topics=x", "A->B~ B->A~"},
		"mentioned":                {"A->B.topics=x", "A->B~ B->A~"},
		"blank behind, heartbeats": {"A->B.enabled=true ", "A->B+ B->A~"},
		"blank behind, none":       {"A->B.enabled=true \nemit.heartbeats.enabled=false", "A->B-"},
		"blank behind, own":        {"A->B.enabled=true \nemit.heartbeats.enabled=false\nA->B.emit.heartbeats.enabled=true", "A->B+"},
		"top level":                {"enabled=true", "A->B+ B->A+"},
		"top level, no heartbeats": {"enabled=true\nemit.heartbeats.enabled=false", ""},
		"top level, one off":       {"enabled=true\nA->B.enabled=false", "A->B~ B->A+"},
		"from the environment":     {"config.providers=e\nconfig.providers.e.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider\nA->B.enabled=${e:E}", "A->B~ B->A~"},
		"unknown cluster":          {"A->C.enabled=true", "A->B~ B->A~"},
		"to itself":                {"A->A.enabled=true", "A->B~ B->A~"},
		"arrow with blanks":        {"A -> B.enabled = true", "A->B~ B->A~"},
		"four of six": {
			three + "emit.heartbeats.enabled=true\nA->B.emit.heartbeats.enabled=false\nC->B.emit.heartbeats.enabled=false",
			"A->B- C->B- A->C~ B->A~ B->C~ C->A~",
		},
		"fan out of six": {
			six + "emit.heartbeats.enabled=false\nA->B.enabled=true\nA->C.enabled=true\nA->D.enabled=true", "A->B+ A->C+ A->D+",
		},
		"heartbeats of one more": {
			six + "emit.heartbeats.enabled=false\nA->B.enabled=true\nA->C.enabled=true\nD->A.emit.heartbeats.enabled=true", "A->B+ A->C+ D->A~",
		},
		"named twice":               {"A->B.enabled=true\nA->B.topics=x\nA->B.groups=y", "A->B+ B->A~"},
		"only heartbeats, no flows": {"emit.heartbeats.enabled=true", "A->B~ B->A~"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg, _ := read(two + tt.text)
			var got []string
			for _, f := range cfg.Flows {
				sign := "-"
				switch {
				case f.Enabled:
					sign = "+"
				case f.HeartbeatsOnly:
					sign = "~"
				}
				got = append(got, f.Name+sign)
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %v, want %s", got, tt.want)
			}
		})
	}
}

// TestSecurity finds common keys where MirrorMaker 2 does; what they mean is
// tested in config/client.
func TestSecurity(t *testing.T) {
	const ssl = "A.security.protocol=SSL\n"
	tests := map[string]struct {
		text  string
		want  *model.TLS
		codes string
	}{
		"system's":           {ssl, &model.TLS{}, ""},
		"PEM file":           {ssl + "A.ssl.truststore.type=PEM\nA.ssl.truststore.location=ca.pem", &model.TLS{CAFile: "ca.pem"}, ""},
		"top level":          {ssl + "ssl.truststore.location=ca.pem", &model.TLS{Truststore: "ca.pem"}, ""},
		"of the client":      {ssl + "A.consumer.ssl.truststore.location=ca.pem\nA.admin.ssl.truststore.location=ca.pem\nA.producer.ssl.truststore.location=ca.pem\nA.ssl.truststore.location=nope", &model.TLS{Truststore: "ca.pem"}, ""},
		"of another client":  {ssl + "A.ssl.truststore.location=ca.pem\nA.admin.ssl.truststore.location=nope", &model.TLS{Truststore: "ca.pem"}, "ST013"},
		"no host name check": {ssl + "A.ssl.endpoint.identification.algorithm=", &model.TLS{SkipHostnameCheck: true}, "ST203"},
		"JCEKS":              {ssl + "A.ssl.truststore.location=store.jceks", &model.TLS{Truststore: "store.jceks"}, "ST204"},
		"missing file":       {ssl + "A.ssl.truststore.location=nope", &model.TLS{Truststore: "nope"}, "ST013"},
		"not switched on":    {"A.ssl.truststore.location=nope", nil, ""},
		"client's tuning":    {ssl + "A.consumer.metadata.max.age.ms=x", &model.TLS{}, "ST015"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg, problems := read(two + "A->B.enabled=true\n" + tt.text)
			if diff := cmp.Diff(tt.want, cfg.Cluster("A").TLS); diff != "" {
				t.Error(diff)
			}
			if got := codes(problems); got != tt.codes {
				t.Errorf("got %s: %v", got, problems)
			}
		})
	}
}

func codes(problems diag.List) string {
	var list []string
	for _, d := range problems {
		list = append(list, d.Code)
	}
	return strings.Join(list, " ")
}

// TestProviders resolves variables as Kafka's own providers do.
func TestProviders(t *testing.T) {
	const pkg = "org.apache.kafka.common.config.provider."
	const declared = two + "A->B.enabled=true\nconfig.providers=env,file,dir\nconfig.providers.env.class=" + pkg +
		"EnvVarConfigProvider\nconfig.providers.file.class=" + pkg + "FileConfigProvider\nconfig.providers.dir.class=" + pkg + "DirectoryConfigProvider\n"
	tests := map[string]struct{ text, want, codes string }{
		"env":              {"A.client.id=${env:E}", "from env", ""},
		"file in UTF-8":    {"A.client.id=${file:/s/x.properties:key}-${file:/s/x.properties:other}", "válue-é", ""},
		"directory":        {"A.client.id=${dir:/d:token}", "from dir", ""},
		"several":          {"A.client.id=<${env:E}|${env:E}>", "<from env|from env>", ""},
		"twice":            {"A.client.id=${file:/s/x.properties:nested}", "from env", ""},
		"not three times":  {"A.client.id=${file:/s/x.properties:again}", "${env:E}", ""},
		"unknown provider": {"A.client.id=${vault:/x:y}", "${vault:/x:y}", "ST209"},
		"unset":            {"A.client.id=${env:NOPE}", "${env:NOPE}", "ST013"},
		"env with a path":  {"A.client.id=${env:A:B}", "${env:A:B}", "ST013"},
		"no such file":     {"A.client.id=${file:/nope:key}", "${file:/nope:key}", "ST013"},
		"no such key":      {"A.client.id=${file:/s/x.properties:nope}", "${file:/s/x.properties:nope}", "ST013"},
		"out of directory": {"A.client.id=${dir:/d:../s/x.properties}", "${dir:/d:../s/x.properties}", "ST013"},
		"allowed paths":    {"config.providers.file.param.allowed.paths=/tmp\nA.client.id=${file:/s/x.properties:key}", "${file:/s/x.properties:key}", "ST013"},
		"allow list":       {"config.providers.env.param.allowlist.pattern=X.*\nA.client.id=${env:E}", "${env:E}", "ST013"},
		"not a variable":   {"A.client.id=${E}", "${E}", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg, problems := read(declared + tt.text)
			if got := cfg.Cluster("A").ClientID; got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got := codes(problems); got != tt.codes {
				t.Errorf("got %s: %v", got, problems)
			}
		})
	}
}

// FuzzMM2 holds for any text: reading ends and every problem can be printed.
func FuzzMM2(f *testing.F) {
	f.Add(two + "A->B.enabled=true\nA.security.protocol=SASL_SSL\nA.sasl.mechanism=PLAIN\nA.sasl.jaas.config=x")
	f.Add(two + "config.providers=e\nconfig.providers.e.class=x\ntopics=${e:f:g}")
	f.Fuzz(func(t *testing.T, text string) {
		_, problems := read(text)
		for _, d := range problems {
			if d.Code == "" || d.Severity == 0 || d.Summary == "" {
				t.Fatalf("%#v", d)
			}
		}
	})
}

// TestConnections fills in the clients of a flow that are not reached as their
// cluster is.
func TestConnections(t *testing.T) {
	tests := map[string]struct {
		text string
		want string // clients with a connection of their own, and what it has
		said string // properties of the flow
	}{
		"none":                   {"retry.backoff.ms=7\nA.security.protocol=SSL", "", ""},
		"common key of a client": {"A.admin.security.protocol=SSL", "source admin TLS", "source.admin.security.protocol=SSL"},
		"the other way round": {
			"A.security.protocol=SSL\nA.admin.security.protocol=PLAINTEXT\nA.admin.ssl.truststore.location=nope", "source admin",
			"source.admin.security.protocol=PLAINTEXT",
		},
		"key of a client":    {"B.admin.retry.backoff.ms=7", "target admin 7ms", "target.admin.retry.backoff.ms=7"},
		"of the main client": {"A.consumer.retry.backoff.ms=7", "source admin 100ms", "source.admin.retry.backoff.ms=100"},
		"of one flow":        {"A->B.source.admin.retry.backoff.ms=7", "source admin 7ms", "source.admin.retry.backoff.ms=7"},
		"override":           {"A->B.producer.override.retry.backoff.ms=7", "producer 7ms", "producer.override.retry.backoff.ms=7"},
		"rack and timeouts":  {"A.consumer.client.rack=r\nB.producer.request.timeout.ms=5000", "", ""},
		"servers":            {"A.consumer.bootstrap.servers=x:1", "source admin a:9092", "source.admin.bootstrap.servers=a:9092"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg, problems := read(two + "A->B.enabled=true\nemit.heartbeats.enabled=false\n" + tt.text)
			if problems.HasErrors() {
				t.Fatal(problems)
			}
			f := cfg.Flows[0]
			var got []string
			for _, c := range []struct {
				name     string
				own, end *model.Cluster
			}{
				{"consumer", f.Connections.SourceConsumer, cfg.Clusters[0]},
				{"source admin", f.Connections.SourceAdmin, cfg.Clusters[0]},
				{"producer", f.Connections.TargetProducer, cfg.Clusters[1]},
				{"target admin", f.Connections.TargetAdmin, cfg.Clusters[1]},
			} {
				if c.own == nil {
					continue
				}
				text := c.name
				if c.own.TLS != nil {
					text += " TLS"
				}
				if c.own.Connection.RetryBackoff != c.end.Connection.RetryBackoff {
					text += " " + c.own.Connection.RetryBackoff.String()
				}
				if c.own.BootstrapServers[0] != c.end.BootstrapServers[0] {
					text += " " + c.own.BootstrapServers[0]
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, ", ")); diff != "" {
				t.Error(diff)
			}
			var said []string
			for key, p := range f.Properties {
				said = append(said, key+"="+p.Value.Reveal())
			}
			if diff := cmp.Diff(tt.said, strings.Join(said, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestEncoding refuses files in which Java would find no key that was meant, with
// one sentence; one that MirrorMaker 2 starts with starts.
func TestEncoding(t *testing.T) {
	const rest = "clusters = A\nA.bootstrap.servers = a:1\n"
	for name, tt := range map[string]struct{ text, want string }{
		"mark in front of clusters":  {"\xef\xbb\xbf" + rest, "byte order mark, which Java takes for a part of the first key"},
		"mark in front of a comment": {"\xef\xbb\xbf# ours\n" + rest, ""},
		"UTF-16":                     {"\xff\xfec\x00l\x00", "encoded in UTF-16"},
	} {
		_, problems := Read(Params{File: "f.properties", Text: []byte(tt.text), Env: os.LookupEnv, ReadFile: os.ReadFile})
		err := problems.Err()
		if tt.want == "" && err != nil || tt.want != "" && (len(problems) != 1 || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v", name, problems)
		}
	}
}
