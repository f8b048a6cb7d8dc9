package cluster

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/internal/login"
	"github.com/strait-mirror/strait/flows/internal/wire"
)

// Problem is an error with what it most likely means. Its text is one sentence
// for the user; the error that was explained is beneath it.
type Problem struct {
	Cluster string // alias
	Address string // where it happened; empty when that is not known
	Cause   string // what is wrong and what to look at
	Fix     string // a command that puts it right; empty where there is none
	Err     error
}

// Error returns the sentence.
func (p *Problem) Error() string {
	if p.Address == "" {
		return fmt.Sprintf("cluster %q: %s", p.Cluster, p.Cause)
	}
	return fmt.Sprintf("cluster %q at %s: %s", p.Cluster, p.Address, p.Cause)
}

// Unwrap returns what was explained.
func (p *Problem) Unwrap() error { return p.Err }

// Explain returns err with the cluster, the address and the likely cause, as a
// *Problem. It returns nil for nil and leaves a *Problem as it is.
func (c *Cluster) Explain(err error) error {
	if err == nil {
		return nil
	}
	if _, explained := errors.AsType[*Problem](err); explained {
		return err
	}
	p := &Problem{Cluster: c.Alias(), Address: c.addressOf(err), Cause: c.cause(err), Err: err}
	if denied, ok := errors.AsType[*admin.MissingPermissionError](err); ok {
		p.Fix = c.grantMissing(denied)
	}
	return p
}

// Silent says that the cluster has not answered yet.
func (c *Cluster) Silent() string {
	return (&Problem{Cluster: c.Alias(), Address: strings.Join(c.p.Config.BootstrapServers, ", "), Cause: "no answer yet"}).Error()
}

// addressOf returns the broker's address, by name where kgo told us, else what
// the network says, else the bootstrap servers for errors that concern them all.
func (c *Cluster) addressOf(err error) string {
	if a := c.failedAt(err); a != "" {
		return a
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Addr != nil {
		return op.Addr.String()
	}
	if _, ok := errors.AsType[*wire.Error](err); ok {
		return ""
	}
	if _, ok := errors.AsType[*kerr.Error](err); ok {
		return ""
	}
	if errors.Is(err, ErrNoLeader) {
		return ""
	}
	return strings.Join(c.p.Config.BootstrapServers, ", ")
}

// failedAt returns the address where a connection failed with err, or "".
func (c *Cluster) failedAt(err error) string {
	return cmp.Or(c.dialer.address(err), c.records.address(err))
}

// cause tries the most specific explanation first.
func (c *Cluster) cause(err error) string {
	for _, explain := range []func(error) string{c.causeOfCertificate, c.causeOfStop, c.causeOfProtocol, c.causeOfLogin, c.causeOfPermission, causeOfNetwork} {
		if s := explain(err); s != "" {
			return s
		}
	}
	return err.Error()
}

// causeOfStop is for a cluster that has answered before: when it closes a
// connection now, its settings are not to blame.
func (c *Cluster) causeOfStop(err error) string {
	if isClosed(err) && (c.dialer.served.Load() || c.records.served.Load()) {
		return "the broker closed the connection; it is stopping, restarting or has crashed"
	}
	return ""
}

func (c *Cluster) causeOfCertificate(err error) string {
	if e, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		issuer := "an unknown authority"
		if e.Cert != nil {
			issuer = fmt.Sprintf("%q", e.Cert.Issuer.String())
		}
		return fmt.Sprintf("the broker's certificate, issued by %s, is not trusted; add that authority's certificate to ca_file of the tls block (ssl.truststore.location)", issuer)
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if e.Reason == x509.Expired && e.Cert != nil {
			return fmt.Sprintf("the broker's certificate is valid from %s to %s only (or this machine's clock is wrong)",
				e.Cert.NotBefore.UTC().Format("2006-01-02"), e.Cert.NotAfter.UTC().Format("2006-01-02"))
		}
		return "the broker's certificate is not valid: " + e.Error()
	}
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Sprintf("the broker's certificate is for another name (%s); connect by a name that it was issued for, or set server_name or skip_hostname_check in the tls block (ssl.endpoint.identification.algorithm)", e.Error())
	}
	// crypto/tls has no type for the alerts that it receives.
	if _, alert, ok := strings.Cut(err.Error(), "remote error: tls: "); ok {
		return c.causeOfAlert(alert)
	}
	return ""
}

// causeOfAlert explains a TLS alert that the broker sent, by crypto/tls's words.
func (c *Cluster) causeOfAlert(alert string) string {
	switch {
	case c.hasNoCertificate() && strings.Contains(alert, "certificate"):
		return fmt.Sprintf("the broker demands a client certificate (mutual TLS); set cert_file and key_file in the tls block (ssl.keystore.location): %s", alert)
	case strings.Contains(alert, "certificate") && c.certificateEnded():
		return fmt.Sprintf("our client certificate was valid until %s; replace cert_file of the tls block (ssl.keystore.location): the broker says %s",
			c.certificate().NotAfter.UTC().Format("2006-01-02 15:04"), alert)
	case strings.Contains(alert, "certificate"), strings.Contains(alert, "access denied"):
		return fmt.Sprintf("the broker refuses our client certificate (%s); it must be issued by an authority that the broker trusts", alert)
	}
	return fmt.Sprintf("the broker ended the TLS handshake (%s)", alert)
}

func (c *Cluster) certificateEnded() bool {
	cert := c.certificate()
	return cert != nil && time.Now().After(cert.NotAfter)
}

func (c *Cluster) hasNoCertificate() bool {
	return c.p.Config.TLS == nil || !c.p.Config.TLS.HasIdentity()
}

// causeOfProtocol finds the two ends speaking different security protocols.
func (c *Cluster) causeOfProtocol(err error) string {
	const (
		speaksPlain = "the listener does not speak TLS, but TLS is configured; use the port of a TLS listener, or remove the tls block (security.protocol)"
		speaksTLS   = "the listener speaks TLS, but TLS is not configured; add a tls block (security.protocol = SSL or SASL_SSL), or use the port of another listener"
	)
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return speaksPlain
	}
	if _, ok := errors.AsType[*handshakeError](err); ok && isClosed(err) {
		return "the connection was closed during the TLS handshake; most likely " + speaksPlain
	} else if ok && errors.Is(err, context.DeadlineExceeded) {
		return "no answer to the TLS handshake; most likely " + speaksPlain
	}
	text := err.Error() // kgo has no types for these
	if strings.Contains(text, "speaking to a tls endpoint") {
		return speaksTLS
	}
	if strings.Contains(text, "'HTTP' in ascii") {
		return "an HTTP server answers there, not a Kafka broker; check the port"
	}
	if e, ok := errors.AsType[*kgo.ErrFirstReadEOF](err); ok && c.p.Config.TLS == nil && strings.Contains(e.Error(), "api versions") {
		return "the broker closed the connection at once; most likely " + speaksTLS
	}
	// The end of a connection may overtake what was said before it.
	if c.p.Config.TLS == nil && c.p.Config.SASL == nil && isClosed(err) && c.failedAt(err) != "" {
		return "the broker closed the connection at once; most likely " + speaksTLS
	}
	return ""
}

func (c *Cluster) causeOfLogin(err error) string {
	config := c.p.Config.SASL
	if config == nil {
		return causeOfNoLogin(err)
	}
	user := login.Principal(config)
	if e, ok := errors.AsType[*login.Error](err); ok {
		return fmt.Sprintf("the login with %s could not be made: %s", config.Mechanism, causeOfTicket(config.Kerberos, e.Err))
	}
	switch {
	case errors.Is(err, kerr.UnsupportedSaslMechanism):
		return fmt.Sprintf("the listener does not offer SASL mechanism %s%s; use another mechanism in the sasl block (sasl.mechanism), or the port of another listener",
			config.Mechanism, brokersWords(err, kerr.UnsupportedSaslMechanism))
	case errors.Is(err, kerr.IllegalSaslState):
		return "the listener does not expect a SASL login; use the port of a SASL listener, or remove the sasl block (security.protocol)"
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		why := "wrong name or password, or no such user"
		if config.Mechanism == model.MechanismOAuthBearer {
			why = "it does not accept the token"
		}
		return fmt.Sprintf("the broker refuses user %q with %s: %s%s",
			user, config.Mechanism, why, brokersWords(err, kerr.SaslAuthenticationFailed))
	case isServerSignature(err):
		return fmt.Sprintf("the login of user %q with %s failed: %v", user, config.Mechanism, err)
	}
	if isClosed(err) && c.failedAt(err) != "" { // before the connection was ready
		return fmt.Sprintf("the broker closed the connection during the login; it may refuse user %q, or not offer %s", user, config.Mechanism)
	}
	return ""
}

// causeOfNoLogin is for a cluster whose configuration has no login.
func causeOfNoLogin(err error) string {
	if errors.Is(err, kerr.IllegalSaslState) {
		return "the listener demands a SASL login; add a sasl block (sasl.mechanism, sasl.jaas.config)"
	}
	if _, ok := errors.AsType[*kgo.ErrFirstReadEOF](err); ok {
		return "the broker closed the connection at our first request; most likely the listener demands a SASL login: add a sasl block (sasl.mechanism, sasl.jaas.config)"
	}
	return ""
}

// brokersWords returns what a broker added to an error code, in brackets; ""
// where it added nothing.
func brokersWords(err error, code *kerr.Error) string {
	_, words, _ := strings.Cut(err.Error(), code.Error()+": ")
	if words == "" {
		return ""
	}
	return " (" + words + ")"
}

// isServerSignature reports whether the client side of SCRAM rejected the
// broker's words; kgo has no type for it.
func isServerSignature(err error) bool {
	return strings.Contains(err.Error(), "server signature") || strings.Contains(err.Error(), "scram")
}

// causeOfPermission names what is missing, as far as the error tells.
func (c *Cluster) causeOfPermission(err error) string {
	if denied, ok := errors.AsType[*admin.MissingPermissionError](err); ok {
		return fmt.Sprintf("%s lacks the permission %s on %s", c.user(), denied.Operation, denied.Resource)
	}
	for refusal, what := range map[*kerr.Error]string{
		kerr.TopicAuthorizationFailed:           "a topic",
		kerr.GroupAuthorizationFailed:           "a group",
		kerr.ClusterAuthorizationFailed:         "the cluster (Create, Describe, Alter or IdempotentWrite)",
		kerr.TransactionalIDAuthorizationFailed: "a transactional id",
	} {
		if errors.Is(err, refusal) {
			return fmt.Sprintf("%s lacks a permission (ACL) on %s: %v", c.user(), what, err)
		}
	}
	return ""
}

func causeOfNetwork(err error) string {
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		if e.IsNotFound {
			return fmt.Sprintf("the name %q does not resolve; check bootstrap_servers, or the brokers' advertised.listeners", e.Name)
		}
		return fmt.Sprintf("the name %q could not be resolved: %v", e.Name, e)
	}
	timeout := false
	if e, ok := errors.AsType[net.Error](err); ok {
		timeout = e.Timeout()
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED) || strings.Contains(err.Error(), "refused"): // Windows has its own number
		return "nothing listens there (connection refused); is the broker running, and is the port right?"
	case errors.Is(err, wire.ErrUnknownBroker):
		return err.Error()
	case timeout && isDial(err):
		return "no answer to the attempt to connect; is the address right, and does a firewall drop packets?"
	case timeout || errors.Is(err, context.DeadlineExceeded):
		return "no answer in time: " + err.Error()
	case errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH):
		return "there is no route to that address"
	case isClosed(err):
		return "the connection was closed by the other end"
	}
	return ""
}

func isDial(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
