package kafka_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/strait-mirror/strait/integration/kafka"
)

// victimDir tells TestVictim that it is the process to be killed, and where to
// keep its files.
const victimDir = "STRAIT_KAFKA_VICTIM_DIR"

// TestVictim is no test of its own: TestBrokersDieWithTheirParent runs it in
// another process and kills that.
func TestVictim(t *testing.T) {
	dir := os.Getenv(victimDir)
	if dir == "" {
		t.Skip("only another test runs this")
	}
	c, err := kafka.New(bounded(t), dir, kafka.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("victim", c.Bootstrap()[0])
	<-t.Context().Done() // never before the kill
}

// TestBrokersDieWithTheirParent kills a process that runs a broker: the broker
// must not outlive it.
func TestBrokersDieWithTheirParent(t *testing.T) {
	t.Parallel()
	kafka.Require(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestVictim$", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), victimDir+"="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var broker string
	for lines := bufio.NewScanner(out); broker == "" && lines.Scan(); {
		if address, ok := strings.CutPrefix(lines.Text(), "victim "); ok {
			broker = address
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the victim ended well")
	}
	if broker == "" {
		t.Fatal("the victim started no broker")
	}
	ctx := bounded(t)
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		conn, err := net.Dial("tcp", broker)
		if err != nil {
			return // nobody listens any more
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ctx.Done():
			t.Fatal("the broker outlived its parent")
		case <-tick.C:
		}
	}
}
