#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs what stands as code in README.md and docs: commands.py [PAGE [LINE]]. Each block has a row
in ROWS, by its page and how it begins: how it is run, or why not. Cameras, encoders and servers are
replaced by those of sources.py. A block of output belongs to the commands before it: each of its
lines has to be printed, whatever the numbers."""

import concurrent.futures
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from emulator import Emulator
from sources import Missing, Sources, free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
PUBLISHER = ROOT / "tests/python/whippublisher.py"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
OUTPUT = (r"FOUND TAG|\d\d:\d\d:\d\d |identifai-emulator: |whip\.py: |\d+ available|\d+ streams|Got message |\[\{\"|\{\"|VERDICT: |Factory Details"
          r"|\d:\d\d:\d\d\.\d+ ")
COMMAND = r"identifai-(?:watch|moderate|account) |gst-launch-1\.0 "
PATIENCE = 180
LONGER = 5
AT_A_TIME = 4
CAMERA = "videotestsrc is-live=true num-buffers=150 ! video/x-raw,width=320,height=180,framerate=25/1"
# what a page names, and what stands there instead; {server} is asked for by name
REPLACED = (
    ("v4l2src", CAMERA),
    ("ximagesrc use-damage=false", CAMERA),
    ("rtsp://camera7/stream", "rtsp://{rtsp}/stream"),
    ("rtsp://camera8/stream", "rtsp://{rtsp}/stream"),
    ("live/out", "live/out{free}"),
    ("rtmp://server/live/", "rtmp://{rtmp}/live/"),
    ("rtmp://127.0.0.1/live/", "rtmp://{rtmp}/live/"),
    ("srt://encoder:7000", "srt://{srt}"),
    ("srt://127.0.0.1:9000", "srt://{srt}"),
    ("port=5000", "port={udp}"),
    ("http://server/", "http://{web}/"),
    ("http://station/", "http://{web}/"),
    ("127.0.0.1:8080", "127.0.0.1:{emulator}"),
    ("--port 8080", "--port {emulator}"),
    ("127.0.0.1:9001", "127.0.0.1:{free}"),
    ("127.0.0.1:8889", "127.0.0.1:{free}"),
    ("--port 8889", "--port {free}"),
    ("https://gateway.example", "$IDENTIFAI_ENDPOINT"),
    ("/etc/identifai.key", "key"),
    ("127.0.0.1:PORT", "127.0.0.1:{emulator}"),
)
# a stream without end gets SIGINT after so many seconds; curl waits for who has just been started
PRELUDE = """set -e
identifai-watch () { command timeout --preserve-status --foreground -s INT $SECONDS_LIVE identifai-watch "$@" || [ $? = ${STATUS:-0} ]; }
gst-launch-1.0 () { command timeout --preserve-status --foreground -s INT $SECONDS_LIVE gst-launch-1.0 "$@"; }
identifai-moderate () { command timeout --preserve-status --foreground -s INT $SECONDS_LIVE identifai-moderate "$@"; }
identifai-emulator () { command identifai-emulator -q --rate-limits off --partner boss --delay 0.2 "$@"; }
curl () { command curl --fail-with-body --max-time 30 --retry 9 --retry-delay 1 --retry-connrefused "$@"; }
"""


def run(seconds=8, prints=(), before="", status=0, quiet=False):
    """seconds: until Ctrl-C. prints: what has to be in the output, besides the block of output; that may be missing only where nothing is printed: quiet."""
    return {"kind": "run", "seconds": seconds, "prints": prints, "before": before, "status": status, "quiet": quiet}


def config():
    """Of identifai-moderate: --check has nothing to say."""
    return {"kind": "config"}


def elsewhere(why):
    return {"kind": "elsewhere", "why": why}


PICTURES = """gst-launch-1.0 -q videotestsrc num-buffers=1 pattern=solid-color foreground-color=0xffff00ff ! videoconvert ! pngenc ! filesink location=magenta.png
"""
TEXT = elsewhere("no command")
DIAGRAM = elsewhere("a diagram")

ROWS = {
    "README.md": {
        "camera, file, stream": DIAGRAM,
        "examples/try": elsewhere("is run by a clean Debian, before each release: it installs packages"),
        "tests/run": elsewhere("is what runs this"),
        "identifai-emulator --port 8080": run(),
        "gst-launch-1.0 -t filesrc": run(),
        "identifai-watch clip.mp4": run(),
        "identifai-watch v4l2src ! videoconvert ! video/x-raw,format=I420 ! x264enc tune=zerolatency ! h264parse ! tee":
            run(16),
        "identifai-watch v4l2src": run(60, before="cut='hold=20000000000 segment-duration=2000000000'"),
    },
    "docs/applications.md": {
        "#include": elsewhere("applications.py"), "import signal": elsewhere("applications.py"), "use gstreamer": elsewhere("applications.py"),
        "videotestsrc": elsewhere("applications.py"), "segment 0:": elsewhere("applications.py"),
        "identifai-verdict,": elsewhere("shortened; messages.py reads all fields"),
    },
    "docs/contributing.md": {
        ".ci/setup test": elsewhere("how this was built"),
        "git clone --depth 1": elsewhere("fetches GStreamer's source; where gst-validate-1.0 is, validate.py was run by hand"),
        "GST_DEBUG=": run(before="touch log"),
    },
    "docs/design.md": {"": DIAGRAM},
    "docs/emulator.md": {
        "identifai-emulator --port 8080 &": run(prints=("identifai-verdict",)),
        "gst-launch-1.0 -q videotestsrc": run(prints=('"classification"', "ann@example.com"), before="emulate"),
        "curl -d 'cam7*": run(prints=("cam7",), before="emulate"),
        "curl -d 'submit#2-3": run(prints=("503",), before="emulate"),
        "curl http://127.0.0.1:8080/emulator/requests": run(prints=("/api/user/credits",), before="asked"),
        "server {": elsewhere("nghttpx.c and front.c run fronts like this"),
    },
    "docs/fleet.md": {
        "identifai-watch rtspsrc": run(14),
        "domain: identifai": elsewhere("Envoy's rate-limit service isn't in Debian; the page says that it isn't tested"),
    },
    "docs/gate.md": {
        "identifai-watch rtmp2src": run(30),
        "identifai-watch srtsrc": run(30),
        "hold >= ": TEXT,
        "ffmpeg -v error": run(before="rm -f slate.mp4", quiet=True),
        "ninja -C BUILD": elsewhere("half an hour each; the test line runs them for a minute"),
    },
    "docs/inputs.md": {
        "gst-launch-1.0 -t filesrc": run(),
        "identifai-watch clip.mp4": run(),
        "identifai-watch filesrc location=long.mkv": run(),
        "identifai-watch filesrc location=speech.wav": run(7),
        "identifai-watch filesrc location=photo.png": run(20),
        "examples/whip.py": run(20),
        "identifai-watch": run(7),
    },
    "docs/install.md": {
        ".ci/setup run": elsewhere("installs: a clean Debian runs it, before each release"),
        "gst-inspect-1.0": run(),
        "export IDENTIFAI_API_KEY=": run(quiet=True),
        "identifai-emulator --port 8080 &": run(),
    },
    "docs/moderation.md": {
        "[defaults]": config(), "[program]": config(), "studio: policy": TEXT,
        "identifai-moderate --check": run(before="emulate"), "identifai-moderate cameras.conf": run(18),
        "groupadd": elsewhere("a system's groups and units, which a container has not"), "[Service]": elsewhere("a unit's settings"),
    },
    "docs/operation.md": {
        "identifai-watch rtspsrc": run(14),
        "[Unit]": elsewhere("systemd-analyze, which a container has not"),
    },
    "docs/performance.md": {"meson devenv": elsewhere("minutes of measuring: the test bench runs a short one")},
    "docs/reference/identifai-account.md": {
        "identifai-account COMMAND": TEXT,
        "identifai-account credits": run(before="account"),
    },
    "docs/reference/identifai-emulator.md": {
        "identifai-emulator [": TEXT,
        "curl -d": run(before="emulate"),
        "identifai-emulator --port": run(),
    },
    "docs/reference/identifai-moderate.md": {"identifai-moderate [": TEXT, "[defaults]": config()},
    "docs/reference/identifai-watch.md": {
        "identifai-watch [": TEXT,
        "identifai-watch": run(14),
    },
    "docs/tour.md": {
        ".ci/setup run": elsewhere("how this was built"),
        "identifai-emulator": run(),
        "gst-launch-1.0 -q": run(),
        "gst-launch-1.0 -t": run(),
        "identifai-watch": run(12),
        "identifai-account": run(),
        "[program]": config(),
        "identifai-moderate": run(10),
        "unset": elsewhere("wants a key"),
    },
}
# what stands before the commands of a block
BEFORE = {
    "emulate": "identifai-emulator --port 8080 --allow-fetch=localhost &\n" + PICTURES,
    "asked": "identifai-emulator --port 8080 &\ncurl -H 'X-Api-Key: any' http://127.0.0.1:8080/api/user/credits\n",
    "account": "identifai-emulator --port 8080 &\n" + PICTURES + """export IDENTIFAI_ENDPOINT=http://127.0.0.1:8080
HASH=$(sha256sum magenta.png | cut -d' ' -f1)
ID=$(curl -s -H 'X-Api-Key: any' -F image=@magenta.png $IDENTIFAI_ENDPOINT/api/classification)
until identifai-account results $ID | grep -q confidence; do sleep 0.1; done
""",
}


def find_blocks(page):
    """(line, text) of fenced and indented code; of a list's, too."""
    lines = page.read_text().split("\n")
    i = 0
    while i < len(lines):
        start = i
        if lines[i].lstrip().startswith("```"):
            indent = len(lines[i]) - len(lines[i].lstrip())
            i += 1
            while not lines[i].lstrip().startswith("```"):
                i += 1
            yield start + 1, "\n".join(line[indent:] for line in lines[start + 1:i])
        elif lines[i].startswith("    ") and lines[i].strip() and (i == 0 or not lines[i - 1].strip()):
            while i < len(lines) and (lines[i].startswith("    ") or not lines[i].strip()):
                i += 1
            text = "\n".join(line[4:] for line in lines[start:i]).rstrip()
            for piece in re.split(rf"\n\n(?={OUTPUT}|{COMMAND})", text):
                yield start + 1, piece
                start += piece.count("\n") + 2
            continue
        i += 1


def find_row(page, text):
    rows = ROWS.get(str(page.relative_to(ROOT)), {})
    for beginning in sorted(rows, key=len, reverse=True):
        if text.lstrip().startswith(beginning):
            return beginning, rows[beginning]
    return None, None


class Block:
    def __init__(self, page, line, text, row):
        self.name = f"{page.relative_to(ROOT)}:{line}"
        self.text, self.row, self.shown = text, row, []
        self.faults, self.note, self.took = [], "", 0

    def matches(self, line, printed):
        """Whatever the numbers, the names of what was judged, and the time."""
        pattern = re.escape(" ".join(line.split()))
        pattern = pattern.replace("…", ".*")
        pattern = re.sub(r"\b(?:0x)?[0-9a-f]{12,}\b|\d+", lambda m: "0x[0-9a-f]+" if m[0].startswith("0x") else "[0-9a-f.]+", pattern)
        pattern = re.sub(r"rtsp\S*|http\S*", lambda m: r"\S+", pattern)
        return re.search(pattern, printed) is not None

    def check(self, printed, status):
        plain = re.sub(r"[ \t]+", " ", re.sub(r"\x1b\[[\d;]*[mK]", "", printed))
        if status != self.row["status"]:
            self.faults.append(f"ends with {status}")
        if not self.shown and not self.row["quiet"]:
            self.faults.append("has no output below it")
        if self.row["quiet"] and plain.strip():
            self.faults.append("is said to print nothing")
        for line in self.shown:
            if not self.matches(line, plain):
                self.faults.append(f"doesn't print {line!r}")
        for word in self.row["prints"]:
            if word not in printed:
                self.faults.append(f"doesn't print {word!r}")
        if self.faults:
            self.note = printed[-3000:]


def prepare(text, row):
    """A block as a script; one that only starts the emulator gives it time to say so."""
    if text.startswith("identifai-emulator"):
        text += "\nsleep 1"
    before = row["before"]
    if text.startswith("examples/whip.py"):
        return (f"/usr/bin/python3 {PUBLISHER} http://127.0.0.1:8889/whip 7 &\n"
                f"timeout --preserve-status -s INT $SECONDS_LIVE /usr/bin/python3 {ROOT}/{text}\n# {{webrtc}}\n")
    if before.startswith("cut="):
        return text.replace("identifaigate ", f"identifaigate {before[5:-1]} ")
    return BEFORE.get(before, before + "\n") + text.replace("…", "clip.mp4" if text.startswith("GST_DEBUG") else "key") \
        .replace("79651dd0-2b1c-4c0e-8d7e-0d5f0c4d2a10", "$ID") \
        .replace("requests/17", "requests/1").replace("override HASH", "override --kind images $HASH").replace("camera7 -e", "segment -e")


def fill(script, sources):
    """The servers that a script names, in place."""
    for old, new in REPLACED:
        script = script.replace(old, new)
    port = str(free_port())
    found = set(re.findall(r"\{(\w+)\}", script)) & {"rtsp", "rtmp", "srt", "udp", "web", "webrtc", "emulator", "free"}
    for name in found:
        script = script.replace("{" + name + "}", port if name == "emulator" else str(free_port()) if name == "free" else sources.get(name))
    return script


def run_block(block, sources, environment):
    """A busy machine may print too little until Ctrl-C: it gets more time then."""
    for seconds in (block.row["seconds"], LONGER * block.row["seconds"]):
        block.faults, block.note = [], ""
        run_once(block, sources, environment, seconds)
        if not block.faults:
            break
    return block


def provide(sources, folder):
    """What is there for all: a block may write over its own copy only, as others read it meanwhile."""
    for name in os.listdir(sources.folder):
        if name in ("recordings", "incoming"):
            os.symlink(sources.folder / name, pathlib.Path(folder) / name)
        elif (sources.folder / name).is_file() and not name.startswith(("log", "part")):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(sources.folder / name, folder)


def run_once(block, sources, environment, seconds):
    try:
        script = fill(prepare(block.text, block.row), sources)
    except Missing as missing:
        block.note = f"not run: there is no {missing}"
        return
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=sources.folder) as folder:
        provide(sources, folder)
        process = subprocess.Popen(["bash", "-c", PRELUDE + script], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   env={**environment, "SECONDS_LIVE": str(seconds)}, text=True, errors="replace", start_new_session=True)
        timer = threading.Timer(PATIENCE, os.killpg, (process.pid, signal.SIGKILL))
        timer.start()
        threading.Thread(target=end_group, args=(process,), daemon=True).start()
        printed = process.stdout.read()
        timer.cancel()
        block.check(printed, process.wait())
        block.took = time.monotonic() - began


def end_group(process):
    """An emulator in the background holds the pipe: it goes with the script."""
    process.wait()
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def check_config(block, sources, environment):
    path = sources.folder / f"{abs(hash(block.text))}.conf"
    text = block.text.replace("/etc/identifai.key", str(sources.folder / "key")).replace("=/var/", f"={sources.folder}/")
    for folder in ("log/identifai-moderate", "lib/identifai-moderate"):
        (sources.folder / folder).mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(line.strip() for line in text.split("\n")) + "\n")
    done = subprocess.run(["identifai-moderate", "--check", "--offline", path], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=PATIENCE, check=False)
    if done.returncode != 0:
        block.faults.append(f"--check ends with {done.returncode}")
        block.note = done.stdout
    return block


def collect(wanted):
    """The blocks, in order, with the output that belongs to them; and what is wrong with the rows."""
    blocks, faults, used = [], [], set()
    for page in PAGES:
        last = None
        for line, text in find_blocks(page):
            if re.match(OUTPUT, text):
                last.shown += [shown for shown in text.split("\n") if shown.strip()]
                continue
            beginning, row = find_row(page, text)
            if row is None:
                faults.append(f"{page.relative_to(ROOT)}:{line} has no row: {text.splitlines()[0]}")
                continue
            used.add((str(page.relative_to(ROOT)), beginning))
            last = Block(page, line, text, row)
            blocks.append(last)
    for page, rows in ROWS.items():
        faults += [f"{page} has no block that begins with {beginning!r}" for beginning in rows if (page, beginning) not in used]
    return [block for block in blocks if block.name.startswith(wanted)], faults


def main():
    blocks, faults = collect(":".join(sys.argv[1:]))
    programs = [os.environ.get("IDENTIFAI_" + name, "") for name in ("WATCH", "MODERATE", "ACCOUNT", "EMULATOR", "REPLAY")]
    with tempfile.TemporaryDirectory() as folder, Emulator("--delay=0.2") as endpoint:
        sources = Sources(folder)
        environment = {**os.environ, "IDENTIFAI_ENDPOINT": endpoint, "IDENTIFAI_API_KEY": "any", "LC_ALL": "C.UTF-8",
                       "PATH": ":".join([os.path.dirname(path) for path in programs if path] + [os.environ["PATH"]])}
        try:
            (sources.folder / "key").write_text("any\n")
            tour = [text for _, text in find_blocks(ROOT / "docs/tour.md") if text.startswith("[program]")]
            (sources.folder / "streams.conf").write_text(tour[0].replace(":8470", f":{free_port()}"))
            sources.make_files()
            cameras = [text for _, text in find_blocks(ROOT / "docs/moderation.md") if text.startswith("[defaults]")]
            (sources.folder / "cameras.conf").write_text(fill(cameras[0].replace("=12s", "=4s"), sources).replace("=key", f"={sources.folder}/key"))
            with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
                runs = [pool.submit(check_config if block.row["kind"] == "config" else run_block, block, sources, environment)
                        for block in blocks if block.row["kind"] != "elsewhere"]
                for block in (done.result() for done in runs):
                    print(f"{'FAILED' if block.faults else 'ok'}: {block.name} {block.took:.0f} s {'; '.join(block.faults)}{block.note and chr(10) + block.note}", flush=True)
                    faults += [f"{block.name} {fault}" for fault in block.faults]
        finally:
            sources.stop()
    elsewhere_run = [block for block in blocks if block.row["kind"] == "elsewhere"]
    for block in elsewhere_run:
        print(f"elsewhere: {block.name} ({block.row['why']})")
    for fault in faults:
        print("FAILED:", fault)
    print(f"{len(blocks) - len(elsewhere_run)} blocks run, {len(elsewhere_run)} are not, {len(faults)} faults")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
