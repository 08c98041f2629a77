#!/usr/bin/env python3
# identifAI plugin for GStreamer
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""GstValidate's monitors on the gate: each pipeline twice, with identity in its place, and
what they report of the second run and not of the first. docs/contributing.md says where
gst-validate-1.0 comes from, as Debian 12 has none.

  ninja -C BUILD && meson devenv -C BUILD python3 ../tests/line/validate.py [ROW…]

One is expected: with a slate, segments leave that didn't come (its own)."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

CLIP = ("-f lavfi -i testsrc=size=320x240:rate=25 -f lavfi -i sine=440:r=44100 -t 12 "
        "-c:v libx264 -g 25 -bf 2 -pix_fmt yuv420p -c:a aac")
SLATE = ("-f lavfi -i smptebars=size=160x120:rate=25,format=yuv420p -f lavfi -i anullsrc=r=44100:cl=mono -t 2 "
         "-c:v libx264 -profile:v main -g 25 -c:a aac")
SEEKS = """description, seek=true, duration=12.0, min-media-duration=10.0
seek, playback-time=1.0, start=5.0, flags=flush
seek, playback-time=6.0, start=0.5, flags=accurate+flush
seek, playback-time=1.5, start=11.0, flags=flush+key-unit
"""
FORCES = "description, seek=false\n" + "".join(
    f"set-property, playback-time={t}, target-element-name=g, property-name=force, property-value={what}\n"
    for t, what in ((1.0, "slate"), (3.0, "none"), (5.0, "slate"), (7.0, "none")))
FILE = "filesrc location=clip.mp4 ! qtdemux name=d d.video_0 ! queue ! h264parse"
FILE_SOUND = "d.audio_0 ! queue ! aacparse"
LIVE = ("videotestsrc is-live=true num-buffers=250 pattern=ball ! video/x-raw,width=320,height=240,framerate=25/1 ! "
        "x264enc key-int-max=25 bframes=2 speed-preset=ultrafast ! h264parse")
LIVE_SOUND = ("audiotestsrc is-live=true num-buffers=430 samplesperbuffer=1024 ! audio/x-raw,rate=44100,channels=1 ! "
              "avenc_aac ! aacparse")
OUT = "fakesink sync=true"
# what the gate holds has left the source, as behind a queue
HOLD = "queue max-size-time=0 max-size-buffers=0 max-size-bytes=0"
GATE = "identifaigate name=g hold=6000000000 segment-duration=1000000000 rate-limits=none"
SINK = "identifaisink segment-duration=1000000000 rate-limits=none"
EXPECTED = {("warning: a new segment event has different value than the received one", "gate:src")}


def gate(video, sound=None, options="", control="identity"):
    """(with identity, with the gate)"""
    a, b = f"{video} ! {control} ! {OUT}", f"{video} ! {GATE} {options} ! {OUT}"
    if sound:
        a, b = f"{a} {sound} ! {control} ! {OUT}", f"{b} {sound} ! g.audio_0 g.audio_src_0 ! {OUT}"
    return a, b


ROWS = {
    "file": (gate(FILE), None),
    "file with sound": (gate(FILE, FILE_SOUND), None),
    "seeks": (gate(FILE, control=f"identity ! {HOLD}"), SEEKS),
    "live": (gate(LIVE), None),
    "live with sound": (gate(LIVE, LIVE_SOUND), None),
    "slate at the start": (gate(LIVE, LIVE_SOUND, "slate-location=slate.mp4"), None),
    "slate by the operator": (gate(LIVE, LIVE_SOUND, "slate-location=slate.mp4"), FORCES),
    "identifaisink": ((f"{LIVE} ! {OUT}", f"{LIVE} ! {SINK}"), None),
}
NAMES = [(r"^(identity\d+|g):(sink|audio_0)$", "gate:sink"), (r"^(identity\d+|g):(src|audio_src_0)$", "gate:src"),
         (r"^(fakesink|identifaisink)\d+:", "end:"), (r"^queue\d+:", "queue:")]


def read(text):
    """(issue, pad) of a run"""
    found, issue = set(), None
    for line in text.splitlines():
        match = re.match(r" +(warning|issue|critical|expected) : (.*)", line)
        if match:
            issue = f"{match[1]}: {match[2].strip()}"
        match = re.match(r" +Detected on <(.*)>", line)
        for pad in match[1].split(", ") if match and issue else []:
            for pattern, name in NAMES:
                pad = re.sub(pattern, name, pad)
            found.add((issue, pad))
        if re.search(r"-(CRITICAL|WARNING) \*\*", line):
            found.add((line.split("**", 1)[1].strip(), ""))
    return found


def run(pipeline, scenario):
    argv = ["gst-validate-1.0"] + (["--set-scenario", "row.scenario"] if scenario else []) + [pipeline]
    if scenario:
        with open("row.scenario", "w") as f:
            f.write(scenario)
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120)
    return done.returncode, read(done.stdout + done.stderr)


def start_emulator():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    process = subprocess.Popen([os.environ.get("IDENTIFAI_EMULATOR") or "identifai-emulator", "-q", "-p", str(port),
                                "-d", "0.2", "--rate-limits=off"])
    os.environ.update(IDENTIFAI_ENDPOINT=f"http://127.0.0.1:{port}", IDENTIFAI_API_KEY="any")
    time.sleep(1)
    return process


def check(name):
    (plain, gated), scenario = ROWS[name]
    # identity has no force
    _, before = run(plain, None if scenario == FORCES else scenario)
    status, after = run(gated, scenario)
    new = after - before - EXPECTED
    print(f"{name}: {len(before)} reported without, {len(new)} more with it")
    for issue, pad in sorted(new):
        print(f"  {issue} ({pad})")
    if status:
        print(f"  gst-validate-1.0 returned {status}")
    return not new and status == 0


def main():
    if not shutil.which("gst-validate-1.0"):
        print("validate: gst-validate-1.0 isn't here", file=sys.stderr)
        return 77
    names = sys.argv[1:] or list(ROWS)
    with tempfile.TemporaryDirectory(prefix="validate-") as dir:
        os.chdir(dir)
        for options, path in ((CLIP, "clip.mp4"), (SLATE, "slate.mp4")):
            subprocess.run(["ffmpeg", "-v", "error", *options.split(), path], check=True)
        emulator = start_emulator()
        try:
            good = [check(name) for name in names]
        finally:
            emulator.kill()
            os.chdir("/")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
