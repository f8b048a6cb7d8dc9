package group

import "encoding/binary"

// What members and their leader tell each other, through the coordinator. What a
// later version adds goes to the end, where this one does not look; what this one
// would misread gets another protocol, of which brokers choose one that all
// members name.
const (
	protocolType = "strait"
	protocolName = "strait-1"
)

// Fingerprint stands for everything that decides what a flow mirrors. Members
// with different ones do not share their work.
type Fingerprint [16]byte

// subscription is what a member says of itself when it joins.
type subscription struct {
	fingerprint Fingerprint
	generation  int32 // in which it got what it holds; -1: none
	held        *Set  // what it runs, or is about to hand over
}

func (s subscription) encode() []byte {
	b := append([]byte(nil), s.fingerprint[:]...)
	b = binary.AppendUvarint(b, uint64(s.generation+1))
	return appendSet(b, s.held)
}

func decodeSubscription(b []byte) (s subscription, err error) {
	if len(b) < len(s.fingerprint) {
		return s, errMalformed
	}
	b = b[copy(s.fingerprint[:], b):]
	generation, b, err := readUvarint(b)
	if err != nil || generation > 1<<31 {
		return s, errMalformed
	}
	s.generation = int32(int64(generation) - 1)
	s.held, _, err = readSet(b)
	return s, err
}

// assignment is what the leader says to a member.
type assignment struct {
	fingerprint Fingerprint // of the leader
	members     int         // that share the work
	owned       *Set
}

func (a assignment) encode() []byte {
	b := append([]byte(nil), a.fingerprint[:]...)
	b = binary.AppendUvarint(b, uint64(a.members))
	return appendSet(b, a.owned)
}

func decodeAssignment(b []byte) (a assignment, err error) {
	if len(b) < len(a.fingerprint) {
		return a, errMalformed
	}
	b = b[copy(a.fingerprint[:], b):]
	members, b, err := readUvarint(b)
	if err != nil || members > 1<<20 {
		return a, errMalformed
	}
	a.members = int(members)
	a.owned, _, err = readSet(b)
	return a, err
}
