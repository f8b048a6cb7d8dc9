package cluster

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"

	"github.com/strait-mirror/strait/flows/internal/login"
)

// Names of steps, in their order. What a cluster's configuration has no need of is
// left out.
const (
	StepDNS      = "dns"      // the name has addresses
	StepTCP      = "tcp"      // a connection can be made
	StepTLS      = "tls"      // it is encrypted, and each side accepts the other's certificate
	StepVersions = "versions" // who answers speaks Kafka's protocol
	StepSASL     = "sasl"     // it accepts the login
	StepMetadata = "metadata" // it tells of its cluster, which is the expected one
)

// Step is one thing that must work before a broker can be used.
type Step struct {
	Name    string
	Took    time.Duration
	Detail  string // what was found
	Warning string // what will not work for long
	Err     error  // a *Problem; nil: it works
}

// Visit is the way to one broker, up to the first step that does not work.
type Visit struct {
	Address string
	Broker  int32 // NoBroker: a bootstrap server of which no more is known
	Steps   []Step
}

// NoBroker is the id of a broker that is not known.
const NoBroker int32 = -1

// Err is why the broker cannot be used; nil: it can.
func (v Visit) Err() error {
	if n := len(v.Steps); n > 0 {
		return v.Steps[n-1].Err
	}
	return nil
}

// walkers bounds how many brokers are visited at the same time.
const walkers = 8

// Walk goes the way of a client to each bootstrap server, step by step, and then to
// each broker that one of them names, at the address that clients are sent to.
func (c *Cluster) Walk(ctx context.Context) []Visit {
	visits, answers := c.visitAll(ctx, c.p.Config.BootstrapServers)
	var brokers []kmsg.MetadataResponseBroker
	for _, m := range answers {
		if m != nil {
			brokers = m.Brokers
			break
		}
	}
	slices.SortFunc(brokers, func(a, b kmsg.MetadataResponseBroker) int { return cmp.Compare(a.NodeID, b.NodeID) })
	var more []string
	var ids []int32
	for _, b := range brokers {
		address := net.JoinHostPort(b.Host, fmt.Sprint(b.Port))
		if i := slices.IndexFunc(visits, func(v Visit) bool { return v.Address == address }); i >= 0 {
			visits[i].Broker = b.NodeID
			continue
		}
		more, ids = append(more, address), append(ids, b.NodeID)
	}
	rest, _ := c.visitAll(ctx, more)
	for i := range rest {
		rest[i].Broker = ids[i]
	}
	return append(visits, rest...)
}

func (c *Cluster) visitAll(ctx context.Context, addresses []string) ([]Visit, []*kmsg.MetadataResponse) {
	visits, answers := make([]Visit, len(addresses)), make([]*kmsg.MetadataResponse, len(addresses))
	var group errgroup.Group
	group.SetLimit(walkers)
	for i, address := range addresses {
		group.Go(func() error {
			w := &walk{c: c, visit: Visit{Address: address, Broker: NoBroker}}
			answers[i] = w.run(ctx)
			visits[i] = w.visit
			return nil
		})
	}
	_ = group.Wait() // they return none
	return visits, answers
}

// walk is a visit under way.
type walk struct {
	c     *Cluster
	visit Visit
}

func (w *walk) run(ctx context.Context) *kmsg.MetadataResponse {
	if !w.resolve(ctx) || !w.connect(ctx) {
		return nil
	}
	return w.ask(ctx)
}

// add notes a step and reports whether it works.
func (w *walk) add(s Step) bool {
	s.Err = w.c.Explain(s.Err)
	w.visit.Steps = append(w.visit.Steps, s)
	return s.Err == nil
}

func (w *walk) resolve(ctx context.Context) bool {
	host, _, err := net.SplitHostPort(w.visit.Address)
	if err == nil && net.ParseIP(host) != nil {
		return true
	}
	began := time.Now()
	var found []string
	if err == nil {
		found, err = net.DefaultResolver.LookupHost(ctx, host)
	}
	return w.add(Step{Name: StepDNS, Took: time.Since(began), Detail: strings.Join(found, ", "), Err: err})
}

func (w *walk) connect(ctx context.Context) bool {
	d, address := w.c.dialer, w.visit.Address
	ctx, cancel := context.WithTimeout(ctx, d.patience(address))
	defer cancel()
	began := time.Now()
	conn, host, err := d.connect(ctx, "tcp", address)
	s := Step{Name: StepTCP, Took: time.Since(began), Err: err}
	if err == nil {
		defer func() { conn.Close() }()
		s.Detail = conn.RemoteAddr().String()
	}
	if !w.add(s) || d.trust == nil {
		return err == nil
	}
	began = time.Now()
	secure, err := d.secure(ctx, "tcp", conn, host)
	s = Step{Name: StepTLS, Took: time.Since(began), Err: err}
	if err == nil {
		conn = secure
		s.Detail, s.Warning = w.certificates(secure, time.Now())
	}
	return w.add(s)
}

// certificatesSoon is when a certificate that ends is worth a word: those who renew
// by hand need some weeks.
const certificatesSoon = 30 * 24 * time.Hour

// certificates says what a TLS connection rests on, and what of that ends soon.
func (w *walk) certificates(conn net.Conn, now time.Time) (detail, warning string) {
	secure, ok := conn.(*tls.Conn)
	if !ok {
		return "", ""
	}
	state := secure.ConnectionState()
	detail = tls.VersionName(state.Version)
	var soon []string
	until := func(whose string, end time.Time) {
		detail += fmt.Sprintf(", %s valid until %s", whose, end.UTC().Format(time.DateOnly))
		if left := end.Sub(now); left < certificatesSoon {
			soon = append(soon, fmt.Sprintf("%s ends on %s, in %d days: renew it", whose, end.UTC().Format(time.DateOnly), int(left.Hours()/24)))
		}
	}
	if len(state.PeerCertificates) > 0 {
		end := state.PeerCertificates[0].NotAfter
		for _, above := range state.PeerCertificates {
			if above.NotAfter.Before(end) {
				end = above.NotAfter
			}
		}
		until("the broker's certificate", end)
	}
	if own := w.c.certificate(); own != nil {
		until("our certificate", own.NotAfter)
	}
	return detail, strings.Join(soon, "; ")
}

// ask logs in and asks for metadata, with a client that knows of this broker alone.
func (w *walk) ask(ctx context.Context) *kmsg.MetadataResponse {
	config, t := *w.c.p.Config, &stopwatch{dial: w.c.dialer.dial}
	config.BootstrapServers = []string{w.visit.Address}
	answer, err := w.c.askWith(ctx, &config, t)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil && !t.spoke {
		w.add(Step{Name: StepVersions, Took: t.versions, Err: err})
		return nil
	}
	w.add(Step{Name: StepVersions, Took: t.versions})
	if config.SASL != nil {
		s := Step{Name: StepSASL, Took: max(0, t.ready-t.dialed-t.versions), Detail: fmt.Sprintf("%s as %q", config.SASL.Mechanism, login.Principal(config.SASL))}
		if err != nil && !t.connected {
			s.Err = err
		}
		if !w.add(s) {
			return nil
		}
	}
	s := Step{Name: StepMetadata, Took: t.metadata, Err: err}
	if err == nil {
		id := ""
		if answer.ClusterID != nil {
			id = *answer.ClusterID
		}
		s.Detail = fmt.Sprintf("cluster %s, brokers: %d", id, len(answer.Brokers))
		s.Err = w.c.verifyID(id)
	}
	if !w.add(s) {
		return nil
	}
	return answer
}
