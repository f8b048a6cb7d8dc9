package httpapi

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/strait-mirror/strait/pipeline/status"
)

// Steering changes what a flow does while it runs. An error says that nothing was
// changed.
type Steering interface {
	// Pause has a flow read nothing until Resume.
	Pause(flow string) error
	Resume(flow string) error
	// Restart ends a flow in good order and starts it anew.
	Restart(flow string) error
}

// Steered is the state of a flow after it was told something.
type Steered struct {
	FormatVersion int         `json:"format_version"`
	Flow          status.Flow `json:"flow"`
}

// steers is what can be asked of flows.
func (a *api) steers() []Route {
	s := a.p.Steering
	if s == nil {
		return nil
	}
	query := []Query{{Name: "flow", Doc: "The name of the flow; required."}}
	return []Route{
		{
			Path: "/api/v1/pause", Query: query, Answer: Steered{}, serve: a.steer(s.Pause),
			Doc: "Has a flow read nothing until it is resumed, in all processes that share its work; what was read still arrives. It lasts as long as one of them runs: paused = true in the file lasts longer.",
		},
		{
			Path: "/api/v1/resume", Query: query, Answer: Steered{}, serve: a.steer(s.Resume),
			Doc: "Ends a pause. 409 where the file says paused = true.",
		},
		{
			Path: "/api/v1/restart", Query: query, Answer: Steered{}, serve: a.steer(s.Restart),
			Doc: "Ends a flow in good order and starts it anew, in this process.",
		},
	}
}

// steer has a flow do something.
func (a *api) steer(do func(flow string) error) func(r *http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		name := r.URL.Query().Get("flow")
		if _, err := a.flow(name); err != nil {
			return nil, err
		}
		if err := do(name); err != nil {
			return nil, &refusal{http.StatusConflict, err.Error()}
		}
		f, err := a.flow(name)
		if err != nil {
			return nil, err
		}
		return Steered{FormatVersion, f}, nil
	}
}

// flow returns the state of one flow.
func (a *api) flow(name string) (status.Flow, error) {
	flows := a.p.Status().Flows
	if i := slices.IndexFunc(flows, func(f status.Flow) bool { return f.Name == name }); i >= 0 {
		return flows[i], nil
	}
	if name == "" {
		return status.Flow{}, &refusal{http.StatusBadRequest, "flow is required: the name of one"}
	}
	return status.Flow{}, &refusal{http.StatusNotFound, fmt.Sprintf("no flow %q runs here; strait status lists those that do", name)}
}
