#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Killed with -9 in mid-flight, and started again with what it had said: every identifier that
was submitted ends in one outcome."""

import os
import signal
import subprocess
import sys

from emulator import SKIPPED, Emulator

try:
    import gi
    gi.require_version("Gst", "1.0")
    from gi.repository import GLib, Gst
except (ImportError, ValueError) as error:
    print("skipped:", error)
    sys.exit(SKIPPED)

ROUNDS = 3
PIPELINE = ("videotestsrc num-buffers={frames} pattern=ball ! video/x-raw,width=64,height=48,framerate=10/1 ! jpegenc ! "
            "identifaisink name=sink segment-duration=200000000 overflow=block max-pending-segments=4 no-cache=true "
            "ref-id=%u rate-limits=none")
OUTCOMES = ("identifai-verdict", "identifai-failed", "identifai-dropped")


def expect(what, ok):
    if not ok:
        print("FAILED:", what)
        sys.exit(1)


def child(endpoint, frames):
    """Resumes the entries that come in, and says what becomes of them and of its own segments."""
    Gst.init(None)
    pipeline = Gst.parse_launch(PIPELINE.format(frames=frames))
    sink = pipeline.get_by_name("sink")
    sink.set_property("endpoint", endpoint)
    sink.set_property("api-key", "any")
    pipeline.set_state(Gst.State.PAUSED)
    for line in sys.stdin:
        entry = Gst.Structure.from_string(line.strip())[0]
        expect("resume " + line, sink.emit("resume", entry))
    pipeline.set_state(Gst.State.PLAYING)
    while True:
        message = pipeline.get_bus().timed_pop(60 * Gst.SECOND)
        expect("something within a minute", message is not None and message.type != Gst.MessageType.ERROR)
        if message.type == Gst.MessageType.EOS:
            break
        structure = message.get_structure() if message.type == Gst.MessageType.ELEMENT else None
        if structure is None:
            continue
        name = structure.get_name()
        if name == "identifai-submitted":
            print("submitted", structure.get_string("identifier"), structure.to_string(), flush=True)
        elif name in OUTCOMES:
            print("outcome", structure.get_string("identifier"), structure.has_field("resumed"), flush=True)
    pipeline.set_state(Gst.State.NULL)
    print("end", sink.get_property("stats").get_value("resumed"), flush=True)


def run(endpoint, frames, entries, kill_after):
    """What a child says, until its end, or so many submits."""
    process = subprocess.Popen([sys.executable, __file__, "child", endpoint, str(frames)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    process.stdin.write("".join(entry + "\n" for entry in entries))
    process.stdin.close()
    lines, submitted = [], 0
    for line in process.stdout:
        lines.append(line.split(" ", 2))
        submitted += lines[-1][0] == "submitted"
        if submitted == kill_after:
            process.send_signal(signal.SIGKILL)
            lines += [more.split(" ", 2) for more in process.stdout.read().splitlines() if more.count(" ") >= 2]
            break
    process.stdout.close()
    code = process.wait(60)
    expect(f"the child's exit status, {code}", code == (-signal.SIGKILL if kill_after else 0))
    return lines


def main():
    pending, outcomes, everything = {}, {}, set()
    with Emulator("--delay=2") as endpoint:
        for number in range(ROUNDS + 1):
            last = number == ROUNDS
            before = len(pending)
            for line in run(endpoint, 6 if last else 40, pending.values(), 0 if last else 4 + number):
                if line[0] == "submitted":
                    pending[line[1]] = line[2].strip()
                    everything.add(line[1])
                elif line[0] == "outcome":
                    outcomes[line[1]] = outcomes.get(line[1], 0) + 1
                    pending.pop(line[1], None)
            expect(f"something is pending after round {number}", last or pending)
            if last:
                expect("the resumed ones are counted", line[0] == "end" and int(line[1]) == before)
    expect(f"all have one outcome: {outcomes}", set(outcomes) == everything and set(outcomes.values()) == {1})
    expect("nothing is pending", not pending)
    print(f"{len(everything)} identifiers in {ROUNDS + 1} runs, an outcome each")


if sys.argv[1:2] == ["child"]:
    child(sys.argv[2], int(sys.argv[3]))
else:
    main()
