package stream

// placementShift leaves room for the time until the year 2109, and for four million placements of a stream.
const placementShift = 42

// Epoch returns the epoch of a stream that begins within a placement at number: the time in unix milliseconds, or more
// where others have begun at that time.
func Epoch(placement, number uint64) uint64 { return placement<<placementShift | number }

// Placement returns the number of the placement in which an epoch began; 0 where nobody places streams.
func Placement(epoch uint64) uint64 { return epoch >> placementShift }
