//go:build nokerberos

package login

import (
	"errors"

	"github.com/twmb/franz-go/pkg/sasl"
)

// kerberos is what a build without Kerberos says.
func (p Params) kerberos() (sasl.Mechanism, error) {
	return nil, errors.New("this program was built without Kerberos (build tag nokerberos)")
}
