// Package survey owns one look at a cluster: what it says of itself, of its
// topics and of what we may do there, as plain values and with a bounded number
// of requests. It changes nothing and judges nothing; what the facts mean for a
// topology is the business of pipeline/lint.
package survey

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
)

// Facts are what a cluster says.
type Facts struct {
	ID           string             // of the cluster, as its brokers were formatted with
	Brokers      int                // that are alive
	MinInsync    int                // min.insync.replicas of new topics; 0: not told
	Settings     map[string]string  // of a broker, those that lint asks for; nil: not told
	Transactions int                // transactional ids the brokers know; 0 also where none are told
	Topics       map[string]Topic   // that we may describe, by name
	Groups       map[string]Group   // that we may describe, by name
	Denied       []Denied           // what we may not do on the cluster itself
	Quotas       map[string]float64 // of our user on each broker, such as "producer_byte_rate"; nil: not told
	// Alterable are the settings a topic has here and whether they can be changed;
	// nil: not told.
	Alterable map[string]bool
}

// Topic is what a cluster says of one topic.
type Topic struct {
	Partitions int
	Replicas   int               // of the first partition
	ID         [16]byte          // zero: the broker has none
	Settings   map[string]string // effective ones; nil where they were not asked for or not told
	Own        []string          // those of Settings that somebody set on the topic itself
	Denied     []Denied          // what we may not do
}

// Group is what a cluster says of one consumer group.
type Group struct {
	State  string   // "Stable", "Empty" and the like; "": not told
	Topics []string // in which it has committed offsets; nil where that was not asked for or not told
}

// Wanted says what is of interest beyond names; nil: nothing.
type Wanted struct {
	Topic func(topic string) bool // at most MaxTopics of them, by name, are asked for their settings
	Group func(group string) bool // at most MaxGroups of them, by name, are asked for their offsets
	// Quotas is whose quotas are asked for, without "User:"; "": nobody's.
	Quotas string
}

// Denied is a missing permission.
type Denied struct {
	Operation string // as in ACLs: "READ"
	Grant     string // the command line that grants it
}

// Denies reports whether op is among list, and what grants it.
func Denies(list []Denied, op string) (grant string, denied bool) {
	for _, d := range list {
		if d.Operation == op {
			return d.Grant, true
		}
	}
	return "", false
}

// RefusedError is a login that the cluster refused. Its text is a sentence for
// the user.
type RefusedError struct{ Err error }

func (e *RefusedError) Error() string { return e.Err.Error() }

// Unwrap returns what was refused.
func (e *RefusedError) Unwrap() error { return e.Err }

// Bounds of what is asked for.
const (
	MaxTopics = 2000 // whose settings are asked for: four requests
	MaxGroups = 500  // whose offsets are asked for: a request per coordinator
)

// Params is what Collect needs.
type Params struct {
	Config *model.Cluster // required
	Log    *slog.Logger   // required
	Wanted Wanted
}

// Collect asks the cluster. It sends a request for metadata, one for the
// cluster's own permissions, one for a broker's settings, one per 500 wanted
// topics, and per broker one for transactions and two for groups; three for quotas. What is not permitted is left
// out of the facts; the error says in a sentence why nothing is known.
func Collect(ctx context.Context, p Params) (*Facts, error) {
	c, err := cluster.New(cluster.Params{Config: p.Config, Log: p.Log})
	if err != nil {
		return nil, fmt.Errorf("surveying cluster %q: %w", p.Config.Alias, err)
	}
	defer c.Close()
	s := &surveyor{c: c, facts: &Facts{Topics: map[string]Topic{}}}
	if err := s.metadata(ctx); err != nil {
		err = c.Explain(err)
		if isLogin(err) {
			err = &RefusedError{err}
		}
		return nil, err
	}
	s.permissions(ctx)
	s.broker(ctx)
	s.settings(ctx, p.Wanted.Topic)
	s.groups(ctx, p.Wanted.Group)
	s.quotas(ctx, p.Wanted.Quotas)
	s.transactions(ctx)
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("surveying cluster %q: %w", p.Config.Alias, err)
	}
	return s.facts, nil
}

func isLogin(err error) bool {
	return slices.ContainsFunc([]error{
		kerr.SaslAuthenticationFailed, kerr.UnsupportedSaslMechanism, kerr.IllegalSaslState,
	}, func(target error) bool { return errors.Is(err, target) })
}

// surveyor is the state of one Collect.
type surveyor struct {
	c     *cluster.Cluster
	facts *Facts
	ids   []int32 // of the brokers
}

// send asks one broker, or any where id is negative.
func send[R kmsg.Response](ctx context.Context, s *surveyor, id int32, req kmsg.Request) (R, error) {
	answer := make(chan kmsg.Response, 1)
	err := s.c.Await(ctx, func(ctx context.Context) error {
		var resp kmsg.Response
		var err error
		if id < 0 {
			resp, err = s.c.Control().Request(ctx, req)
		} else {
			resp, err = s.c.Control().Broker(int(id)).RetriableRequest(ctx, req)
		}
		answer <- resp
		return err
	})
	var none R
	if err != nil {
		return none, err //nolint:wrapcheck // explained by Collect
	}
	resp, ok := (<-answer).(R)
	if !ok {
		return none, errors.New("the answer is of another kind than the request")
	}
	return resp, nil
}

// metadata asks for brokers and topics.
func (s *surveyor) metadata(ctx context.Context) error {
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation, req.IncludeTopicAuthorizedOperations = false, true
	resp, err := send[*kmsg.MetadataResponse](ctx, s, -1, req)
	if err != nil {
		return err
	}
	if resp.ClusterID != nil {
		s.facts.ID = *resp.ClusterID
	}
	s.facts.Brokers = len(resp.Brokers)
	for _, b := range resp.Brokers {
		s.ids = append(s.ids, b.NodeID)
	}
	for i := range resp.Topics {
		rt := &resp.Topics[i]
		if rt.Topic == nil || rt.ErrorCode != 0 {
			continue
		}
		t := Topic{Partitions: len(rt.Partitions), ID: rt.TopicID}
		if len(rt.Partitions) > 0 {
			t.Replicas = len(rt.Partitions[0].Replicas)
		}
		t.Denied = s.denied(rt.AuthorizedOperations, *rt.Topic, kmsg.ACLOperationRead, kmsg.ACLOperationWrite, kmsg.ACLOperationDescribeConfigs)
		s.facts.Topics[*rt.Topic] = t
	}
	return nil
}

// notTold is a broker's word for operations that it does not tell.
const notTold = -1 << 31

// denied lists which of ops are not among the bits of allowed.
func (s *surveyor) denied(allowed int32, topic string, ops ...kmsg.ACLOperation) []Denied {
	if allowed == notTold {
		return nil
	}
	var list []Denied
	for _, op := range ops {
		if allowed&(1<<op) == 0 {
			list = append(list, Denied{Operation: op.String(), Grant: s.c.GrantCommand(op.String(), topic)})
		}
	}
	return list
}

// permissions asks what we may do on the cluster itself.
func (s *surveyor) permissions(ctx context.Context) {
	req := kmsg.NewPtrDescribeClusterRequest()
	req.IncludeClusterAuthorizedOperations = true
	resp, err := send[*kmsg.DescribeClusterResponse](ctx, s, -1, req)
	if err == nil && resp.ErrorCode == 0 {
		s.facts.Denied = s.denied(resp.ClusterAuthorizedOperations, "", kmsg.ACLOperationCreate)
	}
}

// brokerSettings are those of a broker that lint asks for.
func brokerSettings() []string {
	return []string{"min.insync.replicas", "socket.request.max.bytes", "inter.broker.protocol.version"}
}

// broker asks a broker for its settings.
func (s *surveyor) broker(ctx context.Context) {
	if len(s.ids) == 0 {
		return
	}
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeBroker, fmt.Sprint(s.ids[0])
	r.ConfigNames = brokerSettings()
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.Resources = append(req.Resources, r)
	resp, err := send[*kmsg.DescribeConfigsResponse](ctx, s, s.ids[0], req)
	if err != nil {
		return
	}
	s.facts.Settings = map[string]string{}
	for _, res := range resp.Resources {
		for _, c := range res.Configs {
			if c.Value != nil {
				s.facts.Settings[c.Name] = *c.Value
			}
		}
	}
	s.facts.MinInsync, _ = strconv.Atoi(s.facts.Settings["min.insync.replicas"]) // 0 where it is not told
}

// transactions counts the transactional ids that brokers know.
func (s *surveyor) transactions(ctx context.Context) {
	for _, id := range s.ids {
		resp, err := send[*kmsg.ListTransactionsResponse](ctx, s, id, kmsg.NewPtrListTransactionsRequest())
		if err == nil && resp.ErrorCode == 0 {
			s.facts.Transactions += len(resp.TransactionStates)
		}
	}
}
