// Command layers publishes three layers of made-up packets that decode, for the journeys in a browser: encoding
// three layers there takes more than the machine has beside the viewer.
// usage: layers WHIP KEY LOW.ivf MIDDLE.ivf HIGH.ivf, each with a key frame and one that follows it
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"freshet/bench/load"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "layers:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 5 {
		return errors.New("usage: layers WHIP KEY LOW.ivf MIDDLE.ivf HIGH.ivf")
	}
	// 150, 500 and 1,500 kbit/s, and key frames when they are asked for, as browsers publish.
	cfg := load.RawConfig{
		URL: args[0], Key: args[1], Rate: 30, KeyEvery: 1 << 20, KeyOnAsk: true, Audio: true, PaceBPS: 9_600_000,
		Layers: []load.RawLayer{
			{RID: "l", Packets: 1, KeyPackets: 6, Size: 560},
			{RID: "m", Packets: 2, KeyPackets: 10, Size: 960},
			{RID: "h", Packets: 6, KeyPackets: 24, Size: 990},
		},
	}
	for i := range cfg.Layers {
		if err := draw(&cfg.Layers[i], args[2+i]); err != nil {
			return err
		}
	}
	r, err := load.NewRaw(cfg, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return r.Run(ctx)
}

// draw takes the first two frames of an IVF file.
func draw(l *load.RawLayer, path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	const file, frame = 32, 12 // bytes of IVF's headers
	if len(b) < file {
		return fmt.Errorf("%s is no IVF file", path)
	}
	l.Width, l.Height = int(binary.LittleEndian.Uint16(b[12:])), int(binary.LittleEndian.Uint16(b[14:]))
	b = b[file:]
	for _, to := range []*[]byte{&l.Key, &l.Delta} {
		if len(b) < frame || uint64(len(b)-frame) < uint64(binary.LittleEndian.Uint32(b)) {
			return fmt.Errorf("%s: want two frames", path)
		}
		n := int(binary.LittleEndian.Uint32(b))
		*to, b = b[frame:frame+n], b[frame+n:]
	}
	return nil
}
