package installation

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/handslag/handslag/dev/loopback"
)

// doors are where the parts of a world listen.
type doors struct {
	hosts                            []string
	bankID, idkollen, sbab, qrona    net.Listener
	signicat, callbacks, person, tsa net.Listener
}

func (d *doors) all() []*net.Listener {
	return []*net.Listener{&d.bankID, &d.person, &d.tsa, &d.idkollen, &d.sbab, &d.qrona, &d.signicat, &d.callbacks}
}

// open listens. Whatever comes of it, close closes what is open.
func open(ctx context.Context, o WorldOptions) (doors, error) {
	d := doors{hosts: o.Hosts}
	p := o.Ports
	for i, port := range []int{p.BankID, p.Person, p.TSA, p.IDkollen, p.SBAB, p.Qrona, p.Signicat, p.Callbacks} {
		var config net.ListenConfig
		l, err := config.Listen(ctx, "tcp", net.JoinHostPort(o.Listen, strconv.Itoa(port)))
		if err != nil {
			return d, fmt.Errorf("listen for the simulated world: %w", err)
		}
		*d.all()[i] = l
	}
	return d, nil
}

func (d *doors) close() {
	for _, l := range d.all() {
		if *l != nil {
			_ = (*l).Close()
		}
	}
}

// host is how others reach a door: by the first of the names that the world has,
// or by the address itself.
func (d *doors) host(l net.Listener) string {
	if len(d.hosts) == 0 {
		return l.Addr().String()
	}
	return net.JoinHostPort(d.hosts[0], strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
}

// name gives the parts of the world their addresses.
func (w *World) name(d doors) {
	w.BankID = "https://" + d.host(d.bankID) + "/rp/v6.0"
	w.IDkollen = "https://" + d.host(d.idkollen)
	w.SBAB = "https://" + d.host(d.sbab) + "/partner/signing/1.0"
	w.SBABTokens = "https://" + d.host(d.sbab) + "/api/auth/1.0/token"
	w.Qrona = "https://" + d.host(d.qrona)
	w.Signicat = "https://" + d.host(d.signicat) + "/sign"
	w.SignicatTokens = "https://" + d.host(d.signicat) + "/auth/open/connect/token"
	w.Callbacks = "https://" + d.host(d.callbacks)
	// Persons are on this machine, whatever else may reach the world.
	w.Person = "http://" + loopback.Address(d.person.Addr().(*net.TCPAddr).Port)
	w.TSA = "http://" + d.host(d.tsa) + "/tsa"
	w.SecondTSA = "http://" + d.host(d.tsa) + "/tsa2"
	w.Status = "http://" + d.host(d.tsa) + "/status"
}

// below serves a path and all under it by one handler, the rest by another. A
// ServeMux would clean the paths, and an OCSP request in a path may hold "//".
func below(prefix string, handler, others http.Handler) http.Handler {
	stripped := http.StripPrefix(prefix, handler)
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, prefix+"/") {
			stripped.ServeHTTP(out, r)
			return
		}
		others.ServeHTTP(out, r)
	})
}
