package position

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/internal/mm2fmt"
)

// LiveMirrorMakerError says that a MirrorMaker 2 mirrors between the same
// clusters, and keeps its positions where we do.
type LiveMirrorMakerError struct {
	Group     string   // of its workers
	Connector string   // that has tasks
	Workers   []string // "client-id at host" of those that copy records
}

func (e *LiveMirrorMakerError) Error() string {
	return fmt.Sprintf("MirrorMaker 2 mirrors the same flow: group %q has %d workers with tasks of %s (%s); two programs would copy every record twice",
		e.Group, len(e.Workers), e.Connector, strings.Join(e.Workers, ", "))
}

// Hint says what to do about it.
func (e *LiveMirrorMakerError) Hint() string {
	if e.Connector != mm2fmt.SourceConnector {
		return "stop or delete the connector (with Strimzi, state: stopped): mirroring goes on where it stopped"
	}
	return "stop MirrorMaker 2, or disable this flow in its file: mirroring goes on where it stopped"
}

// Check returns a *LiveMirrorMakerError when a MirrorMaker 2 mirrors from the same
// source. One whose workers only send heartbeats, or have no topics, is none of
// our business. It needs DESCRIBE on the group of its workers; without that, and
// while they divide their work, nothing is known, and nothing is said.
func (s *Store) Check(ctx context.Context) error {
	if s.p.Workers == "" {
		return nil
	}
	// kadm reads the numbers of tasks as shorter ones than Connect writes.
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{s.p.Workers}
	resp, err := req.RequestWith(ctx, s.p.Client)
	var group kmsg.DescribeGroupsResponseGroup
	switch {
	case err == nil && len(resp.Groups) != 1:
		err = errors.New("the broker did not answer for it")
	case err == nil:
		group = resp.Groups[0]
		err = kerr.ErrorForCode(group.ErrorCode)
	}
	switch {
	case errors.Is(err, kerr.GroupIDNotFound), errors.Is(err, kerr.CoordinatorNotAvailable): // nobody is in a group without one
		return nil
	case errors.Is(err, kerr.GroupAuthorizationFailed):
		s.warnOnce("a live MirrorMaker 2 would not be noticed: its group may not be described", "group", s.p.Workers,
			"err", admin.Refused(err, "DESCRIBE", admin.OnGroup(s.p.Workers)))
		return nil
	case err != nil:
		return fmt.Errorf("describing group %q: %w", s.p.Workers, err)
	}
	if err := idle(group, mm2fmt.SourceConnector); err != nil {
		return err
	}
	if len(group.Members) > 0 {
		s.warnOnce("MirrorMaker 2 runs between the same clusters, without tasks that copy records", "group", s.p.Workers, "workers", len(group.Members))
	}
	return nil
}

// idle returns a *LiveMirrorMakerError where workers of a group have tasks of a
// connector.
func idle(group kmsg.DescribeGroupsResponseGroup, connector string) error {
	var busy []string
	for _, m := range group.Members {
		if slices.Contains(connectTasks(m.MemberAssignment), connector) {
			busy = append(busy, m.ClientID+" at "+strings.TrimPrefix(m.ClientHost, "/"))
		}
	}
	if len(busy) > 0 {
		return &LiveMirrorMakerError{Group: group.Group, Connector: connector, Workers: busy}
	}
	return nil
}

// connectTasks returns the names of the connectors of which a worker has tasks,
// from what the leader of Connect's workers assigned to it (ConnectProtocol and
// IncrementalCooperativeConnectProtocol, whose later versions only add to the
// end). Tasks that it is told to give up run until it has done so and joins again
// (KIP-415). What cannot be read says nothing.
func connectTasks(b []byte) []string {
	r := connectReader{rest: b}
	r.skip(2 + 2) // version, error
	r.text()      // leader
	r.text()      // its URL
	r.skip(8)     // offset of the configuration
	names := r.tasks(nil)
	return r.tasks(names) // revoked ones
}

// tasks reads a list of connectors and adds those with tasks to names.
func (r *connectReader) tasks(names []string) []string {
	for range r.count() {
		name := r.text()
		task := false
		for range r.count() {
			task = r.int32() >= 0 || task // -1 stands for the connector itself
		}
		if task && !r.short {
			names = append(names, name)
		}
	}
	return names
}

// connectReader reads the types of Kafka's protocol; short says that there was
// less than was wanted.
type connectReader struct {
	rest  []byte
	short bool
}

func (r *connectReader) skip(n int) []byte {
	if r.short = r.short || n < 0 || n > len(r.rest); r.short {
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *connectReader) int32() int32 {
	if b := r.skip(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return -1
}

func (r *connectReader) text() string {
	b := r.skip(2)
	if b == nil {
		return ""
	}
	return string(r.skip(int(int16(binary.BigEndian.Uint16(b)))))
}

// count returns the length of an array, which has four bytes for each element at
// least.
func (r *connectReader) count() int32 { return max(0, min(r.int32(), int32(len(r.rest)/4))) }
