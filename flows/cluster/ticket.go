package cluster

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/strait-mirror/strait/config/model"
)

// causeOfTicket says why a Kerberos login did not get as far as the broker; of
// other logins it is err itself. The library's errors are chains of internal
// steps around the codes of RFC 4120, section 7.5.9, which are what counts.
func causeOfTicket(k model.Kerberos, err error) string {
	text := err.Error()
	who := fmt.Sprintf("%q", k.Principal)
	for _, c := range []struct{ sign, cause string }{
		{"matching key not found in keytab", fmt.Sprintf("the keytab %s has no key of %s of the kind that the KDC asks for; list its keys with klist -kte", k.Keytab, who)},
		{"KDC_ERR_C_PRINCIPAL_UNKNOWN", fmt.Sprintf("the KDC does not know the principal %s", who)},
		{"KDC_ERR_PREAUTH_FAILED", fmt.Sprintf("the KDC refuses the key of %s in %s: it is not the present one", who, k.Keytab)},
		{"KDC_ERR_S_PRINCIPAL_UNKNOWN", fmt.Sprintf("the KDC does not know the service %q at the broker's host name; compare service_name (sasl.kerberos.service.name) and the names in bootstrap_servers and advertised.listeners with the brokers' principals", cmp.Or(k.ServiceName, "kafka"))},
		{"KRB_AP_ERR_SKEW", "the clocks of this machine and the KDC differ too much"},
		{"KRB_AP_ERR_TKT_EXPIRED", "the ticket has expired; renew the ticket cache, or use a keytab"},
		{"Networking_Error", "no KDC of the realm can be reached; see the kdc lines of krb5.conf"},
	} {
		if strings.Contains(text, c.sign) {
			return c.cause
		}
	}
	return text
}
