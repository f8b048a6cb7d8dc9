package group

import (
	"path/filepath"
	"testing"
)

func TestClaimTakesTheLowestFreeNumber(t *testing.T) {
	p := InstanceParams{Host: "west 1/a", Files: []string{"strait.hcl"}, Dir: t.TempDir()}
	claim := func(p InstanceParams) *Instance {
		t.Helper()
		i, err := Claim(p)
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	first, second := claim(p), claim(p)
	other := p
	other.Files = []string{"other.hcl"}
	third := claim(other)
	if first.ID == second.ID || first.ID == third.ID || third.ID[len(third.ID)-2:] != "-0" {
		t.Errorf("ids %q, %q, %q", first.ID, second.ID, third.ID)
	}
	if want := "west-1-a-"; first.ID[:len(want)] != want {
		t.Errorf("id %q does not begin with %q", first.ID, want)
	}
	first.Close()
	if again := claim(p); again.ID != first.ID {
		t.Errorf("the next process is %q, want %q", again.ID, first.ID)
	}
}

func TestClaimWithoutAPlaceForLocks(t *testing.T) {
	if i, err := Claim(InstanceParams{Host: "h", Dir: filepath.Join(t.TempDir(), "missing")}); err == nil {
		t.Errorf("claimed %q without a lock", i.ID)
	}
}
