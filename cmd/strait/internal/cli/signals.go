package cli

import (
	"context"
	"errors"
)

// errInterrupted is why a context ended when somebody asked the program to end.
var errInterrupted = errors.New("interrupted")

// watchSignals returns a context that ends at the first signal, so that what
// runs can finish what is under way. The second signal ends the process at
// once. The returned function stops the watching.
func (a *app) watchSignals(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for seen := 0; ; seen++ {
			select {
			case <-done:
				return
			case <-a.p.Signals:
			}
			if seen > 0 {
				a.view.Note("second signal: ending without finishing what is under way")
				a.p.Exit(exitFailed)
				return // only where a test has replaced Exit
			}
			a.view.Note("finishing what is under way; press Ctrl-C again to end at once")
			cancel(errInterrupted)
		}
	}()
	return ctx, func() {
		close(done)
		<-ended
		cancel(nil)
	}
}
