package source

import (
	"container/heap"
	"time"
)

// alarms orders partitions by the time somebody must look at them, so that one
// timer serves them all. Its owner's mutex guards it.
type alarms struct{ list alarmList }

// set has p looked at at a time, instead of any earlier alarm of p.
func (a *alarms) set(p *Partition, at time.Time) {
	a.drop(p)
	p.alarmAt = at
	heap.Push(&a.list, p)
}

// drop removes p's alarm if it has one.
func (a *alarms) drop(p *Partition) {
	if p.alarmSlot >= 0 {
		heap.Remove(&a.list, p.alarmSlot)
	}
}

// due removes and returns the first partition whose time has come; nil if none.
func (a *alarms) due(now time.Time) *Partition {
	if len(a.list) == 0 || a.list[0].alarmAt.After(now) {
		return nil
	}
	return heap.Pop(&a.list).(*Partition)
}

// next returns when the first alarm goes off; not ok if there is none.
func (a *alarms) next() (at time.Time, ok bool) {
	if len(a.list) == 0 {
		return time.Time{}, false
	}
	return a.list[0].alarmAt, true
}

// alarmList implements heap.Interface.
type alarmList []*Partition

func (l alarmList) Len() int           { return len(l) }
func (l alarmList) Less(i, j int) bool { return l[i].alarmAt.Before(l[j].alarmAt) }
func (l alarmList) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].alarmSlot, l[j].alarmSlot = i, j
}

func (l *alarmList) Push(x any) {
	p := x.(*Partition)
	p.alarmSlot = len(*l)
	*l = append(*l, p)
}

func (l *alarmList) Pop() any {
	last := len(*l) - 1
	p := (*l)[last]
	(*l)[last] = nil
	*l = (*l)[:last]
	p.alarmSlot = -1
	return p
}
