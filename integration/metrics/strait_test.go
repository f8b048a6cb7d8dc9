// Package metrics_test scrapes a Strait that runs between real brokers: what is
// documented is there, says what both clusters say, and answers the dashboards and
// alerts that are made for it.
package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/kafka"
)

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// wait looks again and again until there is what is wanted, or ctx ends.
func wait(ctx context.Context, done func() bool) bool {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// running is the program, and a topology that it runs.
type running struct {
	t    *testing.T
	a, b *kafka.Cluster
	file string
	p    *kafka.Program
	url  string
}

// topology merges x and y, and changes every record.
const topology = `
cluster "a" {
  bootstrap_servers = ["%s"]
}
cluster "b" {
  bootstrap_servers = ["%s"]
}
source "a" {
  cluster = cluster.a
  topics  = ["x", "y", "z"]
}
transform "rename" "one" {
  inputs = [source.a]
  map    = { "x" = "all", "y" = "all" }
  merge  = true
}
transform "headers" "from" {
  inputs = [transform.one]
  add    = { "copied" = "yes" }
}
sink "b" {
  cluster            = cluster.b
  inputs             = [transform.from]
  replication_factor = 1

  emit_checkpoints_interval = "1s"
}
metrics {
  listen = "127.0.0.1:0"
  %s
}
`

// start runs the program between two clusters of its own, with attributes in its
// metrics block.
func start(t *testing.T, attributes string) *running {
	t.Helper()
	kafka.Require(t)
	dir := t.TempDir()
	r := &running{t: t, file: filepath.Join(dir, "strait.hcl")}
	binary := filepath.Join(dir, "strait")
	var all sync.WaitGroup
	all.Go(func() { r.a = kafka.Start(t, kafka.Options{}) })
	all.Go(func() { r.b = kafka.Start(t, kafka.Options{}) })
	all.Go(func() {
		build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "github.com/strait-mirror/strait/cmd/strait")
		if text, err := build.CombinedOutput(); err != nil {
			t.Errorf("building the program: %v\n%s", err, text)
		}
	})
	all.Wait()
	if t.Failed() || r.a == nil || r.b == nil {
		t.FailNow()
	}
	for topic, partitions := range map[string]int{"x": 2, "y": 2, "z": 3} {
		if err := r.a.CreateTopic(bounded(t), kafka.Topic{Name: topic, Partitions: partitions}); err != nil {
			t.Fatal(err)
		}
	}
	r.write(attributes)
	var err error
	if r.p, err = kafka.NewProgram(dir, kafka.ProgramOptions{Path: binary, Args: []string{"run", "--log-format", "text", r.file}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.p.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("ending strait: %v", err)
		}
		if t.Failed() {
			t.Logf("strait's last words:\n%s", r.p.Log(40))
		}
	})
	const serving = `/readyz" address=`
	if !wait(bounded(t), func() bool { return strings.Contains(r.p.Log(100), serving) || !r.p.Running() }) || !r.p.Running() {
		t.Fatal("nothing is served")
	}
	_, rest, _ := strings.Cut(r.p.Log(100), serving)
	address, _, _ := strings.Cut(rest, "\n")
	r.url = "http://" + address + "/metrics"
	return r
}

// write writes the topology with attributes in its metrics block, which a Strait
// that runs applies.
func (r *running) write(attributes string) {
	r.t.Helper()
	text := fmt.Sprintf(topology, r.a.Bootstrap()[0], r.b.Bootstrap()[0], attributes)
	if err := os.WriteFile(r.file, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// produce writes records to a partition of the source.
func (r *running) produce(ctx context.Context, topic string, partition int32, records int) {
	r.t.Helper()
	cl, err := kgo.NewClient(append(r.a.AdminOpts(), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		r.t.Fatal(err)
	}
	defer cl.Close()
	for i := range records {
		record := &kgo.Record{Topic: topic, Partition: partition, Value: fmt.Appendf(nil, "%s/%d: %d", topic, partition, i)}
		if err := cl.ProduceSync(ctx, record).FirstErr(); err != nil {
			r.t.Fatal(err)
		}
	}
}

// page is what a scrape gets: values by series, labels in the order of the page.
type page map[string]float64

// scrape reads the page, and fails where Prometheus would take offence at it.
func (r *running) scrape(ctx context.Context) page {
	r.t.Helper()
	text := r.text(ctx)
	parser := expfmt.NewTextParser(model.LegacyValidation)
	if _, err := parser.TextToMetricFamilies(strings.NewReader(text)); err != nil {
		r.t.Fatalf("parsing the page: %v\n%s", err, text)
	}
	p := page{}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndex(line, " ")
		if _, twice := p[line[:at]]; twice {
			r.t.Errorf("%s is there twice", line[:at])
		}
		var value float64
		if _, err := fmt.Sscan(line[at+1:], &value); err != nil {
			r.t.Fatalf("%q: %v", line, err)
		}
		p[line[:at]] = value
	}
	return p
}

// text reads the page.
func (r *running) text(ctx context.Context) string {
	r.t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		r.t.Fatalf("%s, %v:\n%s", response.Status, err, text)
	}
	return string(text)
}

// names are the names on the page.
func (p page) names() map[string]bool {
	all := map[string]bool{}
	for series := range p {
		name, _, _ := strings.Cut(series, "{")
		all[name] = true
	}
	return all
}

// of returns values of a partition, by its place on the source.
func (p page) of(metric, topic, target string, partition int32) (float64, bool) {
	value, ok := p[fmt.Sprintf(`%s{flow="a-one-from-b",partition="%d",source="a",source_topic="%s",target="b",topic="%s"}`, metric, partition, topic, target)]
	return value, ok
}
