package cli

import (
	"runtime/debug"

	"github.com/strait-mirror/strait/config/model"
)

// memoryOverhead is what a process uses beside the buffers of its budget:
// clients, partition state and the runtime, with 1,000 partitions.
const memoryOverhead = 48 << 20

// limitMemory tells the garbage collector to stay near the byte budget, which
// all flows share and which is as large as the largest of the enabled ones asks
// for. The buffers of the budget live long, so that the collector's
// usual rule (let the heap double) would cost the same again. It does nothing
// when the user has set GOMEMLIMIT. The collector's percentage is left alone:
// with a limit it decides only while the heap is small. The returned function
// restores the former limit.
func limitMemory(cfg *model.Config, getenv func(string) (string, bool)) (restore func()) {
	if _, set := getenv("GOMEMLIMIT"); set {
		return func() {}
	}
	budget := int64(0)
	for _, flow := range cfg.Flows {
		if !flow.Enabled {
			continue
		}
		need := flow.BufferMemory
		if flow.Repartitions() {
			need += flow.BufferMemory / 2 // of its producer
		}
		budget = max(budget, need)
	}
	former := debug.SetMemoryLimit(budget + memoryOverhead)
	return func() { debug.SetMemoryLimit(former) }
}
