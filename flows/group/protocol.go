package group

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/flows/internal/admin"
)

// errAgain says that the group is to be joined again at once.
var errAgain = errors.New("the group is to be joined again")

// RefusedError says that there is no group to be had on the target.
type RefusedError struct {
	Group string
	Err   error // as the broker says it; admin.MissingPermissionError where it is a permission
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("joining group %q: %v", e.Group, e.Err)
}

// Unwrap returns what the broker says.
func (e *RefusedError) Unwrap() error { return e.Err }

// join becomes a member of the group's next generation, or of the present one
// where this instance has a place in it, and takes what it is given.
func (m *Member) join(ctx context.Context) error {
	defer m.setJoining(false)
	resp, err := m.requestJoin(ctx)
	if errors.Is(err, kerr.GroupAuthorizationFailed) { // who may not DESCRIBE the group is not told its coordinator
		return m.joinRefused(nil, err)
	}
	if err != nil {
		return fmt.Errorf("joining group %q: %w", m.p.Group, err)
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return m.joinRefused(resp, err)
	}
	m.mu.Lock()
	m.id, m.generation, m.alone = resp.MemberID, resp.Generation, false
	m.leader, m.plan = resp.LeaderID == resp.MemberID, nil
	m.mu.Unlock()

	sync := kmsg.NewPtrSyncGroupRequest()
	sync.Group, sync.Generation, sync.MemberID, sync.InstanceID = m.p.Group, resp.Generation, resp.MemberID, m.instanceID()
	sync.ProtocolType, sync.Protocol = new(protocolType), new(protocolName)
	if resp.LeaderID == resp.MemberID && len(resp.Members) > 0 && !resp.SkipAssignment {
		if sync.GroupAssignment, err = m.divide(resp.Members); err != nil {
			return err
		}
	}
	sent := time.Now()
	synced, err := sync.RequestWith(ctx, m.p.Target)
	if err != nil {
		return fmt.Errorf("joining group %q: %w", m.p.Group, err)
	}
	if err := kerr.ErrorForCode(synced.ErrorCode); err != nil {
		return m.rejected(err)
	}
	m.renew(sent)
	return m.take(synced.MemberAssignment)
}

func (m *Member) requestJoin(ctx context.Context) (*kmsg.JoinGroupResponse, error) {
	select { // what asked for this is being done
	case <-m.again:
	default:
	}
	said := m.p.Say()
	m.mu.Lock()
	held := subscription{fingerprint: m.selection, generation: m.heldSince, held: m.held, said: said}
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.MemberID = m.p.Group, m.id
	m.joining = true
	m.mu.Unlock()
	req.InstanceID = m.instanceID()
	req.ProtocolType = protocolType
	req.SessionTimeoutMillis = int32(m.p.SessionTimeout.Milliseconds())
	// Members join again at their next heartbeat, whatever they have to let go
	// of: one that does not is dead.
	req.RebalanceTimeoutMillis = req.SessionTimeoutMillis
	protocol := kmsg.NewJoinGroupRequestProtocol()
	protocol.Name, protocol.Metadata = protocolName, held.encode()
	req.Protocols = append(req.Protocols, protocol)
	return req.RequestWith(ctx, m.p.Target)
}

func (m *Member) setJoining(joining bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.joining = joining
}

func (m *Member) instanceID() *string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.instance == "" {
		return nil
	}
	return new(m.instance)
}

// joinRefused deals with an error code in the answer to a JoinGroup.
func (m *Member) joinRefused(resp *kmsg.JoinGroupResponse, err error) error {
	switch {
	case errors.Is(err, kerr.MemberIDRequired): // KIP-394
		m.mu.Lock()
		m.id = resp.MemberID
		m.mu.Unlock()
		return errAgain
	case errors.Is(err, kerr.GroupAuthorizationFailed), errors.Is(err, kerr.UnsupportedVersion):
		refused := &RefusedError{m.p.Group, admin.Refused(err, "READ", admin.OnGroup(m.p.Group))}
		m.goAlone(refused)
		return refused
	}
	return m.rejected(err)
}

// rejected deals with an error code that concerns our place in the group.
func (m *Member) rejected(err error) error {
	switch {
	case errors.Is(err, kerr.RebalanceInProgress):
		return errAgain
	case errors.Is(err, kerr.FencedInstanceID):
		m.mu.Lock()
		taken := m.instance
		m.instance = ""
		m.mu.Unlock()
		m.lose(fmt.Errorf("another process joined as instance %q, going on without: %w", taken, err))
		return errAgain
	case errors.Is(err, kerr.UnknownMemberID), errors.Is(err, kerr.IllegalGeneration):
		m.lose(err)
		return errAgain
	case errors.Is(err, kerr.InvalidSessionTimeout):
		return fmt.Errorf("joining group %q: session_timeout %s is not between group.min.session.timeout.ms and group.max.session.timeout.ms of the brokers: %w",
			m.p.Group, m.p.SessionTimeout, err)
	}
	return fmt.Errorf("joining group %q: %w", m.p.Group, err)
}

// goAlone owns everything, as a process does for which there is no group. One
// that had others beside it waits instead: they are still there.
func (m *Member) goAlone(why error) {
	m.mu.Lock()
	m.alone, m.members = !m.joined, 0
	alone := m.alone
	m.mu.Unlock()
	m.trouble(why)
	if alone {
		m.own(every())
	}
}

// take owns what the leader has assigned.
func (m *Member) take(b []byte) error {
	a, err := decodeAssignment(b)
	if err != nil {
		return fmt.Errorf("reading what group %q assigned: %w", m.p.Group, err)
	}
	m.mu.Lock()
	m.members, m.joined = a.members, true
	m.mu.Unlock()
	if a.fingerprint != m.selects() {
		m.trouble(&OtherTopologyError{m.p.Group})
	} else {
		m.trouble(nil)
	}
	m.p.Hear(a.said)
	m.p.Log.Debug("share of the work taken", "buckets", a.owned.Len(), "of", Buckets, "members", a.members)
	m.own(a.owned)
	return nil
}

// OtherTopologyError says that the group's leader runs something else.
type OtherTopologyError struct{ Group string }

func (e *OtherTopologyError) Error() string {
	return fmt.Sprintf("the members of group %q run another topology between the same clusters", e.Group)
}

// Hint says what to do about it.
func (e *OtherTopologyError) Hint() string {
	return `start every member with the same files; give independent topologies a deployment = "name" of their own`
}

// sendBeat sends a heartbeat and does what its answer says.
func (m *Member) sendBeat(ctx context.Context, id string, generation int32) {
	ctx, cancel := context.WithTimeout(ctx, m.p.SessionTimeout/2)
	defer cancel()
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.Generation, req.InstanceID = m.p.Group, id, generation, m.instanceID()
	sent := time.Now()
	resp, err := req.RequestWith(ctx, m.p.Target)
	if err != nil {
		return // keepAlive has an eye on how long that goes on
	}
	m.mu.Lock()
	current := m.id == id && m.generation == generation && !m.joining
	m.mu.Unlock()
	err = kerr.ErrorForCode(resp.ErrorCode)
	switch {
	case err == nil:
		m.renew(sent)
	case errors.Is(err, kerr.RebalanceInProgress):
		m.renew(sent)
		if current {
			signal(m.again)
		}
	case !current: // the join will find out
	case errors.Is(err, kerr.FencedInstanceID), errors.Is(err, kerr.UnknownMemberID), errors.Is(err, kerr.IllegalGeneration):
		_ = m.rejected(err) // it has joined anew by signal
	}
}

// renew notes that the coordinator knew us at a time.
func (m *Member) renew(sent time.Time) {
	m.beat.Store(max(m.beat.Load(), int64(sent.Sub(m.start)), 1))
}

// leave gives others our place. It takes no longer than it must: the session
// ends by itself.
func (m *Member) leave(ctx context.Context) {
	m.mu.Lock()
	id := m.id
	m.mu.Unlock()
	if id == "" {
		return
	}
	const patience = time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.MemberID = m.p.Group, id
	member := kmsg.NewLeaveGroupRequestMember()
	member.MemberID, member.InstanceID = id, m.instanceID()
	req.Members = append(req.Members, member)
	resp, err := req.RequestWith(ctx, m.p.Target)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		m.p.Log.Debug("group was not left in order", "err", err)
	}
}
