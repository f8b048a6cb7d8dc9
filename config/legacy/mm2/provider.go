package mm2

import (
	"path/filepath"
	"regexp"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/props"
)

// provider answers ${name:path:key}. found is false where Kafka leaves the
// variable as it is; problem is what makes MirrorMaker 2 stop.
type provider func(path, key string) (text string, found bool, problem string)

// maxProviderFile bounds a file that a provider reads: 4 MiB.
const maxProviderFile = 4 << 20

const providerPackage = "org.apache.kafka.common.config.provider."

// declareProviders reads config.providers and its classes.
func (r *reader) declareProviders() {
	r.providers = map[string]provider{}
	v, ok := r.lookup("config.providers")
	if !ok {
		return
	}
	for _, name := range field.SplitList(v.text) {
		class, ok := r.lookup("config.providers." + name + ".class")
		if !ok {
			r.problems.Add(diag.Errorf(diag.CodeProvider, v.at, "config provider %q has no class", name).
				WithFix("set config.providers.%s.class = %sEnvVarConfigProvider", name, providerPackage))
			continue
		}
		params := r.params("config.providers." + name + ".param.")
		switch strings.TrimSpace(class.text) {
		case providerPackage + "FileConfigProvider":
			r.providers[name] = r.fileProvider(params["allowed.paths"])
		case providerPackage + "DirectoryConfigProvider":
			r.providers[name] = r.dirProvider(params["allowed.paths"])
		case providerPackage + "EnvVarConfigProvider":
			r.providers[name] = r.envProvider(params["allowlist.pattern"], class)
		default:
			r.problems.Add(diag.Errorf(diag.CodeJavaClass, class.at, "config provider %q is a Java class that cannot run here", name).
				WithFix("use FileConfigProvider, DirectoryConfigProvider or EnvVarConfigProvider of %s", strings.TrimSuffix(providerPackage, ".")))
		}
	}
}

// params returns the keys behind prefix.
func (r *reader) params(prefix string) map[string]string {
	out := map[string]string{}
	for _, e := range r.doc.Effective() {
		if name, ok := strings.CutPrefix(e.Key, prefix); ok {
			out[name] = e.Value
			r.used[e.Key] = true
		}
	}
	return out
}

// fileProvider reads a key of a properties file in UTF-8.
func (r *reader) fileProvider(allowed string) provider {
	docs := map[string]*props.Document{}
	return func(path, key string) (string, bool, string) {
		if path == "" || !allowedPath(path, allowed) {
			return "", false, ""
		}
		if docs[path] == nil {
			text, problem := r.read(path)
			if problem != "" {
				return "", false, problem
			}
			doc, problems := props.Parse(path, text, props.UTF8)
			if problems.HasErrors() {
				return "", false, "file " + path + " is not a properties file"
			}
			docs[path] = doc
		}
		e, ok := docs[path].Get(key)
		return e.Value, ok, ""
	}
}

// dirProvider reads a whole file of a directory, with its last newline.
func (r *reader) dirProvider(allowed string) provider {
	return func(path, key string) (string, bool, string) {
		if path == "" || strings.ContainsAny(key, `/\`) || !allowedPath(path, allowed) {
			return "", false, ""
		}
		text, problem := r.read(filepath.Join(path, key))
		return string(text), problem == "", problem
	}
}

// envProvider reads an environment variable whose name matches the allow list
// in full.
func (r *reader) envProvider(pattern string, class value) provider {
	if pattern == "" {
		pattern = ".*"
	}
	allowed, err := regexp.Compile("^(?:" + pattern + ")$")
	if err != nil {
		r.problems.Add(diag.Errorf(diag.CodeBadRegex, class.at, "allowlist.pattern is not a regular expression"))
		allowed = regexp.MustCompile("$^")
	}
	return func(path, key string) (string, bool, string) {
		if path != "" {
			return "", false, "the environment provider takes no path"
		}
		if !allowed.MatchString(key) {
			return "", false, ""
		}
		text, ok := r.p.Env(key)
		if !ok {
			return "", false, "environment variable " + key + " is not set"
		}
		return text, true, ""
	}
}

func (r *reader) read(path string) ([]byte, string) {
	text, err := r.p.ReadFile(path)
	if err != nil {
		reason := err.Error()
		if i := strings.LastIndex(reason, ": "); i >= 0 {
			reason = reason[i+2:]
		}
		return nil, "cannot read file " + path + ": " + reason
	}
	if len(text) > maxProviderFile {
		return nil, "file " + path + " is larger than 4 MiB"
	}
	return text, ""
}

// allowedPath reports whether path lies below one of the comma separated
// directories; no list allows all.
func allowedPath(path, allowed string) bool {
	if allowed == "" {
		return true
	}
	path = filepath.Clean(path)
	for dir := range strings.SplitSeq(allowed, ",") {
		dir = filepath.Clean(strings.TrimSpace(dir))
		if path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/") {
			return true
		}
	}
	return false
}

// variable is Kafka's ConfigTransformer.DEFAULT_PATTERN.
const variable = `\$\{([^}]*?):(([^}]*?):)?([^}]*?)\}`

// resolve replaces the variables of an entry, at most twice as MirrorMaker 2
// does; what cannot be replaced stays as it is and is reported.
func (r *reader) resolve(e props.Entry) value {
	if v, done := r.resolved[e.Key]; done {
		return v
	}
	v := value{key: e.Key, text: e.Value, at: e.ValueRange, lost: e.LostBackslash, sensitive: isSecretKey(e.Key)}
	pattern := regexp.MustCompile(variable)
	for range 2 {
		replaced := false
		v.text = pattern.ReplaceAllStringFunc(v.text, func(found string) string {
			m := pattern.FindStringSubmatch(found)
			get, ok := r.providers[m[1]]
			if !ok {
				if r.providers != nil {
					r.once(diag.Warnf(diag.CodeProvider, v.at, "%s: no config provider %q is declared; the variable is kept as text", e.Key, m[1]).
						WithFix("add it to config.providers and set config.providers.%s.class", m[1]))
				}
				return found
			}
			text, ok, problem := get(m[3], m[4])
			if !ok {
				v.missing = true
				r.missing(e, problem, m)
				return found
			}
			v.sensitive, replaced = true, true
			return text
		})
		if !replaced {
			break
		}
	}
	r.resolved[e.Key] = v
	return v
}

// missing reports a variable without a value.
func (r *reader) missing(e props.Entry, problem string, m []string) {
	if problem == "" {
		problem = "config provider " + m[1] + " has no value for it"
	}
	d := diag.Errorf(diag.CodeMissingValue, e.ValueRange, "%s: %s", e.Key, problem)
	if r.p.AllowMissing {
		d.Severity = diag.Warning
	}
	r.once(d)
}

// isSecretKey reports whether the value of a key must never be shown.
func isSecretKey(key string) bool {
	key = strings.ToLower(key)
	for _, part := range []string{"password", "passwd", "jaas.config", "keystore.key", "secret", "token", "credential"} {
		if strings.Contains(key, part) {
			return true
		}
	}
	return false
}
