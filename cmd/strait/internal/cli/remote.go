package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/pipeline/httpapi"
)

// remoteFlags say which running Strait a command asks, and how it shows the answer.
type remoteFlags struct {
	server    string
	tokenFile string
	caFile    string
	certFile  string
	keyFile   string
	output    string
	watch     bool
	interval  time.Duration
}

const remoteLong = "The running process needs server { listen }, or strait run --server-listen. Its token,\n" +
	"where it has one, comes from --token-file or the environment variable STRAIT_TOKEN."

func (f *remoteFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.server, "server", "", "`address` of the running process, host:port or https://host:port (default $STRAIT_SERVER, else "+model.DefaultServerListen+")")
	flags.StringVar(&f.tokenFile, "token-file", "", "`file` with the token")
	flags.StringVar(&f.caFile, "ca-file", "", "`file` with the authorities of the server's certificate, as PEM")
	flags.StringVar(&f.certFile, "cert-file", "", "`file` with the certificate to show, as PEM")
	flags.StringVar(&f.keyFile, "key-file", "", "`file` with its private key, as PEM")
	flags.StringVar(&f.output, "output", "text", "text or json")
}

// registerWatch is register for a command that may ask again and again.
func (f *remoteFlags) registerWatch(cmd *cobra.Command) {
	f.register(cmd)
	cmd.Flags().BoolVarP(&f.watch, "watch", "w", false, "show it again and again")
	cmd.Flags().DurationVar(&f.interval, "interval", 2*time.Second, "how often, with --watch")
}

// client returns a client of the process that the flags name.
func (a *app) client(f *remoteFlags) (*httpapi.Client, error) {
	switch {
	case f.output != "text" && f.output != "json":
		return nil, fmt.Errorf("--output is %q, not text or json", f.output)
	case f.watch && f.interval < 100*time.Millisecond:
		return nil, errors.New("--interval must be 100ms or longer")
	case (f.certFile == "") != (f.keyFile == ""):
		return nil, errors.New("--cert-file and --key-file go together")
	}
	fromEnv, _ := a.p.Getenv("STRAIT_SERVER")
	token, err := a.token(f)
	if err != nil {
		return nil, failed(err)
	}
	config, err := f.tls()
	if err != nil {
		return nil, failed(err)
	}
	return httpapi.NewClient(cmp.Or(f.server, fromEnv, model.DefaultServerListen), token, config)
}

// token returns what shows who asks; empty: nothing.
func (a *app) token(f *remoteFlags) (string, error) {
	if f.tokenFile == "" {
		token, _ := a.p.Getenv("STRAIT_TOKEN")
		return token, nil
	}
	text, err := os.ReadFile(f.tokenFile)
	if err != nil {
		return "", fmt.Errorf("reading the token: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

func (f *remoteFlags) tls() (*tls.Config, error) {
	if f.caFile == "" && f.certFile == "" {
		return nil, nil //nolint:nilnil // the system's authorities are an answer
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.caFile != "" {
		text, err := os.ReadFile(f.caFile)
		if err != nil {
			return nil, fmt.Errorf("reading the authorities: %w", err)
		}
		if config.RootCAs = x509.NewCertPool(); !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("reading the authorities: %s holds no certificate as PEM", f.caFile)
		}
	}
	if f.certFile != "" {
		pair, err := tls.LoadX509KeyPair(f.certFile, f.keyFile)
		if err != nil {
			return nil, fmt.Errorf("reading the certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// ask calls show once, or with --watch until ctx ends. With it, an answer that does
// not come is said and waited for.
func (a *app) ask(ctx context.Context, f *remoteFlags, show func(ctx context.Context, c *httpapi.Client) error) error {
	c, err := a.client(f)
	if err != nil {
		return err
	}
	defer c.Close()
	said := ""
	for {
		err := show(ctx, c)
		switch {
		case ctx.Err() != nil && f.watch:
			return nil
		case !f.watch:
			return failed(err)
		case err != nil && err.Error() != said:
			a.view.Error(err)
			said = err.Error()
		case err == nil:
			said = ""
		}
		select {
		case <-time.After(f.interval):
		case <-ctx.Done():
			return nil
		}
	}
}
