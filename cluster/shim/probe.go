package shim

const maxProbe = 200_000 // bytes of padding

// startProbe has padding of n bytes go out evenly over the time given; false while another is under way.
func (s *sender) startProbe(n int, over, now int64) bool {
	if s.probe.left > 0 || !s.proven {
		return false
	}
	s.probe.left, s.probe.due = n, now
	s.probe.every = over * padLen / int64(n)
	return true
}

func (s *sender) pad(now int64) {
	for s.probe.left > 0 && s.probe.due <= now {
		n := max(min(s.probe.left, padLen), headerLen)
		header{kindPad, s.id, s.next}.put(s.small[:])
		s.out.control(s.small[:n])
		s.probe.left = max(0, s.probe.left-n)
		s.probe.due += s.probe.every
	}
}
