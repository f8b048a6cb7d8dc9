package keystore

import (
	"encoding/asn1"
	"math/big"
)

// The bounds of how long a store may have its password hashed, in rounds: a few
// bytes can ask for hours. maxRounds is what Java accepts of one key
// (MAX_ITERATION_COUNT of sun.security.pkcs12.PKCS12KeyStore); keytool writes
// 10,000. All of a file together may be twice as slow.
const (
	maxRounds = 5_000_000
	maxScrypt = 1 << 20 // scrypt: N·r·p, in units of 128 bytes of memory and work
	maxNested = 24      // stores have about a dozen levels
)

// slow reports whether the keys of a DER text are derived in more rounds than
// the bounds. Rounds inside what is encrypted cannot be seen: whoever wrote
// those knew the password.
func slow(der []byte) bool {
	left := int64(2 * maxRounds)
	return !spend(der, maxNested, &left)
}

// spend takes the rounds of all parameters within der from left, and reports
// whether they are within the bounds.
func spend(der []byte, depth int, left *int64) bool {
	var elements []asn1.RawValue
	for len(der) > 0 {
		var v asn1.RawValue
		rest, err := asn1.Unmarshal(der, &v)
		if err != nil {
			break // the decoders, too, pass over what is behind what they know
		}
		elements, der = append(elements, v), rest
	}
	if !derives(elements, left) {
		return false
	}
	if depth == 0 {
		return true
	}
	for _, v := range elements {
		text := v.Class == asn1.ClassUniversal && v.Tag == asn1.TagOctetString
		if (v.IsCompound || text) && !spend(v.Bytes, depth-1, left) {
			return false
		}
	}
	return true
}

// derives takes what elements ask for from left if they are the parameters of a
// key derivation: a salt and numbers. PBES1, PBKDF2 and the MAC of a store have
// the rounds behind the salt, which in a MAC stands behind the digest; scrypt has
// three numbers.
func derives(elements []asn1.RawValue, left *int64) bool {
	var numbers []*big.Int
	for i, v := range elements {
		if v.Class != asn1.ClassUniversal || v.Tag != asn1.TagInteger {
			if len(numbers) > 0 {
				break
			}
			continue
		}
		if len(numbers) == 0 && (i == 0 || elements[i-1].Class != asn1.ClassUniversal || elements[i-1].Tag != asn1.TagOctetString) {
			continue
		}
		numbers = append(numbers, new(big.Int).SetBytes(v.Bytes))
	}
	switch {
	case len(numbers) == 0:
		return true
	case len(numbers) >= 3:
		work := new(big.Int).Mul(numbers[0], new(big.Int).Mul(numbers[1], numbers[2]))
		return work.IsInt64() && work.Int64() <= maxScrypt
	case !numbers[0].IsInt64() || numbers[0].Int64() > maxRounds:
		return false
	}
	*left -= numbers[0].Int64()
	return *left >= 0
}

// tooSlow is the answer to a slow text.
func tooSlow() *Error {
	return refuse("write it anew with fewer rounds: keytool writes 10000", "hashes its password more often than Java allows")
}
