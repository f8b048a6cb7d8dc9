package batch

// Codec is a compression format of record batches, as in their attributes.
type Codec uint8

// The codecs. Values 5 to 7 fit the attribute but mean nothing.
const (
	None Codec = iota
	Gzip
	Snappy
	LZ4
	Zstd
)

// String is the codec's name in compression.type.
func (c Codec) String() string {
	switch c {
	case None:
		return "none"
	case Gzip:
		return "gzip"
	case Snappy:
		return "snappy"
	case LZ4:
		return "lz4"
	case Zstd:
		return "zstd"
	default:
		return "unknown"
	}
}

// ParseCodec is the codec of a name that String returns.
func ParseCodec(name string) (c Codec, ok bool) {
	for c = None; c <= Zstd; c++ {
		if c.String() == name {
			return c, true
		}
	}
	return None, false
}
