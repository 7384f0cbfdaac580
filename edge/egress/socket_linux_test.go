package egress

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A full buffer of the kernel is waited for, and where it stays full the packets are dropped.
func TestFullBuffer(t *testing.T) {
	const size = 1000
	// A pair of local sockets: its buffer fills up as a network card's does, and loopback's never.
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &socket{fd: pair[0], wait: sendWait}
	s.wire()
	t.Cleanup(func() {
		if err := errors.Join(s.close(), unix.Close(pair[1])); err != nil {
			t.Error(err)
		}
	})
	to := &endpoint{} // the other end
	arena := make([]byte, maxMessages*size)
	messages := make([]message, maxMessages)
	for i := range messages {
		messages[i] = message{to: to, from: i * size, end: (i + 1) * size, segment: size, count: 1}
	}
	var m sent
	queued := 0 // in the buffer while nobody reads
	for dropped := 0; dropped == 0; {
		dropped = s.send(arena, messages, &m)
		queued += len(messages) - dropped
	}
	if !s.stuck {
		t.Fatal("packets were dropped without a wait")
	}
	read := func() bool {
		var b [size]byte
		n, err := unix.Read(pair[1], b[:])
		return err == nil && n == size
	}
	for range queued {
		if !read() {
			t.Fatal("a packet is missing")
		}
	}
	s.wait = time.Minute // the reader may be long without a core
	const rounds = 100
	done := make(chan int)
	go func() {
		got := 0
		for ; got < rounds*maxMessages; got++ {
			p := [1]unix.PollFd{{Fd: int32(pair[1]), Events: unix.POLLIN}}
			if n, err := unix.Poll(p[:], 5000); n < 1 || err != nil || !read() {
				break
			}
		}
		done <- got
	}()
	dropped := 0
	for range rounds {
		dropped += s.send(arena, messages, &m)
	}
	if got := <-done; dropped != 0 || got != rounds*maxMessages {
		t.Errorf("%d packets arrived and %d were dropped of %d, while someone reads", got, dropped, rounds*maxMessages)
	}
}
