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

	IDkollen  int `default:"8446" name:"idkollen-port" help:"Port of the simulated IDkollen."`
	SBAB      int `default:"8447" name:"sbab-port" help:"Port of the simulated SBAB."`
	Qrona     int `default:"8448" name:"qrona-port" help:"Port of the simulated Qrona."`
	Signicat  int `default:"8449" name:"signicat-port" help:"Port of the simulated Signicat."`
	Callbacks int `default:"8450" name:"callbacks-port" help:"Port of the entrance for providers' callbacks."`

	API string `default:"http://api:8080" help:"Address of the API, which callbacks are let through to."`
}

// Run is the command.
func (c *worldCommand) Run(ctx context.Context) error {
	w, err := installation.StartWorld(ctx, installation.WorldOptions{
		Certificates: c.Dir, Trust: filepath.Join(c.Dir, "trust"), StateFile: filepath.Join(c.Dir, "world.json"),
		Credentials: filepath.Join(c.Dir, "secrets"), Listen: c.Listen, Hosts: c.Host,
		Ports: installation.WorldPorts{
			BankID: c.BankID, Person: c.Person, TSA: c.TSA, IDkollen: c.IDkollen, SBAB: c.SBAB, Qrona: c.Qrona,
			Signicat: c.Signicat, Callbacks: c.Callbacks,
		},
	})
	if err != nil {
		return err
	}
	defer w.Stop()
	if err := w.Forward(c.API); err != nil {
		return err
	}
	for _, address := range []string{
		w.BankID, w.IDkollen, w.SBAB, w.Qrona, w.Signicat, w.Callbacks, w.Person, w.TSA, w.SecondTSA, w.Status,
	} {
		fmt.Println("simulated world: listens on", address)
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-w.Ended():
		return errors.Join(errors.New("a server of the simulated world has ended"), err)
	}
}
