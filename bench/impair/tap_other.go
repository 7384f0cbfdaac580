//go:build !linux

package impair

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

// OpenTAP would make a TAP device; here it returns an error for which errors.Is(err, errors.ErrUnsupported) holds.
func OpenTAP(string) (*os.File, error) {
	return nil, fmt.Errorf("tap: made on Linux alone, not on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
