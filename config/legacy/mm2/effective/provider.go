package effective

import (
	"errors"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/props"
)

// ProviderPackage is where Kafka's own config providers live.
const ProviderPackage = "org.apache.kafka.common.config.provider."

// maxProviderFile bounds a file that a provider reads: 4 MiB.
const maxProviderFile = 4 << 20

// provider answers ${name:location:key}.
type provider func(location, key string) answer

// answer is the value of a variable, or why there is none.
type answer struct {
	text   string
	reason string // why Kafka leaves the variable as it is; "" if there is a text
	fatal  string // what makes MirrorMaker 2 stop
}

// left is the answer that leaves a variable as it is.
func left(reason string) answer { return answer{reason: reason} }

// stop is the answer that ends MirrorMaker 2.
func stop(why string) answer { return answer{fatal: why} }

// providerSet holds providers by name; nil stands for one that is named but
// has no class, which Kafka forgives.
type providerSet map[string]provider

// automatic makes the providers as AbstractConfig does: names are split on
// commas and keep their blanks, classes and parameters are taken as they are
// written.
func (c *Config) automatic(m Map, problems *diag.List) providerSet {
	set := providerSet{}
	names := m["config.providers"].Text
	if names == "" {
		return set
	}
	for name := range strings.SplitSeq(names, ",") {
		if class, ok := m["config.providers."+name+".class"]; ok {
			set[name] = c.newProvider(name, class, m, problems)
		}
	}
	return set
}

// declared makes the providers as Connect's Plugins does: names are trimmed,
// and one without class has no values.
func (c *Config) declared(names []string, m Map, problems *diag.List) providerSet {
	set := providerSet{}
	for _, name := range distinct(names) {
		class, ok := m["config.providers."+name+".class"]
		if !ok {
			set[name] = nil
			continue
		}
		class.Text = trim(class.Text)
		set[name] = c.newProvider(name, class, m, problems)
	}
	return set
}

// newProvider makes one of Kafka's own providers; any other class is refused.
func (c *Config) newProvider(name string, class Value, m Map, problems *diag.List) provider {
	params := m.with("config.providers." + name + ".param.")
	switch class.Text {
	case ProviderPackage + "FileConfigProvider":
		allowed := c.allowedPaths(params, problems)
		return func(location, key string) answer { return c.fromFile(allowed, location, key) }
	case ProviderPackage + "DirectoryConfigProvider":
		allowed := c.allowedPaths(params, problems)
		return func(location, key string) answer { return c.fromDirectory(allowed, location, key) }
	case ProviderPackage + "EnvVarConfigProvider":
		allowed := allowList(params, problems)
		return func(location, key string) answer { return c.fromEnvironment(allowed, location, key) }
	}
	problems.Add(diag.Errorf(diag.CodeJavaClass, class.At, "config provider %q is a Java class that cannot run here", name).
		WithFix("use FileConfigProvider, DirectoryConfigProvider or EnvVarConfigProvider of %s", strings.TrimSuffix(ProviderPackage, ".")))
	return nil
}

// allowedPaths reads the parameter that bounds what a provider may open; nil
// allows all.
func (c *Config) allowedPaths(params Map, problems *diag.List) []string {
	v := params["allowed.paths"]
	if v.Text == "" {
		return nil
	}
	var dirs []string
	for dir := range strings.SplitSeq(strings.TrimRight(v.Text, ","), ",") {
		dir = path.Clean(dir)
		switch {
		case !path.IsAbs(dir):
			problems.Add(diag.Errorf(diag.CodeProvider, v.At, "%s: every path must be absolute", v.Key).
				WithFix("write the paths with commas and without blanks"))
		case !c.p.Exists(dir):
			problems.Add(diag.Errorf(diag.CodeMissingValue, v.At, "%s: no such directory", v.Key))
		}
		dirs = append(dirs, dir)
	}
	return dirs
}

// allowList reads the parameter that bounds which variables are seen.
func allowList(params Map, problems *diag.List) *regexp.Regexp {
	v, ok := params["allowlist.pattern"]
	if !ok {
		v.Text = ".*"
	}
	allowed, err := regexp.Compile("^(?:" + v.Text + ")$")
	if err != nil {
		problems.Add(diag.Errorf(diag.CodeBadRegex, v.At, "%s: not a regular expression that can be used here", v.Key))
		return regexp.MustCompile("$^")
	}
	return allowed
}

// within returns the path to open: cleaned only when paths are bounded, as
// Kafka does.
func within(allowed []string, name string) (string, bool) {
	if allowed == nil {
		return name, true
	}
	name = path.Clean(name)
	for _, dir := range allowed {
		if name == dir || strings.HasPrefix(name, strings.TrimSuffix(dir, "/")+"/") {
			return name, true
		}
	}
	return "", false
}

const notAllowed = "its path is not among allowed.paths"

// fromFile reads a key of a properties file in UTF-8.
func (c *Config) fromFile(allowed []string, name, key string) answer {
	if name == "" {
		return left("the file provider needs a path")
	}
	name, ok := within(allowed, name)
	if !ok {
		return left(notAllowed)
	}
	f := c.read(name)
	if f.problem != "" {
		return stop(f.problem)
	}
	if f.doc == nil {
		doc, problems := props.Parse(name, []byte(f.text), props.UTF8)
		if problems.HasErrors() {
			return stop("file " + name + " is not a properties file")
		}
		f.doc = doc
		c.files[name] = f
	}
	e, ok := f.doc.Get(key)
	if !ok {
		return left("file " + name + " has no such key")
	}
	return answer{text: e.Value}
}

// fromDirectory reads a whole file of a directory, with its last newline.
func (c *Config) fromDirectory(allowed []string, dir, key string) answer {
	if dir == "" {
		return left("the directory provider needs a path")
	}
	dir, ok := within(allowed, dir)
	if !ok {
		return left(notAllowed)
	}
	if key == "" || key == "." || key == ".." || strings.ContainsAny(key, `/\`) {
		return left("it names no file of the directory")
	}
	name := strings.TrimSuffix(dir, "/") + "/" + key
	f := c.read(name)
	switch {
	case f.missing:
		return left(f.problem)
	case f.problem != "":
		return stop(f.problem)
	}
	return answer{text: f.text}
}

// fromEnvironment reads an environment variable whose name matches the allow
// list in full.
func (c *Config) fromEnvironment(allowed *regexp.Regexp, location, key string) answer {
	if location != "" {
		return stop("the environment provider takes no path")
	}
	if !allowed.MatchString(key) {
		return left("environment variable " + key + " is not allowed by allowlist.pattern")
	}
	text, ok := c.p.Env(key)
	if !ok {
		return left("environment variable " + key + " is not set")
	}
	return answer{text: text}
}

// fileText is a file that was read once.
type fileText struct {
	text    string
	doc     *props.Document // of a properties file, once parsed
	problem string          // why it has no text
	missing bool            // it does not exist, or is no regular file
}

func (c *Config) read(name string) fileText {
	if f, done := c.files[name]; done {
		return f
	}
	text, err := c.p.ReadFile(name)
	f := fileText{text: string(text)}
	switch {
	case err != nil:
		f = fileText{problem: "cannot read file " + name + ": " + reasonOf(err)}
		f.missing = errors.Is(err, fs.ErrNotExist) || strings.HasSuffix(err.Error(), "is a directory") ||
			strings.HasSuffix(err.Error(), "not a directory")
	case len(text) > maxProviderFile:
		f = fileText{problem: "file " + name + " is larger than 4 MiB"}
	case !utf8.Valid(text):
		f = fileText{problem: "file " + name + " is not UTF-8"}
	}
	c.files[name] = f
	return f
}

// reasonOf is an error without the path, which the message has already.
func reasonOf(err error) string {
	reason := err.Error()
	if i := strings.LastIndex(reason, ": "); i >= 0 {
		return reason[i+2:]
	}
	return reason
}

// variablePattern is Kafka's ConfigTransformer.DEFAULT_PATTERN.
const variablePattern = `\$\{([^}]*?):(([^}]*?):)?([^}]*?)\}`

// transform replaces the variables of every value once, as Kafka's
// ConfigTransformer does.
func (c *Config) transform(m Map, set providerSet, problems *diag.List) Map {
	out := make(Map, len(m))
	for key, v := range m {
		if strings.Contains(v.Text, "${") {
			v = c.replace(v, set, problems)
		}
		out[key] = v
	}
	return out
}

// replace resolves the variables of one value.
func (c *Config) replace(v Value, set providerSet, problems *diag.List) Value {
	pattern := c.defs.variable
	v.Unresolved, v.Undeclared = "", ""
	text := v.Text
	v.Text = pattern.ReplaceAllStringFunc(text, func(found string) string {
		part := pattern.FindStringSubmatch(found)
		get, declared := set[part[1]]
		if !declared {
			v.Undeclared = part[1]
			return found
		}
		if get == nil {
			v.Unresolved = "config provider " + part[1] + " has no class"
			return found
		}
		a := get(part[3], part[4])
		switch {
		case a.fatal != "":
			problems.Add(diag.Errorf(diag.CodeMissingValue, v.At, "%s: %s", v.Key, a.fatal))
		case a.reason != "":
			v.Unresolved = a.reason
		default:
			v.Sensitive = true
			return a.text
		}
		return found
	})
	return v
}

// providersOf returns the providers of a typed configuration, by the names of
// its list.
func (c *Config) providersOf(m Map, problems *diag.List) providerSet {
	return c.declared(field.SplitList(m.text("config.providers")), m, problems)
}
