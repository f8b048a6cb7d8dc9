// Package regex_test compares what patterns mean here with what they mean to
// java.util.regex, which a Java runtime is asked: MirrorMaker 2 selects topics
// with it.
package regex_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/integration/kafka"
	"github.com/strait-mirror/strait/transforms/filter"
)

// question is a list of patterns, which MirrorMaker 2 joins by "|", and the names
// that it is put to.
type question struct {
	patterns []string
	names    []string
}

// answer is what Java says of a question.
type answer struct {
	refused string // why; empty: the pattern is legal
	names   []match
}

// match is what Java says of one name.
type match struct {
	ok     bool
	slow   bool     // it did not find out
	groups []string // all of the name first; one that takes no part is empty
}

// ask puts questions to one Java process.
func ask(t *testing.T, questions []question) []answer {
	t.Helper()
	kafka.Require(t)
	var in bytes.Buffer
	for _, q := range questions {
		in.WriteString(encode(strings.Join(q.patterns, "|")))
		for _, name := range q.names {
			in.WriteString(" " + encode(name))
		}
		in.WriteByte('\n')
	}
	cmd := exec.CommandContext(t.Context(), "java", "-Xss16m", "-XX:TieredStopAtLevel=1", "testdata/Oracle.java")
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = &in, &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("asking Java, which needs a development kit (Debian: apt-get install openjdk-17-jdk-headless): %v: %s", err, stderr.String())
	}
	answers := make([]answer, 0, len(questions))
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		answers = append(answers, parse(t, lines.Text()))
	}
	if len(answers) != len(questions) {
		t.Fatalf("Java answered %d of %d questions", len(answers), len(questions))
	}
	return answers
}

func parse(t *testing.T, line string) answer {
	t.Helper()
	if why, refused := strings.CutPrefix(line, "!"); refused {
		return answer{refused: why + "!"}
	}
	var a answer
	for word := range strings.SplitSeq(line, " ") {
		m := match{ok: word != "-" && word != "?", slow: word == "?"}
		if m.ok {
			for group := range strings.SplitSeq(word[1:], ",") {
				m.groups = append(m.groups, decode(t, group))
			}
		}
		a.names = append(a.names, m)
	}
	return a
}

func encode(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func decode(t *testing.T, word string) string {
	t.Helper()
	if word == "~" {
		return ""
	}
	text, err := base64.StdEncoding.DecodeString(word)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// tally counts what became of questions.
type tally struct{ legal, accepted, refused, matched, slow int }

// judge compares our answer to a question with Java's.
func (c *tally) judge(t *testing.T, q question, java answer) {
	t.Helper()
	list := make([]filter.Pattern, len(q.patterns))
	for i, p := range q.patterns {
		list[i] = filter.Pattern{Text: p, At: diag.Range{File: "f", Start: diag.Pos{Line: i + 1, Column: 1}}}
	}
	ours, problems := filter.Compile(list)
	if java.refused == "" {
		c.legal++
	}
	if len(problems) > 0 {
		c.refused++
		c.judgeRefusal(t, q, java, problems)
		return
	}
	if java.refused != "" {
		t.Errorf("%q: Java refuses it (%s), we do not", q.patterns, java.refused)
		return
	}
	c.accepted++
	for i, name := range q.names {
		want := java.names[i]
		_, got, err := ours.Match(name)
		switch {
		case want.slow || err != nil:
			c.slow++ // neither says anything then
		case got != want.ok:
			t.Errorf("%q on %q: got %v, Java says %v", q.patterns, name, got, want.ok)
			return
		case got:
			c.matched++
		}
	}
	if len(list) == 1 {
		judgeGroups(t, list[0], q.names, java)
	}
}

// judgeRefusal wants a place and an explanation; and where we say that Java
// refuses a pattern as well, that it does.
func (c *tally) judgeRefusal(t *testing.T, q question, java answer, problems diag.List) {
	t.Helper()
	for _, p := range problems {
		if p.Subject.IsZero() || !strings.Contains(p.Summary, "at character ") {
			t.Errorf("%q is refused without a place: %s", q.patterns, p)
		}
		if p.Code == diag.CodeBadRegex && java.refused == "" && len(q.patterns) == 1 {
			t.Errorf("%q is legal Java, and refused by %s", q.patterns, p)
		}
	}
}

// judgeGroups compares what groups match, by a replacement of all of them.
func judgeGroups(t *testing.T, p filter.Pattern, names []string, java answer) {
	t.Helper()
	for i, name := range names {
		want := java.names[i]
		if !want.ok || len(want.groups) > 9 {
			continue
		}
		var replacement, expected strings.Builder
		for n, group := range want.groups {
			fmt.Fprintf(&replacement, "<$%d>", n)
			expected.WriteString("<" + group + ">")
		}
		r, problems := filter.NewReplacer(p, filter.Pattern{Text: replacement.String()})
		if len(problems) > 0 {
			if problems[0].Code != diag.CodeJavaRegex {
				t.Errorf("%q: replacing by %q: %v", p.Text, replacement.String(), problems)
			}
			return
		}
		if got, _, err := r.Replace(name); err == nil && got != expected.String() {
			t.Errorf("%q on %q: groups are %s, Java says %s", p.Text, name, got, expected.String())
			return
		}
	}
}

// nasty are patterns that engines disagree about. True marks those that must be
// accepted, since people write them.
func nasty() map[string]bool {
	return map[string]bool{
		`orders.*`: true, `(?!__).*`: true, `(?!.*\.replica$).*`: true, `.*(?<!-internal)`: true, `(?<=a)b|ab`: true,
		`(?i)orders`: true, `(?i:or)ders`: true, `(?-i)a`: true, `(?i)[a-c]+`: true, `(?i)[^a]`: true, `(?i)[b&&[^c]]`: true,
		`a(?i)b|c`: true, `(a(?i)b)c`: true, `(?i)\x61`: true, `(?iu)k`: false, `(?u)k`: true, `(?i)k`: true, `(?x)a b`: false,
		`(a|b)\1`: true, `(a)(b)\2\1`: true, `(a)\11`: true, `(?<n>a|b)\k<n>`: true, `\k<n>(?<n>a)`: false, `\1(a)`: false,
		`(a\1?)+`: true, `(?:(a)|b)*\1`: true, `(?i)(a)\1`: false, `(a)?\1b`: true,
		`a*+b`: true, `a*+a`: true, `a++`: true, `a?+a`: true, `(?:a|ab){2}+a`: true, `(a|ab)*+c`: true, `a{1,2}+a`: true, `[ab]++c`: true,
		`(?>a*)b`: true, `(?>a|ab)c`: true, `a*?b`: true, `a{2,3}?`: true,
		`[a-z&&[^x]]`: true, `[a-z&&[^b-y]&&[^a]]`: true, `[a-c&&b-d]`: true, `[ab&&bc&&cd]`: true, `[^a&&b]`: true, `[[a-c][x-z]]+`: true,
		`[a-c[x-z]&&[b-y]]`: true, `[a&&[b]c]`: true, `[a&&]`: false, `[&&a]`: true, `[a&b]`: true, `[a&]`: true, `[&&&a]`: false,
		`[a&&[b]&c]`: false, `[a-&&b]`: false, `[^[ab]c]`: true, `[[^a]b]`: true, `[a&&^b]`: true, `[\w&&[^\d]]+`: true, `[a-d&&[^bc]e]`: true,
		`[]a]`: true, `[^]a]`: true, `[a-]`: true, `[-a]`: true, `[a-[b]]`: true, `[\w-a]`: true, `[a-\w]`: false, `[\d-\w]`: true,
		`[.$^*+?(){}|]`: true, `[a\]b]`: true, `[\\]`: true, `[a^]`: true, `[^^]`: true, `[a-z-9]`: true, `[--a]`: true, `[+--]`: true, `[,--a]`: true,
		`[`: false, `[a`: false, `[]`: false, `[^]`: false, `[z-a]`: false, `[a-`: false, `[a&&`: false, `[[a]`: false, `a]}b`: true, `[\Qa-c\E]`: true, `[\Q]\E]`: true, `[\Qa\E-c]`: true,
		`\p{Lower}\p{Digit}+`: true, `\p{L}+`: true, `\pL`: true, `\PL`: true, `\P{L}`: true, `\p{Lu}`: true, `\p{IsLu}`: true, `\p{IsL}`: true, `\p{Punct}`: true, `[\p{Punct}&&[^_]]`: true,
		`[\P{Alpha}b]`: true, `[^\P{Alpha}b]`: true, `\p{XDigit}`: true, `\p{Cntrl}`: true, `\p{Blank}`: true, `\p{ASCII}+`: true, `\p{Graph}`: true, `\p{Print}`: true,
		`\p{IsAlphabetic}`: false, `\p{InGreek}`: false, `\p{javaLowerCase}`: false, `\p{IsLatin}`: false, `\p{script=Latin}`: false, `\p{Foo}`: false, `\p{L`: false, `\p`: false, `(?i)\p{Lower}`: false, `\p{}`: false, `\p{IsPunct}`: false, `\p{Sc}`: true,
		`\Qa.b\E.*`: true, `\Qa+`: true, `\Qab\E*`: true, `a\Q\E*`: true, `\Q\E*`: false, `\Q\\E`: true, `a\E`: false, `\\Qa`: true, `\Qa\Eb\Qc\E`: true, `x\Q(\E`: true, `[\Q^\Ea]`: true, `(?i)\Qa\E`: true,
		`\x41\u0042\x{43}\0104`: true, `\x4`: false, `\u12`: false, `\x{110000}`: false, `\x{}`: false, `\0`: false, `\08`: false, `\0400`: true, `\ca`: true, `\c`: false, `\x{d800}`: false, `\ud83d\ude00`: false, `\u+123`: false,
		`\t\n\r\f\a\e`: true, `\_a\-b\.\$`: true, `\y`: false, `\i`: false, `\é`: true, `a\`: false, `\E`: false, `\N{LATIN SMALL LETTER A}`: false,
		`\d\D\w\W\s\S\h\H\v\V`: true, `[\d\h\v]`: true, `[\D]`: true, `[^\W]`: true, `[\S\d]`: true, `[\v-z]`: false, `[a\R]`: false, `[\b]`: false, `[\1]`: false,
		`^a$`: true, `\Aa\z`: true, `a\Z`: true, `\ba\b`: true, `a\Bb`: true, `\B`: true, `^*a`: true, `a$+`: true, `\b?a`: true, `\Ga`: false, `\X`: false, `\R`: true, `\b{g}`: false,
		`a{2}`: true, `a{2,}`: true, `a{0}`: true, `a{0,0}b`: true, `a{,2}`: false, `a{2,1}`: false, `a{x}`: false, `a{`: false, `a{1`: false, `a{1,`: false, `a{ 1}`: false, `{1}`: false, `a|{1}`: false, `a{2}{3}`: false, `a*{2}`: false,
		`a**`: false, `a*?*`: false, `a+++`: false, `a???`: false, `*a`: false, `+`: false, `?`: false, `(*a)`: false, `|*`: false, `a{99999999999}`: false, `a{1,2000}`: false, `a{1000}`: true, `(a{2}){3}`: true, `(?:a{900}){900}`: true, `a{01}`: true,
		`(a`: false, `a)`: false, `(?`: false, `(?)a`: true, `(?-)a`: true, `(?i-i)a`: true, `(?-i-s)a`: false, `(?z)a`: false, `(?<a`: false, `(?<1a>b)`: false, `(?<a>b)(?<a>c)`: false, `(?P<a>b)`: false, `(?'a'b)`: false, `(?#c)a`: false, `(?i)*a`: false, `(?d)a`: true, `(?ms)a.b`: true,
		`(?=a)*a`: true, `(?=a|b)[ab]`: true, `(?!a)`: true, `(?=(a))\1`: true, `(?!(a))b`: true, `(?<=a*)b`: false, `a(?<=a{1,3})b`: true, `ab(?<=(?:ab)?)`: true, `(?<=a+)b`: false, `abab(?<=(?:ab){2})`: false, `(?<!a|bc)d`: true, `(?<=(?<=a))b`: false, `(?<=\1)(a)`: false, `a(?<=(a))`: true, `a(?<=(a))\1`: true, `(?<=(?=a))a`: false, `a(?<=a*+)`: false, `a(?<=(?:a|ab))`: true,
		``: true, `|`: true, `a|`: true, `|a`: true, `()`: true, `(|a)+`: true, `(a|)*b`: true, `(a*)*`: true, `(a*)+b`: true, `(?:)`: true, `()*a`: true, `(a?)*?b`: true, `(?:a?){3}`: true,
		`a.b`: true, `.`: true, `é+`: true, `[é-ü]`: true, `\p{Ll}é`: true, `😀`: true, `[😀-😂]+`: true, `.😀.`: true,
		"a\x00b": true, `a b`: true, `a#b`: true, `-`: true, `a-b_c.d`: true, `((((a))))`: true, `(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)\10`: true, `(?<a1>x)(?<B2>y)\k<B2>\k<a1>`: true,
	}
}

// names are put to the fixed patterns.
func names() []string {
	return []string{
		"", "a", "b", "c", "d", "x", "A", "B", "aa", "ab", "ba", "bb", "aaa", "aba", "abb", "abab", "ababa", "aab", "abc", "abba", "cab", "xyz",
		"orders", "ORDERS", "Orders", "orders.eu", "orders.replica", "x-internal", "__consumer_offsets", "a.b", "a.bc", "axb", "a+", "a-b_c.d", "_a-b.$",
		"]", "[", "^", "-", "&", "]a", "a]}b", "a|b", `\`, "ABCD", "a12", "A12", "1", "12", "9", " ", "\t", "\x01", "\u00a0", "é", "éé", "ü", "K", "k", "\u212a", "ſ", "😀", "a😀b", "😁😂",
		"abcdefghijj", "xyyx", "a b", "a#b", "a\x00b", "\x0b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	}
}

// unsure reports what Java versions disagree about: whether characters beyond
// US-ASCII are words to \b (up to 18) or not (from 19 on), and categories of
// characters that newer versions of Unicode know.
func unsure(pattern, name string) bool {
	return strings.ContainsFunc(name, func(r rune) bool { return r > 0x7f }) &&
		(strings.Contains(pattern, `\b`) || strings.Contains(pattern, `\B`))
}

func sure(patterns, all []string) []string {
	var kept []string
	for _, name := range all {
		if !unsure(strings.Join(patterns, ""), name) {
			kept = append(kept, name)
		}
	}
	return kept
}

func TestNastyPatterns(t *testing.T) {
	var questions []question
	var must []bool
	for pattern, accepted := range nasty() {
		questions = append(questions, question{[]string{pattern}, sure([]string{pattern}, names())})
		must = append(must, accepted)
	}
	var c tally
	for i, java := range ask(t, questions) {
		q := questions[i]
		_, problems := filter.Compile([]filter.Pattern{{Text: q.patterns[0]}})
		if accepted := len(problems) == 0; accepted != must[i] {
			t.Errorf("%q: accepted is %v, want %v: %v (Java: %q)", q.patterns, accepted, must[i], problems, java.refused)
		}
		c.judge(t, q, java)
	}
	t.Logf("%+v", c)
}

// TestGeneratedPatterns compares thousands of patterns.
func TestGeneratedPatterns(t *testing.T) {
	const count = 6000
	g := &generator{rnd: rand.New(rand.NewPCG(1, 2))}
	questions := make([]question, count)
	for i := range questions {
		patterns := []string{g.pattern()}
		for g.rnd.IntN(6) == 0 && len(patterns) < 3 {
			patterns = append(patterns, g.pattern())
		}
		questions[i] = question{patterns, sure(patterns, g.names(30))}
	}
	began := time.Now()
	answers := ask(t, questions)
	t.Logf("Java took %v", time.Since(began).Round(time.Millisecond))
	var c tally
	for i, java := range answers {
		c.judge(t, questions[i], java)
	}
	t.Logf("%+v", c)
	if c.accepted < c.legal*6/10 || c.matched < count || c.legal < count/2 || c.slow > count/10 {
		t.Errorf("too little was compared: %+v", c)
	}
}

// TestCatastrophicPatternsEnd has patterns that backtrack without end give up.
func TestCatastrophicPatternsEnd(t *testing.T) {
	for _, pattern := range []string{`(?=a)(a+)+\1b`, `(?!x)(a|aa)+b`, `(?=(a*)*)(a*)*b`, `(a*)*\1{50}b`, `(?>(a+)+)*(?!a)b`} {
		p, problems := filter.Compile([]filter.Pattern{{Text: pattern}})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		began := time.Now()
		_, ok, err := p.Match(strings.Repeat("a", 249))
		if ok {
			t.Errorf("%q matches", pattern)
		}
		t.Logf("%q: %v after %v", pattern, err, time.Since(began))
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%q took %v", pattern, took)
		}
	}
}
