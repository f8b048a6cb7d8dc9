package convert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/config/props"
)

// origin is where a text comes from that the files only refer to.
type origin struct {
	env  string // environment variable
	path string // file
	key  string // of the properties file at path; "" for its whole text
}

// origins answers for the environment and the files while a topology is read
// for conversion. In the place of every value it gives a marker, so that the
// model says where its texts came from, no secret is ever read, and a topology
// can be converted where its secrets are not. Numbers and words that the
// reading depends on are real.
type origins struct {
	env   func(string) (string, bool)
	read  func(string) ([]byte, error)
	plain map[string]bool // variables whose real values are wanted

	markers  []origin            // by the number in the marker
	byOrigin map[origin]int      // the inverse
	ports    map[origin]bool     // stands for a whole host:port
	keys     map[string][]string // keys asked of properties files, by path
	whole    map[string]bool     // files of a directory provider
	pems     map[string]string   // text of the PEM files that were read, by path
	set      map[string]string   // variables that the HCL reads for literal secrets
	absent   []string            // PEM files that are not here
	pattern  *regexp.Regexp      // of markers
	exact    map[string]bool     // MirrorMaker 2 keys whose value is no text
}

func newOrigins(env func(string) (string, bool), read func(string) ([]byte, error)) *origins {
	return &origins{
		env: env, read: read, plain: map[string]bool{},
		byOrigin: map[origin]int{}, ports: map[origin]bool{},
		keys: map[string][]string{}, whole: map[string]bool{}, pems: map[string]string{}, set: map[string]string{},
		pattern: regexp.MustCompile(markerPattern), exact: exactKeys(),
	}
}

// variable is Kafka's ConfigTransformer.DEFAULT_PATTERN.
const variable = `\$\{([^}]*?):(([^}]*?):)?([^}]*?)\}`

// scan learns which variables the entries have and what is wanted of them.
func (o *origins) scan(entries []props.Entry) {
	pattern := regexp.MustCompile(variable)
	for _, e := range entries {
		for _, m := range pattern.FindAllStringSubmatchIndex(e.Value, -1) {
			part := func(i int) string {
				if m[2*i] < 0 {
					return ""
				}
				return e.Value[m[2*i]:m[2*i+1]]
			}
			path, key := part(3), part(4)
			at := origin{env: key}
			if path != "" {
				at = origin{path: filepath.Join(path, key)}
				// Key and trust stores must hold PEM: ReadFile makes some.
				o.whole[at.path] = !strings.Contains(e.Key, "ssl.keystore.") && !strings.Contains(e.Key, "ssl.truststore.")
				o.keys[filepath.Clean(path)] = append(o.keys[filepath.Clean(path)], key)
			}
			o.plain[key] = o.plain[key] || path == "" && o.needsValue(e.Key)
			if strings.HasSuffix(e.Key, "bootstrap.servers") && !strings.HasPrefix(e.Value[m[1]:], ":") {
				o.ports[at] = true
				o.ports[origin{path: filepath.Clean(path), key: key}] = path != ""
			}
		}
	}
}

// exactKeys are the declared keys that hold a number or a word.
func exactKeys() map[string]bool {
	keys := map[string]bool{}
	for _, d := range slices.Concat(model.FlowFields(&model.Flow{}), model.ClusterFields(&model.Cluster{})) {
		switch d.Kind {
		case field.KindString, field.KindList, field.KindSecret:
		default:
			keys[d.Key] = true
		}
	}
	return keys
}

// needsValue reports whether a key's value decides how others are read, or is
// no text.
func (o *origins) needsValue(key string) bool {
	for rest := key; ; {
		if o.exact[rest] {
			return true
		}
		var ok bool
		if _, rest, ok = strings.Cut(rest, "."); !ok {
			break
		}
	}
	return slices.ContainsFunc([]string{
		"clusters", "enabled", "security.protocol", "sasl.mechanism", ".type", ".class", ".algorithm", ".protocols", "ssl.protocol", "config.providers",
	}, func(end string) bool { return strings.HasSuffix(key, end) })
}

// marker returns the text that stands for at. A certificate's file has one
// that can be read as PEM.
func (o *origins) marker(at origin) string {
	n, ok := o.byOrigin[at]
	if !ok {
		n = len(o.markers)
		o.byOrigin[at], o.markers = n, append(o.markers, at)
	}
	m := "strait-origin-" + strconv.Itoa(n) + ".invalid"
	if o.ports[at] {
		m += port
	}
	return m
}

// markerPattern finds markers; port is what makes one a whole host:port.
const (
	markerPattern = `strait-origin-([0-9]{1,9})\.invalid(:9)?`
	port          = ":9"
)

// Env stands in for os.LookupEnv.
func (o *origins) Env(name string) (string, bool) {
	if text, ok := o.set[name]; ok {
		return text, true
	}
	if o.plain[name] {
		return o.env(name)
	}
	return o.marker(origin{env: name}), true
}

// ReadFile stands in for os.ReadFile.
func (o *origins) ReadFile(path string) ([]byte, error) {
	path = filepath.Clean(path)
	if keys, ok := o.keys[path]; ok {
		escape := strings.NewReplacer(`\`, `\\`, ":", `\:`, "=", `\=`, " ", `\ `, "#", `\#`, "!", `\!`)
		var b strings.Builder
		for _, key := range keys {
			fmt.Fprintf(&b, "%s=%s\n", escape.Replace(key), o.marker(origin{path: path, key: key}))
		}
		return []byte(b.String()), nil
	}
	if o.whole[path] {
		return []byte(o.marker(origin{path: path})), nil
	}
	if text, ok := o.pems[path]; ok {
		return []byte(text), nil
	}
	text, err := o.read(path)
	if errors.Is(err, fs.ErrNotExist) {
		o.absent = append(o.absent, path)
		text, err = standIn()
	}
	if err != nil {
		return nil, err
	}
	o.pems[path] = string(text)
	return text, nil
}

// standIn is PEM text with a certificate and its key, for a file that is not
// on this machine.
func standIn() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding a key: %w", err)
	}
	return slices.Concat(
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	), nil
}

// pemFile returns the file that holds the blocks of a secret.
func (o *origins) pemFile(secret string) (path string, ok bool) {
	wanted := blocks(secret)
	if len(wanted) == 0 {
		return "", false
	}
	var found []string
	for path, text := range o.pems {
		in := blocks(text)
		if !slices.ContainsFunc(wanted, func(b string) bool { return !slices.Contains(in, b) }) {
			found = append(found, path)
		}
	}
	slices.Sort(found)
	if len(found) == 0 {
		return "", false
	}
	return found[0], true
}

// blocks are the PEM blocks of a text, each as type and content.
func blocks(text string) []string {
	var list []string
	for rest := []byte(text); ; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			return list
		}
		list = append(list, b.Type+"\x00"+string(b.Bytes))
	}
}

// piece is a part of a text: literal, or from somewhere.
type piece struct {
	text string
	from origin
}

// split cuts a text at its markers.
func (o *origins) split(text string) []piece {
	var pieces []piece
	from := 0
	for _, m := range o.pattern.FindAllStringSubmatchIndex(text, -1) {
		n, err := strconv.Atoi(text[m[2]:m[3]])
		if err != nil || n >= len(o.markers) {
			continue
		}
		end := m[1]
		if m[4] >= 0 && !o.ports[o.markers[n]] {
			end = m[4]
		}
		if m[0] > from {
			pieces = append(pieces, piece{text: text[from:m[0]]})
		}
		pieces = append(pieces, piece{from: o.markers[n]})
		from = end
	}
	if from < len(text) {
		pieces = append(pieces, piece{text: text[from:]})
	}
	return pieces
}
