package source

import (
	"github.com/strait-mirror/strait/flows/internal/memory"
	"github.com/strait-mirror/strait/flows/internal/wire"
)

// Handler takes what is fetched of one partition. Its methods are called by one
// goroutine at a time, in offset order. They must not block, since other
// partitions of the broker wait meanwhile, and must not call Remove of their own
// partition; all other methods of Partition and Fetcher may be called.
type Handler interface {
	// Fetched takes record data; the buffer is the handler's from here on. Once
	// it, or a part of it, has been given back, Done must be told.
	Fetched(Fetched)
	// Progress says where the log stands, before Fetched where data came too.
	// lastStable and logStart are -1 where the broker does not know them.
	Progress(highWatermark, lastStable, logStart int64)
	// Problem says why the partition is not fetched; see the package's error
	// types. Equal problems in a row are reported once.
	Problem(err error)
	// Recovered says that the partition is fetched again after Problem.
	Recovered()
}

// Fetched is record data of one partition as its broker sent it.
type Fetched struct {
	Records    *memory.Buffer // what holds the data
	Start, End int            // the data within Records: complete entries, the first ends after Offset
	Sound      int            // what of Records, from their first byte, batch.Verify has accepted
	Offset     int64          // that was asked for; the first entry may begin before it
	Next       int64          // that is asked for next: the one after the last entry
	Epoch      int32          // leader epoch of the last entry; NoEpoch before magic 2

	Aborted          []wire.AbortedTransaction // whose records in the data never happened
	HighWatermark    int64
	LastStableOffset int64 // -1: not known
	LogStartOffset   int64 // -1: not known
}

// Data returns the complete entries.
func (f Fetched) Data() []byte { return f.Records.Bytes()[f.Start:f.End] }
