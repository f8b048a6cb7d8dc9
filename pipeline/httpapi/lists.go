package httpapi

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/strait-mirror/strait/pipeline/status"
)

const (
	maxLimit     = 1000 // of one answer
	defaultLimit = 100
	// maxProblems of one flow are in a status: a broker that is down is one for
	// every partition it leads.
	maxProblems = 200
	// reloadLimit is how long a request to reload may take.
	reloadLimit = 50 * time.Second
)

// sorts are what lists can be sorted by; the first one is by name.
func sorts() []string { return []string{"topic", "lag_records", "lag_seconds", "headroom_records"} }

func listQueries() []Query {
	return []Query{
		{Name: "flow", Doc: "Only of the flow of this name."},
		{Name: "topic", Doc: "Only topics whose name contains it."},
		{Name: "sort", Doc: "What comes first: the greatest lag, the least headroom, or topics by name, as without it.", Words: sorts()},
		{Name: "offset", Doc: "How many to leave out at the start.", Max: 1 << 30},
		{Name: "limit", Doc: "The most to be answered; 100 if not given.", Max: maxLimit},
	}
}

// listing is what a request asks for.
type listing struct {
	flow, topic, sort string
	offset, limit     int
}

func readListing(r *http.Request) (listing, error) {
	q := r.URL.Query()
	l := listing{flow: q.Get("flow"), topic: q.Get("topic"), sort: cmp.Or(q.Get("sort"), sorts()[0]), limit: defaultLimit}
	if !slices.Contains(sorts(), l.sort) {
		return l, &refusal{http.StatusBadRequest, "sort must be one of " + strings.Join(sorts(), ", ")}
	}
	offset, err := number(q, "offset", 0, 1<<30)
	if err != nil {
		return l, err
	}
	limit, err := number(q, "limit", defaultLimit, maxLimit)
	l.offset, l.limit = int(offset), int(limit)
	return l, err
}

func number(q url.Values, name string, otherwise, most int64) (int64, error) {
	text := q.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > most {
		return 0, &refusal{http.StatusBadRequest, fmt.Sprintf("%s must be a number from 0 to %d", name, most)}
	}
	return n, nil
}

// part returns what is to be shown of a list.
func part[T any](l listing, all []T) []T {
	from := min(l.offset, len(all))
	shown := all[from:min(from+l.limit, len(all))]
	if shown == nil {
		return []T{}
	}
	return shown
}

// rank is what a partition or topic is sorted by, and its names after that.
type rank struct {
	flow, topic string
	partition   int32
	lag         int64
	seconds     float64
	headroom    int64
}

// compare puts what asks for attention first.
func (l listing) compare(a, b rank) int {
	first := 0
	switch l.sort {
	case "lag_records":
		first = cmp.Compare(b.lag, a.lag)
	case "lag_seconds":
		first = cmp.Compare(b.seconds, a.seconds)
	case "headroom_records":
		// What is not known yet is no worry.
		first = cmp.Or(-cmp.Compare(min(a.headroom, 0), min(b.headroom, 0)), cmp.Compare(a.headroom, b.headroom))
	}
	return cmp.Or(first, cmp.Compare(a.flow, b.flow), cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
}

func (a *api) selected(l listing) []status.Partition {
	list := a.p.Partitions(func(flow string) bool { return l.flow == "" || flow == l.flow })
	if l.topic == "" {
		return list
	}
	return slices.DeleteFunc(list, func(p status.Partition) bool { return !strings.Contains(p.Topic, l.topic) })
}

func (a *api) partitions(r *http.Request) (any, error) {
	l, err := readListing(r)
	if err != nil {
		return nil, err
	}
	list := a.selected(l)
	of := func(p status.Partition) rank {
		return rank{p.Flow, p.Topic, p.Partition, p.LagRecords, p.LagSeconds, p.Headroom}
	}
	slices.SortFunc(list, func(a, b status.Partition) int { return l.compare(of(a), of(b)) })
	return Partitions{FormatVersion, time.Now(), len(list), part(l, list)}, nil
}

func (a *api) topics(r *http.Request) (any, error) {
	l, err := readListing(r)
	if err != nil {
		return nil, err
	}
	list := status.Topics(a.selected(l))
	of := func(t status.Topic) rank { return rank{t.Flow, t.Topic, 0, t.LagRecords, t.LagSeconds, t.Headroom} }
	slices.SortFunc(list, func(a, b status.Topic) int { return l.compare(of(a), of(b)) })
	return Topics{FormatVersion, time.Now(), len(list), part(l, list)}, nil
}

func (a *api) events(r *http.Request) (any, error) {
	q := r.URL.Query()
	after, err := number(q, "after", 0, 1<<53)
	if err != nil {
		return nil, err
	}
	limit, err := number(q, "limit", defaultLimit, maxLimit)
	if err != nil {
		return nil, err
	}
	return Events{FormatVersion, a.p.Events(after, int(limit))}, nil
}

func (a *api) revisions(*http.Request) (any, error) {
	list := a.p.Revisions()
	if list == nil {
		list = []status.Revision{}
	}
	return Revisions{FormatVersion, list}, nil
}

func (a *api) info(r *http.Request) (any, error) {
	return Info{
		FormatVersion: FormatVersion, Version: a.p.Version, Started: a.p.Started,
		MayChange: a.p.Access.mayChange(r), TokenKnown: a.p.Access.Token != "", Reload: a.p.Reload != nil,
	}, nil
}

func (a *api) status(*http.Request) (any, error) {
	s := a.p.Status()
	if s.Flows == nil {
		s.Flows = []status.Flow{}
	}
	for i := range s.Flows {
		if f := &s.Flows[i]; len(f.Problems) > maxProblems {
			f.MoreProblems = len(f.Problems) - maxProblems
			f.Problems = f.Problems[:maxProblems]
		}
	}
	return s, nil
}

func (a *api) reload(r *http.Request) (any, error) {
	ctx, cancel := context.WithTimeout(r.Context(), reloadLimit)
	defer cancel()
	st, err := a.p.Reload(ctx)
	if err != nil {
		return nil, &refusal{http.StatusServiceUnavailable, err.Error()}
	}
	done := Reloaded{FormatVersion, st}
	if !st.Successful {
		return done, &refusal{http.StatusUnprocessableEntity, st.Error}
	}
	return done, nil
}
