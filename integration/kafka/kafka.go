// Package kafka is real Apache Kafka for tests and benchmarks: clusters of
// broker processes and MirrorMaker 2 processes on the loopback interface.
//
// It owns the Kafka jars (fetched once from Maven Central by a pinned list of
// checksums, or taken from STRAIT_KAFKA_DIR), the Java process of each node,
// their ports, certificates and directories. It knows nothing of Strait. What
// to write into a cluster is package shapes' subject, and whether two topics
// are equal is package compare's.
//
// Tests call [Start] and [StartMirrorMaker], which end everything in a cleanup
// and print the nodes' logs when the test failed. Programs without a
// testing.TB call [New] and [NewMirrorMaker] and close what they get. Either
// way the processes die with the process that started them, however it ends.
package kafka

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// The Apache Kafka versions whose jars are pinned in versions/.
const (
	Version42 = "4.2.0" // the newest, and the default
	Version39 = "3.9.2" // the last 3.x, with the older metadata and log formats
)

// DefaultVersion is the version that an empty Options.Version means.
const DefaultVersion = Version42

// The SASL mechanisms that a cluster can ask of its clients.
const (
	Plain       = "PLAIN"
	ScramSHA256 = "SCRAM-SHA-256"
	ScramSHA512 = "SCRAM-SHA-512"
)

// Options say what cluster to start. The zero value is one broker of the
// default version that accepts anybody in plain text.
type Options struct {
	Brokers int    // default 1; more than one get a controller process of their own
	Version string // default DefaultVersion; ignored with STRAIT_KAFKA_DIR

	TLS        bool              // clients must use TLS; the harness makes the CA
	MTLS       bool              // clients must also show a certificate; implies TLS
	SASL       string            // Plain, ScramSHA256 or ScramSHA512; empty for none
	Users      map[string]string // password by name; default one user "strait"; needs SASL
	Authorizer bool              // deny what no ACL allows; needs SASL or MTLS
	SuperUsers []string          // principals the ACLs do not bind, as "User:name"

	// Racks has each broker be in one, and consumers be sent to the replica of
	// theirs (KIP-392); empty for none.
	Racks []string

	// Reroute has the brokers tell clients of other ports than they listen on:
	// the test puts something of its own in between (see Cluster.Routes).
	Reroute bool

	// Advertise opens one more listener on each broker, in plain text. Whoever
	// bootstraps there is told to go on at these addresses, one per broker:
	// those of a proxy between it and ViaBootstrap.
	Advertise []string

	Config     map[string]string // broker properties, over the harness's own
	Heap       string            // of each broker, as in -Xmx; default 256m
	Production bool              // Java flags of Kafka's own start scripts, for measurements
	JVM        []string          // more Java flags, last
}

// withDefaults checks o and fills in what was left zero.
func (o Options) withDefaults() (Options, error) {
	o.Brokers = cmp.Or(o.Brokers, 1)
	o.Version = cmp.Or(o.Version, DefaultVersion)
	o.TLS = o.TLS || o.MTLS
	if err := o.check(); err != nil {
		return o, fmt.Errorf("checking cluster options: %w", err)
	}
	if o.SASL != "" && len(o.Users) == 0 {
		o.Users = map[string]string{"strait": "strait-secret"}
	}
	return o, nil
}

// check reports what does not fit together.
func (o Options) check() error {
	switch {
	case o.Brokers < 0 || o.Brokers > 9:
		return fmt.Errorf("%d brokers are not between 1 and 9", o.Brokers)
	case len(o.Advertise) > 0 && len(o.Advertise) != o.Brokers:
		return fmt.Errorf("%d addresses to advertise for %d brokers", len(o.Advertise), o.Brokers)
	case len(o.Racks) > 0 && len(o.Racks) != o.Brokers:
		return fmt.Errorf("%d racks for %d brokers", len(o.Racks), o.Brokers)
	case o.SASL == "" && len(o.Users) > 0:
		return errors.New("users need a SASL mechanism")
	case !slices.Contains([]string{"", Plain, ScramSHA256, ScramSHA512}, o.SASL):
		return fmt.Errorf("unknown SASL mechanism %q", o.SASL)
	case o.Authorizer && o.SASL == "" && !o.MTLS:
		return errors.New("an authorizer needs SASL or MTLS, " +
			"else every client is the anonymous super user of the harness")
	}
	return nil
}

// protocol is Kafka's name for how clients connect.
func (o Options) protocol() string {
	switch {
	case o.TLS && o.SASL != "":
		return "SASL_SSL"
	case o.TLS:
		return "SSL"
	case o.SASL != "":
		return "SASL_PLAINTEXT"
	default:
		return "PLAINTEXT"
	}
}
