package view

import (
	"errors"
	"fmt"
	"time"

	"github.com/strait-mirror/strait/flows/cluster"
)

// Health is what a running process answered to a probe.
type Health struct {
	FormatVersion int    `json:"format_version"` // set by View.Health
	Check         string `json:"check"`
	Good          bool   `json:"good"`
	Answer        string `json:"answer"`
}

// Health shows an answer.
func (v *View) Health(h Health, asJSON bool) error {
	if asJSON {
		h.FormatVersion = 1
		return v.JSON(h)
	}
	v.Print("%s", h.Answer)
	return nil
}

// Walk is the way to the brokers of one cluster.
type Walk struct {
	Cluster string
	Visits  []cluster.Visit
}

// walked is the JSON form of a Walk.
type walked struct {
	Cluster string    `json:"cluster"`
	Good    bool      `json:"good"`
	Visits  []visited `json:"visits"`
}

type visited struct {
	Address string `json:"address"`
	Broker  *int32 `json:"broker,omitempty"` // none: not known
	Good    bool   `json:"good"`
	Steps   []step `json:"steps"`
}

type step struct {
	Step    string  `json:"step"`
	Good    bool    `json:"good"`
	Seconds float64 `json:"seconds"`
	Detail  string  `json:"detail,omitempty"`
	Warning string  `json:"warning,omitempty"`
	Error   string  `json:"error,omitempty"`
	Fix     string  `json:"fix,omitempty"` // a command; most errors say themselves what to do
}

// Walks shows the ways to brokers and returns how many of them end before a broker.
func (v *View) Walks(walks []Walk, asJSON bool) (bad int, err error) {
	all := make([]walked, 0, len(walks))
	for _, w := range walks {
		one := walked{Cluster: w.Cluster, Good: true, Visits: []visited{}}
		for _, visit := range w.Visits {
			seen := visitedOf(visit)
			if !seen.Good {
				bad++
				one.Good = false
			}
			one.Visits = append(one.Visits, seen)
		}
		all = append(all, one)
	}
	if asJSON {
		return bad, v.JSON(struct {
			FormatVersion int      `json:"format_version"`
			Clusters      []walked `json:"clusters"`
		}{1, all})
	}
	for _, w := range all {
		v.walk(w)
	}
	return bad, nil
}

func visitedOf(visit cluster.Visit) visited {
	seen := visited{Address: visit.Address, Good: visit.Err() == nil}
	if visit.Broker != cluster.NoBroker {
		seen.Broker = &visit.Broker
	}
	for _, s := range visit.Steps {
		one := step{Step: s.Name, Good: s.Err == nil, Seconds: s.Took.Seconds(), Detail: s.Detail, Warning: s.Warning}
		if s.Err != nil {
			one.Error = s.Err.Error()
		}
		if p, ok := errors.AsType[*cluster.Problem](s.Err); ok {
			one.Error, one.Fix = p.Cause, p.Fix
		}
		seen.Steps = append(seen.Steps, one)
	}
	return seen
}

// walk shows the way to each broker of a cluster, a line for each step.
func (v *View) walk(w walked) {
	for _, visit := range w.Visits {
		who := "bootstrap server"
		if visit.Broker != nil {
			who = fmt.Sprintf("broker %d", *visit.Broker)
		}
		v.Print("%s", v.Strong(fmt.Sprintf("cluster %q, %s %s", w.Cluster, who, visit.Address)))
		for _, s := range visit.Steps {
			mark := v.Good("ok    ")
			if !s.Good {
				mark = v.Bad("failed")
			}
			v.Print("  %s  %-8s  %8s  %s", mark, s.Step, milliseconds(s.Seconds), s.Detail+s.Error)
			if s.Warning != "" {
				v.Print("  %s  %s", v.Strong("note  "), s.Warning)
			}
			if s.Fix != "" {
				v.Print("          fix: %s", s.Fix)
			}
		}
	}
}

func milliseconds(seconds float64) string {
	return fmt.Sprintf("%.1f ms", float64(time.Duration(seconds*float64(time.Second)))/float64(time.Millisecond))
}
