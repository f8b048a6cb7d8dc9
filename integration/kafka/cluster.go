package kafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
)

// startTries is how often a cluster is started whose port was taken between
// its choice and its use.
const startTries = 3

// Cluster is a running Kafka cluster. Several goroutines may use it, each on a
// broker of its own; Close comes after all of them.
type Cluster struct {
	opts    Options
	dir     string
	dist    *distribution
	certs   *certificates // nil without TLS
	ports   ports
	brokers []*node     // by id - 1
	quorum  *node       // the controller; brokers[0] where there is one broker
	client  *kgo.Client // over the admin listener
}

// New starts a cluster whose files are all under dir, an existing directory
// that remains the caller's to remove, and waits until every broker serves.
// The context bounds the start alone: the cluster runs until Close.
func New(ctx context.Context, dir string, o Options) (*Cluster, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	d, err := prepare(ctx, o.Version)
	if err != nil {
		return nil, err
	}
	base, err := cacheDir()
	if err != nil {
		return nil, err
	}
	c := &Cluster{opts: o, dir: dir, dist: d, ports: ports{dir: filepath.Join(base, "ports")}}
	if o.TLS {
		if c.certs, err = newCertificates(dir); err != nil {
			return nil, err
		}
	}
	for try := 1; ; try++ {
		err := c.start(ctx)
		if err == nil {
			return c, nil
		}
		taken := c.portTaken()
		err = errors.Join(err, c.Close())
		if !taken || try == startTries {
			return nil, fmt.Errorf("starting a cluster: %w\n%s", err, c.Logs(30))
		}
	}
}

// start lays out and launches every node, then waits for the brokers.
func (c *Cluster) start(ctx context.Context) error {
	if err := c.plan(); err != nil {
		return err
	}
	id := randomID()
	for _, n := range c.nodes() {
		if err := n.lay(id, c.nodeConfig(n)); err != nil {
			return err
		}
	}
	for _, n := range c.nodes() {
		if err := n.launch(c.jvm()); err != nil {
			return err
		}
	}
	g, gctx := errgroup.WithContext(ctx)
	for _, n := range c.brokers {
		g.Go(func() error { return n.waitReady(gctx) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	cl, err := kgo.NewClient(c.AdminOpts()...)
	if err != nil {
		return fmt.Errorf("making the admin client: %w", err)
	}
	c.client = cl
	if err := c.waitBrokers(ctx); err != nil {
		return err
	}
	return c.addScramUsers(ctx)
}

// plan chooses nodes, directories and ports.
func (c *Cluster) plan() error {
	c.brokers, c.quorum = nil, nil
	var err error
	take := func() (n int) {
		if err == nil {
			n, err = c.ports.take()
		}
		return n
	}
	for i := range c.opts.Brokers {
		n := &node{
			id: i + 1, dir: filepath.Join(c.dir, fmt.Sprintf("broker-%d", i+1)),
			clientPort: take(), adminPort: take(), heap: c.opts.Heap, dist: c.dist,
		}
		n.advertisedPort = n.clientPort
		if c.opts.Reroute {
			n.advertisedPort = take()
		}
		if len(c.opts.Advertise) > 0 {
			n.viaPort = take()
		}
		c.brokers = append(c.brokers, n)
	}
	if c.opts.Brokers == 1 {
		c.quorum = c.brokers[0]
	} else {
		// A controller of its own lets any number of brokers be killed.
		c.quorum = &node{id: controllerID, dir: filepath.Join(c.dir, "controller"), heap: "128m", dist: c.dist}
	}
	c.quorum.controllerPort = take()
	for _, n := range c.nodes() {
		// A second try after a taken port starts from nothing.
		err = errors.Join(err, os.RemoveAll(n.dir))
	}
	return err
}

// nodes returns every node, the controller first.
func (c *Cluster) nodes() []*node {
	if c.quorum == nil || c.quorum.clientPort != 0 {
		return c.brokers
	}
	return append([]*node{c.quorum}, c.brokers...)
}

// jvm is the choice of flags for the cluster's processes.
func (c *Cluster) jvm() jvm {
	return jvm{heap: c.opts.Heap, production: c.opts.Production, extra: c.opts.JVM}
}

// portTaken reports whether a node could not listen.
func (c *Cluster) portTaken() bool {
	return strings.Contains(c.Logs(100), "Address already in use")
}

// Close kills every process, waits for them and gives the ports back. A second
// call does nothing.
func (c *Cluster) Close() error {
	var errs []error
	if c.client != nil {
		c.client.Close()
		c.client = nil
	}
	for _, n := range c.nodes() {
		if n.proc != nil {
			errs = append(errs, n.proc.kill())
		}
	}
	c.ports.release()
	return errors.Join(errs...)
}

// Bootstrap returns the addresses for the clients of tests, which are secured
// as the options say.
func (c *Cluster) Bootstrap() []string {
	var a []string
	for _, n := range c.brokers {
		a = append(a, address(n.advertisedPort))
	}
	return a
}

// Route is how clients reach one broker of a cluster with Options.Reroute.
type Route struct {
	Broker     int
	Advertised string // where clients connect to: the test must listen there
	Listening  string // where the broker is
}

// Routes returns the way to every broker, by id. The advertised ports are
// reserved as the brokers' own are, until Close.
func (c *Cluster) Routes() []Route {
	var r []Route
	for _, n := range c.brokers {
		r = append(r, Route{Broker: n.id, Advertised: address(n.advertisedPort), Listening: address(n.clientPort)})
	}
	return r
}

// AdminBootstrap returns the addresses of a plain-text listener whose every
// user may do everything, whatever the options say.
func (c *Cluster) AdminBootstrap() []string {
	var a []string
	for _, n := range c.brokers {
		a = append(a, address(n.adminPort))
	}
	return a
}

// ViaBootstrap returns where the listeners of Options.Advertise really are:
// what a proxy forwards to. It is nil without them.
func (c *Cluster) ViaBootstrap() []string {
	var a []string
	for _, n := range c.brokers {
		if n.viaPort != 0 {
			a = append(a, address(n.viaPort))
		}
	}
	return a
}

// AdminOpts returns the options of a client of the admin listener.
func (c *Cluster) AdminOpts() []kgo.Opt {
	return []kgo.Opt{
		kgo.SeedBrokers(c.AdminBootstrap()...),
		kgo.MetadataMinAge(50 * time.Millisecond), // tests change leaders and look at once
	}
}

// Client returns the harness's own client of the admin listener. It belongs to
// the cluster: do not close it.
func (c *Cluster) Client() *kgo.Client { return c.client }

// Admin returns an admin client of the admin listener.
func (c *Cluster) Admin() *kadm.Client { return kadm.NewClient(c.client) }

// Brokers returns the ids of the brokers, which all methods that take a broker
// use.
func (c *Cluster) Brokers() []int {
	var ids []int
	for _, n := range c.brokers {
		ids = append(ids, n.id)
	}
	return ids
}

// Version returns the Kafka version asked for.
func (c *Cluster) Version() string { return c.opts.Version }

// LogDir returns the directory where a broker keeps its partitions.
func (c *Cluster) LogDir(broker int) string {
	return filepath.Join(c.dir, fmt.Sprintf("broker-%d", broker), "data")
}

// Logs returns the last n lines of every node's log.
func (c *Cluster) Logs(n int) string {
	var b strings.Builder
	for _, node := range c.nodes() {
		fmt.Fprintf(&b, "--- node %d ---\n%s\n", node.id, tail(node.log(), n))
	}
	return b.String()
}

// CPUTime returns the processor time that the cluster's processes have used,
// with those that were killed and restarted.
func (c *Cluster) CPUTime() (time.Duration, error) {
	var sum time.Duration
	for _, n := range c.nodes() {
		cpu, _, err := n.proc.usage()
		if err != nil {
			return 0, err
		}
		sum += n.earlier + cpu
	}
	return sum, nil
}
