package keystore

// Within reports whether a DER text asks for at most so many hash rounds in all.
func Within(der []byte, rounds int64) bool { return spend(der, maxNested, &rounds) }
