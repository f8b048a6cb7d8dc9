// Command pin rewrites the list of jars, with their checksums, that package
// kafka downloads for one Kafka version. It asks a local Maven for the runtime
// closure of a broker and MirrorMaker 2, so it is the only part of the harness
// that needs Maven, and only when a version is added:
//
//	go run ./integration/kafka/pin -version 4.2.0 \
//	    -logging org.apache.logging.log4j:log4j-slf4j-impl:2.25.3
//	go run ./integration/kafka/pin -version 3.9.2 \
//	    -logging org.slf4j:slf4j-reload4j:1.7.36
package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	version := flag.String("version", "", "the Apache Kafka version to pin")
	logging := flag.String("logging", "", "the slf4j binding to add, as group:artifact:version")
	out := flag.String("out", "integration/kafka/versions", "the directory that holds the lists")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := pin(ctx, *version, *logging, *out)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "pin:", err)
		os.Exit(1)
	}
}

// pin resolves the closure into a temporary directory, then writes the list.
func pin(ctx context.Context, version, logging, out string) error {
	if version == "" || logging == "" {
		return errors.New("pinning a version: -version and -logging are required")
	}
	dir, err := os.MkdirTemp("", "strait-pin-")
	if err != nil {
		return fmt.Errorf("making a work directory: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := resolve(ctx, dir, version, logging); err != nil {
		return err
	}
	lines, err := list(filepath.Join(dir, "jars"))
	if err != nil {
		return err
	}
	text := fmt.Sprintf("# Jars of an Apache Kafka %s broker and MirrorMaker 2: sha256, then the path in a Maven repository.\n"+
		"# Written by integration/kafka/pin; do not edit.\n%s\n", version, strings.Join(lines, "\n"))
	if err := os.WriteFile(filepath.Join(out, version+".txt"), []byte(text), 0o644); err != nil {
		return fmt.Errorf("writing the list: %w", err)
	}
	return nil
}

// resolve lets Maven lay the closure out under dir/jars as a repository does.
func resolve(ctx context.Context, dir, version, logging string) error {
	var deps strings.Builder
	for _, c := range []string{
		"org.apache.kafka:kafka_2.13:" + version,
		"org.apache.kafka:connect-mirror:" + version,
		logging,
	} {
		part := strings.Split(c, ":")
		if len(part) != 3 {
			return fmt.Errorf("reading coordinate %q: want group:artifact:version", c)
		}
		fmt.Fprintf(&deps, "<dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></dependency>\n",
			part[0], part[1], part[2])
	}
	pom := "<project><modelVersion>4.0.0</modelVersion><groupId>pin</groupId><artifactId>pin</artifactId><version>1</version>\n" +
		"<dependencies>\n" + deps.String() + "</dependencies></project>\n"
	if err := os.WriteFile(filepath.Join(dir, "pom.xml"), []byte(pom), 0o600); err != nil {
		return fmt.Errorf("writing the pom: %w", err)
	}
	cmd := exec.CommandContext(ctx, "mvn", "-B", "-q",
		"org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies",
		"-DincludeScope=runtime", "-Dmdep.useRepositoryLayout=true",
		"-DoutputDirectory="+filepath.Join(dir, "jars"))
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("resolving with Maven: %w", err)
	}
	return nil
}

// list returns one sorted line per jar under root and refuses two jars of one
// name, because the harness keeps them all in one directory.
func list(root string) ([]string, error) {
	var lines []string
	seen := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".jar" {
			return err
		}
		if other, ok := seen[d.Name()]; ok {
			return fmt.Errorf("two jars are called %s: %s and %s", d.Name(), other, path)
		}
		seen[d.Name()] = path
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		lines = append(lines, fmt.Sprintf("%x  %s", sha256.Sum256(b), filepath.ToSlash(rel)))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing the jars: %w", err)
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[66:], b[66:]) })
	return lines, nil
}
