package geo

import "github.com/prometheus/client_golang/prometheus"

type lookup string

const (
	lookupKnown   lookup = "known"
	lookupUnknown lookup = "unknown"
	lookupNowhere lookup = "nowhere" // private, loopback, documentation and their like
	lookupBroken  lookup = "broken"  // the database has an error there
)

type reload string

const (
	reloadDone   reload = "done"
	reloadBroken reload = "broken"
)

type metrics struct{ lookups, reloads *prometheus.CounterVec }

func newMetrics(reg prometheus.Registerer, p *Places) *metrics {
	m := &metrics{
		lookups: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_geo_lookups_total", Help: "Addresses that were looked up, where there is a database.",
		}, []string{"result"}),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_geo_reloads_total", Help: "New databases that were found.",
		}, []string{"result"}),
	}
	for _, r := range []lookup{lookupKnown, lookupUnknown, lookupNowhere, lookupBroken} {
		m.lookups.WithLabelValues(string(r))
	}
	for _, r := range []reload{reloadDone, reloadBroken} {
		m.reloads.WithLabelValues(string(r))
	}
	made := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "freshet_geo_database_made_seconds", Help: "When the database was made, in seconds since 1970; 0: there is none.",
	}, func() float64 {
		if db := p.db.Load(); db != nil {
			return float64(db.Metadata().BuildEpoch)
		}
		return 0
	})
	reg.MustRegister(m.lookups, m.reloads, made)
	return m
}
