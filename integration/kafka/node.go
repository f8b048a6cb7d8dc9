package kafka

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	pollEvery = 25 * time.Millisecond
	stopGrace = 30 * time.Second // a controlled shutdown is quicker than that
)

// node is one Kafka process of a cluster and what outlives its restarts.
type node struct {
	id             int
	dir            string
	clientPort     int // 0 for a controller
	adminPort      int // 0 for a controller
	viaPort        int // 0 without Options.Advertise
	advertisedPort int // where clients are sent; clientPort unless Options.Reroute
	controllerPort int // 0 for a broker of a cluster with a controller
	heap           string
	dist           *distribution // of the version it runs

	proc    *process      // nil before the first start
	earlier time.Duration // processor time of the processes before proc
}

// lay writes what `kafka-storage format` would have written, from the
// checkpoint that the tool made once for this version, and the configuration.
func (n *node) lay(clusterID string, config map[string]string) error {
	data := filepath.Join(n.dir, "data")
	if err := os.MkdirAll(data, 0o755); err != nil {
		return fmt.Errorf("making the directory of node %d: %w", n.id, err)
	}
	checkpoint, err := os.ReadFile(n.dist.checkpoint)
	if err != nil {
		return fmt.Errorf("reading the bootstrap checkpoint: %w", err)
	}
	files := logConfigs()
	if _, ok := config["authorizer.class.name"]; ok {
		for name, text := range auditConfigs() {
			files[name] += text
		}
	}
	files["server.properties"] = Properties(config)
	files["data/bootstrap.checkpoint"] = string(checkpoint)
	files["data/meta.properties"] = Properties(map[string]string{
		"version":      "1",
		"cluster.id":   clusterID,
		"node.id":      strconv.Itoa(n.id),
		"directory.id": randomID(),
	})
	return writeFiles(n.dir, files)
}

// writeFiles writes small files by name under dir.
func writeFiles(dir string, files map[string]string) error {
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(text), 0o600); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	return nil
}

// randomID returns a UUID as Kafka writes them: 22 characters of URL base64.
// Kafka reserves ids that start with a dash, which its tools mistake for flags.
func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])  // never fails, says its documentation
	b[0] &= 0x7f            // the first character is then a letter or digit
	b[6] = b[6]&0x0f | 0x40 // version 4
	b[8] = b[8]&0x3f | 0x80
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// launch starts the process of a node.
func (n *node) launch(j jvm) error {
	d := n.dist
	j.heap = n.heap
	args := append(j.flags(d),
		"-cp", d.classPath,
		"-Dlog4j2.configurationFile="+filepath.Join(n.dir, "log4j2.properties"),
		"-Dlog4j.configuration=file:"+filepath.Join(n.dir, "log4j.properties"),
		"kafka.Kafka", filepath.Join(n.dir, "server.properties"))
	proc, err := start(d.java.path, args, n.dir, n.log())
	if err != nil {
		return fmt.Errorf("starting node %d: %w", n.id, err)
	}
	if n.proc != nil {
		if cpu, _, err := n.proc.usage(); err == nil {
			n.earlier += cpu
		}
	}
	n.proc = proc
	return nil
}

// log is the path of the node's log.
func (n *node) log() string { return filepath.Join(n.dir, "log.txt") }

// errEnded means that a process ended while it was waited for.
var errEnded = errors.New("the process ended")

// poll calls ready until it returns true, the process of a node ends, or ctx
// does. The last error of ready explains the timeout.
func poll(ctx context.Context, nodes []*node, ready func() (bool, error)) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		ok, err := ready()
		if ok {
			return nil
		}
		for _, n := range nodes {
			if !n.proc.running() {
				return fmt.Errorf("node %d: %w: %w", n.id, errEnded, errors.Join(n.proc.err, err))
			}
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-tick.C:
		}
	}
}

// waitReady waits until the broker counts itself among the cluster's and its
// client listener accepts connections.
func (n *node) waitReady(ctx context.Context) error {
	err := poll(ctx, []*node{n}, func() (bool, error) {
		for _, port := range []int{n.adminPort, n.clientPort} {
			conn, err := net.DialTimeout("tcp", address(port), time.Second)
			if err != nil {
				return false, err
			}
			if err := conn.Close(); err != nil {
				return false, err
			}
		}
		return n.registered(ctx)
	})
	if err != nil {
		return fmt.Errorf("waiting for broker %d: %w", n.id, err)
	}
	return nil
}

// registered asks the broker itself, not its peers, who is in the cluster.
func (n *node) registered(ctx context.Context) (bool, error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(address(n.adminPort)), kgo.RequestRetries(0))
	if err != nil {
		return false, fmt.Errorf("making a client: %w", err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return false, fmt.Errorf("asking broker %d for its peers: %w", n.id, err)
	}
	for _, b := range resp.Brokers {
		if int(b.NodeID) == n.id {
			return true, nil
		}
	}
	return false, fmt.Errorf("broker %d does not know itself yet", n.id)
}

// Ports are taken below the range that systems use for outgoing connections
// (32768 and up on Linux), so that nobody's connection takes the port of a
// broker that is down for a moment.
const (
	firstPort = 20000
	lastPort  = 32000
	portTries = 2000
)

// ports are numbers that this process keeps for itself: every harness on the
// machine locks a file per port, and the kernel unlocks it with the process.
type ports struct {
	dir   string     // where the lock files are
	locks []*os.File // held until release
}

// take returns a loopback port that no harness holds and nobody listens on.
func (p *ports) take() (int, error) {
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return 0, fmt.Errorf("making the directory of port locks: %w", err)
	}
	for range portTries {
		n := firstPort + mathrand.IntN(lastPort-firstPort) // not a secret
		lock, err := tryLock(filepath.Join(p.dir, strconv.Itoa(n)))
		if err != nil {
			return 0, err
		}
		if lock == nil {
			continue
		}
		l, err := net.Listen("tcp", address(n))
		if err != nil {
			_ = lock.Close() // nothing was written to it
			continue
		}
		if err := l.Close(); err != nil {
			return 0, fmt.Errorf("closing a probed port: %w", errors.Join(err, lock.Close()))
		}
		p.locks = append(p.locks, lock)
		return n, nil
	}
	return 0, fmt.Errorf("finding a free port between %d and %d: none in %d tries", firstPort, lastPort, portTries)
}

// release gives the ports back.
func (p *ports) release() {
	for _, l := range p.locks {
		_ = l.Close() // the empty file stays: removing it would let two have the lock
	}
	p.locks = nil
}

// address is a loopback port as clients and brokers write it.
func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
