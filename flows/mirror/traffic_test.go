package mirror

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestTrafficCounts(t *testing.T) {
	tr := &traffic{key: int16(kmsg.Fetch)}
	var broker kgo.BrokerMetadata
	tr.OnBrokerE2E(broker, int16(kmsg.Fetch), kgo.BrokerE2E{})
	tr.OnBrokerE2E(broker, int16(kmsg.Fetch), kgo.BrokerE2E{ReadErr: errors.New("reset")})
	tr.OnBrokerE2E(broker, int16(kmsg.Metadata), kgo.BrokerE2E{ReadErr: errors.New("reset")})
	tr.OnBrokerConnect(broker, 0, nil, nil)
	tr.OnBrokerConnect(broker, 0, nil, errors.New("refused"))
	tr.OnBrokerThrottle(broker, 300*time.Millisecond, true)
	tr.OnBrokerThrottle(broker, 200*time.Millisecond, false)
	if got, want := tr.counted(), (Traffic{Requests: 2, Errors: 2, Connections: 1, Throttled: 500 * time.Millisecond}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

// TestThrottledWhileItLasts has a quota take a fifth of the time, then a hundredth.
func TestThrottledWhileItLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &traffic{}
		for range 60 {
			tr.OnBrokerThrottle(kgo.BrokerMetadata{}, 200*time.Millisecond, true)
			time.Sleep(time.Second)
		}
		if !tr.held(time.Now()) {
			t.Error("a fifth of the time is not held back")
		}
		time.Sleep(2 * throttleWindow)
		if tr.held(time.Now()) {
			t.Error("a quota that is over still holds back")
		}
		for range 60 {
			tr.OnBrokerThrottle(kgo.BrokerMetadata{}, 10*time.Millisecond, true)
			time.Sleep(time.Second)
			if tr.held(time.Now()) {
				t.Fatal("a hundredth of the time is held back")
			}
		}
		if got := tr.counted().Throttled; got != 12600*time.Millisecond {
			t.Errorf("throttled for %v", got)
		}
	})
}
