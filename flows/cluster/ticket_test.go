package cluster

import (
	"errors"
	"strings"
	"testing"

	"github.com/strait-mirror/strait/config/model"
)

// TestCauseOfTicket has what the library says; integration/security has a KDC
// say some of it.
func TestCauseOfTicket(t *testing.T) {
	k := model.Kerberos{Principal: "ann@R", Keytab: "/k"}
	for text, want := range map[string]string{
		"[Root cause: KDC_Error] KDC_Error: AS Exchange Error: kerberos error response from KDC: KRB Error: (24) KDC_ERR_PREAUTH_FAILED Pre-authentication information was invalid": `refuses the key of "ann@R" in /k`,
		"[Root cause: Networking_Error] AS Exchange Error: failed sending AS_REQ to KDC":                                                                                            "no KDC of the realm",
		"KRB Error: (37) KRB_AP_ERR_SKEW Clock skew too great":                                                                                                                      "clocks",
		"KRB Error: (32) KRB_AP_ERR_TKT_EXPIRED Ticket expired":                                                                                                                     "has expired",
		"KRB Error: (7) KDC_ERR_S_PRINCIPAL_UNKNOWN Server not found in Kerberos database":                                                                                          `the service "kafka"`,
		"something else": "something else",
	} {
		if got := causeOfTicket(k, errors.New(text)); !strings.Contains(got, want) {
			t.Errorf("%s\nis said to be: %s", text, got)
		}
	}
}
