package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/sync/errgroup"
)

// What the delay holds of one direction of a connection at most: 32 MiB, so
// that it delays but does not throttle. Kernel buffers and windows are those of
// loopback: what a real long path does to them is not simulated.
const (
	delayChunk = 64 << 10
	delayQueue = 512
)

// delay forwards the connections of each inherited listener to the target of
// the same place in the list, and every byte oneWay later. It runs until the
// process is ended.
func delay(oneWay time.Duration, targets []string) error {
	var g errgroup.Group
	for i, target := range targets {
		l, err := inherited(i)
		if err != nil {
			return err
		}
		g.Go(func() error {
			for {
				c, err := l.Accept()
				if err != nil {
					return fmt.Errorf("accepting a connection: %w", err)
				}
				g.Go(func() error {
					forward(c, target, oneWay)
					return nil
				})
			}
		})
	}
	return g.Wait()
}

// forward serves one connection. What goes wrong on one side is shown to the
// other by closing it.
func forward(in net.Conn, target string, oneWay time.Duration) {
	defer in.Close()
	out, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer out.Close()
	var g errgroup.Group
	g.Go(func() error { return carryLate(out, in, oneWay) })
	g.Go(func() error { return carryLate(in, out, oneWay) })
	_ = g.Wait() // there is nobody to tell but the two ends, which see their connection close
}

// chunk is what was read at one time.
type chunk struct {
	data []byte
	due  time.Time
	err  error // the end of the stream, and why
}

// carryLate copies one direction until its end.
func carryLate(to, from net.Conn, oneWay time.Duration) error {
	queue := make(chan chunk, delayQueue)
	var g errgroup.Group
	g.Go(func() error {
		defer close(queue)
		buffer := make([]byte, delayChunk)
		for {
			n, err := from.Read(buffer)
			queue <- chunk{data: bytes.Clone(buffer[:n]), due: time.Now().Add(oneWay), err: err}
			if err != nil {
				return nil
			}
		}
	})
	err := writeLate(to, queue)
	if err != nil {
		to.Close()
		from.Close() // ends the reader
		for range queue {
			continue // so that the reader can leave
		}
	}
	return errors.Join(err, g.Wait())
}

// writeLate writes every chunk when it is due.
func writeLate(to net.Conn, queue <-chan chunk) error {
	for c := range queue {
		if wait := time.Until(c.due); wait > 0 {
			<-time.After(wait)
		}
		if len(c.data) > 0 {
			if _, err := to.Write(c.data); err != nil {
				return fmt.Errorf("writing: %w", err)
			}
		}
		switch {
		case errors.Is(c.err, io.EOF):
			return halfClose(to)
		case c.err != nil:
			return c.err
		}
	}
	return nil
}
