// Loads a Compose file with the loader of `docker compose config` and prints the whole as JSON, or says why not.
//
//	loader path/to/docker-compose.yml
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	if err := show(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func show(ctx context.Context, path string) error {
	options, err := cli.NewProjectOptions(
		[]string{path},
		cli.WithOsEnv, cli.WithDotEnv, cli.WithInterpolation(true), cli.WithResolvedPaths(true),
		cli.WithProfiles([]string{"*"}),
	)
	if err != nil {
		return err
	}
	project, err := options.LoadProject(ctx)
	if err != nil {
		return err
	}
	whole, err := project.MarshalJSON()
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(whole)
	return err
}
