package field

import (
	"maps"
	"math"
	"slices"
	"time"
)

// Bool declares a property that is true or false.
func Bool(p *bool, name, doc string) Def {
	return Def{
		Name: name, Doc: doc, Kind: KindBool,
		set: func(v parsed) { *p = v.flag },
		get: func() parsed { return parsed{flag: *p} },
	}
}

// Integer is any integer type a number or size may be stored in.
type Integer interface {
	~int | ~int16 | ~int32 | ~int64
}

// Int declares a whole number between low and high, both included.
func Int[T Integer](p *T, name string, low, high T, doc string) Def {
	return Def{
		Name: name, Doc: doc, Kind: KindInt, Min: int64(low), Max: int64(high),
		set: func(v parsed) { *p = T(v.num) },
		get: func() parsed { return parsed{num: int64(*p)} },
	}
}

// Size declares a number of bytes between low and high, both included. HCL
// writes it as "8MiB" or a plain number, a properties file as a plain number.
func Size[T Integer](p *T, name string, low, high T, doc string) Def {
	d := Int(p, name, low, high, doc)
	d.Kind, d.unit = KindSize, 1
	return d
}

// Duration declares a span of time between low and high, both included. HCL
// writes it as "30s", a properties file as a number of milliseconds unless
// LegacyUnit says otherwise.
func Duration(p *time.Duration, name string, low, high time.Duration, doc string) Def {
	return Def{
		Name: name, Doc: doc, Kind: KindDuration, Min: int64(low), Max: int64(high), unit: int64(time.Millisecond),
		set: func(v parsed) { *p = time.Duration(v.num) },
		get: func() parsed { return parsed{num: int64(*p)} },
	}
}

// MaxDuration is the longest span a duration may have unless its owner says
// less: Java's millisecond counts are 64 bits, nobody waits longer than a year.
const MaxDuration = 365 * 24 * time.Hour

// MaxInt32 is the greatest value of Java's int properties.
const MaxInt32 = math.MaxInt32

// String declares a free text.
func String[T ~string](p *T, name, doc string) Def {
	return Def{
		Name: name, Doc: doc, Kind: KindString,
		set: func(v parsed) { *p = T(v.text) },
		get: func() parsed { return parsed{text: string(*p)} },
	}
}

// Enum declares a text that must be one of words, compared exactly.
func Enum[T ~string](p *T, name string, words []T, doc string) Def {
	d := String(p, name, doc)
	d.Kind = KindEnum
	for _, w := range words {
		d.Words = append(d.Words, string(w))
	}
	return d
}

// List declares a list of texts without duplicates.
func List(p *[]string, name, doc string) Def {
	return Def{
		Name: name, Doc: doc, Kind: KindList,
		set: func(v parsed) { *p = slices.Clone(v.list) },
		get: func() parsed { return parsed{list: *p} },
	}
}

// Map declares a map of texts, which HCL alone can write.
func Map(p *map[string]string, name, doc string) Def {
	return Def{
		Name: name, Doc: doc, Kind: KindMap,
		set: func(v parsed) { *p = maps.Clone(v.dict) },
		get: func() parsed { return parsed{dict: *p} },
	}
}

// Secret declares a text that is never shown. T's set and get are the
// constructor and reader of the model's secret type.
func Secret(set func(string), get func() string, name, doc string) Def {
	return Def{
		Name: name, Doc: doc, Kind: KindSecret,
		set: func(v parsed) { set(v.text) },
		get: func() parsed { return parsed{text: get()} },
	}
}

// Float declares a number with a fraction between low and high, both included.
func Float(p *float64, name string, low, high float64, doc string) Def {
	return Def{
		Name: name, Doc: doc, Kind: KindFloat, low: low, high: high,
		set: func(v parsed) { *p = v.float },
		get: func() parsed { return parsed{float: *p} },
	}
}
