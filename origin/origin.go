// Package origin is where a publisher enters the mesh. It joins the WHIP front (whip) to what makes
// streams of publishers' packets (ingest), and puts the streams into the node's table, from where the
// relay serves them. README.md says who owns what.
package origin

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"freshet/cluster/rtc"
	"freshet/cluster/stream"
	"freshet/origin/gate"
	"freshet/origin/ingest"
	"freshet/origin/whip"
)

// stopWithin bounds how long sessions may take to end when the node stops: one close of pion's.
const stopWithin = 6 * time.Second

// Config says how an origin is reached.
type Config struct {
	Node, Region string
	Media        string       // UDP host:port that all publishers' media shares; port 0 takes a free one
	Advertise    []netip.Addr // under which publishers reach Media; empty means Media's own address
	ICEServers   []string     // told to publishers; the node itself uses none
}

// Validate says what is wrong with c.
func (c Config) Validate() error {
	if c.Node == "" {
		return errors.New("origin: node has no name")
	}
	if c.Media == "" {
		return errors.New("origin: media has no address")
	}
	return nil
}

// Deps are what an Origin is given.
type Deps struct {
	Log     *slog.Logger
	Metrics prometheus.Registerer
	Records gate.Records  // what control has told of streams
	Table   *stream.Table // gets each stream while it is on the air, and 30 s beyond
	Leaving func() bool   // whether the node gives away what it has; nil where it never does
}

// An Origin takes publishers in.
type Origin struct {
	ingest   *ingest.Ingest
	whip     *whip.Endpoint
	resource *rtc.Resource
}

// New binds the media port. Run must follow.
func New(cfg Config, d Deps) (*Origin, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	log := d.Log.With("node", cfg.Node, "role", "origin", "region", cfg.Region)
	door := gate.New(cfg.Node, d.Records)
	in := ingest.New(ingest.Deps{Log: log, Metrics: d.Metrics, Table: d.Table, Placed: door.Placed, Standby: door.Standby, Leaving: d.Leaving})
	front, err := whip.New(whip.Config{Media: cfg.Media, Advertise: cfg.Advertise},
		whip.Deps{Log: log, Metrics: d.Metrics, Gate: door, Ingest: in})
	if err != nil {
		return nil, err
	}
	return &Origin{
		ingest: in, whip: front,
		resource: rtc.NewResource(rtc.ResourceConfig{Kind: rtc.WHIP, ICEServers: cfg.ICEServers}, front, log, d.Metrics),
	}, nil
}

// Handler serves /whip/{stream} and the sessions below it.
func (o *Origin) Handler() http.Handler { return o.resource }

// Media returns the address at which publishers' media comes in.
func (o *Origin) Media() netip.AddrPort { return o.whip.Addr() }

// Run serves until ctx ends or a part fails.
func (o *Origin) Run(ctx context.Context) error {
	// Sessions end before what they write to: a stream whose slot is gone would lose their last packets.
	sessions, stopSessions := context.WithCancel(context.WithoutCancel(ctx))
	streams, stopStreams := context.WithCancel(context.WithoutCancel(ctx))
	var g errgroup.Group
	g.Go(func() error {
		defer stopSessions()
		<-ctx.Done()
		stop, cancel := context.WithTimeout(sessions, stopWithin)
		defer cancel()
		return o.resource.CloseAll(stop, "origin is stopping")
	})
	g.Go(func() error {
		defer stopStreams()
		return o.whip.Run(sessions)
	})
	g.Go(func() error { return o.ingest.Run(streams) })
	return g.Wait()
}
