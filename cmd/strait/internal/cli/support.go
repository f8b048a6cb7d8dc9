package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/cmd/strait/internal/view"
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/config/settings"
	"github.com/strait-mirror/strait/pipeline/support"
)

func (a *app) newSupportBundle() *cobra.Command {
	var f remoteFlags
	var out string
	cmd := &cobra.Command{
		Use:   "support-bundle [FILE...]",
		Short: "Put all that helps to find a fault into one archive, without secrets",
		Long: "Support-bundle asks a running Strait for its version, settings in effect, state,\n" +
			"lag, topology, events, revisions, metrics, goroutines and what it runs in, and puts\n" +
			"them as files into one archive. With FILE it adds what the files of the topology\n" +
			"say; without a running process that is all that can be had, and errors.txt says so.\n" +
			"Secrets are not in it; names of hosts, users, topics and groups are.\n\n" + remoteLong,
		Example: "  strait support-bundle topology.hcl\n  strait support-bundle --out /tmp/bundle.tar.gz --server 127.0.0.1:8844\n" +
			"  kubectl exec deploy/strait -- strait support-bundle --out - > bundle.tar.gz",
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "-" && f.output == "json" {
				return errors.New("--out - writes the archive to standard output, so that --output json has no place")
			}
			return a.supportBundle(cmd.Context(), args, &f, out)
		},
	}
	f.register(cmd)
	a.vars.register(cmd.Flags())
	cmd.Flags().StringVar(&out, "out", "", "`file` to write; - is standard output (default strait-support-TIME.tar.gz)")
	return cmd
}

// bundle is an archive that is being put together.
type bundle struct {
	files  []support.File
	errs   []string
	redact settings.Redactor
}

func (b *bundle) add(name, text string) {
	b.files = append(b.files, support.File{Name: name, Text: b.redact.Redact(text)})
}

// json adds a value, or why there is none.
func (b *bundle) json(name string, value any) {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		b.failed(name, err)
		return
	}
	b.add(name, string(text)+"\n")
}

func (b *bundle) failed(what string, err error) {
	b.errs = append(b.errs, what+": "+err.Error())
}

func (a *app) supportBundle(ctx context.Context, paths []string, f *remoteFlags, out string) error {
	c, err := a.client(f)
	if err != nil {
		return err
	}
	defer c.Close()
	token, err := a.token(f)
	if err != nil {
		return failed(err)
	}
	at := time.Now().UTC()
	b := &bundle{redact: settings.NewRedactor(nil, token)}
	if len(paths) > 0 {
		a.bundleFiles(b, paths, token)
	}
	b.json("command.json", support.Gather(version()))
	running, err := c.Support(ctx)
	if err != nil {
		b.failed("the running process", err)
	}
	for _, file := range running.Files {
		b.add("process/"+file.Name, file.Text)
	}
	if len(b.errs) > 0 {
		b.add("errors.txt", strings.Join(b.errs, "\n")+"\n")
	}
	name := "strait-support-" + at.Format("20060102T150405Z")
	var archive bytes.Buffer
	if err := support.Write(&archive, name, at, b.files); err != nil {
		return failed(err)
	}
	if out == "-" {
		a.view.Raw(archive.Bytes())
		return nil
	}
	if out == "" {
		out = name + ".tar.gz"
	}
	if err := writeArchive(out, archive.Bytes()); err != nil {
		return failed(err)
	}
	return failed(a.view.Bundle(view.Bundle{File: out, Contents: b.files, Missing: b.errs}, f.output == "json"))
}

// bundleFiles adds what the files of a topology say. Messages quote the text, and
// with it maybe a secret that nobody knows to be one: codes and places do not.
func (a *app) bundleFiles(b *bundle, paths []string, token string) {
	var src diag.Sources
	a.offline = true
	cfg, problems := a.p.Load(paths, a.p.Getenv, &src)
	if cfg != nil {
		b.redact = settings.NewRedactor(cfg, token)
		b.json("files/settings.json", settings.OfModel(cfg).Document(false))
	}
	if len(problems) == 0 {
		return
	}
	var lines strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&lines, "%s: %s\n", p.Subject, p.Code)
	}
	b.add("files/problems.txt", lines.String())
	if problems.HasErrors() {
		b.failed("the files", errors.New("they have errors, see files/problems.txt; strait lint explains them"))
	}
}

// writeArchive writes a file that only its owner may read, and that is not there yet.
func writeArchive(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("writing the archive: %w", err)
	}
	if _, err = file.Write(text); err != nil {
		file.Close()
		return fmt.Errorf("writing the archive: %w", err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("writing the archive: %w", err)
	}
	return nil
}

// support is what this process says of itself beside what the API answers.
func (s *serving) support(cfg *model.Config) []support.File {
	b := &bundle{}
	b.json("facts.json", support.Gather(version()))
	b.json("settings.json", settings.OfModel(cfg).Document(false))
	for name, read := range map[string]func() (string, error){"metrics.txt": s.metrics.Text, "goroutines.txt": support.Goroutines} {
		text, err := read()
		if err != nil {
			text = err.Error()
		}
		b.add(name, text)
	}
	return b.files
}
