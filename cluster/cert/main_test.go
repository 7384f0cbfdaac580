package cert

import (
	"testing"

	"go.uber.org/goleak"
)

// The authority of the tests has a loop that nothing ends. So has certmagic, one for each authority that was asked, which
// holds it to a rate; and its lock on what is kept looks after up to 5 s whether it is still wanted.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/letsencrypt/pebble/v2/va.VAImpl.processTasks"),
		goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.keepLockfileFresh"),
		goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.(*RingBufferRateLimiter).permit"))
}
