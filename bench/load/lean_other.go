//go:build !linux

package load

import "errors"

func newLean(SwarmConfig) (crowd, error) {
	return nil, errors.New("mode: lean and filtered need Linux; full runs everywhere")
}
