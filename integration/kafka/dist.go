package kafka

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed versions/*.txt
var versions embed.FS

// distribution is one Kafka version ready to run: its class path and the two
// files made from it once per machine, which make every start quicker.
type distribution struct {
	version    string
	java       java
	classPath  string
	checkpoint string // bootstrap.checkpoint as `kafka-storage format` wrote it
	archive    string // class data archive; empty where Java could not make one
}

// jar is one line of a pinned list.
type jar struct {
	path string // in a Maven repository
	sum  [sha256.Size]byte
}

// pinned reads the list of jars for one version.
func pinned(version string) ([]jar, error) {
	text, err := versions.ReadFile("versions/" + version + ".txt")
	if err != nil {
		return nil, fmt.Errorf("finding Kafka %q: no such version is pinned", version)
	}
	var jars []jar
	for line := range bytes.Lines(text) {
		s := strings.TrimSpace(string(line))
		if s == "" || s[0] == '#' {
			continue
		}
		hexSum, path, ok := strings.Cut(s, "  ")
		sum, err := hex.DecodeString(hexSum)
		if !ok || err != nil || len(sum) != sha256.Size {
			return nil, fmt.Errorf("reading the list for Kafka %s: bad line %q", version, s)
		}
		jars = append(jars, jar{path: path, sum: [sha256.Size]byte(sum)})
	}
	return jars, nil
}

// prepare returns the distribution of one version, fetching and building what
// this machine does not have yet. It is safe across processes: whoever comes
// second waits for the first.
func prepare(ctx context.Context, version string) (*distribution, error) {
	j, err := findJava(ctx)
	if err != nil {
		return nil, err
	}
	base, err := cacheDir()
	if err != nil {
		return nil, err
	}
	unpacked := os.Getenv("STRAIT_KAFKA_DIR")
	name := version
	if _, err := pinned(version); err != nil && unpacked == "" {
		return nil, err
	}
	if unpacked != "" {
		sum := sha256.Sum256([]byte(unpacked))
		name = "local-" + hex.EncodeToString(sum[:6])
	}
	unlock, err := lockFile(ctx, filepath.Join(base, name+".lock"))
	if err != nil {
		return nil, fmt.Errorf("waiting for the Kafka cache: %w", err)
	}
	defer unlock()
	home := filepath.Join(base, name)
	if err := os.MkdirAll(home, 0o755); err != nil {
		return nil, fmt.Errorf("making the cache directory: %w", err)
	}
	d := &distribution{version: version, java: j}
	if unpacked != "" {
		d.classPath, err = localClassPath(unpacked)
	} else {
		d.classPath, err = fetchedClassPath(ctx, home, version)
	}
	if err != nil {
		return nil, err
	}
	return d, d.train(ctx, home)
}

// cacheDir returns the directory that keeps jars and port locks between runs.
func cacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the cache directory: %w", err)
	}
	base = filepath.Join(base, "strait", "kafka")
	if err := os.MkdirAll(base, 0o755); err != nil {
		return "", fmt.Errorf("making the cache directory: %w", err)
	}
	return base, nil
}

// localClassPath lists the jars of an unpacked Kafka distribution.
func localClassPath(dir string) (string, error) {
	jars, err := filepath.Glob(filepath.Join(dir, "libs", "*.jar"))
	if err != nil || len(jars) == 0 {
		return "", fmt.Errorf("reading STRAIT_KAFKA_DIR: %s has no libs/*.jar", dir)
	}
	slices.Sort(jars)
	return strings.Join(jars, string(os.PathListSeparator)), nil
}

// fetchedClassPath downloads what is missing under home and lists the jars.
func fetchedClassPath(ctx context.Context, home, version string) (string, error) {
	jars, err := pinned(version)
	if err != nil {
		return "", err
	}
	libs := filepath.Join(home, "libs")
	if err := os.MkdirAll(libs, 0o755); err != nil {
		return "", fmt.Errorf("making the jar directory: %w", err)
	}
	if err := fetch(ctx, libs, jars); err != nil {
		return "", err
	}
	paths := make([]string, len(jars))
	for i, j := range jars {
		paths[i] = filepath.Join(libs, filepath.Base(j.path))
	}
	return strings.Join(paths, string(os.PathListSeparator)), nil
}

// cached is the class path of a list of jars that is no version of Kafka, downloaded
// once per machine.
func cached(ctx context.Context, base, name string) (string, error) {
	unlock, err := lockFile(ctx, filepath.Join(base, name+".lock"))
	if err != nil {
		return "", fmt.Errorf("waiting for the cache of %s: %w", name, err)
	}
	defer unlock()
	return fetchedClassPath(ctx, filepath.Join(base, name), name)
}

// train makes the checkpoint and the class data archive unless an earlier run
// made them for the same class path and Java.
func (d *distribution) train(ctx context.Context, home string) error {
	sum := sha256.Sum256([]byte(d.java.version + "\n" + d.classPath))
	dir := filepath.Join(home, "trained-"+hex.EncodeToString(sum[:6]))
	if err := d.adopt(dir); err == nil {
		return nil
	}
	tmp, err := os.MkdirTemp(home, "training-")
	if err != nil {
		return fmt.Errorf("making a training directory: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := d.trainIn(ctx, tmp); err != nil {
		return fmt.Errorf("preparing Kafka %s: %w", d.version, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("replacing the trained files: %w", err)
	}
	if err := os.Rename(filepath.Join(tmp, "out"), dir); err != nil {
		return fmt.Errorf("keeping the trained files: %w", err)
	}
	return d.adopt(dir)
}

// adopt points d at the files that trainIn left in dir.
func (d *distribution) adopt(dir string) error {
	checkpoint := filepath.Join(dir, "bootstrap.checkpoint")
	if _, err := os.Stat(checkpoint); err != nil {
		return fmt.Errorf("looking for the trained files: %w", err)
	}
	d.checkpoint = checkpoint
	archive := filepath.Join(dir, "classes.jsa")
	if _, err := os.Stat(archive); err == nil {
		d.archive = archive
	} else if !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("looking for the class data archive: %w", err)
	}
	return nil
}

// trainIn fills tmp/out with the two files that make later starts quick: the
// bootstrap checkpoint, which holds the feature levels of a new cluster of
// this version, and an archive of the classes a broker loads, which halves the
// time and processor time of a start.
func (d *distribution) trainIn(ctx context.Context, tmp string) error {
	out := filepath.Join(tmp, "out")
	if err := os.Mkdir(out, 0o755); err != nil {
		return fmt.Errorf("making a directory: %w", err)
	}
	if err := d.format(ctx, tmp); err != nil {
		return err
	}
	checkpoint := filepath.Join(out, "bootstrap.checkpoint")
	if err := os.Rename(filepath.Join(tmp, "broker-1", "data", "bootstrap.checkpoint"), checkpoint); err != nil {
		return fmt.Errorf("keeping the bootstrap checkpoint: %w", err)
	}
	trained := *d
	trained.checkpoint = checkpoint
	c := &Cluster{
		opts: Options{Brokers: 1, Version: d.version, JVM: []string{"-XX:ArchiveClassesAtExit=" + filepath.Join(out, "classes.jsa")}},
		dir:  tmp, dist: &trained, ports: ports{dir: filepath.Join(tmp, "ports")},
	}
	defer c.Close() //nolint:errcheck // the broker has been stopped or start's error says it all
	if err := c.start(ctx); err != nil {
		return fmt.Errorf("starting a broker: %w\n%s", err, c.Logs(30))
	}
	if err := c.CreateTopic(ctx, Topic{Name: "training"}); err != nil {
		return err
	}
	return c.Stop(ctx, 1)
}

// format runs Kafka's own tool once.
func (d *distribution) format(ctx context.Context, tmp string) error {
	c := &Cluster{opts: Options{Brokers: 1}, dir: tmp, dist: d, ports: ports{dir: filepath.Join(tmp, "ports")}}
	defer c.ports.release()
	if err := c.plan(); err != nil {
		return err
	}
	n := c.quorum
	if err := os.MkdirAll(n.dir, 0o755); err != nil {
		return fmt.Errorf("making a directory: %w", err)
	}
	files := logConfigs()
	files["server.properties"] = Properties(c.nodeConfig(n))
	if err := writeFiles(n.dir, files); err != nil {
		return err
	}
	args := append(jvm{}.flags(d), "-cp", d.classPath,
		"-Dlog4j2.configurationFile="+filepath.Join(n.dir, "log4j2.properties"),
		"-Dlog4j.configuration=file:"+filepath.Join(n.dir, "log4j.properties"),
		"kafka.tools.StorageTool", "format", "--cluster-id", randomID(),
		"--config", filepath.Join(n.dir, "server.properties"))
	if text, err := exec.CommandContext(ctx, d.java.path, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("formatting storage: %w\n%s", err, text)
	}
	return nil
}
