package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/handslag/handslag/dev/installation"
)

// worldCommand serves the simulated world alone, for an installation of
// containers. Unlike the rest of this program it may listen on more than the
// loopback interface: whoever lets it, keeps the network private.
type worldCommand struct {
	Dir    string   `required:"" help:"Folder of certificates, trust anchors (trust/) and state." type:"path"`
	Listen string   `default:"127.0.0.1" help:"Address to listen on."`
	Host   []string `help:"Further names that the world is reached by, for its certificate."`
	BankID int      `default:"8443" name:"bankid-port" help:"Port of the simulated BankID Relying Party API."`
	Person int      `default:"8444" name:"person-port" help:"Port of the simulated BankID app."`
	TSA    int      `default:"8445" name:"tsa-port" help:"Port of the timestamp authority."`
}

// Run is the command.
func (c *worldCommand) Run(ctx context.Context) error {
	w, err := installation.StartWorld(ctx, installation.WorldOptions{
		Certificates: c.Dir, Trust: filepath.Join(c.Dir, "trust"), StateFile: filepath.Join(c.Dir, "world.json"),
		Listen: c.Listen, Hosts: c.Host, BankID: c.BankID, Person: c.Person, TSA: c.TSA,
	})
	if err != nil {
		return err
	}
	defer w.Stop()
	for _, address := range []string{w.BankID, w.Person, w.TSA, w.SecondTSA, w.Status} {
		fmt.Println("simulated world: listens on", address)
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-w.Ended():
		return errors.Join(errors.New("a server of the simulated world has ended"), err)
	}
}
