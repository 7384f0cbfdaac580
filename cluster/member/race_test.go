//go:build race

package member

// slack stretches bounds that depend on this machine's speed: under the race detector a signature takes ten times as long.
const slack = 5
