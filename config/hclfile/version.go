package hclfile

import (
	"regexp"
	"strconv"
	"strings"
)

// allowsVersion reports whether the version of the program meets conditions
// such as ">= 0.3, < 2". ok is false where they cannot be read. A build that is
// not a release meets every condition: nobody can say what it will be.
func allowsVersion(conditions, version string) (fits, ok bool) {
	form := regexp.MustCompile(`^\s*(>=|<=|!=|~>|>|<|=|)\s*v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?\s*$`)
	have, released := parseVersion(version)
	fits = true
	for condition := range strings.SplitSeq(conditions, ",") {
		m := form.FindStringSubmatch(condition)
		if m == nil {
			return false, false
		}
		want, given := [3]int{}, 0
		for i, part := range m[2:] {
			if part != "" {
				want[i], _ = strconv.Atoi(part) // digits, by the expression
				given = i + 1
			}
		}
		if released && !meets(have, m[1], want, given) {
			fits = false
		}
	}
	return fits, true
}

// parseVersion reads a release's tag: "v1.2.3", "1.2.3-rc.1". A pre-release
// counts as its release. A pseudo-version of a commit between releases, as the
// go command makes them, is none.
func parseVersion(s string) (v [3]int, ok bool) {
	m := regexp.MustCompile(`^v?(\d{1,9})\.(\d{1,9})\.(\d{1,9})(-[0-9A-Za-z.-]+)?(\+.*)?$`).FindStringSubmatch(s)
	if m == nil || regexp.MustCompile(`\d{14}-[0-9a-f]{12}$`).MatchString(m[4]) || m[5] != "" {
		return v, false
	}
	for i := range v {
		v[i], _ = strconv.Atoi(m[i+1]) // digits, by the expression
	}
	return v, true
}

// meets compares have with want, of which the first given parts were written:
// "~> 1.2" means at least 1.2 and less than 2, "~> 1.2.3" less than 1.3.
func meets(have [3]int, operator string, want [3]int, given int) bool {
	order := 0
	for i := range have {
		if have[i] != want[i] {
			order = 1
			if have[i] < want[i] {
				order = -1
			}
			break
		}
	}
	switch operator {
	case ">=":
		return order >= 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case "<":
		return order < 0
	case "!=":
		return order != 0
	case "~>":
		fixed := max(given-1, 1)
		return order >= 0 && [3]int(append(have[:fixed:fixed], make([]int, 3-fixed)...)) == [3]int(append(want[:fixed:fixed], make([]int, 3-fixed)...))
	}
	return order == 0
}
