package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/handslag/handslag/dev/demo"
	"github.com/handslag/handslag/dev/home"
	"github.com/handslag/handslag/dev/installation"
	"github.com/handslag/handslag/dev/stack"
)

type up struct {
	State          string `default:".handslag" help:"Folder of the state." type:"path"`
	Product        string `default:"bin/handslag" help:"The product's binary." type:"path"`
	APIPort        int    `default:"8080" name:"api-port" help:"Port of the API."`
	TemporalPort   int    `default:"7233" help:"Port of Temporal."`
	TemporalUIPort int    `default:"8233" name:"temporal-ui-port" help:"Port of the Temporal UI."`
	S3Port         int    `default:"9000" name:"s3-port" help:"Port of the S3 endpoint."`
	BankIDPort     int    `default:"8443" name:"bankid-port" help:"Port of the simulated BankID Relying Party API."`
	PersonPort     int    `default:"8444" help:"Port of the simulated BankID app."`
	TSAPort        int    `default:"8445" name:"tsa-port" help:"Port of the timestamp authority."`
	IDkollenPort   int    `default:"8446" name:"idkollen-port" help:"Port of the simulated IDkollen."`
	SBABPort       int    `default:"8447" name:"sbab-port" help:"Port of the simulated SBAB."`
	QronaPort      int    `default:"8448" name:"qrona-port" help:"Port of the simulated Qrona."`
	SignicatPort   int    `default:"8449" name:"signicat-port" help:"Port of the simulated Signicat."`
	CallbacksPort  int    `default:"8450" name:"callbacks-port" help:"Port of the entrance for providers' callbacks."`
	FreshTemporal  bool   `help:"Begin without the workflows of another Temporal version; documents stay."`
}

// Run is the command.
func (u *up) Run(ctx context.Context) error {
	h, err := home.Open(u.State, time.Now)
	if err != nil {
		return err
	}
	began := time.Now()
	in, err := start(ctx, h, installation.Options{
		World: filepath.Join(h.Dir(), "world"), Product: u.Product, FreshTemporal: u.FreshTemporal,
		Ports: installation.Ports{
			Ports: stack.Ports{Temporal: u.TemporalPort, TemporalUI: u.TemporalUIPort, S3: u.S3Port},
			API:   u.APIPort,
			World: installation.WorldPorts{
				BankID: u.BankIDPort, Person: u.PersonPort, TSA: u.TSAPort, IDkollen: u.IDkollenPort, SBAB: u.SBABPort,
				Qrona: u.QronaPort, Signicat: u.SignicatPort, Callbacks: u.CallbacksPort,
			},
		},
	})
	if err != nil {
		return closing(err, h)
	}
	if err := demo.Register(ctx, in.World.App(), demo.Neighbours()); err != nil {
		return closing(errors.Join(err, in.Stop()), h)
	}
	describe(in, h)
	explainByHand(in)
	explainProviders(in)
	fmt.Printf("\nReady after %s. Ctrl-C stops it; started again, it goes on where it was.\n", time.Since(began).Round(10*time.Millisecond))

	<-ctx.Done()
	fmt.Println("\nStopping.")
	return closing(in.Stop(), h)
}

// closing gives the home up, and returns err first, alone if it can.
func closing(err error, h *home.Home) error {
	closed := h.Close()
	if closed == nil {
		return err
	}
	return errors.Join(err, closed)
}

// start starts an installation whose object store is this program again.
func start(ctx context.Context, h *home.Home, o installation.Options) (*installation.Installation, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	o.Home, o.StoreCommand = h, []string{self, "s3"}
	o.Note = func(line string) { fmt.Fprintln(os.Stderr, time.Now().Format(time.TimeOnly), line) }
	return installation.Start(ctx, o)
}

func describe(in *installation.Installation, h *home.Home) {
	fmt.Printf("Handslag development installation, state and logs in %s\n\n", h.Dir())
	for _, line := range [][2]string{
		{"API", in.API + "  (contract: " + in.API + "/openapi.json)"},
		{"API key", in.APIKey},
		{"Persons", in.World.Person + "  (the apps of the simulated people, and the world's clock)"},
		{"BankID RP API", in.World.BankID},
		{"IDkollen", in.World.IDkollen},
		{"SBAB", in.World.SBAB},
		{"Qrona", in.World.Qrona},
		{"Signicat", in.World.Signicat},
		{"Callbacks", in.World.Callbacks + installation.CallbacksPath + "…  (by TLS, to the API)"},
		{"Temporal UI", in.Temporal.UI},
		{"Temporal", in.Temporal.Address + "  namespace " + stack.Namespace},
		{"S3", in.Objects.Endpoint + "  bucket " + in.Objects.Bucket + ", access key " + in.Objects.AccessKey},
		{"", "secret key in " + h.SecretsDir() + "/s3"},
		{"Timestamps", in.World.TSA},
		{"Worker", fmt.Sprintf("process %d", in.Worker.PID())},
	} {
		fmt.Printf("  %-14s %s\n", line[0], line[1])
	}
}

// explainByHand prints a session that signs a document with curl and a browser.
func explainByHand(in *installation.Installation) {
	fmt.Printf(`
Sign a document by hand:

  export H="Authorization: Bearer %s"
  curl -s -H "$H" -H 'Content-Type: application/pdf' --data-binary @dev/demo/hyresavtal.pdf %[2]s/v1/documents
  curl -s -H "$H" -H 'Content-Type: application/json' %[2]s/v1/collections -d '{
    "documents": [{"id": "DOC", "title": "Hyresavtal"}],
    "participants": [{"name": "Anna Provberg", "personalNumber": "199001012385"}]}'
  curl -s -H "$H" -H 'Content-Type: application/json' %[2]s/v1/collections/COL/participants/PAR/attempts \
    -d '{"channel": "qr", "endUserIp": "192.0.2.7"}'
  curl -s -H "$H" %[2]s/v1/collections/COL/participants/PAR/attempts/live   # .qr.text, new each second
    … open %[3]s, choose Anna, paste the QR text or the launch link, and sign within 30 s
  curl -s -H "$H" %[2]s/v1/collections/COL
  curl -s -H "$H" %[2]s/v1/collections/COL/documents/DOC/result -o signed.pdf
  bin/handslag verify --trust %[4]s signed.pdf
`, in.APIKey, in.API, in.World.Person, in.Trust)
}

// explainProviders says what is different with each provider, for who has signed
// by hand as explainByHand has it.
func explainProviders(in *installation.Installation) {
	kari := demo.Neighbours()[1]
	fmt.Printf(`
Other providers, by what a participant of the collection gets besides:

  IDkollen   "provider": "idkollen"                                        and "policy": {"accept": ["attested"]}
             the same app and QR code
  Qrona      "provider": "qrona", "method": "bankid-se-identify"            and "policy": {"accept": ["identified"]}
             identify in the app; then GET …/participants/PAR/consent, and POST what it names to the same path
  SBAB       "method": "bankid-se-process", "providerParticipant": "ID"     and "policy": {"accept": ["verified", "attested-process"]}
             apply at SBAB on %[1]s#sbab first, which shows the ID; then the same app. Somebody else has to sign
  Signicat   "method": "nbid-pki", "personalNumber": "%[2]s" (%[3]s)
             start with {"channel": "same-device", …}; .launch.redirectUrl is the page where she signs
             verify signed.pdf together with …/documents/DOC/evidence
  all five   curl -s -H "$H" %[4]s/v1/providers

Faults are switched on at %[1]sv1/PROVIDER/faults (those of BankID at %[1]sv1/faults), such as
  curl -s -H 'Content-Type: application/json' %[1]sv1/signicat/faults -d '{"kind": "webhookDropped", "count": 1}'
`, in.World.Person+"/", kari.Number, kari.GivenName, in.API)
}
