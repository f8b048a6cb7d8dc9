package parity

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/legacy/mm2"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/integration/kafka"
)

// askConnect puts questions to Connect's own classes: see Connect.java.
func askConnect(t *testing.T, questions []string) []string {
	t.Helper()
	kafka.Require(t)
	out := filepath.Join(t.TempDir(), "answers")
	err := kafka.RunSource(t.Context(), kafka.SourceOptions{File: "testdata/connect/Connect.java", Args: append([]string{out}, questions...)})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	answers := strings.Split(string(text), "\n")
	if len(answers) != len(questions) {
		t.Fatalf("%d answers to %d questions:\n%s", len(answers), len(questions), text)
	}
	return answers
}

// transformed reads a file with one transformation.
func transformed(class string, settings ...string) ([]*model.Stage, diag.List) {
	text := "clusters = a, b\na.bootstrap.servers = a:1\nb.bootstrap.servers = b:1\na->b.enabled = true\na->b.transforms = x\na->b.transforms.x.type = " + class + "\n"
	for _, s := range settings {
		text += "a->b.transforms.x." + s + "\n"
	}
	c, problems := mm2.Read(mm2.Params{File: "f", Text: []byte(text)})
	return c.Flows[0].Stages, problems
}

// TestTransformationsOfBytes asks Kafka's transformations for a record as MirrorMaker
// 2 makes it, whose value is JSON in bytes. Those that fail at it stop MirrorMaker 2:
// they are refused, and it is said that they do.
func TestTransformationsOfBytes(t *testing.T) {
	t.Parallel()
	const classes = "org.apache.kafka.connect.transforms."
	cases := []struct {
		class    string
		settings []string
		inside   bool // it looks into keys or values
		read     bool
	}{
		{"Cast$Value", []string{"spec=a:int32"}, true, false},
		{"Cast$Value", []string{"spec=string"}, true, false},
		{"ExtractField$Value", []string{"field=b"}, true, false},
		{"ExtractField$Key", []string{"field=b"}, true, false},
		{"Flatten$Value", nil, true, false},
		{"HeaderFrom$Value", []string{"fields=a", "headers=a", "operation=copy"}, true, false},
		{"HoistField$Value", []string{"field=a"}, true, false},
		{"HoistField$Key", []string{"field=a"}, true, false},
		{"InsertField$Value", []string{"static.field=c", "static.value=1"}, true, false},
		{"InsertField$Key", []string{"topic.field=c"}, true, false},
		{"MaskField$Value", []string{"fields=b"}, true, false},
		{"ReplaceField$Value", []string{"exclude=b"}, true, false},
		{"ReplaceField$Value", []string{"renames=a:c"}, true, false},
		{"SetSchemaMetadata$Value", []string{"schema.name=n"}, true, false},
		{"TimestampConverter$Value", []string{"field=a", "target.type=unix"}, true, false},
		{"ValueToKey", []string{"fields=a"}, true, false},
		{"TimestampRouter", nil, false, false},
		{"RegexRouter", []string{"regex=a(.*)", "replacement=b$1"}, false, true},
		{"DropHeaders", []string{"headers=h"}, false, true},
		{"InsertHeader", []string{"header=h", "value.literal=text"}, false, true},
		{"InsertHeader", []string{"header=h", "value.literal=01"}, false, false},
	}
	var questions []string
	for _, c := range cases {
		questions = append(questions, strings.Join(append([]string{"t", classes + c.class}, c.settings...), "\n"))
	}
	for i, answer := range askConnect(t, questions) {
		c := cases[i]
		if fails := answer[0] == '!'; fails != c.inside {
			t.Errorf("%s %v: Connect says %s", c.class, c.settings, answer)
		}
		stages, problems := transformed(classes+c.class, c.settings...)
		if read := len(stages) > 0 && !problems.HasErrors(); read != c.read {
			t.Errorf("%s %v: %d stages, %v", c.class, c.settings, len(stages), problems)
		}
		for _, p := range problems {
			said := p.Code == diag.CodeJavaClass && strings.Contains(p.Fix, "whose task fails at the first one")
			if p.Severity == diag.Error && said != c.inside {
				t.Errorf("%s %v: said %s, fix %s", c.class, c.settings, p.Summary, p.Fix)
			}
		}
	}
}

// TestLiteralsOfHeaders compares the texts of headers with what Connect makes of the
// same literals: it parses them, and writes what they came to.
func TestLiteralsOfHeaders(t *testing.T) {
	t.Parallel()
	plain := []string{"dc1", "eu-west-1", "a b", "1", "-5", "9223372036854775807", "true", "TRUE", "Null", "a,b", "a[1, 2]", "NaN"}
	literals := slices.Concat(plain, []string{
		"01", "+5", "1.50", "1e3", "12:00:00", "null", "9223372036854775808", "[1, 2]", `"q"`, "-0",
	})
	rng := rand.New(rand.NewPCG(7, 7))
	parts := []string{"true", "false", "null", "a", "B", "1", "2.50", "0", "-", "+", "e", ".", ":", ",", "[", "]", "{", "}", `"`, `\\`}
	for range 1500 {
		var s strings.Builder
		for range 1 + rng.IntN(4) {
			s.WriteString(parts[rng.IntN(len(parts))])
		}
		literals = append(literals, s.String())
	}
	var questions []string
	for _, l := range literals {
		questions = append(questions, "l\n"+strings.ReplaceAll(l, `\\`, `\`)) // as a properties file has it
	}
	read := map[bool]int{}
	for i, answer := range askConnect(t, questions) {
		stages, problems := transformed("org.apache.kafka.connect.transforms.InsertHeader", "header=h", "value.literal="+literals[i])
		read[len(stages) > 0]++
		switch {
		case len(stages) == 0 && !problems.HasErrors():
			t.Errorf("%q is neither read nor refused", literals[i])
		case len(stages) > 0 && answer != `="`+stages[0].Headers.Add["h"]:
			t.Errorf("%q is read as %q, Connect says %s", literals[i], stages[0].Headers.Add["h"], answer)
		case len(stages) == 0 && i < len(plain):
			t.Errorf("%q is refused: %v", literals[i], problems)
		}
	}
	if read[true] < 100 || read[false] < 100 {
		t.Errorf("%v: this proves nothing", read)
	}
}
