#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Takes the pictures of docs/tour.md anew, in Chromium without a window, by what the tour itself
says: meson devenv -C BUILD ../docs/screenshots.py"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

DOCS = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent / "tests/python"))
import browser  # noqa: E402

WIDTH, HEIGHT = 1000, 760


def find_block(text, beginning, end=r"\n\n"):
    """The code that begins so, without its indentation; its output is behind an empty line."""
    block = re.search(rf"^    ({re.escape(beginning)}.*?){end}", text, re.MULTILINE | re.DOTALL)[1]
    return re.sub(r"^ {4}", "", block, flags=re.MULTILINE)


def wait_for_port(port):
    subprocess.run(["curl", "-s", "-o", "/dev/null", "--retry", "20", "--retry-connrefused", "--retry-delay", "1", f"http://127.0.0.1:{port}/"], check=True)


def shrink(path):
    """The top of it, in few colours, so that it is small."""
    small = path.with_suffix(".small.png")
    subprocess.run(["ffmpeg", "-loglevel", "error", "-y", "-i", path, "-vf", f"crop=iw:min(ih\\,{HEIGHT}):0:0,split[a][b];[a]palettegen=max_colors=64[p];[b][p]paletteuse=dither=none",
                    "-update", "1", "-frames:v", "1", small], check=True, stdin=subprocess.DEVNULL)
    small.replace(path)


def take(address, path, ready):
    with browser.Browser() as chromium:
        tab = chromium.open(address)
        tab.resize(WIDTH, HEIGHT)
        tab.wait(ready)
        time.sleep(2)
        tab.picture(path)
    shrink(path)
    print(f"{path.name}: {path.stat().st_size} bytes")


def main():
    text = (DOCS / "tour.md").read_text()
    processes = []
    environment = {**os.environ, "IDENTIFAI_ENDPOINT": "http://127.0.0.1:8080", "IDENTIFAI_API_KEY": "any"}
    with tempfile.TemporaryDirectory() as folder:
        try:
            processes.append(subprocess.Popen(["identifai-emulator", "--port", "8080", "-q"], stdout=subprocess.DEVNULL))
            wait_for_port(8080)
            subprocess.run(["bash", "-c", find_block(text, "gst-launch-1.0 -q videotestsrc")], cwd=folder, env=environment, check=True)
            subprocess.run(["bash", "-c", find_block(text, "identifai-watch videotestsrc is-live")], cwd=folder, env=environment, check=True)
            take("http://127.0.0.1:8080/", DOCS / "tour-emulator.png", "document.images.length > 8")
            (pathlib.Path(folder) / "streams.conf").write_text(find_block(text, "[program]", r"\n\n(?! )"))
            processes.append(subprocess.Popen(["identifai-moderate", "streams.conf"], cwd=folder, env=environment, stdout=subprocess.DEVNULL))
            wait_for_port(8470)
            take("http://127.0.0.1:8470/", DOCS / "tour-moderate.png",
                 'document.querySelectorAll("article.blocked").length === 1 && document.querySelectorAll(".line .artificial").length > 3')
        finally:
            for process in reversed(processes):
                process.terminate()
                process.wait()


main()
