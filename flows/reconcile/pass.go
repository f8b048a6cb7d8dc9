package reconcile

import (
	"sync"
)

// Pass is one pass as its work sees it. Its methods may be called by several
// goroutines; after the pass ended they do nothing.
type Pass struct {
	loop *Loop

	mu       sync.Mutex // guards the rest
	problems []Problem
	ended    bool
}

// Leads reports whether this process may write. It is asked before each write:
// a pass that takes long may lose the lead on its way.
func (p *Pass) Leads() bool { return p.loop.p.Leads() }

// Problem tells what is wrong with one object. It lasts until a pass does not
// tell it any more.
func (p *Pass) Problem(problem Problem) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		p.problems = append(p.problems, newProblem(problem))
	}
}

// Changed tells that the control plane of a cluster was changed.
func (p *Pass) Changed(e Event) {
	e.Log(p.loop.p.Log)
}

// end takes what was told.
func (p *Pass) end() []Problem {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	return p.problems
}
