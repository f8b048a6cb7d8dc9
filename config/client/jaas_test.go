package client

import (
	"strings"
	"testing"
)

// The expectations follow JaasConfig and StreamTokenizer of JDK 17.
func TestJAAS(t *testing.T) {
	const plain = "org.apache.kafka.common.security.plain.PlainLoginModule"
	tests := map[string]struct{ text, want string }{
		"usual":               {plain + ` required username="u" password="p";`, "u p"},
		"single quotes":       {plain + ` required username='u' password='p"';`, `u p"`},
		"words":               {plain + ` Required username=u-x password=p.1_$;`, "u-x p.1_$"},
		"comments":            {"/* x */ " + plain + " required // y\n username=\"u\" /* ; */ password=\"p//\";", "u p//"},
		"lone slash":          {plain + " required username=\"u\" / rest is comment\npassword=\"p\";", "u p"},
		"escapes":             {plain + ` required username="a\"b\\c" password="\t\101\1018\777x";`, "a\"b\\c \tAA8?7x"},
		"no blanks":           {plain + ` required username="u"password="p";`, "u p"},
		"line breaks":         {plain + "\nrequired\nusername=\"u\"\npassword=\"p\"\n;\n", "u p"},
		"unclosed comment":    {plain + ` required username="u" /*/ password="p";`, "does not end with a semicolon"},
		"unquoted number":     {plain + ` required username="u" password=123;`, "has no value for the option password"},
		"quote ends at line":  {plain + " required username=\"u\npassword=\"p\";", "u p"},
		"no semicolon":        {plain + ` required username="u" password="p"`, "does not end with a semicolon"},
		"no flag":             {plain + ` username="u" password="p";`, "has no control flag behind the login module"},
		"wrong flag":          {plain + ` always username="u";`, "has no control flag behind the login module"},
		"only a module":       {plain, "has no control flag behind the login module"},
		"empty":               {" ", "names no login module"},
		"no value":            {plain + ` required username= ;`, "has no value for the option username"},
		"no equals":           {plain + ` required hunter2 ;`, "has no value for the option that follows the control flag"},
		"starts with a brace": {`{ required;`, "must start with the name of a login module"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			entries, problem, _ := parseJAAS(tt.text)
			got := problem
			if problem == "" {
				got = entries[0].options["username"] + " " + strings.ReplaceAll(entries[0].options["password"], "\u003f", "?")
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// FuzzJAAS holds for any text: parsing ends, and a complaint never quotes it.
func FuzzJAAS(f *testing.F) {
	f.Add(`org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="p";`)
	f.Add("a required b='\\101' /* c */ d=e; // f\n")
	f.Add(`a required "`)
	f.Add(`/*/ -1 .5 -x`)
	f.Fuzz(func(t *testing.T, text string) {
		entries, problem, fix := parseJAAS(text)
		if (len(entries) == 0) == (problem == "") {
			t.Fatalf("%d entries, %q", len(entries), problem)
		}
		marked := strings.ReplaceAll(text, "password", "")
		if len(marked) > 30 && (strings.Contains(problem, marked) || strings.Contains(fix, marked)) {
			t.Fatalf("%q quotes the text", problem)
		}
	})
}
