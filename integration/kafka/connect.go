package kafka

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// ConnectOptions say what worker of Kafka Connect to run.
type ConnectOptions struct {
	Bootstrap string // required: of the cluster it keeps its state on and writes to
	Group     string // group.id; the topics of its state begin with it
	Version   string // default DefaultVersion; ignored with STRAIT_KAFKA_DIR
}

// Connect is a worker of Kafka Connect with MirrorMaker 2's connectors.
type Connect struct {
	*Program
	rest string
}

// StartConnect runs a worker for the length of a test and waits until it answers.
func StartConnect(t testing.TB, o ConnectOptions) *Connect {
	t.Helper()
	Require(t)
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	d, err := prepare(ctx, cmp.Or(o.Version, DefaultVersion))
	if err != nil {
		t.Fatal(err)
	}
	base, err := cacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir, free := t.TempDir(), ports{dir: filepath.Join(base, "ports")}
	port, err := free.take()
	if err != nil {
		t.Fatal(err)
	}
	files := logConfigs()
	files["connect.properties"] = fmt.Sprintf(`bootstrap.servers=%s
group.id=%[2]s
offset.storage.topic=%[2]s-offsets
config.storage.topic=%[2]s-configs
status.storage.topic=%[2]s-status
offset.storage.replication.factor=1
config.storage.replication.factor=1
status.storage.replication.factor=1
offset.flush.interval.ms=500
key.converter=org.apache.kafka.connect.converters.ByteArrayConverter
value.converter=org.apache.kafka.connect.converters.ByteArrayConverter
listeners=http://%[3]s
`, o.Bootstrap, o.Group, address(port))
	if err := writeFiles(dir, files); err != nil {
		t.Fatal(err)
	}
	args := append(jvm{}.flags(d), "-cp", d.classPath,
		"-Dlog4j2.configurationFile="+filepath.Join(dir, "log4j2.properties"),
		"-Dlog4j.configuration=file:"+filepath.Join(dir, "log4j.properties"),
		"org.apache.kafka.connect.cli.ConnectDistributed", filepath.Join(dir, "connect.properties"))
	free.release() // for the worker to take
	proc, err := start(d.java.path, args, dir, filepath.Join(dir, "connect.log"))
	if err != nil {
		t.Fatal(err)
	}
	c := &Connect{Program: &Program{name: "Kafka Connect", proc: proc, grace: mirrorMakerGrace}, rest: "http://" + address(port)}
	t.Cleanup(func() {
		if err := c.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("ending Kafka Connect: %v", err)
		}
		if t.Failed() {
			t.Logf("Kafka Connect's last words:\n%s", c.Log(60))
		}
	})
	for ctx.Err() == nil {
		if err = c.ask(ctx, http.MethodGet, "/connectors", nil); err == nil {
			return c
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Fatal("Kafka Connect does not answer: ", err)
	return nil
}

// Put creates a connector, or changes it.
func (c *Connect) Put(ctx context.Context, name string, config map[string]string) error {
	return c.ask(ctx, http.MethodPut, "/connectors/"+url.PathEscape(name)+"/config", config)
}

// Suspend takes a connector's tasks away and keeps its positions (KIP-875).
func (c *Connect) Suspend(ctx context.Context, name string) error {
	return c.ask(ctx, http.MethodPut, "/connectors/"+url.PathEscape(name)+"/stop", nil)
}

func (c *Connect) ask(ctx context.Context, method, path string, body any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return fmt.Errorf("asking Kafka Connect: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.rest+path, bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("asking Kafka Connect: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("asking Kafka Connect: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusMultipleChoices {
		why, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		return fmt.Errorf("asking Kafka Connect for %s: %s: %s", path, resp.Status, why)
	}
	return nil
}
