// Package support gathers what helps to find out what is wrong with a process: what
// it runs in, what its goroutines do, and files of all that in one archive. What a
// process copies is package status's; what may be shown of it, its callers'.
package support

import (
	"archive/tar"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"runtime/pprof"
	"slices"
	"strings"
	"time"
)

// Facts is what a process runs in.
type Facts struct {
	FormatVersion int       `json:"format_version"`
	Version       string    `json:"version"` // of the program
	Go            string    `json:"go"`
	OS            string    `json:"os"`
	Arch          string    `json:"arch"`
	Time          time.Time `json:"time"`
	Host          string    `json:"host,omitempty"`
	PID           int       `json:"pid"`
	CPUs          int       `json:"cpus"`
	MaxProcs      int       `json:"gomaxprocs"`
	MemoryLimit   int64     `json:"memory_limit_bytes"` // of the collector
	HeapBytes     uint64    `json:"heap_bytes"`         // of objects
	TotalBytes    uint64    `json:"total_bytes"`        // mapped by the runtime
	Goroutines    int       `json:"goroutines"`

	OpenFiles int               `json:"open_files,omitempty"` // where the system tells
	Limits    map[string]string `json:"limits,omitempty"`     // of the container or service, as the system has them
	// Variables are the names of environment variables that programs like this go
	// by; of those of the Go runtime also the values.
	Variables map[string]string `json:"variables"`
}

// Gather returns the facts of this process.
func Gather(version string) Facts {
	host, _ := os.Hostname() // left out where it is not known
	sizes := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/total:bytes"}}
	metrics.Read(sizes)
	f := Facts{
		FormatVersion: 1, Version: version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		Time: time.Now().UTC(), Host: host, PID: os.Getpid(), CPUs: runtime.NumCPU(), MaxProcs: runtime.GOMAXPROCS(0),
		MemoryLimit: debug.SetMemoryLimit(-1), HeapBytes: sizes[0].Value.Uint64(), TotalBytes: sizes[1].Value.Uint64(),
		Goroutines: runtime.NumGoroutine(), Limits: map[string]string{}, Variables: variables(os.Environ()),
	}
	if files, err := os.ReadDir("/proc/self/fd"); err == nil {
		f.OpenFiles = len(files)
	}
	for _, name := range []string{"memory.max", "memory.current", "cpu.max"} {
		if text, err := os.ReadFile("/sys/fs/cgroup/" + name); err == nil {
			f.Limits[name] = strings.TrimSpace(string(text))
		}
	}
	return f
}

// variables returns what of an environment may be shown: a value may be a secret
// unless it is known what it is for.
func variables(environ []string) map[string]string {
	shown := map[string]string{}
	plain := []string{"GOMAXPROCS", "GOMEMLIMIT", "GOGC", "GODEBUG", "GOTRACEBACK", "TZ", "NO_COLOR"}
	for _, one := range environ {
		name, value, _ := strings.Cut(one, "=")
		switch {
		case slices.Contains(plain, name):
			shown[name] = value
		case strings.HasPrefix(name, "STRAIT_"), strings.HasPrefix(name, "OTEL_"), strings.HasSuffix(strings.ToUpper(name), "_PROXY"):
			shown[name] = "(set)"
		}
	}
	return shown
}

// Goroutines returns the stacks of all goroutines, without the values of arguments.
func Goroutines() (string, error) {
	var b strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&b, 2); err != nil {
		return "", fmt.Errorf("reading the stacks of goroutines: %w", err)
	}
	return b.String(), nil
}

// File is one file of an archive.
type File struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Write writes files into a folder of an archive, tar in gzip.
func Write(w io.Writer, folder string, at time.Time, files []File) error {
	zipped := gzip.NewWriter(w)
	archive := tar.NewWriter(zipped)
	for _, f := range files {
		h := &tar.Header{Name: path.Join(folder, f.Name), Mode: 0o600, Size: int64(len(f.Text)), ModTime: at, Format: tar.FormatPAX}
		if err := archive.WriteHeader(h); err != nil {
			return fmt.Errorf("writing %s into the archive: %w", f.Name, err)
		}
		if _, err := io.WriteString(archive, f.Text); err != nil {
			return fmt.Errorf("writing %s into the archive: %w", f.Name, err)
		}
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("writing the archive: %w", err)
	}
	if err := zipped.Close(); err != nil {
		return fmt.Errorf("writing the archive: %w", err)
	}
	return nil
}
