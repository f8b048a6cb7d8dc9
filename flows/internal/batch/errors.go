package batch

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrPartial is what every *PartialError is, for errors.Is.
var ErrPartial = errors.New("splitting batches: the last entry is cut off")

// PartialError says that bytes end within an entry.
type PartialError struct {
	// Size is how many bytes the entry has in all, at most 2 GiB, or 0 when too
	// little of it is there to tell. A damaged length looks the same, so a caller
	// that asks for Size bytes bounds it.
	Size int64
}

func (e *PartialError) Error() string {
	if e.Size == 0 {
		return ErrPartial.Error()
	}
	return fmt.Sprintf("%v: it has %d bytes", ErrPartial, e.Size)
}

// Is makes errors.Is(err, ErrPartial) true.
func (e *PartialError) Is(target error) bool { return target == ErrPartial }

// CorruptError says that an entry is not what any broker may store. Fetching it
// again helps only if it was damaged on the way.
type CorruptError struct {
	Offset int64  // base offset as written in the entry
	Reason string // what is wrong, a constant
	Cause  error  // of a decompressor; may be nil
}

func (e *CorruptError) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("reading batch at offset %d: %s: %v", e.Offset, e.Reason, e.Cause)
	}
	return fmt.Sprintf("reading batch at offset %d: %s", e.Offset, e.Reason)
}

// Unwrap returns the decompressor's error, if any.
func (e *CorruptError) Unwrap() error { return e.Cause }

// TooLargeError says that a batch decompresses to more than the Recoder allows.
type TooLargeError struct {
	Offset int64 // base offset of the batch
	Max    int   // bytes allowed
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("decompressing batch at offset %d: more than %d bytes", e.Offset, e.Max)
}

// RecordTooLargeError says that one record alone makes a batch larger than the
// target takes, so that splitting cannot help.
type RecordTooLargeError struct {
	Offset int64 // of the record, on the source
	Size   int   // bytes of the smallest batch that holds it
	Max    int   // bytes allowed
}

func (e *RecordTooLargeError) Error() string {
	return fmt.Sprintf("splitting at offset %d: the record alone needs a batch of %d bytes, %d are allowed", e.Offset, e.Size, e.Max)
}

func corrupt(entry []byte, reason string) *CorruptError {
	return &CorruptError{Offset: int64(binary.BigEndian.Uint64(entry)), Reason: reason}
}
