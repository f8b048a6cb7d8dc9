package filter

// class reads [...] with unions, intersections and nested classes.
func (t *translation) class() (set, bool) {
	if len(t.open) >= maxDepth {
		t.java("nest fewer classes", "nests more than %d classes and groups", maxDepth)
		return nil, false
	}
	// Counted as a group, so that both together are bounded.
	t.open = append(t.open, group{lookbehind: t.inLookbehind()})
	defer func() { t.open = t.open[:len(t.open)-1] }()
	t.off++
	negated := t.peek(0) == '^'
	if negated {
		t.off++
	}
	s, ok := t.members()
	if !ok {
		return nil, false
	}
	t.off++ // the closing bracket
	if negated {
		s = s.not()
	}
	return s, true
}

// members reads what is between the brackets of a class, up to the closing one.
// Behind && comes all that follows, so that Java reads a&&b&&c as a&&(b&&c).
func (t *translation) members() (set, bool) {
	var s set
	some, intersected := false, false
	for {
		var more set
		var ok bool
		switch c := t.peek(0); {
		case c == -1:
			t.bad("has an unclosed character class")
			return nil, false
		case c == ']' && some:
			return s, true
		case c == '&' && t.peek(1) == '&':
			if more, ok = t.intersection(); !ok {
				return nil, false
			}
			if some {
				more = s.and(more)
			}
			s, some, intersected = more, true, true
			continue
		case intersected:
			// Java adds what was in front of the && once more.
			t.java("put brackets around each side of the &&", "goes on behind an intersection")
			return nil, false
		case c == '[':
			more, ok = t.class()
		default:
			more, ok = t.member()
		}
		if !ok {
			return nil, false
		}
		s, some = s.union(more), true
	}
}

// intersection reads the right side of &&.
func (t *translation) intersection() (set, bool) {
	t.off += 2
	var right set
	some := false
	for t.peek(0) != ']' && t.peek(0) != '&' {
		read := t.members
		if t.peek(0) == '[' {
			read = t.class
		}
		more, ok := read()
		if !ok {
			return nil, false
		}
		right, some = right.union(more), true
	}
	if !some {
		t.java("write both sides of the &&", "has an && with nothing behind it")
	}
	return right, some
}

// member reads one character, set or range of a class.
func (t *translation) member() (set, bool) {
	if t.peek(0) == '\\' {
		if t.peek(1) == 'v' && t.peek(2) == '-' {
			t.java(`write \x0b`, `has a range that starts with \v`)
			return nil, false
		}
		if s, known := t.set(); known {
			return s, t.problem == nil
		}
	}
	low, ok := t.classChar()
	if !ok {
		return nil, false
	}
	if t.peek(0) != '-' || t.peek(1) == ']' || t.peek(1) == '[' {
		return t.folded(single(low)), true
	}
	t.off++
	if t.peek(0) == -1 {
		t.bad("has an unclosed character class")
		return nil, false
	}
	high, ok := t.classChar()
	if !ok {
		return nil, false
	}
	if high < low {
		t.bad("has a range whose ends are the wrong way round")
		return nil, false
	}
	return t.folded(spans(low, high)), true
}

// folded adds the other case where case does not count.
func (t *translation) folded(s set) set {
	if t.flags.fold {
		return s.fold()
	}
	return s
}

// classChar reads one character of a class.
func (t *translation) classChar() (rune, bool) {
	if t.peek(0) != '\\' {
		r := t.src[t.off].r
		t.off++
		return r, true
	}
	switch e := t.peek(1); e {
	case 'd', 'D', 'w', 'W', 's', 'S', 'h', 'H', 'V', 'p', 'P':
		t.bad("has a range that ends with a set")
		return 0, false
	case 'v':
		t.java(`write \x0b`, `has a range that ends with \v`)
		return 0, false
	case 'N':
		t.java("write the character", `uses \N`)
		return 0, false
	case '1', '2', '3', '4', '5', '6', '7', '8', '9':
		t.bad("refers back to a group inside a class")
		return 0, false
	}
	return t.char()
}
