package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/promqltest"
)

const (
	look = 5 * time.Second // from one evaluation to the next, as prometheus.yml has it
	end  = 20 * time.Minute
)

// TestAlerts plays twenty minutes of series to each alert: that which it is for, and that which comes near it. Each story is
// told in the words of promtool's tests, a value every 5 s, and each alert has at least one of both kinds.
func TestAlerts(t *testing.T) {
	rules, err := alertsOf("../../prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string][2]bool{}
	for _, row := range []struct {
		alert, what, series string
		fires               time.Duration // 0: never
	}{
		{"FreshetNodeGone", "it stops after a minute", `up{job="freshet"} 1x11 0x240`, 90 * time.Second},
		{"FreshetNodeGone", "a restart", `up{job="freshet"} 1x11 0x4 1x240`, 0},
		{"FreshetNodeGone", "another's", `up{job="node"} 0x240`, 0},

		{"FreshetNoLeader", "nobody is left", `freshet_quorum_leader{instance="a"} 1x11 stale`, 70 * time.Second},
		{"FreshetNoLeader", "two of three follow nobody", "freshet_quorum_leader{instance=\"a\"} 0x240\nfreshet_quorum_leader{instance=\"b\"} 1x11 0x240", 70 * time.Second},
		{"FreshetNoLeader", "an election", "freshet_quorum_leader{instance=\"a\"} 1x11 0x240\nfreshet_quorum_leader{instance=\"b\"} 0x12 1x240", 0},

		{"FreshetControlBehind", "cut off", `freshet_quorum_ready 1x11 0x240`, 2 * time.Minute},
		{"FreshetControlBehind", "a start", `freshet_quorum_ready 0x6 1x240`, 0},

		{"FreshetDatabaseAway", "a call in 15 s fails", `freshet_store_away_total 0x11 0x2 1x2 2x2 3x2 4x2 5x2 6x2 7x2 8x2 9x2 10x2 11x2`, 165 * time.Second},
		{"FreshetDatabaseAway", "two calls", `freshet_store_away_total 0x11 1x3 2x240`, 0},

		{"FreshetDiskFull", "full", `freshet_quorum_disk_full 1x240`, time.Minute},
		{"FreshetDiskFull", "for a moment", `freshet_quorum_disk_full 1x10 0x240`, 0},

		{"FreshetControlUnheard", "cut off", `freshet_agent_connected 1x11 0x240`, 3 * time.Minute},
		{"FreshetControlUnheard", "control restarts", `freshet_agent_connected 1x11 0x12 1x240`, 0},

		{"FreshetLinkLoss", "a tenth", `freshet_relay_link_loss_ratio{direction="down"} 0.1x240`, 2 * time.Minute},
		{"FreshetLinkLoss", "2 %", `freshet_relay_link_loss_ratio{direction="down"} 0.02x240`, 0},
		{"FreshetLinkLoss", "a burst", `freshet_relay_link_loss_ratio{direction="down"} 0.5x12 0x240`, 0},

		{"FreshetPacketsGone", "one in a hundred", "freshet_relay_received_packets_total 0+1000x240\nfreshet_relay_gone_packets_total 0+10x240", 65 * time.Second},
		{"FreshetPacketsGone", "one in ten thousand", "freshet_relay_received_packets_total 0+10000x240\nfreshet_relay_gone_packets_total 0+1x240", 0},

		{"FreshetEdgeFull", "full", `freshet_edge_full 1x240`, time.Minute},
		{"FreshetEdgeFull", "a rush", `freshet_edge_full 0x11 1x8 0x240`, 0},

		{"FreshetStreamSilent", "its publisher is gone", "freshet_ingest_streams 1x30 1x240\nfreshet_ingest_publishers 1x11 0x240\nfreshet_ingest_packets_total{kind=\"video\"} 0+100x240", 70 * time.Second},
		{"FreshetStreamSilent", "its publisher sends nothing", "freshet_ingest_streams 1x240\nfreshet_ingest_publishers 1x240\nfreshet_ingest_packets_total{kind=\"video\"} 0+100x11 1100x240", 90 * time.Second},
		{"FreshetStreamSilent", "an edge gets nothing", "freshet_relay_pulled_streams 1x240\nfreshet_relay_received_packets_total 0+100x11 1100x240", 90 * time.Second},
		{"FreshetStreamSilent", "it ends", "freshet_ingest_streams 1x12 0x240\nfreshet_ingest_publishers 1x11 0x240\nfreshet_ingest_packets_total{kind=\"video\"} 0+100x11 1100x240", 0},
		{"FreshetStreamSilent", "sound alone, and a backup", "freshet_ingest_streams 1x240\nfreshet_ingest_publishers 2x240\nfreshet_ingest_packets_total{kind=\"video\"} 0x240\nfreshet_ingest_packets_total{kind=\"audio\"} 0+100x240", 0},

		{"FreshetMailsWait", "none is taken", "freshet_mail_attempts_total{result=\"waiting\"} 0+1x240", 905 * time.Second},
		// These play at the beginning of time: an end is so many seconds after the first of January 1970.
		{"FreshetIdentityEnds", "it is not renewed", `freshet_identity_expires_timestamp_seconds 21900x240`, 10*time.Minute + look},
		{"FreshetIdentityEnds", "a minute late", `freshet_identity_expires_timestamp_seconds 21900x72 86400x240`, 0},
		{"FreshetCertificateEnds", "three days to go", `freshet_cert_expires_timestamp_seconds 259200x240`, 10 * time.Minute},
		{"FreshetCertificateEnds", "a month to go", `freshet_cert_expires_timestamp_seconds 2592000x240`, 0},
		{"FreshetCertificateEnds", "there is none", `freshet_cert_expires_timestamp_seconds 0x240`, 0},
		{"FreshetNoCertificate", "there is none", `freshet_cert_expires_timestamp_seconds 0x240`, 5 * time.Minute},
		{"FreshetNoCertificate", "it has ended", `freshet_cert_expires_timestamp_seconds 60x240`, 6 * time.Minute},
		{"FreshetNoCertificate", "a first start", `freshet_cert_expires_timestamp_seconds 0x12 7776000x240`, 0},

		{"FreshetMailsWait", "some are", "freshet_mail_attempts_total{result=\"waiting\"} 0+1x240\nfreshet_mail_attempts_total{result=\"sent\"} 0+1x240", 0},
	} {
		i := slices.IndexFunc(rules, func(r rulefmt.Rule) bool { return r.Alert == row.alert })
		if i < 0 {
			t.Errorf("there is no alert %s", row.alert)
			continue
		}
		kinds := told[row.alert]
		kinds[min(row.fires, 1)] = true
		told[row.alert] = kinds
		t.Run(row.alert+", "+row.what, func(t *testing.T) {
			if got := fires(t, rules[i].Expr, time.Duration(rules[i].For), row.series); got != row.fires {
				t.Errorf("fires after %v, want %v", got, row.fires)
			}
		})
	}
	for _, r := range rules {
		if told[r.Alert] != [2]bool{true, true} {
			t.Errorf("%s is not tried both ways", r.Alert)
		}
	}
}

// fires returns when an alert of expr fires first, whose series last 20 minutes: 0 for never.
func fires(t *testing.T, expr string, hold time.Duration, series string) time.Duration {
	t.Helper()
	lines := strings.ReplaceAll("\n"+strings.TrimSpace(series), "\n", "\n  ")
	storage := promqltest.LoadedStorage(t, "load "+look.String()+lines)
	engine := promqltest.NewTestEngine(t, false, time.Minute, promqltest.DefaultMaxSamplesPerQuery)
	since := map[string]time.Duration{} // by labels: from when on it is so
	for at := time.Duration(0); at <= end; at += look {
		query, err := engine.NewInstantQuery(t.Context(), storage, nil, expr, time.Unix(0, 0).Add(at))
		if err != nil {
			t.Fatal(err)
		}
		result := query.Exec(t.Context())
		vector, err := result.Vector()
		if err != nil {
			t.Fatal(err)
		}
		now := map[string]time.Duration{}
		for _, s := range vector {
			now[key(s)] = at
			if from, ok := since[key(s)]; ok {
				now[key(s)] = from
			}
			if at-now[key(s)] >= hold && at > 0 {
				return at
			}
		}
		since = now
		query.Close()
	}
	return 0
}

func key(s promql.Sample) string { return s.Metric.String() }
