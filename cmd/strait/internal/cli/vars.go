package cli

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"
)

// vars are the values of HCL variables given by --var and --var-file, which
// every command has that reads a topology.
type vars struct {
	values assignments
	files  []string
}

// register declares the flags.
func (v *vars) register(flags *pflag.FlagSet) {
	flags.Var(&v.values, "var", "value of an HCL variable, as name=value; may be given several times")
	flags.StringArrayVar(&v.files, "var-file", nil, "`file` with name = value lines for HCL variables; --var beats it")
}

// assignments are values by name, as a flag that may be given several times.
type assignments map[string]string

// Set implements pflag.Value.
func (a *assignments) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if name = strings.TrimSpace(name); !ok || name == "" {
		return errors.New("it must be like name=value")
	}
	if *a == nil {
		*a = assignments{}
	}
	(*a)[name] = value
	return nil
}

// Type implements pflag.Value.
func (a *assignments) Type() string { return "name=value" }

// String implements pflag.Value. It shows no value: one may be a secret.
func (a *assignments) String() string { return "" }
