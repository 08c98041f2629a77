#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Peak memory of filesrc ! identifaisink for a 48 MB file, beside what the same
pipeline takes for a small file and into fakesink, and beside curl -F.

Memory is VmHWM of the process, as the kernel counts it. Usage: memory.py,
with GST_PLUGIN_PATH and IDENTIFAI_EMULATOR set as meson's benchmark does."""

import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
from emulator import Emulator  # noqa: E402

MB = 1000 * 1000
LARGE = 48 * MB
RUNS = 3


def peak(command, **environment):
    """Peak resident memory in bytes, of the process that the command becomes. Not its ru_maxrss: that counts
    this script's memory, too, from between fork and exec."""
    process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    most = 0
    while process.poll() is None:
        try:
            with open("/proc/%d/status" % process.pid) as status:
                lines = [line for line in status if line.startswith("VmHWM:")]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if lines and os.readlink("/proc/%d/exe" % process.pid) != os.path.realpath(sys.executable):
            most = max(most, int(lines[0].split()[1]) * 1024)
        time.sleep(0.002)
    if process.returncode != 0:
        raise RuntimeError("%s: exit code %d" % (command, process.returncode))
    return most


def least(command, **environment):
    return min(peak(command, **environment) for _ in range(RUNS))


def make_clip(folder, size):
    """An AVI of noise, with as many bytes as asked for behind its end."""
    path = os.path.join(folder, "%d.avi" % size)
    subprocess.run(["gst-launch-1.0", "-q", "videotestsrc", "num-buffers=25", "pattern=snow", "!",
                    "video/x-raw,width=64,height=64", "!", "jpegenc", "!", "avimux", "!",
                    "filesink", "location=" + path], check=True)
    os.truncate(path, size)
    return path


def report(name, bytes_used, base, curl=None):
    extra = bytes_used - base
    print("%-44s peak %6.1f MB, %6.1f MB above the small file's = %.2f of the file%s" % (
        name, bytes_used / MB, extra / MB, extra / LARGE,
        ", %.2f of curl's peak" % (bytes_used / curl) if curl else ""))


def main():
    with Emulator("--quiet", "--max-bytes=60000000") as url, tempfile.TemporaryDirectory() as folder:
        environment = {"IDENTIFAI_ENDPOINT": url, "IDENTIFAI_API_KEY": "any", "G_SLICE": "always-malloc"}
        small, large = make_clip(folder, 1 * MB), make_clip(folder, LARGE)

        def pipeline(clip, sink, blocksize=4096):
            return ["gst-launch-1.0", "-q", "filesrc", "location=" + clip, "blocksize=%d" % blocksize, "!", sink]

        base = least(pipeline(small, "identifaisink"), **environment)
        print("%-44s peak %6.1f MB" % ("1 MB: filesrc ! identifaisink", base / MB))
        curl = None
        if shutil.which("curl"):
            form = ["curl", "-sS", "-H", "X-Api-Key: any", url + "/api/classification_video", "-F"]
            curl_base = least(form + ["video=@%s;type=video/avi" % small])
            curl = least(form + ["video=@%s;type=video/avi" % large])
        for name, command in [
                ("48 MB: filesrc ! fakesink", pipeline(large, "fakesink")),
                ("48 MB: filesrc ! identifaisink", pipeline(large, "identifaisink")),
                ("48 MB: filesrc blocksize=1 MB ! identifaisink",
                 pipeline(large, "identifaisink", blocksize=MB))]:
            report(name, least(command, **environment), base, curl)
        if curl:
            report("48 MB: curl -F", curl, curl_base)
    return 0


if __name__ == "__main__":
    sys.exit(main())
