package supervisor

import (
	"context"
	"sync"

	"github.com/strait-mirror/strait/config/model"
)

// plane is the control plane of a flow, which may become another one while the
// flow runs.
type plane struct {
	build   func(def *model.Flow) (*control, error)
	renewed chan struct{} // has a value when it became another one

	mu sync.Mutex // guards is
	is *control
}

func newPlane(def *model.Flow, build func(def *model.Flow) (*control, error)) (*plane, error) {
	p := &plane{build: build, renewed: make(chan struct{}, 1)}
	c, err := build(def)
	p.is = c
	return p, err
}

// now is what it is at the moment.
func (p *plane) now() *control {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.is
}

// renew makes it another one: the passes of the old one end before those of the new
// one begin. An error says that nothing was changed.
func (p *plane) renew(def *model.Flow) error {
	c, err := p.build(def)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.is = c
	p.mu.Unlock()
	select {
	case p.renewed <- struct{}{}:
	default: // it is to be looked at already
	}
	return nil
}

// run runs all loops until ctx ends.
func (p *plane) run(ctx context.Context) {
	for ctx.Err() == nil {
		passes, stop := context.WithCancel(ctx)
		var wait sync.WaitGroup
		wait.Go(func() { p.now().run(passes) })
		select {
		case <-ctx.Done():
		case <-p.renewed:
		}
		stop()
		wait.Wait()
	}
}
