package identity

import "github.com/prometheus/client_golang/prometheus"

// Register shows in reg when the certificate runs out. It is renewed a third of its life before, so that a figure of the past
// hours says that something keeps it from that.
func (id *Identity) Register(reg prometheus.Registerer) {
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "freshet_identity_expires_timestamp_seconds", Help: "When the node's certificate runs out, in unix time.",
	}, func() float64 { return float64(id.Expires().Unix()) }))
}
