package impair

import "time"

// A Change is what is to be different about a Path; what is nil stays.
type Change struct {
	Delay   *Duration
	Jitter  *Duration
	Reorder *bool
	Loss    *Share
	Burst   *int
	Rate    *Rate
	Buffer  *Duration
	Cut     *bool
}

// Apply returns p with the change made.
func (c Change) Apply(p Path) Path {
	set(&p.Delay, (*time.Duration)(c.Delay))
	set(&p.Jitter, (*time.Duration)(c.Jitter))
	set(&p.Reorder, c.Reorder)
	set(&p.Loss, (*float64)(c.Loss))
	set(&p.Burst, c.Burst)
	set(&p.Rate, (*int64)(c.Rate))
	set(&p.Buffer, (*time.Duration)(c.Buffer))
	set(&p.Cut, c.Cut)
	return p
}

func set[T any](field, to *T) {
	if to != nil {
		*field = *to
	}
}
