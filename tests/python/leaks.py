#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""GStreamer's leaks tracer finds no object of a pipeline that was left behind."""

import re
import sys
import tempfile

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
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
