package model

import (
	"time"

	"github.com/strait-mirror/strait/config/diag"
)

// Cluster is how to reach one Kafka cluster.
type Cluster struct {
	Alias            string
	BootstrapServers []string // host:port, at least one
	ClientID         string   // prefix of every client id; empty means "strait"
	Rack             string   // client.rack, for reads from the nearest replica
	ExpectClusterID  string   // the id its brokers must tell before anything is written; "": any
	Connection       Connection
	TLS              *TLS                // nil: PLAINTEXT
	SASL             *SASL               // nil: no authentication
	Properties       map[string]Property // by Java client key as behind "A." in mm2.properties; nil: none
	Range            diag.Range
	Ranges           Places // of what was written
}

// Property is the value of a Java client key that has no attribute of its own.
// Package config/client says what each key means here.
type Property struct {
	Value     Secret     // as text; a secret even where it is not Sensitive, so that a dump shows none
	Sensitive bool       // came from env(), file() or secret(), or its key names a secret: never quoted
	Range     diag.Range // where the value was written
}

// Connections are the clients of one flow where they differ from those of its
// clusters; nil means the cluster's own.
type Connections struct {
	SourceConsumer *Cluster // fetches records
	SourceAdmin    *Cluster // asks the source for topics, leaders and offsets
	TargetProducer *Cluster // produces records
	TargetAdmin    *Cluster // makes topics and keeps positions on the target
}

// Connection tunes how brokers are reached.
type Connection struct {
	MaxIdle             time.Duration // connections without traffic are closed after it
	SetupTimeout        time.Duration // of making a connection, TLS included
	SetupTimeoutMax     time.Duration // what SetupTimeout grows to while a broker does not answer
	SendBuffer          int32         // bytes of the socket's buffer; -1: the system's choice
	ReceiveBuffer       int32
	DNSLookup           string        // "use_all_dns_ips" or "resolve_canonical_bootstrap_servers_only"
	MetadataMaxAge      time.Duration // metadata is asked for at least as often
	MetadataRecover     string        // "rebootstrap" or "none": what to do when no known broker answers
	RequestTimeout      time.Duration // of one control request
	APITimeout          time.Duration // of a control request with its retries
	RetryBackoff        time.Duration // between retries, growing
	RetryBackoffMax     time.Duration // up to this
	ReconnectBackoff    time.Duration // between attempts to connect, growing
	ReconnectBackoffMax time.Duration // up to this
}

// TLS is the trust and identity of a TLS connection. Of a text and the file of
// the same name one is set; files are read again for every new connection.
type TLS struct {
	CA                     Secret // trusted certificates, PEM; without any trust the system's
	CAFile                 string
	Truststore             string // path of a JKS, PKCS12 or PEM file
	TruststorePassword     Secret
	TruststorePasswordFile string

	Certificate          Secret // client certificate chain, PEM; without any identity none is shown
	CertificateFile      string
	Key                  Secret // its private key, PEM
	KeyFile              string
	Keystore             string // path of a JKS, PKCS12 or PEM file with both
	KeystorePassword     Secret
	KeystorePasswordFile string
	KeyPassword          Secret // of the private key; empty: the store's
	KeyPasswordFile      string

	ServerName        string   // overrides the host name to verify; usually empty
	SkipHostnameCheck bool     // ssl.endpoint.identification.algorithm= (empty): the chain is still verified
	MinVersion        string   // "TLSv1.2" if empty
	MaxVersion        string   // "TLSv1.3" if empty
	CipherSuites      []string // of TLS 1.2, by their IANA names; none: Go's choice
}

// HasTrust reports whether trusted certificates are configured.
func (t *TLS) HasTrust() bool { return !t.CA.IsZero() || t.CAFile != "" || t.Truststore != "" }

// HasIdentity reports whether a client certificate is configured.
func (t *TLS) HasIdentity() bool {
	return t.Keystore != "" || !t.Certificate.IsZero() || t.CertificateFile != "" || !t.Key.IsZero() || t.KeyFile != ""
}

// SASL mechanisms, by Kafka's names.
const (
	MechanismPlain       = "PLAIN"
	MechanismScramSHA256 = "SCRAM-SHA-256"
	MechanismScramSHA512 = "SCRAM-SHA-512"
	MechanismOAuthBearer = "OAUTHBEARER"
	MechanismGSSAPI      = "GSSAPI"
	MechanismAWSMSKIAM   = "AWS_MSK_IAM"
)

// SASL is one mechanism with its credentials. Files are read again for every
// login.
type SASL struct {
	Mechanism    string
	Username     string // PLAIN and SCRAM; OAUTHBEARER: of the password grant
	Password     Secret
	PasswordFile string
	TokenAuth    bool // SCRAM: the user is a delegation token

	OAuth    OAuth    // of OAUTHBEARER
	Kerberos Kerberos // of GSSAPI
	IAM      IAM      // of AWS_MSK_IAM
}

// OAuth says where a bearer token comes from: a token, a file, or an endpoint.
type OAuth struct {
	Endpoint            string // URL of the token endpoint
	ClientID            string
	ClientSecret        Secret
	ClientSecretFile    string
	ClientAssertion     Secret // instead of a client secret
	ClientAssertionFile string
	AssertionType       string // of ClientAssertion; default that of a JWT
	Scope               string
	Audience            string
	Token               Secret // used as it is
	TokenFile           string // holds the token
	RefreshToken        Secret // exchanged at the endpoint
	RefreshTokenFile    string
	EncodeHeader        bool     // client id and secret are URL-encoded before the header is made
	Extensions          []string // "name=value", sent with the token
	TLS                 TLS      // of the endpoint

	RefreshWindow  float64       // part of a token's life after which it is fetched again; 0 means 0.8
	RefreshBuffer  time.Duration // but at least so long before its end
	RefreshMin     time.Duration // and not within so long of the last time
	ConnectTimeout time.Duration // of the endpoint; 0 means 10s
	ReadTimeout    time.Duration // of its answer; 0 means 10s
	RetryBackoff   time.Duration // between attempts, growing
	RetryMax       time.Duration // up to this
}

// Kerberos says who logs in to which service, and with what.
type Kerberos struct {
	Principal   string // name@REALM; from the ticket cache if empty
	Keytab      string // path
	TicketCache string // path of a cache in a file, used without a keytab
	ServiceName string // of the brokers; "kafka" if empty
	Config      string // path of krb5.conf; empty: KRB5_CONFIG, else /etc/krb5.conf
}

// IAM says as whom to log in to Amazon MSK. Without keys they come from the
// environment, the profile, a web identity, the container or the instance.
type IAM struct {
	Region          string // empty: from the broker's name, else AWS_REGION
	Profile         string // of the shared configuration files
	AccessKeyID     string
	SecretAccessKey Secret
	SessionToken    Secret
	RoleARN         string // assumed with the credentials found
	RoleSession     string
	RoleExternalID  string
	STSRegion       string // where the role is assumed; empty: Region
}

// Files returns the paths of all files that t names.
func (t *TLS) Files() []string {
	var paths []string
	for _, path := range []string{
		t.CAFile, t.Truststore, t.TruststorePasswordFile, t.CertificateFile, t.KeyFile,
		t.Keystore, t.KeystorePasswordFile, t.KeyPasswordFile,
	} {
		if path != "" {
			paths = append(paths, path)
		}
	}
	return paths
}
