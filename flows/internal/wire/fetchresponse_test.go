package wire

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/internal/memory"
)

// fromKmsg is the oracle: what our parser should make of kmsg's reading.
// Records are compared apart.
func fromKmsg(r *kmsg.FetchResponse) (want *FetchResponse, records [][]byte) {
	want = &FetchResponse{ErrorCode: r.ErrorCode, SessionID: r.SessionID}
	for _, t := range r.Topics {
		for _, p := range t.Partitions {
			f := FetchedPartition{
				PartitionKey: PartitionKey{Topic: t.Topic, ID: t.TopicID, Partition: p.Partition},
				ErrorCode:    p.ErrorCode, HighWatermark: p.HighWatermark, LastStableOffset: p.LastStableOffset,
				LogStartOffset: p.LogStartOffset, PreferredReplica: p.PreferredReadReplica,
				DivergingEpoch: p.DivergingEpoch.Epoch, DivergingEnd: p.DivergingEpoch.EndOffset,
				LeaderID: p.CurrentLeader.LeaderID, LeaderEpoch: p.CurrentLeader.LeaderEpoch,
			}
			for _, a := range p.AbortedTransactions {
				f.Aborted = append(f.Aborted, AbortedTransaction{a.ProducerID, a.FirstOffset})
			}
			want.Partitions = append(want.Partitions, f)
			records = append(records, p.RecordBatches)
		}
	}
	for _, b := range r.Brokers {
		want.Brokers = append(want.Brokers, BrokerEndpoint{b.NodeID, b.Host, b.Port})
	}
	return want, records
}

// randomResponse returns a response that may use every field of its version.
func randomResponse(rng *rand.Rand, version int16) *kmsg.FetchResponse {
	r := kmsg.NewPtrFetchResponse()
	r.Version, r.ThrottleMillis = version, rng.Int32N(3)
	if version >= 7 {
		r.ErrorCode, r.SessionID = int16(rng.IntN(100)), rng.Int32()
	}
	for range rng.IntN(4) {
		t := kmsg.NewFetchResponseTopic()
		if version >= fetchByID {
			t.TopicID = TopicID{byte(rng.Int())}
		} else {
			t.Topic = string(bytes.Repeat([]byte{'t'}, rng.IntN(250)))
		}
		for range rng.IntN(4) {
			t.Partitions = append(t.Partitions, randomPartition(rng, version))
		}
		r.Topics = append(r.Topics, t)
	}
	if version >= 16 {
		for range rng.IntN(3) {
			b := kmsg.NewFetchResponseBroker()
			b.NodeID, b.Host, b.Port = rng.Int32(), "host", rng.Int32()
			if rng.IntN(2) == 0 {
				b.Rack = new("rack")
			}
			r.Brokers = append(r.Brokers, b)
		}
	}
	if version >= fetchFlexible && rng.IntN(4) == 0 {
		r.UnknownTags.Set(99, []byte("unknown"))
	}
	return r
}

func randomPartition(rng *rand.Rand, version int16) kmsg.FetchResponseTopicPartition {
	p := kmsg.NewFetchResponseTopicPartition()
	p.Partition, p.ErrorCode = rng.Int32(), int16(rng.IntN(100))
	p.HighWatermark, p.LastStableOffset = rng.Int64(), rng.Int64()
	if version >= 5 {
		p.LogStartOffset = rng.Int64()
	}
	if version >= 11 {
		p.PreferredReadReplica = rng.Int32()
	}
	for range rng.IntN(3) {
		p.AbortedTransactions = append(p.AbortedTransactions, kmsg.FetchResponseTopicPartitionAbortedTransaction{ProducerID: rng.Int64(), FirstOffset: rng.Int64()})
	}
	if n := rng.IntN(5); n > 0 {
		p.RecordBatches = make([]byte, []int{0, 1, 100, 5000, 200_000}[n])
		for i := range p.RecordBatches {
			p.RecordBatches[i] = byte(i)
		}
	}
	if version >= fetchFlexible {
		if rng.IntN(2) == 0 {
			p.DivergingEpoch.Epoch, p.DivergingEpoch.EndOffset = rng.Int32(), rng.Int64()
		}
		if rng.IntN(2) == 0 {
			p.CurrentLeader.LeaderID, p.CurrentLeader.LeaderEpoch = rng.Int32(), rng.Int32()
			p.CurrentLeader.UnknownTags.Set(7, []byte("inner"))
		}
		if rng.IntN(2) == 0 {
			p.SnapshotID.EndOffset = rng.Int64()
		}
		if rng.IntN(4) == 0 {
			p.UnknownTags.Set(50, []byte("tag"))
		}
	}
	return p
}

func parseBody(version int16, body []byte, budget *memory.Budget) (*fetchParser, error) {
	p := &fetchParser{
		frameReader: frameReader{src: bufio.NewReaderSize(bytes.NewReader(body), fetchBuffer), left: len(body)},
		version:     version, get: budget.Get,
	}
	return p, p.parse()
}

// checkParsed compares a parsed response with kmsg's reading and releases it.
func checkParsed(t *testing.T, got *FetchResponse, want *kmsg.FetchResponse) {
	t.Helper()
	expected, records := fromKmsg(want)
	ignoreRecords := cmpopts.IgnoreFields(FetchedPartition{}, "Records", "Sound")
	if diff := cmp.Diff(expected, got, ignoreRecords, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("v%d: kmsg - ours +\n%s", want.Version, diff)
	}
	for i, r := range records {
		var data []byte
		if b := got.Partitions[i].Records; b != nil {
			data = b.Bytes()
		}
		if !bytes.Equal(data, r) {
			t.Fatalf("v%d: the records of partition %d differ", want.Version, i)
		}
		if sound, _ := batch.Sound(data); got.Partitions[i].Sound != sound {
			t.Fatalf("v%d: %d bytes of %d are called sound, want %d", want.Version, got.Partitions[i].Sound, len(data), sound)
		}
	}
	got.release()
}

func TestResponsesAreReadAsByKmsg(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	budget := memory.NewBudget(64 << 20)
	for i := range 600 {
		version := int16(fetchMin + i%(fetchMax-fetchMin+1))
		r := randomResponse(rng, version)
		body := append(r.AppendTo(nil), make([]byte, rng.IntN(3))...) // more behind is skipped
		p, err := parseBody(version, body, budget)
		if err != nil {
			t.Fatalf("v%d: %v", version, err)
		}
		if p.left != 0 || p.throttle != r.ThrottleMillis {
			t.Fatalf("v%d: %d bytes left, throttle %d", version, p.left, p.throttle)
		}
		again := &kmsg.FetchResponse{Version: version}
		if err := again.ReadFrom(body); err != nil {
			t.Fatal(err)
		}
		checkParsed(t, p.response, again)
	}
	if budget.Free() != budget.Limit() {
		t.Errorf("%d of %d bytes are free", budget.Free(), budget.Limit())
	}
}

// batches returns batches of the given numbers of bytes of value.
func batches(t *testing.T, values ...int) (all []batch.Batch) {
	t.Helper()
	rng := rand.New(rand.NewPCG(7, 8))
	for i, n := range values {
		value := make([]byte, n)
		for j := range value {
			value[j] = byte(rng.Uint32()) // which no codec makes smaller
		}
		var rc batch.Recoder
		b, err := rc.Build([]batch.Record{{Timestamp: 1, Value: value}})
		if err != nil {
			t.Fatal(err)
		}
		binary.BigEndian.PutUint64(b, uint64(i)) // the base offset, which no CRC covers
		all = append(all, b)
	}
	return all
}

func TestRecordsAreVerifiedAsTheyCome(t *testing.T) {
	all := batches(t, 10, stride/2, stride/2, 3*stride, 0, 20, stride-200, 7)
	data := slices.Concat(all...)
	upTo := func(i int) int { return len(slices.Concat(all[:i]...)) }
	for name, tt := range map[string]struct {
		change func(d []byte) []byte
		want   int
	}{
		"whole":     {func(d []byte) []byte { return d }, len(data)},
		"cut":       {func(d []byte) []byte { return d[:len(d)-1] }, upTo(7)},
		"cut early": {func(d []byte) []byte { return d[:upTo(4)-stride] }, upTo(3)},
		"damaged":   {func(d []byte) []byte { d[upTo(4)-9] ^= 1; return d }, upTo(3)},
		"no batch":  {func(d []byte) []byte { d[upTo(6)+16] = 9; return d }, upTo(6)},
		"at once":   {func(d []byte) []byte { d[61] ^= 1; return d }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := kmsg.NewFetchResponseTopicPartition()
			p.RecordBatches = tt.change(bytes.Clone(data))
			r := kmsg.NewPtrFetchResponse()
			r.Version = 12
			r.Topics = []kmsg.FetchResponseTopic{{Topic: "t", Partitions: []kmsg.FetchResponseTopicPartition{p}}}
			got, err := parseBody(r.Version, r.AppendTo(nil), memory.NewBudget(64<<20))
			if err != nil {
				t.Fatal(err)
			}
			if sound := got.response.Partitions[0].Sound; sound != tt.want {
				t.Errorf("%d bytes of %d are called sound, want %d", sound, len(p.RecordBatches), tt.want)
			}
			checkParsed(t, got.response, r)
		})
	}
}

func TestTruncatedResponsesAreMalformed(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	budget := memory.NewBudget(64 << 20)
	for version := int16(fetchMin); version <= fetchMax; version++ {
		r := randomResponse(rng, version)
		for len(r.Topics) == 0 || len(r.Topics[0].Partitions) == 0 {
			r = randomResponse(rng, version)
		}
		body := r.AppendTo(nil)
		for cut := 0; cut < len(body); cut += 1 + len(body)/500 {
			if _, err := parseBody(version, body[:cut], budget); !errors.Is(err, ErrMalformed) {
				t.Fatalf("v%d, %d of %d bytes: %v", version, cut, len(body), err)
			}
		}
		p := &fetchParser{ // the frame is longer than what arrives
			frameReader: frameReader{src: bufio.NewReaderSize(bytes.NewReader(body[:len(body)/2]), fetchBuffer), left: len(body)},
			version:     version, get: budget.Get,
		}
		if err := p.parse(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("v%d: %v", version, err)
		}
	}
	if budget.Free() != budget.Limit() {
		t.Errorf("%d of %d bytes are free after errors", budget.Free(), budget.Limit())
	}
}

func FuzzFetchResponse(f *testing.F) {
	rng := rand.New(rand.NewPCG(5, 6))
	for version := int16(fetchMin); version <= fetchMax; version++ {
		for range 5 {
			r := randomResponse(rng, version)
			for i := range r.Topics {
				for j := range r.Topics[i].Partitions {
					p := &r.Topics[i].Partitions[j]
					p.RecordBatches = p.RecordBatches[:min(len(p.RecordBatches), 100)]
				}
			}
			f.Add(byte(version), r.AppendTo(nil))
		}
	}
	f.Fuzz(func(t *testing.T, v byte, body []byte) {
		version := fetchMin + int16(v)%(fetchMax-fetchMin+1)
		budget := memory.NewBudget(1 << 30)
		p, err := parseBody(version, body, budget)
		if err == nil {
			// What we accept, kmsg reads in the same way. It accepts more: lengths
			// below -1, strings of more than 32 KiB.
			again := &kmsg.FetchResponse{Version: version}
			if err := again.ReadFrom(body); err != nil {
				t.Fatalf("kmsg does not read it: %v", err)
			}
			checkParsed(t, p.response, again)
		} else if !errors.Is(err, ErrMalformed) {
			t.Fatal(err)
		}
		if budget.Free() != budget.Limit() {
			t.Fatal("buffers were not released")
		}
	})
}

// responseFrame returns a whole frame with r in it.
func responseFrame(r kmsg.Response, correlation int32, flexibleHeader bool) []byte {
	frame := binary.BigEndian.AppendUint32(make([]byte, 4), uint32(correlation))
	if flexibleHeader {
		frame = append(frame, 0)
	}
	frame = r.AppendTo(frame)
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	return frame
}

// pieces feeds what Read returns: one piece after the other.
type pieces struct {
	net.Conn
	data [][]byte
}

func (p *pieces) Read(dst []byte) (int, error) {
	if len(p.data) == 0 {
		return 0, io.EOF
	}
	n := copy(dst, p.data[0])
	if p.data[0] = p.data[0][n:]; len(p.data[0]) == 0 {
		p.data = p.data[1:]
	}
	return n, nil
}

// checkStream puts a fetch response between two other frames, cut into pieces,
// and reads everything as kgo would.
func checkStream(t *testing.T, version int16, r *kmsg.FetchResponse, cut func([]byte) [][]byte) {
	t.Helper()
	reg := NewRegistry(0)
	budget := memory.NewBudget(64 << 20)
	call := fetchCall(reg, &FetchRequest{}, budget)
	other := kmsg.NewPtrMetadataResponse()
	other.Brokers = append(other.Brokers, kmsg.MetadataResponseBroker{Host: "host"})
	before, after := responseFrame(other, 1, false), responseFrame(other, 3, false)
	stream := bytes.Join([][]byte{before, responseFrame(r, 2, version >= fetchFlexible), after}, nil)
	c := newConn(&pieces{data: cut(stream)}, reg)
	c.await(2, sentFetch{call, version})
	c.await(9, sentFetch{newCall(), version})

	br := kgoReader(c)
	if got, err := readFrame(br); err != nil || !bytes.Equal(got, before) {
		t.Fatalf("the frame before: %v", err)
	}
	token, err := readFrame(br)
	if err != nil {
		t.Fatal(err)
	}
	body := token[8:]
	if version >= fetchFlexible {
		body = body[1:]
	}
	answer := (&tokenRequest{call: call, version: version}).ResponseKind().(*tokenResponse)
	if err := answer.ReadFrom(body); err != nil || binary.BigEndian.Uint32(token[4:]) != 2 {
		t.Fatalf("%x: %v", token, err)
	}
	if millis, afterResponse := answer.Throttle(); millis != r.ThrottleMillis || afterResponse != (version >= 8) {
		t.Errorf("throttled %d, %v", millis, afterResponse)
	}
	_, got := call.close()
	checkParsed(t, got, r)
	if got, err := readFrame(br); err != nil || !bytes.Equal(got, after) {
		t.Fatalf("the frame after: %v", err)
	}
	if _, err := br.ReadByte(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	if budget.Free() != budget.Limit() {
		t.Error("buffers were not released")
	}
}

func TestStreamsMayBeSplitAnywhere(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	small := func(version int16) *kmsg.FetchResponse {
		for {
			if r := randomResponse(rng, version); len(r.AppendTo(nil)) < 800 && len(r.Topics) > 0 {
				return r
			}
		}
	}
	for _, version := range []int16{4, 7, 11, 12, 13, 16, 18} {
		r := small(version)
		total := len(r.AppendTo(nil)) + 100
		for at := range total {
			checkStream(t, version, r, func(p []byte) [][]byte {
				at := min(at, len(p)-1)
				return [][]byte{p[:at], p[at:]}
			})
		}
		checkStream(t, version, r, func(p []byte) (all [][]byte) {
			for i := range p {
				all = append(all, p[i:i+1])
			}
			return all
		})
		checkStream(t, version, randomResponse(rng, version), func(p []byte) [][]byte { return [][]byte{p} })
	}
}

func TestBadStreamsEndWithAnError(t *testing.T) {
	reg := NewRegistry(1 << 20)
	budget := memory.NewBudget(1 << 20)
	r := randomResponse(rand.New(rand.NewPCG(9, 9)), 12)
	good := responseFrame(r, 2, true)
	lying := bytes.Clone(good)
	binary.BigEndian.PutUint32(lying, uint32(len(good)-4-10))
	for name, test := range map[string]struct {
		stream []byte
		want   error // nil: any
	}{
		"shorter than its fields": {lying, ErrMalformed},
		"cut off":                 {good[:len(good)-1], io.ErrUnexpectedEOF},
		"cut in the size":         {good[:3], io.ErrUnexpectedEOF},
		"cut in the header":       {good[:7], io.ErrUnexpectedEOF},
		"nothing":                 {nil, io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			call := fetchCall(reg, &FetchRequest{}, budget)
			c := newConn(&pieces{data: [][]byte{test.stream}}, reg)
			c.await(2, sentFetch{call, 12})
			if _, err := readFrame(kgoReader(c)); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if _, r := call.close(); r != nil || budget.Free() != budget.Limit() {
				t.Error("buffers were not released")
			}
		})
	}
	t.Run("too large", func(t *testing.T) {
		call := fetchCall(reg, &FetchRequest{}, budget)
		c := newConn(&pieces{data: [][]byte{{0, 0x20, 0, 0, 0, 0, 0, 2, 0}}}, reg)
		c.await(2, sentFetch{call, 12})
		if _, err := readFrame(kgoReader(c)); !errors.Is(err, ErrMalformed) {
			t.Error(err)
		}
	})
	t.Run("not Kafka", func(t *testing.T) {
		const answer = "HTTP/1.1 400 Bad Request"
		c := newConn(&pieces{data: [][]byte{[]byte(answer)}}, reg)
		if got, err := io.ReadAll(kgoReader(c)); err != nil || string(got) != answer { // kgo knows what that means
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("given up", func(t *testing.T) {
		call := fetchCall(reg, &FetchRequest{}, budget)
		c := newConn(&pieces{data: [][]byte{good}}, reg)
		c.await(2, sentFetch{call, 12})
		call.close()
		if _, err := readFrame(kgoReader(c)); !errors.Is(err, errAbandoned) || budget.Free() != budget.Limit() {
			t.Error(err)
		}
	})
}
