package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/strait-mirror/strait/integration/kafka"
)

// lab is the two clusters, the delay in front of them, and what is in them.
type lab struct {
	log            *slog.Logger
	source, target *kafka.Cluster
	delay          *kafka.Program
	far            []string // addresses of the delay, in front of the source and of the target
	dir            string
	temporary      bool
	dirs           int            // made so far
	aliases        int            // used so far
	filled         map[string]set // data sets on the source, by topic prefix
}

// newLab starts two clusters of one broker, as Kafka's own scripts start them.
func newLab(ctx context.Context, s settings, log *slog.Logger) (_ *lab, err error) {
	l := &lab{log: log, dir: s.dir, temporary: s.dir == "", filled: make(map[string]set)}
	if l.temporary {
		l.dir, err = os.MkdirTemp("", "strait-bench-")
	} else {
		err = os.MkdirAll(l.dir, 0o755)
	}
	if err != nil {
		return nil, fmt.Errorf("making the bench's directory: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}()
	log.Info("clusters are being started")
	var listeners []net.Listener
	defer func() {
		for _, own := range listeners {
			own.Close() // the delay has its own copies
		}
	}()
	for _, c := range []struct {
		name string
		to   **kafka.Cluster
	}{{"source", &l.source}, {"target", &l.target}} {
		far, err := listen(ctx)
		if err != nil {
			return nil, err
		}
		listeners = append(listeners, far)
		l.far = append(l.far, far.Addr().String())
		dir, err := l.newDir(c.name)
		if err != nil {
			return nil, err
		}
		o := kafka.Options{
			Heap: "1g", Production: true, // kafka-server-start.sh: -Xmx1G -Xms1G
			Advertise: l.far[len(l.far)-1:],
			// Each run's copy is deleted after it, and a minute's delay would
			// fill the disk.
			Config: map[string]string{"log.segment.delete.delay.ms": "1000", "log.initial.task.delay.ms": "1000"},
		}
		if s.quick {
			o.Heap, o.Production = "", false
		}
		if *c.to, err = kafka.New(ctx, dir, o); err != nil {
			return nil, fmt.Errorf("starting the %s: %w", c.name, err)
		}
	}
	dir, err := l.newDir("delay")
	if err != nil {
		return nil, err
	}
	l.delay, err = startChild(dir, listeners, "delay", s.oneWay.String(), l.source.ViaBootstrap()[0], l.target.ViaBootstrap()[0])
	if err != nil {
		return nil, fmt.Errorf("starting the delay: %w", err)
	}
	return l, nil
}

// close ends everything and removes what is temporary.
func (l *lab) close() error {
	var errs []error
	if l.delay != nil {
		errs = append(errs, l.delay.Kill())
	}
	for _, c := range []*kafka.Cluster{l.source, l.target} {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	if l.temporary {
		errs = append(errs, os.RemoveAll(l.dir))
	}
	return errors.Join(errs...)
}

// newDir makes a directory for one process.
func (l *lab) newDir(name string) (string, error) {
	l.dirs++
	dir := filepath.Join(l.dir, fmt.Sprintf("%03d-%s", l.dirs, name))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("making a directory: %w", err)
	}
	return dir, nil
}

// topology is what one run of a mirror is told. Both programs read the same
// text, and only they know the alias: topics and positions are new in each run.
type topology struct {
	alias  string   // of the source
	topics string   // a regular expression
	far    bool     // through the delay
	more   []string // lines of this run alone
}

// topology returns one with an alias that was never used.
func (l *lab) topology(topics string, far bool) topology {
	l.aliases++
	return topology{alias: fmt.Sprintf("s%d", l.aliases), topics: topics, far: far}
}

// remote is the name that a topic gets on the target.
func (t topology) remote(topic string) string { return t.alias + "." + topic }

// text is the topology as mm2.properties. Heartbeats, checkpoints and ACLs are
// off: both programs copy topics and do nothing else.
func (l *lab) text(t topology, s settings) string {
	source, target := l.source.Bootstrap()[0], l.target.Bootstrap()[0]
	if t.far && s.far != "target" {
		source = l.far[0]
	}
	if t.far && s.far != "source" {
		target = l.far[1]
	}
	lines := []string{
		"clusters = " + t.alias + ", t",
		t.alias + ".bootstrap.servers = " + source,
		"t.bootstrap.servers = " + target,
		t.alias + "->t.enabled = true",
		t.alias + "->t.topics = " + t.topics,
		"emit.heartbeats.enabled = false",
		"emit.checkpoints.enabled = false",
		"sync.topic.acls.enabled = false",
		"replication.factor = 1",
		"checkpoints.topic.replication.factor = 1",
		"heartbeats.topic.replication.factor = 1",
		"offset-syncs.topic.replication.factor = 1",
		"offset.storage.replication.factor = 1",
		"status.storage.replication.factor = 1",
		"config.storage.replication.factor = 1",
		fmt.Sprintf("tasks.max = %d", runtime.NumCPU()),
	}
	return strings.Join(slices.Concat(lines, t.more, s.straitMM), "\n") + "\n"
}

// clean deletes what runs have left on both clusters, all but data sets.
func (l *lab) clean(ctx context.Context) error {
	for _, c := range []*kafka.Cluster{l.source, l.target} {
		adm := c.Admin()
		topics, err := adm.ListTopics(ctx)
		if err != nil {
			return fmt.Errorf("listing topics to delete: %w", err)
		}
		var doomed []string
		for name := range topics {
			if c == l.target || !l.holds(name) {
				doomed = append(doomed, name)
			}
		}
		if len(doomed) == 0 {
			continue
		}
		if _, err := adm.DeleteTopics(ctx, doomed...); err != nil {
			return fmt.Errorf("deleting the topics of a run: %w", err)
		}
		if err := l.waitDeleted(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// holds reports whether a topic of the source belongs to a data set.
func (l *lab) holds(topic string) bool {
	for prefix := range l.filled {
		if topic == prefix || strings.HasPrefix(topic, prefix+"-") {
			return true
		}
	}
	return false
}

// waitDeleted waits until a broker has removed the files of deleted topics.
func (l *lab) waitDeleted(ctx context.Context, c *kafka.Cluster) error {
	return every(ctx, 100*time.Millisecond, time.Minute, "the files of deleted topics are still there", func() (bool, error) {
		entries, err := os.ReadDir(c.LogDir(1))
		if err != nil {
			return false, fmt.Errorf("looking for deleted topics: %w", err)
		}
		return !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return strings.HasSuffix(e.Name(), "-delete") }), nil
	})
}

// forget deletes a data set.
func (l *lab) forget(ctx context.Context, prefix string) error {
	delete(l.filled, prefix)
	return l.clean(ctx)
}

// every calls done at an interval until it is true; what is its complaint when
// it takes longer than limit.
func every(ctx context.Context, interval, limit time.Duration, what string, done func() (bool, error)) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	over := time.After(limit)
	for {
		ok, err := done()
		if err != nil || ok {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting: %s: %w", what, context.Cause(ctx))
		case <-over:
			return fmt.Errorf("waiting %v: %s", limit, what)
		case <-tick.C:
		}
	}
}

// pause waits for a duration.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return fmt.Errorf("pausing: %w", context.Cause(ctx))
	}
}
