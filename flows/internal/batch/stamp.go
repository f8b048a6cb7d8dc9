package batch

import "encoding/binary"

// Stamp makes a batch of magic 2 ours by editing its header in place, as
// brokers ask of what they are sent: base offset 0, no leader epoch, our
// producer id, epoch and sequence (all three -1 for none), the transactional bit
// only within a transaction of ours (else the broker refuses the whole request).
//
// It clears the LogAppendTime bit, which brokers before 3.6 refuse; later ones
// would then show producers' timestamps, so a batch that must keep its append
// time goes through Recoder.Recode first (Classify says so). It clears the
// delete-horizon bit, or the target's cleaner would take the source's horizon and
// might drop tombstones at once. Payload and timestamps stay as they are. So does
// the control bit: such a batch must be dropped, and a broker refuses it.
//
// The CRC is not recomputed but changed by what the edit changes in it. Bytes
// damaged since the source's broker computed it therefore still disagree with it,
// and the target's broker refuses them.
func Stamp(b Batch, producerID int64, epoch int16, baseSequence int32, transactional bool) {
	before := Checksum(b[atAttributes:headerSize])

	binary.BigEndian.PutUint64(b, 0)
	binary.BigEndian.PutUint32(b[atLeaderEpoch:], ^uint32(0))
	attributes := b[atAttributes+1] &^ (bitLogAppendTime | bitTransactional | bitDeleteHorizon)
	if transactional {
		attributes |= bitTransactional
	}
	b[atAttributes+1] = attributes
	binary.BigEndian.PutUint64(b[atProducerID:], uint64(producerID))
	binary.BigEndian.PutUint16(b[atProducerEpoch:], uint16(epoch))
	binary.BigEndian.PutUint32(b[atBaseSequence:], uint32(baseSequence))

	delta := before ^ Checksum(b[atAttributes:headerSize])
	binary.BigEndian.PutUint32(b[atCRC:], b.CRC()^extend(delta, len(b)-headerSize))
}
