package effective_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/legacy/mm2/effective"
	"github.com/strait-mirror/strait/config/props"
)

const two = "clusters=A,B\nA.bootstrap.servers=a:9092\nB.bootstrap.servers=b:9092\n"

func read(text string) (*effective.Config, diag.List) {
	doc, problems := props.Parse("f", []byte(text), props.Latin1)
	c, more := effective.Read(effective.Params{
		Doc: doc, Env: func(name string) (string, bool) { return "hunter2", name == "E" },
		ReadFile: func(path string) ([]byte, error) { return nil, errors.New("open " + path + ": is not there") },
	})
	problems.Add(more...)
	return c, problems
}

// TestOrigin shows where a value comes from; that the values are MirrorMaker
// 2's is shown by integration/parity.
func TestOrigin(t *testing.T) {
	c, problems := read(two + "A->B.enabled=true\nA->B.consumer.x=1\nA.consumer.x=2\n" +
		"config.providers=e\nconfig.providers.e.class=" + effective.ProviderPackage + "EnvVarConfigProvider\nB.producer.y=${env:E}${e:E}\n")
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	f := c.Flow(effective.Pair{Source: "A", Target: "B"})
	x := f.SourceConsumer(c)["x"]
	if x.Text != "2" || x.Key != "A.consumer.x" || x.At.Start.Line != 6 {
		t.Errorf("got %+v", x)
	}
	if acks := f.RecordProducer()["acks"]; acks.Written() || !acks.At.IsZero() {
		t.Errorf("got %+v", acks)
	}
	y := f.RecordProducer()["y"]
	if y.Text != "${env:E}hunter2" || !y.Sensitive || y.Undeclared != "env" || y.Unresolved != "" {
		t.Errorf("got %+v", y)
	}
}

// TestManyClusters bounds what grows with the square of the clusters.
func TestManyClusters(t *testing.T) {
	var text strings.Builder
	text.WriteString("clusters=c0")
	for range 2000 {
		text.WriteString(",c" + strings.Repeat("x", 3) + string(rune('a'+text.Len()%26)) + time.Duration(text.Len()).String())
	}
	c, problems := read(text.String() + "\n")
	if len(c.Pairs()) != 0 || !problems.HasErrors() {
		t.Errorf("got %d pairs, %v", len(c.Pairs()), problems)
	}
}

// FuzzRead holds for any text: reading ends, problems have a code and never
// quote what a provider said.
func FuzzRead(f *testing.F) {
	f.Add(two + "A->B.enabled=true\ntasks.max=x\n")
	f.Add(two + "config.providers=e, f\nconfig.providers.e.class=" + effective.ProviderPackage + "EnvVarConfigProvider\ntasks.max=${e:E}${f:g}")
	f.Add("clusters=A,A,,B->C\nA->B->C.enabled=TRUE\nA.=1\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, problems := read(text)
		for i, p := range c.Pairs() {
			if i == 9 {
				break
			}
			flow := c.Flow(p)
			problems.Add(flow.Problems()...)
			flow.All(c)
		}
		for _, d := range problems {
			if d.Code == "" || d.Severity == 0 || d.Summary == "" || strings.Contains(d.Summary, "hunter2") {
				t.Fatalf("%#v", d)
			}
		}
	})
}
