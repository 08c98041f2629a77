#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compiles and runs the programs in docs/applications.md against the emulator: to the end of a
stream, of a live one that Ctrl-C ends, and where nobody listens. Rust where Debian's crate is."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from emulator import Emulator

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/applications.md"
CRATES = pathlib.Path("/usr/share/cargo/registry")
PATIENCE = 120
MANIFEST = """[package]
name = "verdicts"
version = "0.1.0"
edition = "2021"

[dependencies]
gstreamer = "0.23"
"""
LIVE = "videotestsrc is-live=true ! x264enc key-int-max=25 tune=zerolatency ! h264parse ! identifaisink name=s segment-duration=1000000000"


# what goes to the second sink fills its queue, and then holds up the source
HELD_UP = ("videotestsrc is-live=true ! x264enc key-int-max=2 tune=zerolatency ! h264parse ! tee name=t ! queue ! identifaisink async=false "
           "segment-duration=500000000 t. ! queue max-size-buffers=30 max-size-bytes=0 max-size-time=0 ! fakesink async=false sync=true ts-offset=600000000000")
EXAMPLE = PAGE.parents[1] / "examples/moderate.py"


def read_page():
    """The programs by language, the pipeline they are tried with, and what each prints."""
    text = PAGE.read_text()
    programs = dict(re.findall(r"^```(c|python|rust)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    pipeline, printed = re.search(r"Tried with\n\n    (.*?)\n\neach prints\n\n(.*?)\n\n", text, re.DOTALL).groups()
    return programs, pipeline, [line.strip() for line in printed.splitlines()]


def make_c(source, folder):
    (folder / "verdicts.c").write_text(source)
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "gstreamer-1.0"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    subprocess.run(["cc", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", "-o", folder / "verdicts", folder / "verdicts.c", *flags], check=True)
    return [folder / "verdicts"]


def make_python(source, folder):
    (folder / "verdicts.py").write_text(source)
    return [sys.executable, "-u", folder / "verdicts.py"]


def make_rust(source, folder):
    if not shutil.which("cargo") or not list(CRATES.glob("gstreamer-0.23*")):
        return None
    (folder / "src").mkdir()
    (folder / ".cargo").mkdir()
    (folder / "src/main.rs").write_text(source)
    (folder / "Cargo.toml").write_text(MANIFEST)
    (folder / ".cargo/config.toml").write_text(
        f'[source.crates-io]\nreplace-with = "debian"\n[source.debian]\ndirectory = "{CRATES}"\n')
    subprocess.run(["cargo", "build", "--offline", "--quiet"], cwd=folder, check=True, timeout=600)
    return [folder / "target/debug/verdicts"]


MAKERS = {"c": make_c, "python": make_python, "rust": make_rust}
faults = []


def expect(what, ok, text=""):
    if not ok:
        faults.append(what)
        print("FAILED:", what, text)


def start(command, pipeline, endpoint):
    return subprocess.Popen([*command, *pipeline.split()], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            env={**os.environ, "IDENTIFAI_ENDPOINT": endpoint, "IDENTIFAI_API_KEY": "any"})


def check_whole(language, command, pipeline, printed, endpoint):
    process = start(command, pipeline, endpoint)
    text = process.communicate(timeout=PATIENCE)[0]
    expect(f"{language}: each segment's line", sorted(text.split("\n")[:-1]) == sorted(printed), text)
    expect(f"{language}: status 0", process.returncode == 0)


def check_interrupted(language, command, endpoint):
    """Ctrl-C in the middle: all that was sent is judged. Rust's has no signals: nothing but the end."""
    process = start(command, LIVE, endpoint)
    lines = [process.stdout.readline(), process.stdout.readline()]
    process.send_signal(signal.SIGINT)
    if language == "rust":
        process.communicate(timeout=PATIENCE)
        return
    text = process.communicate(timeout=PATIENCE)[0]
    numbers = sorted(int(n) for n in re.findall(r"^segment (\d+): human", "".join(lines) + text, re.MULTILINE))
    expect(f"{language}: verdicts up to Ctrl-C, and the rest", len(numbers) >= 3 and numbers == list(range(len(numbers))), text)


def check_held_up(what, command, number, endpoint):
    """Where the stream can't end, the second signal ends the program."""
    process = start(command, HELD_UP, endpoint)
    process.stdout.readline()
    time.sleep(2)   # nothing says that the queue is full
    process.send_signal(number)
    time.sleep(0.5)
    process.send_signal(number)
    try:
        process.communicate(timeout=40)
    except subprocess.TimeoutExpired:
        process.kill()
        expect(f"{what}: ends, though its source is held up", False, process.communicate()[0])


def check_unreachable(language, command, pipeline):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        process = start(command, pipeline + " retries=0", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        text = process.communicate(timeout=PATIENCE)[0]
    expect(f"{language}: tells what nobody judged", text.count("not judged, network") == 3 and "The connection to the classification service failed" in text and process.returncode == 1, text)


def main():
    programs, pipeline, printed = read_page()
    expect("three programs", set(programs) == set(MAKERS), programs.keys())
    with tempfile.TemporaryDirectory() as folder, Emulator() as endpoint:
        for language, source in programs.items():
            place = pathlib.Path(folder) / language
            place.mkdir()
            command = MAKERS[language](source, place)
            if command is None:
                print(f"{language}: Debian's crate isn't here, not tried")
                continue
            began = time.monotonic()
            check_whole(language, command, pipeline, printed, endpoint)
            check_interrupted(language, command, endpoint)
            check_unreachable(language, command, pipeline)
            check_held_up(language, command, signal.SIGINT, endpoint)
            print(f"{language}: {time.monotonic() - began:.1f} s")
        check_held_up("moderate.py", [sys.executable, "-u", EXAMPLE], signal.SIGTERM, endpoint)
    sys.exit(bool(faults))


main()
