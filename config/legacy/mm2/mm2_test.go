package mm2

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
)

func read(text string) (*model.Config, diag.List) {
	files := map[string]string{
		"ca.pem":     "junk -----BEGIN CERTIFICATE----- Q0E= -----END CERTIFICATE-----",
		"client.pem": "-----BEGIN CERTIFICATE-----\nQ0hBSU4=\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nS0VZ\n-----END PRIVATE KEY-----\n",
		"enc.pem":    "-----BEGIN CERTIFICATE-----\nQ0hBSU4=\n-----END CERTIFICATE-----\n-----BEGIN ENCRYPTED PRIVATE KEY-----\nS0VZ\n-----END ENCRYPTED PRIVATE KEY-----\n",
		"store.jks":  "\xfe\xed\xfe\xedxx", "store.p12": "\x30\x82xx",
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

const two = "clusters=A,B\nA.bootstrap.servers=a:9092\nB.bootstrap.servers=b:9092\n"

// TestPrecedence shows which of several keys wins.
func TestPrecedence(t *testing.T) {
	flow := func(get func(*model.Flow) any) func(*model.Config) any {
		return func(c *model.Config) any { return get(c.Flows[0]) }
	}
	size := flow(func(f *model.Flow) any { return f.FetchMaxBytes })
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
		"cluster beats top level":    {"A.security.protocol=PLAINTEXT\nsecurity.protocol=SSL", protocol, false},
		"role beats cluster":         {"A.security.protocol=PLAINTEXT\nA.consumer.security.protocol=SSL", protocol, true},
		"top level reaches clusters": {"security.protocol=SSL", protocol, true},
		"lower case":                 {"security.protocol=ssl", protocol, true},
		"role of a client not used":  {"A.producer.security.protocol=SSL", protocol, true},
		"interval":                   {"A->B.refresh.topics.interval.seconds=60", flow(func(f *model.Flow) any { return f.RefreshTopicsInterval }), time.Minute},
		"no interval":                {"", flow(func(f *model.Flow) any { return f.RefreshTopicsInterval }), 4 * time.Second},
		"isolation differs from MM2": {"", flow(func(f *model.Flow) any { return f.IsolationLevel }), model.ReadCommitted},
		"isolation restored":         {"A.consumer.isolation.level=read_uncommitted", flow(func(f *model.Flow) any { return f.IsolationLevel }), model.ReadUncommitted},
		"earliest":                   {"", flow(func(f *model.Flow) any { return f.Start }), model.StartEarliest},
		"latest":                     {"A.consumer.auto.offset.reset=latest", flow(func(f *model.Flow) any { return f.Start }), model.StartLatest},
		"identity":                   {"replication.policy.class=org.apache.kafka.connect.mirror.IdentityReplicationPolicy", flow(func(f *model.Flow) any { return f.ReplicationPolicy }), model.PolicyIdentity},
		"excludes replace":           {"topics.exclude=x", flow(func(f *model.Flow) any { return strings.Join(f.TopicsExclude, " ") }), "x"},
		"excludes of 3.9":            {"topics.blacklist=x", flow(func(f *model.Flow) any { return strings.Join(f.TopicsExclude, " ") }), "x"},
		"exclude beats blacklist":    {"topics.blacklist=x\ntopics.exclude=y", flow(func(f *model.Flow) any { return strings.Join(f.TopicsExclude, " ") }), "y"},
		"rack":                       {"A.consumer.client.rack=r", func(c *model.Config) any { return c.Cluster("A").Rack }, "r"},
		"last duplicate wins":        {"topics=x\ntopics=y", topics, "y"},
		"listener name":              {"A.bootstrap.servers=SSL://x:1, y:2", func(c *model.Config) any { return strings.Join(c.Cluster("A").BootstrapServers, " ") }, "x:1 y:2"},
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
// records, ~ only sends heartbeats, - does nothing.
func TestPairs(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"nothing":                   {"", "A->B~ B->A~"},
		"one":                       {"A->B.enabled=true", "A->B+ B->A~"},
		"any case":                  {"A->B.enabled=TRUE", "A->B+ B->A~"},
		"file order":                {"B->A.enabled=true\nA->B.enabled=true", "B->A+ A->B+"},
		"off":                       {"A->B.enabled=false\nA->B.topics=x", "A->B~ B->A~"},
		"mentioned":                 {"A->B.topics=x", "A->B~ B->A~"},
		"blank behind, heartbeats":  {"A->B.enabled=true ", "A->B+ B->A~"},
		"blank behind, none":        {"A->B.enabled=true \nemit.heartbeats.enabled=false", "A->B-"},
		"blank behind, own":         {"A->B.enabled=true \nemit.heartbeats.enabled=false\nA->B.emit.heartbeats.enabled=true", "A->B+"},
		"top level":                 {"enabled=true", "A->B+ B->A+"},
		"top level, no heartbeats":  {"enabled=true\nemit.heartbeats.enabled=false", ""},
		"top level, one off":        {"enabled=true\nA->B.enabled=false", "A->B~ B->A+"},
		"from the environment":      {"config.providers=e\nconfig.providers.e.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider\nA->B.enabled=${e:E}", "A->B~ B->A~"},
		"unknown cluster":           {"A->C.enabled=true", "A->B~ B->A~"},
		"to itself":                 {"A->A.enabled=true", "A->B~ B->A~"},
		"arrow with blanks":         {"A -> B.enabled = true", "A->B~ B->A~"},
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

func TestSecurity(t *testing.T) {
	chain := "-----BEGIN CERTIFICATE-----\nQ0hBSU4=\n-----END CERTIFICATE-----\n"
	key := "-----BEGIN PRIVATE KEY-----\nS0VZ\n-----END PRIVATE KEY-----\n"
	ca := "-----BEGIN CERTIFICATE-----\nQ0E=\n-----END CERTIFICATE-----\n"
	const ssl = "A.security.protocol=SSL\n"
	tests := map[string]struct {
		text  string
		want  *model.TLS
		codes string
	}{
		"system's":       {ssl, &model.TLS{}, ""},
		"PEM file":       {ssl + "A.ssl.truststore.type=PEM\nA.ssl.truststore.location=ca.pem", &model.TLS{CA: model.NewSecret(ca)}, ""},
		"inline":         {ssl + "A.ssl.truststore.type=PEM\nA.ssl.truststore.certificates=-----BEGIN CERTIFICATE----- Q0E= -----END CERTIFICATE-----", &model.TLS{CA: model.NewSecret(ca)}, ""},
		"top level":      {ssl + "ssl.truststore.location=ca.pem", &model.TLS{CA: model.NewSecret(ca)}, ""},
		"key store file": {ssl + "A.ssl.keystore.type=PEM\nA.ssl.keystore.location=client.pem", &model.TLS{Certificate: model.NewSecret(chain), Key: model.NewSecret(key)}, ""},
		"inline key": {
			ssl + "A.ssl.keystore.certificate.chain=-----BEGIN CERTIFICATE-----\\nQ0hBSU4=\\n-----END CERTIFICATE-----\nA.ssl.keystore.key=-----BEGIN PRIVATE KEY----- S0VZ -----END PRIVATE KEY-----",
			&model.TLS{Certificate: model.NewSecret(chain), Key: model.NewSecret(key)}, "",
		},
		"no host name check": {ssl + "A.ssl.endpoint.identification.algorithm=", &model.TLS{SkipHostnameCheck: true}, "ST203"},
		"host name check":    {ssl + "A.ssl.endpoint.identification.algorithm=https", &model.TLS{}, ""},
		"JKS":                {ssl + "A.ssl.truststore.location=store.jks", &model.TLS{}, "ST204"},
		"PKCS12 as JKS":      {ssl + "A.ssl.truststore.type=JKS\nA.ssl.truststore.location=store.p12", &model.TLS{}, "ST204"},
		"encrypted key":      {ssl + "A.ssl.keystore.location=enc.pem", &model.TLS{}, "ST204"},
		"key password":       {ssl + "A.ssl.keystore.location=client.pem\nA.ssl.key.password=x", &model.TLS{}, "ST204"},
		"no key":             {ssl + "A.ssl.keystore.location=ca.pem", &model.TLS{}, "ST204"},
		"missing file":       {ssl + "A.ssl.truststore.location=nope", &model.TLS{}, "ST013"},
		"not switched on":    {"A.ssl.truststore.location=nope", nil, ""},
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

// The expectations follow JaasConfig and StreamTokenizer of JDK 17.
func TestJAAS(t *testing.T) {
	const plain = "org.apache.kafka.common.security.plain.PlainLoginModule"
	tests := map[string]struct{ text, want string }{
		"usual":               {plain + ` required username="u" password="p";`, "u p"},
		"single quotes":       {plain + ` required username='u' password='p"';`, `u p"`},
		"words":               {plain + ` Required username=u-x password=p.1_$;`, "u-x p.1_$"},
		"comments":            {"/* x */ " + plain + " required // y\n username=\"u\" /* ; */ password=\"p//\";", "u p//"},
		"lone slash":          {plain + " required username=\"u\" / rest is comment\npassword=\"p\";", "u p"},
		"escapes":             {plain + ` required username="a\"b\\c" password="\t\101\1018\777x";`, "a\"b\\c \tAA8?7x"},
		"no blanks":           {plain + ` required username="u"password="p";`, "u p"},
		"line breaks":         {plain + "\nrequired\nusername=\"u\"\npassword=\"p\"\n;\n", "u p"},
		"unclosed comment":    {plain + ` required username="u" /*/ password="p";`, "does not end with a semicolon"},
		"unquoted number":     {plain + ` required username="u" password=123;`, "has no value for the option password"},
		"quote ends at line":  {plain + " required username=\"u\npassword=\"p\";", "u p"},
		"no semicolon":        {plain + ` required username="u" password="p"`, "does not end with a semicolon"},
		"no flag":             {plain + ` username="u" password="p";`, "has no control flag behind the login module"},
		"wrong flag":          {plain + ` always username="u";`, "has no control flag behind the login module"},
		"only a module":       {plain, "has no control flag behind the login module"},
		"empty":               {" ", "names no login module"},
		"no value":            {plain + ` required username= ;`, "has no value for the option username"},
		"no equals":           {plain + ` required hunter2 ;`, "has no value for the option that follows the control flag"},
		"starts with a brace": {`{ required;`, "must start with the name of a login module"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			entries, problem, _ := parseJAAS(tt.text)
			got := problem
			if problem == "" {
				got = entries[0].options["username"] + " " + strings.ReplaceAll(entries[0].options["password"], "\u003f", "?")
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// FuzzJAAS holds for any text: parsing ends, and a complaint never quotes it.
func FuzzJAAS(f *testing.F) {
	f.Add(`org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="p";`)
	f.Add("a required b='\\101' /* c */ d=e; // f\n")
	f.Add(`a required "`)
	f.Add(`/*/ -1 .5 -x`)
	f.Fuzz(func(t *testing.T, text string) {
		entries, problem, fix := parseJAAS(text)
		if (len(entries) == 0) == (problem == "") {
			t.Fatalf("%d entries, %q", len(entries), problem)
		}
		marked := strings.ReplaceAll(text, "password", "")
		if len(marked) > 30 && (strings.Contains(problem, marked) || strings.Contains(fix, marked)) {
			t.Fatalf("%q quotes the text", problem)
		}
	})
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
