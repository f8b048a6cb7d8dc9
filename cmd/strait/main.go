// Command strait mirrors Apache Kafka topics between clusters.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"

	"github.com/strait-mirror/strait/cmd/strait/internal/cli"
)

func main() {
	signals := make(chan os.Signal, 2) // the second one must not be lost
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	stop := profile(os.Getenv("STRAIT_CPUPROFILE"))
	code := cli.Main(context.Background(), os.Args[1:], cli.Params{
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
		Signals: signals,
		Hangups: func() (<-chan os.Signal, func()) {
			hangups := make(chan os.Signal, 1)
			signal.Notify(hangups, syscall.SIGHUP)
			return hangups, func() { signal.Stop(hangups) }
		},
	})
	stop()
	os.Exit(code)
}

// profile writes a CPU profile of the whole run to a file, for whoever works on
// Strait: `make bench` sets it with -profile, `go tool pprof` reads it. A file
// that cannot be written is not a reason to mirror nothing.
func profile(file string) (stop func()) {
	if file == "" {
		return func() {}
	}
	f, err := os.Create(file)
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "strait: profiling:", err)
		return func() {}
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close()
	}
}
