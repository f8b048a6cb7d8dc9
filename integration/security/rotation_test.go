package security_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/strait-mirror/strait/config/keystore/storetest"
	"github.com/strait-mirror/strait/pipeline/supervisor"
)

// rotation has the brokers accept another certificate and another password
// only, while a flow runs: it goes on with the new files. A restart of the
// broker cuts every connection.
func (b *bed) rotation(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	store := b.save(t, "own.p12", pairOf(t, b.source.PEM()).PKCS12(t))
	secret := b.save(t, "rotated", []byte(password))
	cfg := b.read(t, "rotation.hcl", b.hcl("rotation", fmt.Sprintf(`tls {
    ca_file           = %q
    keystore          = %q
    keystore_password = %q
  }
  sasl "scram-sha-512" {
    username      = "ann"
    password_file = %q
  }`, b.source.PEM().CAFile, store, storetest.Password, secret)))
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := supervisor.New(supervisor.Params{Config: cfg, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- s.Run(running) }()
	defer func() {
		stop()
		if err := <-done; err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	}()
	b.await(ctx, t, "rotation")

	fresh := storetest.New(t, time.Hour)
	trusted := string(fresh.CAPEM())
	admin := b.source.Admin()
	if _, err := admin.AlterBrokerConfigs(ctx, []kadm.AlterConfig{
		{Name: "listener.name.client.ssl.truststore.certificates", Value: &trusted},
	}, 1); err != nil {
		t.Fatal(err)
	}
	const next = "the next password"
	altered, err := admin.AlterUserSCRAMs(ctx, nil, []kadm.UpsertSCRAM{
		{User: "ann", Mechanism: kadm.ScramSha512, Iterations: 4096, Password: next},
	})
	if err != nil || altered.Error() != nil {
		t.Fatal(err, altered.Error())
	}
	b.save(t, "own.p12", fresh.PKCS12(t))
	b.save(t, "rotated", []byte(next))
	if err := b.source.Kill(1); err != nil {
		t.Fatal(err)
	}
	if err := b.source.Restart(ctx, 1); err != nil {
		t.Fatal(err)
	}
	b.write(ctx, t, 100)
	b.await(ctx, t, "rotation")

	old := b.read(t, "old.hcl", b.hcl("old", b.storeBlock("JKS")+fmt.Sprintf("sasl \"plain\" {\n username = \"ann\"\n password = %q\n }", password)))
	if err := once(ctx, t, old, 2*time.Second); err == nil || !strings.Contains(err.Error(), "client certificate") {
		t.Errorf("the brokers should refuse the old certificate, else nothing was proved: %v", err)
	}
}

// await waits until the copy under an alias is complete.
func (b *bed) await(ctx context.Context, t *testing.T, alias string) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := b.difference(ctx, alias)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the copy is not complete: %v", err)
		case <-tick.C:
		}
	}
}
