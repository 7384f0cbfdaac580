#!/bin/sh
# Draws the sample clip, a loop of 60 s: picture as H.264, sound as Opus, and the JSON that describes both.
# usage: draw.sh [FOLDER]   default: bench/load/sample, from where they are embedded in the binary.
# Needs ffmpeg with libx264 and libopus, and the DejaVu fonts. bench/README.md explains the strip.
set -eu

out=${1:-$(dirname "$0")/../../bench/load/sample}
font=${FONT:-/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf}
rate=30
seconds=60
frames=$((rate * seconds))

command -v ffmpeg >/dev/null || { echo "draw.sh: ffmpeg is not installed" >&2; exit 1; }
[ -r "$font" ] || { echo "draw.sh: no font at $font (package fonts-dejavu-core)" >&2; exit 1; }
mkdir -p "$out"

# Water: waves whose periods divide the loop, so that the end meets the beginning. It is drawn small and
# blown up, since that is fast, smooth, and costs the encoder few bits.
water="color=s=80x45:r=$rate:d=$seconds,format=yuv420p,geq=\
lum='52+26*sin(X/9+Y/13-PI*T/3)+12*sin(Y/4+X/23+PI*T/5)+Y/3':\
cb='158+14*sin(X/9-PI*T/6)':\
cr='104+9*sin(Y/7+PI*T/10)',scale=640:360:flags=bicubic"

# Strip: 16 blocks by 2 rows, one pixel each, blown up without smoothing. White, black, the frame number in
# 11 bits (highest first), their parity, black, white; the second row is the inverse of the first.
bit() { echo "mod(floor(N/$1),2)"; }
parity="mod($(for b in 1 2 4 8 16 32 64 128 256 512; do printf '%s+' "$(bit $b)"; done)$(bit 1024),2)"
value="if(eq(X,0)+eq(X,15),1,if(eq(X,1)+eq(X,14),0,if(eq(X,13),$parity,mod(floor(N/pow(2,12-X)),2))))"
strip="color=s=16x2:r=$rate:d=$seconds,format=gray,geq=lum='16+219*abs(Y-($value))',scale=640:48:flags=neighbor,format=yuv420p"

# Lamp: lit for the first three frames of each second, while the beep sounds.
lamp="color=white:s=120x120:r=$rate:d=$seconds,format=yuva420p,\
geq=lum=235:cb=128:cr=128:a='255*lt(mod(N,$rate),3)*clip(60-hypot(X-60,Y-60),0,1)'"
# Ball: goes round once in two seconds, so that every frame differs from the one before.
ball="color=0xffb020:s=36x36:r=$rate:d=$seconds,format=yuva420p,geq=lum='lum(X,Y)':cb='cb(X,Y)':cr='cr(X,Y)':a='255*clip(18-hypot(X-18,Y-18),0,1)'"

# The text of %{pts:hms} begins with a blank, hence its smaller x.
text="fontfile=$font:fontcolor=white:borderw=3:bordercolor=0x0a2030"
ffmpeg -hide_banner -loglevel error -y \
	-f lavfi -i "$water" -f lavfi -i "$strip" -f lavfi -i "$lamp" -f lavfi -i "$ball" \
	-filter_complex "[0][2]overlay=490:200[a];\
[a][3]overlay=x='532+76*sin(PI*t)':y='242-76*cos(PI*t)'[b];\
[b]drawtext=$text:fontsize=54:x=4:y=88:text='%{pts\\:hms}',\
drawtext=$text:fontsize=54:x=36:y=168:text='%{eif\\:n\\:d\\:4}',\
drawtext=$text:fontsize=22:x=180:y=194:text='of $frames',\
drawtext=$text:fontsize=26:x=36:y=300:text='freshet sample'[c];\
[c][1]overlay=0:0,setsar=1,format=yuv420p" \
	-frames:v "$frames" -c:v libx264 -profile:v baseline -level 3.1 -preset veryslow -threads 2 \
	-crf 29 \
	-x264-params "keyint=60:min-keyint=60:scenecut=0:bframes=0:repeat-headers=1:sliced-threads=0:aud=0" \
	-map_metadata -1 -bsf:v filter_units=remove_types=6 -f h264 "$out/sample.h264"

# Sound: a soft fifth, another note on each side, that never falls silent, and 100 ms of 1 kHz as each second
# begins. All frequencies are whole, so that the end meets the beginning here too.
beep="0.4*sin(2000*PI*t)*lt(mod(t,1),0.1)*min(1,min(mod(t,1),0.1-mod(t,1))*500)"
ffmpeg -hide_banner -loglevel error -y \
	-f lavfi -i "aevalsrc='0.06*sin(440*PI*t)+$beep|0.06*sin(660*PI*t)+$beep':s=48000:c=stereo:d=$seconds" \
	-c:a libopus -b:a 32k -vbr constrained -frame_duration 20 -application audio -map_metadata -1 -fflags +bitexact \
	-page_duration 20000 -f ogg "$out/sample.ogg"

cat >"$out/sample.json" <<JSON
{
  "video": {"file": "sample.h264", "codec": "H264", "profile": "42c01f", "width": 640, "height": 360, "rate": $rate, "frames": $frames, "keyframeEvery": 60},
  "audio": {"file": "sample.ogg", "codec": "opus", "channels": 2, "tonesHz": [220, 330], "beepHz": 1000, "beepEverySeconds": 1, "beepSeconds": 0.1},
  "strip": {
    "x": 0, "y": 0, "blockWidth": 40, "blockHeight": 24, "columns": 16, "rows": 2,
    "white": [0, 15], "black": [1, 14], "frameBits": [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], "bitOrder": "highest first",
    "evenParity": 13, "secondRow": "inverse of the first"
  },
  "lamp": {"x": 550, "y": 260, "radius": 60, "litFrames": 3, "everyFrames": $rate}
}
JSON
