// Package wire sends raw Fetch and Produce requests over kgo connections.
//
// kgo has no API for record batches as bytes, but it sends any request type of
// its caller to the broker of its caller's choice, and dials through its
// caller's function. Package wire uses both: the connection it dials recognises
// its own requests and responses, reads record data from the socket straight
// into buffers of the memory budget, and writes it from them, so that records
// are copied neither through kgo's buffers nor by the garbage collector. All
// else on the connection (versions, TLS, SASL and its renewal, throttling,
// correlation, timeouts) stays kgo's.
package wire

import (
	"time"

	"github.com/strait-mirror/strait/flows/internal/memory"
)

// TopicID is Kafka's topic id (KIP-516); zero where a broker has none.
type TopicID [16]byte

// NoEpoch is a leader epoch that is not known.
const NoEpoch int32 = -1

// FetchRequest asks one broker for records of many partitions.
type FetchRequest struct {
	MaxWait       time.Duration // how long the broker may wait for MinBytes
	MinBytes      int32
	MaxBytes      int32 // of the whole response; the first batch may exceed it
	ReadCommitted bool
	SessionID     int32  // 0: none yet
	SessionEpoch  int32  // -1: no session; 0: open one; above: continue (KIP-227)
	Rack          string // KIP-392
	Partitions    []FetchPartition
	Forgotten     []PartitionKey // dropped from the session
}

// PartitionKey names one partition. Brokers that fetch by id (v13) use ID, older
// ones Topic; requests fill in both.
type PartitionKey struct {
	Topic     string
	ID        TopicID
	Partition int32
}

// FetchPartition is where to go on in one partition.
type FetchPartition struct {
	PartitionKey
	Offset           int64
	MaxBytes         int32
	CurrentEpoch     int32 // leader epoch of our metadata, fences stale leaders (KIP-320); NoEpoch: not known
	LastFetchedEpoch int32 // epoch of the last batch read, asks for divergence (KIP-595); NoEpoch: not known
}

// FetchResponse is one broker's answer. Its owner releases every Records buffer.
type FetchResponse struct {
	ErrorCode  int16
	SessionID  int32
	Partitions []FetchedPartition
	Brokers    []BrokerEndpoint // of new leaders (KIP-951); may be empty
}

// FetchedPartition is what a response says of one partition.
type FetchedPartition struct {
	PartitionKey     // Topic is empty when the broker answered by id, ID zero when by name
	ErrorCode        int16
	HighWatermark    int64
	LastStableOffset int64 // -1 where unknown
	LogStartOffset   int64 // -1 where unknown
	DivergingEpoch   int32 // -1: no divergence
	DivergingEnd     int64 // end of DivergingEpoch in the leader's log
	LeaderID         int32 // new leader, or -1 (KIP-951)
	LeaderEpoch      int32
	PreferredReplica int32 // where to fetch instead, or -1 (KIP-392)
	Aborted          []AbortedTransaction
	Records          *memory.Buffer // nil when there are none; the last batch may be cut off
	Sound            int            // bytes of Records, from their start, that batch.Verify has accepted
}

// AbortedTransaction is a producer whose transactional batches from FirstOffset
// up to its next abort marker never happened.
type AbortedTransaction struct {
	ProducerID  int64
	FirstOffset int64
}

// BrokerEndpoint is where a broker listens.
type BrokerEndpoint struct {
	ID   int32
	Host string
	Port int32
}

// ProduceRequest appends exactly one batch to each of its partitions, acks=all.
type ProduceRequest struct {
	TransactionalID string // empty: none
	MaxVersion      int16  // the version not to go beyond; 0: the highest that both sides know
	Timeout         time.Duration
	Partitions      []ProducePartition // no partition twice: the broker would drop one silently
}

// ProducePartition is one batch for one partition. Batch must not change until
// the request's outcome is known.
type ProducePartition struct {
	PartitionKey
	Batch  []byte
	Buffer *memory.Buffer // what holds Batch: retained while it is being written; may be nil
}

// ProduceResponse is one broker's answer.
type ProduceResponse struct {
	Partitions []ProducedPartition
	Brokers    []BrokerEndpoint
}

// ProducedPartition is what became of one batch.
type ProducedPartition struct {
	PartitionKey
	ErrorCode     int16
	Message       string // the broker's words; may be empty
	BaseOffset    int64
	LogAppendTime int64 // -1 on CreateTime topics, except for a duplicate
	LogStart      int64
	LeaderID      int32 // new leader, or -1 (KIP-951)
	LeaderEpoch   int32
}
