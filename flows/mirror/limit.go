package mirror

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/strait-mirror/strait/config/model"
)

// limit holds a flow back to bytes_per_second and records_per_second, or altogether
// while it is paused, where the source is read: what waits holds no memory. How much
// a fetch brings is known afterwards, so that each may run into debt, and the next
// waits until that is paid. It is safe for concurrent use.
type limit struct {
	progress       *atomic.Int64 // waiting is no standstill
	paused         atomic.Bool   // by the definition
	held           atomic.Bool   // by Hold
	bytes, records *rate.Limiter
	nanos          atomic.Int64 // waited
}

func newLimit(progress *atomic.Int64, def *model.Flow) *limit {
	l := &limit{progress: progress, bytes: rate.NewLimiter(rate.Inf, 0), records: rate.NewLimiter(rate.Inf, 0)}
	l.set(def)
	return l
}

// set takes the limits of a definition; debts stay.
func (l *limit) set(def *model.Flow) {
	l.paused.Store(def.Paused)
	for _, one := range []struct {
		of  *rate.Limiter
		per int64
	}{{l.bytes, def.BytesPerSecond}, {l.records, def.RecordsPerSecond}} {
		if one.per <= 0 {
			one.of.SetLimit(rate.Inf)
			continue
		}
		one.of.SetBurst(int(one.per)) // a second's worth
		one.of.SetLimit(rate.Limit(one.per))
	}
}

// halts reports whether nothing is to be read.
func (l *limit) halts() bool { return l.haltedBy() != "" }

// haltedBy returns who wants that; "": nobody.
func (l *limit) haltedBy() string {
	switch {
	case l.paused.Load():
		return ByFile
	case l.held.Load():
		return ByRequest
	}
	return ""
}

// Hold has the flow read nothing, as paused in its definition does, or lets it go on
// as far as that lets it. It reports whether that is news.
func (f *Flow) Hold(held bool) bool { return f.limit.held.Swap(held) != held }

// limitStep is how long a wait may take no notice of other limits.
const limitStep = time.Second

// Wait implements source.Pacer.
func (l *limit) Wait(ctx context.Context) error {
	for {
		rest, paused := max(debt(l.bytes), debt(l.records)), l.halts()
		if paused {
			rest = limitStep
		}
		if rest <= 0 {
			return nil
		}
		begun := time.Now()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(min(rest, limitStep)):
		}
		if !paused {
			l.nanos.Add(int64(time.Since(begun)))
		}
		l.progress.Add(1)
	}
}

// Most implements source.Pacer.
func (l *limit) Most() int32 {
	if per := l.bytes.Limit(); per < math.MaxInt32 {
		return int32(per)
	}
	return math.MaxInt32
}

// Fetched implements source.Pacer.
func (l *limit) Fetched(bytes int64) { spend(l.bytes, bytes) }

// read notes records that came.
func (l *limit) read(records int64) { spend(l.records, records) }

// waited returns for how long fetches have waited, all together.
func (l *limit) waited() time.Duration { return time.Duration(l.nanos.Load()) }

// debt is how long it takes until what was spent is paid.
func debt(of *rate.Limiter) time.Duration {
	per := of.Limit()
	if per == rate.Inf {
		return 0
	}
	return time.Duration(-of.TokensAt(time.Now()) / float64(per) * float64(time.Second))
}

// spend takes n, of which there may be less. The library gives no more at once
// than may be saved.
func spend(of *rate.Limiter, n int64) {
	if of.Limit() == rate.Inf {
		return
	}
	for now := time.Now(); n > 0; {
		part := min(n, int64(of.Burst()))
		if part <= 0 {
			return // the limit was just lifted
		}
		of.ReserveN(now, int(part))
		n -= part
	}
}
