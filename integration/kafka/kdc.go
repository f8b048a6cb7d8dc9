package kafka

import (
	"context"
	_ "embed" // for the program below
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

//go:embed kdc/Kdc.java
var kdcProgram string

// kerby is the list of jars of Apache Kerby, whose key distribution centre is
// started from Java.
const kerby = "kerby-2.1.0"

// Realm is that of every KDC.
const Realm = "STRAIT.TEST"

// KDC is a Kerberos key distribution centre on loopback.
type KDC struct {
	*Program
	dir        string
	ports      ports
	principals []string
}

// Config is the path of the krb5.conf of those who use the KDC.
func (k *KDC) Config() string { return filepath.Join(k.dir, "krb5.conf") }

// Keytab is the path of the keytab of a principal, which is one of those the KDC
// was started with.
func (k *KDC) Keytab(principal string) string { return k.file(principal, ".keytab") }

// TicketCache is the path of a ticket that a principal was given at the start.
func (k *KDC) TicketCache(principal string) string { return k.file(principal, ".ccache") }

func (k *KDC) file(principal, suffix string) string {
	for i, p := range k.principals {
		if p == principal {
			return filepath.Join(k.dir, strconv.Itoa(i)+suffix)
		}
	}
	return filepath.Join(k.dir, "nobody"+suffix)
}

// NewKDC starts a KDC with its files under dir, an existing directory that
// remains the caller's to remove, and waits until it answers. Each of principals
// gets a key.
func NewKDC(ctx context.Context, dir string, principals ...string) (k *KDC, err error) {
	d, err := prepare(ctx, DefaultVersion) // Java, and what makes its start quick
	if err != nil {
		return nil, err
	}
	base, err := cacheDir()
	if err != nil {
		return nil, err
	}
	classes, err := cached(ctx, base, kerby)
	if err != nil {
		return nil, err
	}
	k = &KDC{dir: dir, principals: principals, ports: ports{dir: filepath.Join(base, "ports")}}
	defer func() {
		if err != nil {
			k.ports.release()
		}
	}()
	port, err := k.ports.take()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "Kdc.java")
	if err := os.WriteFile(file, []byte(kdcProgram), 0o600); err != nil {
		return nil, fmt.Errorf("writing the KDC's program: %w", err)
	}
	args := append(jvm{extra: []string{"-cp", classes, file, dir, Realm, strconv.Itoa(port)}}.flags(&distribution{}), principals...)
	proc, err := start(d.java.path, args, dir, filepath.Join(dir, "kdc.log"))
	if err != nil {
		return nil, fmt.Errorf("starting a KDC: %w", err)
	}
	k.Program = &Program{name: "KDC", proc: proc}
	return k, k.wait(ctx, port)
}

// wait waits until the KDC has given its tickets, and writes the configuration
// of who uses it.
func (k *KDC) wait(ctx context.Context, port int) error {
	err := poll(ctx, []*node{{proc: k.proc}}, func() (bool, error) {
		_, err := os.Stat(filepath.Join(k.dir, "ready"))
		return err == nil, err
	})
	if err != nil {
		return errors.Join(fmt.Errorf("waiting for the KDC: %w\n%s", err, k.Log(20)), k.Kill())
	}
	text := fmt.Sprintf("[libdefaults]\ndefault_realm = %s\nudp_preference_limit = 1\ndns_lookup_kdc = false\nrdns = false\n[realms]\n%[1]s = {\n kdc = %s\n}\n", Realm, address(port))
	if err := os.WriteFile(k.Config(), []byte(text), 0o600); err != nil {
		return fmt.Errorf("writing the Kerberos configuration: %w", err)
	}
	return nil
}

// StartKDC runs a KDC for the length of a test. Should the test fail, what it
// said is printed.
func StartKDC(t testing.TB, principals ...string) *KDC {
	t.Helper()
	Require(t)
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	k, err := NewKDC(ctx, t.TempDir(), principals...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("ending the KDC: %v", err)
		}
		k.ports.release()
		if t.Failed() {
			t.Logf("the KDC's last words:\n%s", k.Log(40))
		}
	})
	return k
}
