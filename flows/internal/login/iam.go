package login

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/sasl"
)

// iam is AWS_MSK_IAM. It is kgo's own mechanism but for the region, which kgo
// takes from the broker's name: that fails behind private names.
type iam struct {
	p     Params
	chain chain

	mu   sync.Mutex // guards last
	last keys
}

func newIAM(p Params) *iam {
	return &iam{p: p, chain: chain{p: p, http: metadataClient()}}
}

// Name implements sasl.Mechanism.
func (*iam) Name() string { return "AWS_MSK_IAM" }

// life is how long the brokers accept what is signed here.
const life = 5 * time.Minute

// Authenticate implements sasl.Mechanism.
func (m *iam) Authenticate(ctx context.Context, address string) (sasl.Session, []byte, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the broker's address: %w", err)
	}
	region := cmp.Or(m.p.SASL.IAM.Region, regionOf(host), m.p.Env("AWS_REGION"), m.p.Env("AWS_DEFAULT_REGION"))
	if region == "" {
		return nil, nil, fmt.Errorf(`signing in to %s: its name does not tell the AWS region; set region in the sasl "aws-msk-iam" block, or AWS_REGION`, host)
	}
	k, err := m.keys(ctx, region)
	if err != nil {
		return nil, nil, err
	}
	first, err := challenge(signer{keys: k, region: region, service: "kafka-cluster"}, host, m.p.Now())
	return iamSession{}, first, err
}

// challenge is the first message of a login: the signed query, its names in
// lower case, as JSON. See the client of github.com/aws/aws-msk-iam-auth.
func challenge(s signer, host string, now time.Time) ([]byte, error) {
	message := map[string]string{"version": "2020_10_22", "host": host, "user-agent": "strait"}
	for name, values := range s.presign(host, "kafka-cluster:Connect", life, now) {
		message[strings.ToLower(name)] = values[0]
	}
	text, err := json.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("encoding the login: %w", err)
	}
	return text, nil
}

// keys returns credentials that are valid for some time yet.
func (m *iam) keys(ctx context.Context, region string) (keys, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.p.Now()
	if m.last.id != "" && now.Add(2*time.Minute).Before(m.last.expires) {
		return m.last, nil
	}
	fresh, err := m.chain.get(ctx, region)
	if err != nil {
		if m.last.id != "" && now.Before(m.last.expires) {
			m.p.Log.Warn("credential could not be read again, the last one is used", "credential", "AWS key", "err", err)
			return m.last, nil
		}
		return keys{}, fmt.Errorf("finding AWS credentials: %w", err)
	}
	m.last = fresh
	return fresh, nil
}

// regionOf reads the region from the name of an MSK broker:
// b-1.name.id.c2.kafka.eu-west-1.amazonaws.com.
func regionOf(host string) string {
	labels := strings.Split(host, ".")
	for i, label := range labels {
		if (label == "kafka" || label == "kafka-serverless") && i+2 < len(labels) && strings.HasPrefix(labels[i+2], "amazonaws") {
			return labels[i+1]
		}
	}
	return ""
}

type iamSession struct{}

// Challenge implements sasl.Session: the broker's answer ends the login.
func (iamSession) Challenge(answer []byte) (bool, []byte, error) {
	if len(answer) == 0 {
		return false, nil, errors.New("signing in: the broker's answer is empty")
	}
	return true, nil, nil
}
