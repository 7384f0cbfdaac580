package ledger

import (
	"bytes"

	pb "freshet/proto"
)

// putKey publishes a key. The first of its kind is in use at once, others when UseKey says so.
func (s *State) putKey(p *pb.PutKey, at int64) pb.Verdict {
	if p.Kind == pb.KeyKind_KEY_KIND_UNSPECIFIED || !word(p.Id, maxName) || len(p.Public) > keySize || len(p.Sealed) == 0 || len(p.Sealed) > maxSealed {
		return pb.Verdict_VERDICT_MALFORMED
	}
	name := KeyName{p.Kind, p.Id}
	if was := s.Keys[name]; was != nil {
		if bytes.Equal(was.Public, p.Public) && bytes.Equal(was.Sealed, p.Sealed) {
			return pb.Verdict_VERDICT_DONE
		}
		return pb.Verdict_VERDICT_TAKEN
	}
	n := 0
	for k := range s.Keys {
		if k.Kind == p.Kind {
			n++
		}
	}
	if n >= maxKeys {
		return pb.Verdict_VERDICT_FULL
	}
	s.Keys[name] = &pb.KeyRecord{Kind: p.Kind, Id: p.Id, Public: p.Public, Sealed: p.Sealed, InUse: n == 0, AtUnixMs: at}
	return pb.Verdict_VERDICT_DONE
}

func (s *State) useKey(u *pb.UseKey) pb.Verdict {
	name := KeyName{u.Kind, u.Id}
	if s.Keys[name] == nil {
		return pb.Verdict_VERDICT_UNKNOWN
	}
	for n, k := range s.Keys {
		if n.Kind == u.Kind && k.InUse != (n == name) {
			s.Keys[n] = &pb.KeyRecord{Kind: k.Kind, Id: k.Id, Public: k.Public, Sealed: k.Sealed, InUse: n == name, AtUnixMs: k.AtUnixMs}
		}
	}
	return pb.Verdict_VERDICT_DONE
}

func (s *State) retireKey(r *pb.RetireKey) pb.Verdict {
	name := KeyName{r.Kind, r.Id}
	k := s.Keys[name]
	switch {
	case k == nil:
		return pb.Verdict_VERDICT_UNKNOWN
	case k.InUse:
		return pb.Verdict_VERDICT_IN_USE
	}
	delete(s.Keys, name)
	return pb.Verdict_VERDICT_DONE
}

func (s *State) putSetting(p *pb.PutSetting) pb.Verdict {
	if !word(p.Name, maxName) || len(p.Value) > maxValue {
		return pb.Verdict_VERDICT_MALFORMED
	}
	if len(p.Value) == 0 {
		delete(s.Settings, p.Name)
		return pb.Verdict_VERDICT_DONE
	}
	if _, ok := s.Settings[p.Name]; !ok && len(s.Settings) >= maxSettings {
		return pb.Verdict_VERDICT_FULL
	}
	s.Settings[p.Name] = p.Value
	return pb.Verdict_VERDICT_DONE
}
