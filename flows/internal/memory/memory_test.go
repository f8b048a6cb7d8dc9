package memory

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
)

func TestClassesHoldWhatTheyPromise(t *testing.T) {
	for n := 1; n < 300_000; n += 7 {
		class, size := classOf(n)
		if size < n || class < 0 || class >= classes {
			t.Fatalf("classOf(%d) = %d, %d", n, class, size)
		}
		if n > smallest && size-n > size/4 {
			t.Fatalf("classOf(%d) wastes %d of %d bytes", n, size-n, size)
		}
		if again, same := classOf(size); again != class || same != size {
			t.Fatalf("classOf(%d) = %d, %d, but a buffer of that size is of class %d, %d", n, class, size, again, same)
		}
	}
	if class, size := classOf(128 << 20); class != classes-1 || size != 128<<20 {
		t.Fatalf("classOf(128 MiB) = %d, %d", class, size)
	}
	if class, size := classOf(128<<20 + 1); class != -1 || size != 128<<20+1 {
		t.Fatalf("classOf(128 MiB + 1) = %d, %d", class, size)
	}
}

func TestBudgetReturnsToZero(t *testing.T) {
	b := NewBudget(1 << 20)
	var held []*Buffer
	for range 10_000 {
		if rand.IntN(2) == 0 && b.Free() > 0 {
			held = append(held, b.Get(rand.IntN(100_000)+1))
		} else if n := len(held); n > 0 {
			i := rand.IntN(n)
			held[i].Release()
			held = append(held[:i], held[i+1:]...)
		}
		if b.pooled > 0 && b.pooled+b.held > b.limit {
			t.Fatalf("%d pooled and %d held exceed the limit of %d", b.pooled, b.held, b.limit)
		}
	}
	for _, buf := range held {
		buf.Release()
	}
	if b.used != 0 || b.held != 0 || b.Free() != b.Limit() {
		t.Fatalf("%d bytes still counted", b.used)
	}
}

func TestLimitChangesWhileBytesAreHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(1 << 20)
		first := b.Get(512 << 10)
		b.Get(256 << 10).Release() // into the pool
		b.SetLimit(600 << 10)
		if b.pooled+b.held > b.Limit() || b.Free() > 100<<10 {
			t.Fatalf("%d pooled, %d held, %d free in %d", b.pooled, b.held, b.Free(), b.Limit())
		}
		b.SetLimit(256 << 10)
		if b.Free() >= 0 {
			t.Errorf("%d bytes are free below what is held", b.Free())
		}
		got := make(chan error, 1)
		go func() {
			r, err := b.Reserve(t.Context(), 64<<10, 64<<10)
			if err == nil {
				r.Close()
			}
			got <- err
		}()
		synctest.Wait()
		select {
		case err := <-got:
			t.Fatalf("a reservation in a budget that is overdrawn: %v", err)
		default:
		}
		b.SetLimit(2 << 20) // wakes who waits
		if err := <-got; err != nil {
			t.Error(err)
		}
		first.Release()
		if b.used != 0 || b.Free() != 2<<20 {
			t.Errorf("%d bytes still counted", b.used)
		}
	})
}

func TestReserveWaitsAndServesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(128 << 10)
		one, other := b.Get(64<<10), b.Get(64<<10)
		served := make(chan int, 2)
		for i := range 2 {
			go func() {
				r, err := b.Reserve(t.Context(), 40<<10, 60<<10)
				if err != nil {
					t.Error(err)
				}
				served <- i
				_ = r // held to the end
			}()
			synctest.Wait()
		}
		if len(served) != 0 {
			t.Fatal("a reservation was given from an empty budget")
		}
		one.Release()
		synctest.Wait()
		if len(served) != 1 || <-served != 0 {
			t.Fatal("the first to wait was not the first, and only one, served")
		}
		other.Release()
		if <-served != 1 {
			t.Fatal("the second was not served")
		}
	})
}

func TestReserveEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(1 << 10)
		buf := b.Get(1 << 10)
		ctx, cancel := context.WithCancelCause(t.Context())
		stop := errors.New("stopped")
		got := make(chan error, 1)
		go func() {
			_, err := b.Reserve(ctx, 1, 1)
			got <- err
		}()
		synctest.Wait()
		cancel(stop)
		if err := <-got; !errors.Is(err, stop) {
			t.Fatalf("Reserve returned %v", err)
		}
		buf.Release()
		if len(b.waiters) != 0 {
			t.Fatal("a waiter was left behind")
		}
	})
}

func TestABatchLargerThanTheBudgetPassesAlone(t *testing.T) {
	b := NewBudget(1 << 10)
	r, err := b.Reserve(t.Context(), 4<<10, 8<<10)
	if err != nil {
		t.Fatal(err)
	}
	buf := r.Get(5 << 10)
	r.Close()
	if b.Free() >= 0 {
		t.Fatal("the overdraft was not counted")
	}
	buf.Release()
	if b.Free() != 1<<10 {
		t.Fatalf("%d bytes free, want all", b.Free())
	}
}

func TestMisuseOfABufferPanics(t *testing.T) {
	for name, misuse := range map[string]func(*Buffer){
		"release twice":        func(b *Buffer) { b.Release(); b.Release() },
		"retain after release": func(b *Buffer) { b.Release(); b.Retain() },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Fatal("no panic")
				}
			}()
			misuse(NewBudget(1 << 20).Get(10))
		})
	}
}
