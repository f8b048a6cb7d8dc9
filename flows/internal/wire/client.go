package wire

import (
	"context"
	"errors"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/flows/internal/memory"
)

// Allocator provides the memory of fetched records. *memory.Reservation and
// *memory.Budget are allocators.
type Allocator interface {
	Get(n int) *memory.Buffer
}

// Params is what NewClient needs.
type Params struct {
	Client   *kgo.Client // required: dials by WrapDialer with the same registry; the Client closes it
	Registry *Registry   // required
}

// Client sends raw requests to brokers of one cluster. Its methods are safe for
// concurrent use.
//
// A broker has one connection for the fetches and one for the produces of a
// client, and writes to both are serialised. When the context of a request
// ends, its connection is closed, and everything else in flight on it fails:
// contexts should live as long as what they serve.
type Client struct {
	kafka    *kgo.Client
	registry *Registry
	unknown  error // kgo's error for an unknown broker, which it does not export

	mu      sync.Mutex // guards the rest
	none    sync.Cond  // running became 0
	running int        // requests under way
}

// NewClient returns a client around p.Client; it dials nothing.
func NewClient(p Params) (*Client, error) {
	if p.Client == nil || p.Registry == nil {
		return nil, errors.New("building a raw client: client and registry are required")
	}
	// Ids below zero are seeds, and this is none of them: kgo answers at once.
	_, unknown := p.Client.Broker(-1).Request(p.Client.Context(), kmsg.NewPtrApiVersionsRequest())
	if unknown == nil || p.Client.Context().Err() != nil {
		return nil, errors.New("building a raw client: the kgo client is closed")
	}
	c := &Client{kafka: p.Client, registry: p.Registry, unknown: unknown}
	c.none.L = &c.mu
	return c, nil
}

// Kafka returns the kgo client, for requests that are not raw.
func (c *Client) Kafka() *kgo.Client { return c.kafka }

// Close ends every request under way with ErrClosed, closes the kgo client and
// its connections, and waits until every done function of Produce has returned.
// It must not be called from one. Requests made later fail with ErrClosed.
func (c *Client) Close() {
	c.kafka.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.running > 0 {
		c.none.Wait()
	}
}

func (c *Client) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running++
}

func (c *Client) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running--; c.running == 0 {
		c.none.Broadcast()
	}
}

// Fetch asks a broker for records and waits for the answer. Records are read
// into buffers from alloc, which is used until Fetch returns and not afterwards,
// from one goroutine at a time. The response may hold error codes; errors are
// of type *Error and come without a response.
func (c *Client) Fetch(ctx context.Context, broker int32, req *FetchRequest, alloc Allocator) (*FetchResponse, error) {
	c.begin()
	defer c.end()
	call := newCall()
	call.fetch, call.alloc = req, alloc
	highest := int16(fetchMax)
	if missesID(len(req.Partitions), func(i int) *PartitionKey { return &req.Partitions[i].PartitionKey }) ||
		missesID(len(req.Forgotten), func(i int) *PartitionKey { return &req.Forgotten[i] }) {
		highest = fetchByID - 1
	}
	c.registry.add(call)
	_, err := c.request(ctx, broker, &tokenRequest{call: call, highest: highest})
	c.registry.remove(call)
	sent, response := call.close()
	if err == nil && response == nil {
		err = ErrMalformed
	}
	if err != nil {
		if response != nil {
			response.release()
		}
		return nil, &Error{Broker: broker, Sent: sent, Err: err}
	}
	return response, nil
}

// Produce appends batches, acks=all. It returns when the request has its place
// in the order in which requests are written to the broker, or has failed
// before that: several calls from one goroutine for one broker are written in
// the order of the calls. It blocks while requests before it are being written,
// or the connection is being made.
//
// done is called exactly once, from another goroutine, with the response or an
// error of type *Error, when nothing reads the request or its batches any more.
// The answers to several requests may be handed over out of order.
func (c *Client) Produce(ctx context.Context, broker int32, req *ProduceRequest, done func(*ProduceResponse, error)) {
	c.begin()
	release := retainBatches(req.Partitions)
	placed := make(chan struct{})
	place := sync.OnceFunc(func() { close(placed) })
	go func() {
		defer c.end()
		response, err := c.produce(ctx, broker, req, place)
		release()
		place()
		done(response, err)
	}()
	<-placed
}

func (c *Client) produce(ctx context.Context, broker int32, req *ProduceRequest, placed func()) (*ProduceResponse, error) {
	grouped := *req
	var err error
	if grouped.Partitions, err = groupByTopic(req.Partitions); err != nil {
		return nil, &Error{Broker: broker, Err: err}
	}
	call := newCall()
	call.produce, call.placed = &grouped, placed
	highest := int16(produceMax)
	if missesID(len(req.Partitions), func(i int) *PartitionKey { return &req.Partitions[i].PartitionKey }) {
		highest = produceByID - 1
	}
	if req.MaxVersion > 0 {
		highest = min(highest, req.MaxVersion)
	}
	c.registry.add(call)
	answer, err := c.request(ctx, broker, &tokenRequest{call: call, highest: highest})
	c.registry.remove(call)
	sent, _ := call.close()
	if err != nil {
		return nil, &Error{Broker: broker, Sent: sent, Err: err}
	}
	return convertProduce(answer.(*kmsg.ProduceResponse)), nil
}

// request sends req to exactly that broker, without retries. When the broker is
// not known, kgo reads the cluster's brokers again before it says so; when it
// cannot be reached, they are read again for the next request, since it may
// have a new address.
func (c *Client) request(ctx context.Context, broker int32, req kmsg.Request) (kmsg.Response, error) {
	response, err := c.kafka.Broker(int(broker)).Request(ctx, req)
	if err == nil {
		return response, nil
	}
	if isDial(err) {
		c.kafka.ForceMetadataRefresh() // in the background, at least MetadataMinAge apart
	}
	return nil, explain(ctx, c.kafka.Context(), err, c.unknown)
}

// missesID reports whether one of n keys has no topic id.
func missesID(n int, key func(int) *PartitionKey) bool {
	for i := range n {
		if key(i).ID == (TopicID{}) {
			return true
		}
	}
	return false
}

func convertProduce(r *kmsg.ProduceResponse) *ProduceResponse {
	out := &ProduceResponse{}
	for i := range r.Topics {
		t := &r.Topics[i]
		for j := range t.Partitions {
			p := &t.Partitions[j]
			q := ProducedPartition{
				PartitionKey:  PartitionKey{Topic: t.Topic, ID: t.TopicID, Partition: p.Partition},
				ErrorCode:     p.ErrorCode,
				BaseOffset:    p.BaseOffset,
				LogAppendTime: p.LogAppendTime,
				LogStart:      p.LogStartOffset,
				LeaderID:      p.CurrentLeader.LeaderID,
				LeaderEpoch:   p.CurrentLeader.LeaderEpoch,
			}
			if p.ErrorMessage != nil {
				q.Message = *p.ErrorMessage
			}
			out.Partitions = append(out.Partitions, q)
		}
	}
	for i := range r.Brokers {
		out.Brokers = append(out.Brokers, BrokerEndpoint{ID: r.Brokers[i].NodeID, Host: r.Brokers[i].Host, Port: r.Brokers[i].Port})
	}
	return out
}
