package shim

const maxFIFOKept = 256 // places that an empty queue keeps

// A fifo is a queue that keeps its memory, but for that of a burst. It has no bound of its own: who pushes looks
// at len first.
type fifo[T any] struct {
	buf  []T // a power of two long
	head int
	n    int
}

func (f *fifo[T]) len() int { return f.n }

// push adds one element and returns it, as it was left by whoever had that place before.
func (f *fifo[T]) push() *T {
	if f.n == len(f.buf) {
		old := f.buf
		f.buf = make([]T, max(8, 2*len(old)))
		for i := range old {
			f.buf[i] = old[(f.head+i)&(len(old)-1)]
		}
		f.head = 0
	}
	f.n++
	return &f.buf[(f.head+f.n-1)&(len(f.buf)-1)]
}

// front is the oldest element; the queue must not be empty. It is good until the next push.
func (f *fifo[T]) front() *T { return &f.buf[f.head] }

func (f *fifo[T]) pop() {
	f.head = (f.head + 1) & (len(f.buf) - 1)
	f.n--
	if f.n == 0 && len(f.buf) > maxFIFOKept {
		f.free()
	}
}

// free gives the memory of an empty queue back.
func (f *fifo[T]) free() {
	if f.n == 0 {
		*f = fifo[T]{}
	}
}
