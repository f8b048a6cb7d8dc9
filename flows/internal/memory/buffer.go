package memory

import (
	"math/bits"
	"sync/atomic"
)

// Buffers come in classes of four steps per doubling, from 1 KiB to 128 MiB, so
// that at most a quarter of a buffer is unused; anything larger is allocated
// exactly and never pooled.
const (
	smallest = 1 << 10
	steps    = 4
	classes  = 17*steps + 1
)

// classOf returns the class that holds n bytes and that class's size, or -1 and
// n when n is larger than any class.
func classOf(n int) (class, size int) {
	if n <= smallest {
		return 0, smallest
	}
	octave := bits.Len(uint(n-1)) - bits.Len(uint(smallest)) // n is in (smallest<<octave, smallest<<(octave+1)]
	base := smallest << octave
	step := (n - base + base/steps - 1) / (base / steps) // 1..steps
	class = octave*steps + step
	if class >= classes {
		return -1, n
	}
	return class, base + step*(base/steps)
}

// allocate returns memory of at least n bytes and the number of bytes it
// occupies. It counts them as held, not as used.
func (b *Budget) allocate(n int) ([]byte, int64) {
	class, size := classOf(n)
	b.mu.Lock()
	b.held += int64(size)
	if class >= 0 {
		if stack := b.free[class]; len(stack) > 0 {
			data := b.popLocked(class)
			b.mu.Unlock()
			return data, int64(size)
		}
	}
	b.trimLocked()
	b.mu.Unlock()
	return make([]byte, size), int64(size)
}

func (b *Budget) popLocked(class int) []byte {
	stack := b.free[class]
	data := stack[len(stack)-1]
	stack[len(stack)-1] = nil
	b.free[class] = stack[:len(stack)-1]
	b.pooled -= int64(len(data))
	return data
}

// trimLocked drops pooled memory, the largest first, until what is pooled and
// what is held fit the limit together, so that the resident memory does too.
func (b *Budget) trimLocked() {
	for class := classes - 1; class >= 0 && b.held+b.pooled > b.limit; {
		if len(b.free[class]) == 0 {
			class--
			continue
		}
		b.popLocked(class)
	}
}

// Buffer is counted, pooled memory with a reference count. It starts with one
// reference; the last Release gives the memory back, after which neither the
// buffer nor a slice of it may be touched.
type Buffer struct {
	data   []byte
	size   int64 // as counted in the budget
	budget *Budget
	refs   atomic.Int32
}

func newBuffer(b *Budget, data []byte, size int64) *Buffer {
	buf := &Buffer{data: data, size: size, budget: b}
	buf.refs.Store(1)
	return buf
}

// Bytes returns the buffer's contents.
func (b *Buffer) Bytes() []byte { return b.data }

// Size returns the bytes the buffer counts for in its budget, at least
// len(Bytes()).
func (b *Buffer) Size() int64 { return b.size }

// Retain adds a reference.
func (b *Buffer) Retain() {
	if b.refs.Add(1) <= 1 {
		panic("memory: Retain of a released buffer")
	}
}

// Release drops a reference.
func (b *Buffer) Release() {
	switch refs := b.refs.Add(-1); {
	case refs > 0:
		return
	case refs < 0:
		panic("memory: Release of a released buffer")
	}
	budget, data := b.budget, b.data
	b.data = nil
	class, _ := classOf(int(b.size))

	budget.mu.Lock()
	defer budget.mu.Unlock()
	budget.held -= b.size
	if class >= 0 && budget.held+budget.pooled+b.size <= budget.limit {
		budget.free[class] = append(budget.free[class], data[:b.size])
		budget.pooled += b.size
	}
	budget.giveLocked(b.size)
}
