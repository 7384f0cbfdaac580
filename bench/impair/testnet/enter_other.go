//go:build !linux

package testnet

import (
	"errors"
	"fmt"
	"runtime"
)

// missing says why there can be no network here.
func missing() string { return "it takes Linux, and this is " + runtime.GOOS }

// Enter would call f in h's namespace; here it returns an error for which errors.Is(err, errors.ErrUnsupported) holds.
func (h *Host) Enter(func() error) error {
	return fmt.Errorf("enter %s: %w", h.Name, errors.ErrUnsupported)
}
