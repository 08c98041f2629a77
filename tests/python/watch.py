#!/usr/bin/env python3
# identifAI plugin for GStreamer
#
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# identifai-watch on clips that it can judge, and on those that nothing would end:
# a single picture of a codec that identifaisink doesn't take.

import os
import shutil
import subprocess
import sys
import tempfile

from emulator import Emulator, SKIPPED, run

WATCH = os.environ.get("IDENTIFAI_WATCH")
LINKS = [
    "filesrc location={} ! parsebin ! identifaisink",
    "filesrc location={} ! parsebin ! queue ! identifaisink",
    "filesrc location={} ! parsebin name=p ! identifaisink name=s p. ! s.",
]
# codec of ffmpeg, extension, exit code, what is said
ROWS = [
    ("libx264", "mp4", 0, b"1 judged, 0 failed, 0 dropped"),
    ("h263", "3gp", 1, b"(video/x-h263) is of no codec that identifaisink takes"),
    ("msmpeg4", "mkv", 1, b"is of no codec that identifaisink takes"),
]


def make(folder, codec, extension):
    path = os.path.join(folder, codec + "." + extension)
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=176x144", "-frames:v", "1", "-c:v", codec,
                    path], check=True, timeout=100)
    return path


def main():
    if not WATCH or not shutil.which("ffmpeg"):
        print("skipped: no identifai-watch, or no ffmpeg")
        return SKIPPED
    failed = 0
    with Emulator() as url, tempfile.TemporaryDirectory() as folder:
        for codec, extension, expected, words in ROWS:
            path = make(folder, codec, extension)
            for link in LINKS:
                code, said = run([WATCH] + link.format(path).split(), IDENTIFAI_ENDPOINT=url, IDENTIFAI_API_KEY="any")
                if code != expected or words not in said:
                    print("%s, %s: exit %d\n%s" % (codec, link, code, said.decode(errors="replace")))
                    failed += 1
    return 1 if failed else 0


sys.exit(main())
