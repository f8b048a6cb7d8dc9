package model

import (
	"net"
	"strconv"
	"strings"
)

// ParseServer checks that s is host:port and returns it without the listener
// name Kafka's clients skip, as in "SSL://host:9093".
func ParseServer(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" || strings.ContainsAny(host, " \t/") {
		return s, false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return s, err == nil && n > 0
}
