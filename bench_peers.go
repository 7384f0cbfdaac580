package main

import "freshet/bench/peers/naive"

type serveNaiveCommand struct {
	HTTP string `default:"127.0.0.1:0" placeholder:"HOST:PORT" help:"TCP address of WHIP and WHEP; media is at the same host, on ports of the system's choice. Default 127.0.0.1 and a free port."`
	GCM  bool   `help:"Offer AES_128_GCM alone, in place of pion's own order of ciphers."`
}

// Help is what follows the first line of the command's help.
func (*serveNaiveCommand) Help() string {
	return `The baseline of every comparison: one stream, one PeerConnection and one track a viewer, pion's default interceptors, and the publisher's packets written to one viewer after the other. It asks for no key, and takes no simulcast: keep it away from networks that you do not trust.

    freshet bench serve-naive --http 127.0.0.1:9100
    freshet publish --url http://127.0.0.1:9100/whip --loop
    freshet play http://127.0.0.1:9100/whep

Once it can be reached it prints one line of JSON: {"whip":…, "whep":…, "pid":…, "version":…}.`
}

// Run serves until the program is told to stop.
func (c *serveNaiveCommand) Run(p *program) error {
	s, err := naive.New(naive.Config{HTTP: c.HTTP, GCM: c.GCM}, p.log)
	if err != nil {
		return &configError{err}
	}
	return s.Serve(p.ctx, p.stdout)
}
