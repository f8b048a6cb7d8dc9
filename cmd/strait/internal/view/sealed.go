package view

// Sealed is a flow whose positions were written outside of transactions.
type Sealed struct {
	Flow      string `json:"flow"`
	Positions int    `json:"positions"`
}

// Sealed shows the flows whose positions were sealed.
func (v *View) Sealed(flows []Sealed, asJSON bool) error {
	if asJSON {
		return v.JSON(struct {
			FormatVersion int      `json:"format_version"`
			Flows         []Sealed `json:"flows"`
		}{1, append([]Sealed{}, flows...)})
	}
	for _, f := range flows {
		v.Print("%s: %d positions sealed", f.Flow, f.Positions)
	}
	return nil
}
