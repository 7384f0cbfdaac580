package lead

import (
	"freshet/cluster/identity"
	"freshet/control/node"
	"freshet/control/place"
	"freshet/control/quorum/ledger"
	pb "freshet/proto"
)

// unmeasuredBPS is what a node can send that does not say: as much as a common network card.
const unmeasuredBPS = 10e9

// meshOf returns the mesh of the nodes that are there and in the cluster.
func meshOf(all []node.Node, s *ledger.State) place.Mesh {
	var m place.Mesh
	for _, n := range all {
		admin := adminOf(s, n.Name)
		if n.Role != identity.RoleOrigin && n.Role != identity.RoleEdge || admin == pb.AdminState_ADMIN_STATE_UNSPECIFIED {
			continue
		}
		state := stateOf(admin)
		if n.Going {
			state = place.Draining
		}
		p := place.Node{Name: n.Name, Region: n.Region, Role: place.Role(n.Role), State: state, CapacityBPS: unmeasuredBPS}
		if n.At != nil {
			p.At = place.Point{Lat: n.At.Lat, Lon: n.At.Lon}
		}
		if mbps := n.Facts.GetCapacityMbps(); mbps > 0 {
			p.CapacityBPS = int64(mbps) * 1e6
		}
		// What an edge says of its load is what it sends to viewers; what it relays is planned here anew.
		p.LoadBPS = p.CapacityBPS / 1000 * int64(n.Facts.GetLoadPermille())
		m.Nodes = append(m.Nodes, p)
	}
	return m
}

func stateOf(a pb.AdminState) place.State {
	switch a {
	case pb.AdminState_ADMIN_STATE_CORDONED:
		return place.Cordoned
	case pb.AdminState_ADMIN_STATE_DRAINING:
		return place.Draining
	}
	return place.In
}
