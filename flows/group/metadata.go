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
	said        []byte
}

func (s subscription) encode() []byte {
	b := append([]byte(nil), s.fingerprint[:]...)
	b = binary.AppendUvarint(b, uint64(s.generation+1))
	return appendSaid(appendSet(b, s.held), s.said)
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
	if s.held, b, err = readSet(b); err != nil {
		return s, err
	}
	s.said, err = readSaid(b)
	return s, err
}

// mostSaid bounds what members tell each other beside their work.
const mostSaid = 64 << 10

// appendSaid writes what a member says, unless that is nothing.
func appendSaid(to, said []byte) []byte {
	if len(said) == 0 || len(said) > mostSaid {
		return to
	}
	return append(binary.AppendUvarint(to, uint64(len(said))), said...)
}

// readSaid reads what appendSaid wrote. A member of an earlier version says nothing.
func readSaid(from []byte) ([]byte, error) {
	if len(from) == 0 {
		return nil, nil
	}
	n, from, err := readUvarint(from)
	if err != nil || n > mostSaid || n > uint64(len(from)) {
		return nil, errMalformed
	}
	return from[:n], nil
}

// assignment is what the leader says to a member.
type assignment struct {
	fingerprint Fingerprint // of the leader
	members     int         // that share the work
	owned       *Set
	said        []byte
}

func (a assignment) encode() []byte {
	b := append([]byte(nil), a.fingerprint[:]...)
	b = binary.AppendUvarint(b, uint64(a.members))
	return appendSaid(appendSet(b, a.owned), a.said)
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
	if a.owned, b, err = readSet(b); err != nil {
		return a, err
	}
	a.said, err = readSaid(b)
	return a, err
}
