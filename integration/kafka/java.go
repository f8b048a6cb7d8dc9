package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
)

// oldestJava is what the Kafka 4.x brokers need.
const oldestJava = 17

// java is the Java runtime that every process of the harness uses.
type java struct {
	path    string
	version string // the whole text of `java -version`
}

// errNoJava is why the harness cannot run on this machine, and what to do.
var errNoJava = errors.New("real Kafka brokers need a Java runtime of version 17 or newer: " +
	"install one (Debian: apt-get install openjdk-17-jre-headless; macOS: brew install openjdk) " +
	"and have it in PATH or name it in JAVA_HOME")

// findJava looks in JAVA_HOME, then in PATH, and checks the version.
func findJava(ctx context.Context) (java, error) {
	if !supported {
		return java{}, fmt.Errorf("running Kafka brokers on %s: the harness needs a Unix system", runtime.GOOS)
	}
	path := "java"
	if home := os.Getenv("JAVA_HOME"); home != "" {
		path = filepath.Join(home, "bin", "java")
	}
	path, err := exec.LookPath(path)
	if err != nil {
		return java{}, fmt.Errorf("%w (%w)", errNoJava, err)
	}
	out, err := exec.CommandContext(ctx, path, "-version").CombinedOutput()
	if err != nil {
		return java{}, fmt.Errorf("%w (running %s: %w: %s)", errNoJava, path, err, out)
	}
	if n := javaMajor(string(out)); n < oldestJava {
		return java{}, fmt.Errorf("%w (%s is version %d)", errNoJava, path, n)
	}
	return java{path: path, version: string(out)}, nil
}

// javaMajor reads the major version out of the text of `java -version`; 0
// where there is none. Java 8 and before call themselves 1.8.
func javaMajor(text string) int {
	m := regexp.MustCompile(`version "(?:1\.)?(\d+)`).FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0
	}
	return n
}

// jvm is the choice of flags for one process.
type jvm struct {
	heap       string // -Xmx; default 256m
	production bool   // as Kafka's own start scripts set them
	extra      []string
}

// flags returns the flags, which are chosen for a quick start and little
// memory unless the caller measures something and asks for production.
func (j jvm) flags(d *distribution) []string {
	heap := cmp.Or(j.heap, "256m")
	f := []string{"-Xmx" + heap, "-XX:+ExitOnOutOfMemoryError", "-XX:-UsePerfData", "-Djava.awt.headless=true"}
	if j.production {
		// kafka-run-class.sh of 4.2.0, KAFKA_JVM_PERFORMANCE_OPTS.
		f = append(f, "-Xms"+heap, "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20",
			"-XX:InitiatingHeapOccupancyPercent=35", "-XX:+ExplicitGCInvokesConcurrent")
	} else {
		f = append(f, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
		if d.archive != "" {
			f = append(f, "-XX:SharedArchiveFile="+d.archive)
		}
	}
	return append(f, j.extra...)
}
