package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/pipeline/httpapi"
)

// newSteers are the commands that change what flows of a running Strait do.
func (a *app) newSteers() []*cobra.Command {
	const until = "It lasts until strait resume, also through edits of the file, and ends with the last\n" +
		"of the processes that share the work; paused = true in the file lasts longer."
	return []*cobra.Command{
		a.newSteer("pause", "Have flows of a running Strait read nothing for now",
			"Pause has flows read nothing until they are resumed, in all processes that share\n"+
				"their work. What was read still arrives, and their place and lag stay known.\n\n"+until, (*httpapi.Client).Pause),
		a.newSteer("resume", "Have paused flows of a running Strait go on",
			"Resume has flows go on that strait pause has paused. One that is paused by its file\n"+
				"goes on by an edit.", (*httpapi.Client).Resume),
		a.newSteer("restart", "Restart flows of a running Strait",
			"Restart ends flows in good order and starts them anew where they were, in the\n"+
				"process that is asked.", (*httpapi.Client).Restart),
	}
}

func (a *app) newSteer(name, short, long string, tell func(*httpapi.Client, context.Context, string) (httpapi.Steered, error)) *cobra.Command {
	var f remoteFlags
	cmd := &cobra.Command{
		Use: name + " FLOW...", Short: short, Long: long + "\n\n" + remoteLong,
		Example: "  strait " + name + " 'dc1->dc2'",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, flows []string) error {
			return a.ask(cmd.Context(), &f, func(ctx context.Context, c *httpapi.Client) error {
				for _, flow := range flows {
					told, err := tell(c, ctx, flow)
					if err != nil {
						return err
					}
					if err := a.view.Steered(told, f.output == "json"); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	f.register(cmd)
	return cmd
}
