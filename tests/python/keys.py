#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The key shows up in nothing that gst-launch-1.0 writes: not in its output, in
logs of the highest level, in messages, in .dot files; whatever the service says."""

import os
import socket
import sys
import tempfile

from emulator import Emulator, run

KEY = "Jae7-this-is-the-key-ohK3"
# What must be in the log, or the log proves nothing.
WITNESSES = (b"identifaisink", b"identifaioutbox", b"POST ")
SOURCE = ["videotestsrc", "num-buffers=3", "!", "jpegenc", "!", "avimux", "!"]
# What the emulator does, and gst-launch-1.0's exit code.
CASES = [
    ("a verdict", (), 0),
    ("401", ("--api-key=another",), 1),
    ("500", ("--fault=submit:status=500",), 1),
    ("a result that fails", ("--fault=get:status=500",), 1),
    ("echoed", ("--fault=submit:status=400,body={\"error\":\"your key is " + KEY + "\"}",), 1),
]
WAYS = ["environment", "file"]


def check(what, folder, output):
    problems = []
    files = [os.path.join(root, name) for root, _, names in os.walk(folder) for name in names if name != "key"]
    texts = [("output", output)] + [(path, open(path, "rb").read()) for path in files]
    log = b"".join(text for _, text in texts)
    problems += ["the key is in " + name for name, text in texts if KEY.encode() in text]
    problems += ["%r is missing" % word for word in WITNESSES if word not in log]
    if not any(path.endswith(".dot") for path in files):
        problems.append("there is no .dot file")
    print("%-40s %8d bytes in %d files: %s" % (what, len(log), len(texts), "; ".join(problems) or "no key"))
    return not problems


def launch(url, folder, way, code, what):
    environment = {"GST_DEBUG": "9", "GST_DEBUG_NO_COLOR": "1", "GST_DEBUG_FILE": os.path.join(folder, "log"),
                   "GST_DEBUG_DUMP_DOT_DIR": folder, "G_MESSAGES_DEBUG": "all", "IDENTIFAI_ENDPOINT": url}
    properties = ["retries=0", "verdict-timeout=3000000000"]
    if way == "environment":
        environment["IDENTIFAI_API_KEY"] = KEY
    else:
        path = os.path.join(folder, "key")
        with open(path, "w") as file:
            file.write(KEY + "\n")
        properties.append("api-key-file=" + path)
    got, output = run(["gst-launch-1.0", "-v", "-m", *SOURCE, "identifaisink", *properties], **environment)
    if got != code:
        print(output[-2000:].decode(errors="replace"))
        print("%s: exit code %d, not %d" % (what, got, code))
        return False
    return check(what, folder, output)


def unused_port(keeper):
    """One where nobody listens, and nobody else will while the socket is open."""
    keeper.bind(("127.0.0.1", 0))
    return keeper.getsockname()[1]


def main():
    good = True
    for way in WAYS:
        for what, options, code in CASES:
            with Emulator("--quiet", *options) as url, tempfile.TemporaryDirectory() as folder:
                good &= launch(url, folder, way, code, "%s, key from the %s" % (what, way))
        with tempfile.TemporaryDirectory() as folder, socket.socket() as keeper:
            good &= launch("http://127.0.0.1:%d" % unused_port(keeper), folder, way, 1, "no network, key from the " + way)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
