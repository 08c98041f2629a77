#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""GStreamer's leaks tracer finds no object of a pipeline that was left behind, and calls that
nobody takes leave no descriptor behind."""

import os
import re
import subprocess
import sys
import tempfile
import time

from emulator import Emulator, run

RAW = "videotestsrc num-buffers=60 ! video/x-raw,width=64,height=48,framerate=25/1"
CASES = [
    ("a file", RAW + " ! jpegenc ! avimux ! identifaisink", (), 0),
    ("an elementary stream", RAW + " ! x264enc key-int-max=10 ! identifaisink segment-duration=500000000", (), 0),
    ("with sound", RAW + " ! x264enc ! h264parse ! s. audiotestsrc num-buffers=60 ! avenc_aac ! aacparse ! "
     "s.audio_0 identifaisink name=s", (), 0),
    ("a refusal", RAW + " ! jpegenc ! avimux ! identifaisink", ("--api-key=another",), 1),
    ("a failure", RAW + " ! jpegenc ! avimux ! identifaisink", ("--fault=submit:status=500",), 1),
    ("speech", "audiotestsrc num-buffers=400 ! audioconvert ! opusenc ! identifaispeechsink "
     "segment-duration=3000000000", (), 0),
    ("raw speech, too short", "audiotestsrc num-buffers=10 ! identifaispeechsink", (), 0),
    ("images", "videotestsrc num-buffers=5 ! pngenc ! identifaiimagesink with-heatmap=true", (), 0),
    ("no image", "filesrc location=" + __file__ + " ! identifaiimagesink", (), 1),
    ("no sound", "filesrc location=" + __file__ + " ! identifaispeechsink", (), 1),
    ("no video", "filesrc location=" + __file__ + " ! identifaisink", (), 1),
]
LIMITS = "rate-limits=limits,post-per-second=0,post-per-minute=0,get-per-second=0,get-per-minute=0"


def count_sockets(process):
    there = "/proc/%d/fd" % process.pid
    return sum(os.readlink(os.path.join(there, name)).startswith("socket:") for name in os.listdir(there))


def try_refused():
    """Nobody listens where the service should be: sockets after 4 calls, and after 24."""
    line = ("gst-launch-1.0 -q videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=25/1 ! x264enc key-int-max=10 "
            "tune=zerolatency ! identifaisink retries=-1 on-refusal=warn segment-duration=400000000 " + LIMITS)
    with tempfile.NamedTemporaryFile() as log:
        environment = {**os.environ, "GST_DEBUG": "identifaihttp:6", "GST_DEBUG_FILE": log.name, "GST_DEBUG_NO_COLOR": "1",
                       "IDENTIFAI_ENDPOINT": "http://127.0.0.1:1", "IDENTIFAI_API_KEY": "any"}
        process = subprocess.Popen(line.split(), env=environment, stderr=subprocess.DEVNULL)
        counts, end = [], time.monotonic() + 100
        for calls in (4, 24):
            while open(log.name, errors="replace").read().count(": connecting") < calls and time.monotonic() < end:
                time.sleep(0.1)
            counts.append(count_sockets(process))
        process.kill()
        process.wait()
    return [] if time.monotonic() < end and counts[1] < counts[0] + 8 else ["sockets: %s" % counts]


def main():
    good = True
    for what, line, options, code in CASES:
        line = re.sub(r"identifai\w*sink", lambda name: name[0] + " retries=0 " + LIMITS, line)
        with Emulator("--quiet", *options) as url, tempfile.NamedTemporaryFile() as log:
            got, output = run(["gst-launch-1.0", "-e", *line.split()], GST_TRACERS="leaks", GST_DEBUG="GST_TRACER:7",
                              GST_DEBUG_NO_COLOR="1", GST_DEBUG_FILE=log.name, IDENTIFAI_ENDPOINT=url,
                              IDENTIFAI_API_KEY="any")
            text = log.read().decode(errors="replace")
        leaks = [line for line in text.splitlines() if "object-alive" in line and "gst_tracer_record_build_format" not in line]
        problems = leaks[:20] + ([] if got == code else ["exit code %d, not %d" % (got, code)])
        if "GST_TRACER" not in text:
            problems.append("the tracer said nothing")
        if got != code:
            problems.append(output[-1500:].decode(errors="replace"))
        print("%-24s %s" % (what, "\n  ".join(problems) or "no leaks"))
        good &= not problems
    problems = try_refused()
    print("%-24s %s" % ("refused connections", "\n  ".join(problems) or "no leaks"))
    return 0 if good and not problems else 1


if __name__ == "__main__":
    sys.exit(main())
