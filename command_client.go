package main

import (
	"time"

	"freshet/bench/load"
)

type publishCommand struct {
	Input string `arg:"" optional:"" help:"IVF, Ogg, WebM, H.264 Annex B, or what ffmpeg reads; - is standard input. Without it, the sample."`

	URL       string        `required:"" help:"WHIP endpoint, for example http://127.0.0.1:8090/whip/sample."`
	Key       string        `secret:"all" help:"Stream key; @FILE reads it from FILE."`
	Audio     string        `placeholder:"FILE" help:"A second file, for the track that the first lacks."`
	Loop      bool          `help:"Begin again at the end."`
	Reconnect bool          `help:"Try again for ever after a lost connection."`
	For       time.Duration `placeholder:"TIME" help:"Stop after this long on the air, for example 30s."`
	Rate      float64       `placeholder:"FPS" help:"Frames a second of H.264 Annex B. Default what the stream says, else 30."`
}

// Run publishes until the input ends or the program is told to stop.
func (c *publishCommand) Run(p *program) error {
	key, err := secret("key", c.Key)
	if err != nil {
		return err
	}
	cfg := load.PublishConfig{
		URL: c.URL, Key: key, Input: c.Input, Audio: c.Audio,
		Loop: c.Loop, Reconnect: c.Reconnect, For: c.For, Rate: c.Rate,
	}
	if err := cfg.Validate(); err != nil {
		return &configError{err}
	}
	return load.Publish(p.ctx, cfg, p.log)
}

type playCommand struct {
	URL string `arg:"" help:"WHEP endpoint, for example http://127.0.0.1:8100/whep/sample."`

	outputFlag
	Token   string        `secret:"all" help:"Viewer token; @FILE reads it from FILE."`
	Write   string        `placeholder:"FILE" help:"Write what arrives to FILE: .ivf, .h264, .ogg or .webm."`
	For     time.Duration `placeholder:"TIME" help:"Stop after this long, for example 30s."`
	Codec   []string      `placeholder:"NAME" help:"Video codecs to offer, best first. Default H264,VP8,VP9,AV1."`
	NoAudio bool          `help:"Take no audio."`
	NoVideo bool          `help:"Take no video."`
}

// Run plays until the stream ends or the program is told to stop, and prints a report each second.
func (c *playCommand) Run(p *program) error {
	token, err := secret("token", c.Token)
	if err != nil {
		return err
	}
	cfg := load.PlayConfig{
		URL: c.URL, Token: token, Output: c.Write, For: c.For, Codecs: c.Codec, NoAudio: c.NoAudio, NoVideo: c.NoVideo,
	}
	var failed error // of writing a report; the last one counts
	report := func(r load.Report) { failed = load.WriteReport(p.stdout, r, c.Output == outputJSON) }
	if err := load.Play(p.ctx, cfg, report, p.log); err != nil {
		return err
	}
	return failed
}
