package effective

import (
	_ "embed"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
)

// definitionTable has a line for every key of MirrorMaker 2's typed
// configurations: name, type, default ("!required", "!null"), rule, and who
// defines it. integration/parity writes it from the Java classes.
//
//go:embed definitions.txt
var definitionTable string

// The users in the table.
const (
	userFile       = "file"       // MirrorMakerConfig
	userSource     = "source"     // MirrorSourceConfig
	userCheckpoint = "checkpoint" // MirrorCheckpointConfig
	userHeartbeat  = "heartbeat"  // MirrorHeartbeatConfig
	userWorker     = "worker"     // DistributedConfig
	userClient     = "client"     // MirrorClientConfig's common client keys
)

// Definition is one key of a typed configuration of MirrorMaker 2.
type Definition struct {
	Key      string
	Type     string // boolean, int, short, long, double, string, list, class, password
	Default  string // "" where there is none
	Required bool
	rule     string
}

// Users returns who defines each key: source, checkpoint, heartbeat, client,
// worker and file, which is MirrorMakerConfig.
func Users() map[string][]string {
	users := map[string][]string{}
	for user, defs := range newDefinitions().by {
		for _, d := range defs {
			users[d.Key] = append(users[d.Key], user)
		}
	}
	return users
}

// definitions are the rows of the table, by user.
type definitions struct {
	by       map[string][]Definition
	common   map[string]bool // the keys that reach every client
	base     map[string]bool // the keys that connectors take from the top level
	variable *regexp.Regexp
	client   *regexp.Regexp // keys of a cluster that are for one of its clients
}

func newDefinitions() *definitions {
	d := &definitions{
		by: map[string][]Definition{}, common: map[string]bool{}, base: map[string]bool{},
		variable: regexp.MustCompile(variablePattern), client: regexp.MustCompile(`^(consumer|producer|admin)[^\n\r]*$`),
	}
	for line := range strings.Lines(definitionTable) {
		col := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		def := Definition{Key: col[0], Type: col[1], Default: col[2], rule: col[3]}
		def.Required = def.Default == "!required"
		if strings.HasPrefix(def.Default, "!") {
			def.Default = ""
		}
		for user := range strings.SplitSeq(col[4], ",") {
			d.by[user] = append(d.by[user], def)
			switch user {
			case userClient:
				d.common[def.Key] = true
			case userSource, userCheckpoint, userHeartbeat:
				d.base[def.Key] = true
			}
		}
	}
	return d
}

// check finds what the typed configuration of a user refuses in m. Defaults
// are valid, so only what is there is looked at.
func (d *definitions) check(user string, m Map, file string) diag.List {
	var problems diag.List
	for _, def := range d.by[user] {
		v, ok := m[def.Key]
		if !ok {
			if def.Required {
				problems.Add(diag.Errorf(diag.CodeMissing, diag.Range{File: file}, "%s is not set", def.Key))
			}
			continue
		}
		if code, text := def.problem(v.Text); text != "" {
			key := v.Key
			if key == "" {
				key = def.Key
			}
			problems.Add(diag.Errorf(code, v.At, "%s: %s", key, text))
		}
	}
	return problems
}

// problem is what ConfigDef says against a value: the code and the rest of the
// sentence, which never quotes the value.
func (d Definition) problem(text string) (code, problem string) {
	text = trim(text)
	switch d.Type {
	case "boolean":
		if !strings.EqualFold(text, "true") && !strings.EqualFold(text, "false") {
			return diag.CodeBadValue, "must be true or false"
		}
	case "short":
		return d.number(text, 16)
	case "int":
		return d.number(text, 32)
	case "long":
		return d.number(text, 64)
	case "double":
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return diag.CodeBadValue, "must be a number"
		}
		return d.inRange(n)
	case "list":
		return d.list(text)
	case "class":
		return d.class(text)
	case "string":
		return d.word(text)
	}
	return "", ""
}

func (d Definition) number(text string, bits int) (code, problem string) {
	n, err := strconv.ParseInt(text, 10, bits)
	if err != nil {
		return diag.CodeBadValue, "must be a whole number of at most " + strconv.Itoa(bits) + " bits"
	}
	if d.rule == "positive or -1" && n <= 0 && n != -1 {
		return diag.CodeOutOfRange, "must be positive, or -1 for the broker's default"
	}
	return d.inRange(float64(n))
}

// inRange checks a rule such as "range [0,...,900]" or "range [1,...]".
func (d Definition) inRange(n float64) (code, problem string) {
	bounds, ok := strings.CutPrefix(d.rule, "range [")
	if !ok {
		return "", ""
	}
	low, high, _ := strings.Cut(strings.TrimSuffix(bounds, "]"), ",...")
	high = strings.TrimPrefix(high, ",")
	if least, err := strconv.ParseFloat(low, 64); err == nil && n < least {
		return diag.CodeOutOfRange, "must be at least " + low
	}
	if most, err := strconv.ParseFloat(high, 64); err == nil && n > most {
		return diag.CodeOutOfRange, "must be at most " + high
	}
	return "", ""
}

func (d Definition) list(text string) (code, problem string) {
	items := field.SplitList(text)
	switch d.rule {
	case "elements", "elements some", "listeners":
		if len(items) == 0 && d.rule != "elements" {
			return diag.CodeBadValue, "must not be empty"
		}
		if slices.Contains(items, "") {
			return diag.CodeBadValue, "must not contain an empty element"
		}
	case "unique":
		if n := len(distinct(items)); n < len(items) {
			return diag.CodeDuplicateName, "must not name the same thing twice"
		}
	case "macs":
		for _, item := range items {
			if code, problem := (Definition{rule: "mac"}).word(item); problem != "" {
				return code, problem
			}
		}
		if len(items) == 0 {
			return diag.CodeBadValue, "must not be empty"
		}
	}
	return "", ""
}

func (d Definition) word(text string) (code, problem string) {
	rule, words, _ := strings.Cut(d.rule, " ")
	accepted := strings.Split(words, "|")
	switch rule {
	case "word":
		if !slices.Contains(accepted, text) {
			return diag.CodeBadValue, "must be " + strings.Join(accepted, " or ")
		}
	case "anycase":
		if !slices.ContainsFunc(accepted, func(w string) bool { return strings.EqualFold(w, text) }) {
			return diag.CodeBadValue, "must be " + strings.ToLower(strings.Join(accepted, " or "))
		}
	case "some":
		if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || (r >= 0x7f && r < 0xa0) }) {
			return diag.CodeBadValue, "must not be empty or contain control characters"
		}
	case "mac", "keygen":
		if len(text) < len("Hmac") || !strings.EqualFold(text[:len("Hmac")], "Hmac") {
			return diag.CodeBadValue, "must be an algorithm such as HmacSHA256"
		}
	case "headers":
		return headerRules(text)
	}
	return "", ""
}

// headerRules checks response.http.headers.config as RestServerConfig does,
// but for rules in quotes, which it takes as they are.
func headerRules(text string) (code, problem string) {
	if text == "" || strings.Contains(text, `"`) {
		return "", ""
	}
	for rule := range strings.SplitSeq(text, ",") {
		action, header, _ := strings.Cut(trim(rule), " ")
		name, value, _ := strings.Cut(trim(header), ":")
		known := slices.Contains([]string{"set", "add", "setdate", "adddate"}, strings.ToLower(action))
		if !known || trim(name) == "" || strings.ContainsAny(trim(name), " \t") || value == "" || strings.Contains(value, ":") {
			return diag.CodeBadValue, "must be rules of the form: action name:value"
		}
	}
	return "", ""
}

// class accepts the classes that come with Kafka. The
// handlers of logins are left to config/client, which knows those of others,
// too.
func (d Definition) class(text string) (code, problem string) {
	if strings.HasPrefix(d.Key, "sasl.") || strings.HasPrefix(d.Key, "ssl.") || d.Key == "connector.class" {
		return "", ""
	}
	if !slices.Contains(StockClasses(), text) && !slices.Contains(otherClasses(), text) {
		return diag.CodeJavaClass, "a Java class cannot run here"
	}
	return "", ""
}

// StockClasses are the classes of Kafka's own that MirrorMaker 2 can be told to
// use and that have an equal here.
func StockClasses() []string {
	const mirror, connect = "org.apache.kafka.connect.mirror.", "org.apache.kafka.connect."
	return []string{
		mirror + "DefaultTopicFilter", mirror + "DefaultGroupFilter", mirror + "DefaultConfigPropertyFilter",
		mirror + "DefaultReplicationPolicy", mirror + "IdentityReplicationPolicy",
		"org.apache.kafka.clients.admin.ForwardingAdmin",
		connect + "converters.ByteArrayConverter", connect + "storage.SimpleHeaderConverter",
	}
}

// otherClasses come with Kafka, too, but what they do has no equal here.
func otherClasses() []string {
	const connect = "org.apache.kafka.connect."
	list := []string{connect + "json.JsonConverter", connect + "storage.StringConverter"}
	for _, kind := range []string{"Boolean", "Double", "Float", "Integer", "Long", "Short"} {
		list = append(list, connect+"converters."+kind+"Converter")
	}
	return list
}
