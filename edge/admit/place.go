package admit

// A Place is one viewer's. Its methods may be called from any goroutine, in any order and more than once.
type Place struct {
	gate  *Gate
	rate  Rate
	stage stage // under gate.mu
}

// A stage is how far a place's viewer has come.
type stage int8

const (
	joining  stage = iota // it is expected to take its rate
	live                  // it shows in what is sent
	standing              // it would take its rate, were it told to play
	gone
)

// Live says that the viewer gets media: it will soon be in what is sent.
func (p *Place) Live() {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.stage == joining {
		p.stage = live
		last := (g.turn + settleTicks) % len(g.settling)
		g.settling[last] = g.settling[last].Plus(p.rate)
	}
}

// Play has one that stands by join, or says why there is no room; it stands by then as before.
func (p *Place) Play() Reason {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.stage != standing {
		return Open
	}
	if why := g.join(p.rate); why != Open {
		return why
	}
	p.unstand()
	p.stage = joining
	return Open
}

// Pause has a viewer stand by from now on.
func (p *Place) Pause() {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.stage == joining {
		g.load.Joining = g.load.Joining.Minus(p.rate)
	}
	if p.stage == joining || p.stage == live {
		p.stand()
	}
}

// Leave says that the viewer is gone, or did not come to anything.
func (p *Place) Leave() {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	switch p.stage {
	case joining:
		g.load.Joining = g.load.Joining.Minus(p.rate)
	case standing:
		p.unstand()
	}
	p.stage = gone
}

// stand and unstand count p among those that stand by. g.mu is held.
func (p *Place) stand() {
	p.stage = standing
	p.gate.standbys++
	p.gate.standing = p.gate.standing.Plus(p.rate)
}

func (p *Place) unstand() {
	p.gate.standbys--
	p.gate.standing = p.gate.standing.Minus(p.rate)
}
