#!/usr/bin/env python3
# identifAI plugin for GStreamer
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What identifaisink costs the other branch of a live pipeline while the service
is in trouble:

  videotestsrc is-live=true ! x264enc tune=zerolatency ! h264parse ! tee
    tee. ! queue ! fakesink sync=true       every frame's lateness is taken here
    tee. ! queue ! identifaisink

Four kinds of trouble, each in a process of its own, all at the same time:

  delay     the service answers every call after 30 s
  silent    it accepts connections and says nothing
  gone      nobody listens
  reset     every second connection is reset in the middle of the upload

and `none` to compare. Each process runs the same pipeline without identifaisink
beside it, the control: a frame is late if it comes more than 40 ms later than the
control's latest frame of the same three seconds. So what the machine does to both
doesn't count, and neither does the first second, when all of it starts. On a
machine that is busy otherwise, some frames of both are late by chance: then
control_late, the same count the other way round, is about as high as late.

A benchmark, not a test, as it takes minutes. To run it:

  ninja -C BUILD && meson devenv -C BUILD python3 ../tests/bench/soak.py
  … soak.py --duration 3600 --modes silent,gone --bitrate 4000
  … soak.py --source 'filesrc location=long.mp4 ! qtdemux ! h264parse ! identity sync=true'

It needs python3-gst-1.0, x264enc, and the emulator in $IDENTIFAI_EMULATOR or in
PATH. Lateness is in ms: when a frame comes to the branch, by the pipeline's
clock, less when it is due. RSS is the process' peak in MB. Exit code 1: a frame
was late (more than twice as many as the control's), or a segment has no outcome
or two.
"""

import argparse
import collections
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

FAULTS = {
    "none": [],
    "delay": ["any:delay=30"],
    "silent": ["any:silence"],
    "reset": ["any#%2:reset", "submit#%2:reset-upload=2000"],
    "gone": None,
}
LATE = 40 * Gst.MSECOND
START = Gst.SECOND
SOURCE = ("videotestsrc is-live=true pattern=ball ! "
          "video/x-raw,width=320,height=240,framerate=25/1 ! "
          "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=50 "
          "bitrate={bitrate} threads=1 ! h264parse")
LIMITS = "limits,post-per-second=1,post-per-minute=30,get-per-second=2,get-per-minute=60"


def emulator_path():
    path = os.environ.get("IDENTIFAI_EMULATOR") or shutil.which("identifai-emulator")
    if not path:
        sys.exit("soak: set IDENTIFAI_EMULATOR to the emulator's path")
    return path


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Service:
    """The emulator with its faults, or nothing at all."""

    def __init__(self, mode):
        self.process = None
        self.url = f"http://127.0.0.1:{free_port()}"
        if FAULTS[mode] is None:
            return
        command = [emulator_path(), "--quiet", "--jobs", "1",
                   "--port", self.url.rsplit(":", 1)[1]]
        for fault in FAULTS[mode]:
            command += ["--fault", fault]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self.wait()

    def wait(self):
        port = int(self.url.rsplit(":", 1)[1])
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        sys.exit("soak: the emulator does not start")

    def close(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()


class Branch:
    """A pipeline, and when each frame comes to the branch that must not suffer."""

    def __init__(self, description):
        self.pipeline = Gst.parse_launch(description)
        self.frames = []        # (running time of arrival, lateness), ns
        pad = self.pipeline.get_by_name("branch").get_static_pad("sink")
        pad.add_probe(Gst.PadProbeType.BUFFER, self.on_frame)

    def on_frame(self, pad, info):
        now = (self.pipeline.get_clock().get_time()
               - self.pipeline.get_base_time())
        segment = pad.get_sticky_event(Gst.EventType.SEGMENT, 0).parse_segment()
        due = segment.to_running_time(Gst.Format.TIME, info.get_buffer().pts)
        self.frames.append((now, now - due))
        return Gst.PadProbeReturn.OK

    def post_errors_to(self, func):
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message", func)


class Soak:
    """One mode, in a process of its own."""

    def __init__(self, mode, options):
        self.counts = collections.Counter()
        self.outcomes = collections.Counter()
        self.texts = []
        self.loop = GLib.MainLoop()
        self.service = Service(mode)
        source = (options.source or SOURCE).format(bitrate=options.bitrate)
        fake = "queue name=branch ! fakesink sync=true"
        self.control = Branch(f"{source} ! {fake}")
        self.soaked = Branch(
            f"{source} ! tee name=t  t. ! {fake}  t. ! queue ! "
            f"identifaisink name=sink endpoint={self.service.url} api-key=any "
            f"segment-duration={int(options.segment * Gst.SECOND)} "
            f"rate-limits=\"{LIMITS}\" drain-timeout=0 retries={options.retries} timeout=60")
        self.sink = self.soaked.pipeline.get_by_name("sink")
        self.control.post_errors_to(self.on_message)
        self.soaked.post_errors_to(self.on_message)

    def on_message(self, bus, message):
        if message.type == Gst.MessageType.ELEMENT:
            structure = message.get_structure()
            name = structure.get_name()
            if name in ("identifai-verdict", "identifai-failed", "identifai-dropped"):
                self.outcomes[structure.get_uint("segment")[1]] += 1
            self.counts[name] += 1
        elif message.type in (Gst.MessageType.WARNING, Gst.MessageType.INFO):
            self.counts[message.type.first_value_nick] += 1
        elif message.type == Gst.MessageType.ERROR:
            self.counts["error"] += 1
            self.texts.append(message.parse_error()[0].message)
            self.loop.quit()
        elif message.type == Gst.MessageType.EOS:
            self.loop.quit()

    def run(self, duration):
        for branch in (self.control, self.soaked):
            branch.pipeline.set_state(Gst.State.PLAYING)
        GLib.timeout_add_seconds(duration, self.loop.quit)
        self.loop.run()
        stats = self.sink.get_property("stats")
        segments = stats.get_uint64("segments")[1]
        before_stop = time.monotonic()
        self.soaked.pipeline.set_state(Gst.State.READY)
        stop = time.monotonic() - before_stop
        while GLib.MainContext.default().iteration(False):
            pass                # the last outcomes; NULL would throw them away
        for branch in (self.control, self.soaked):
            branch.pipeline.set_state(Gst.State.NULL)
        self.service.close()
        return segments, stop, self.soaked.frames, self.control.frames

    def report(self, duration):
        segments, stop, frames, control = self.run(duration)
        lateness = sorted(late for now, late in frames if now > START) or [0]
        with open("/proc/self/status", encoding="ascii") as f:
            peak = int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1))
        return {
            "frames": len(frames), "control": len(control),
            "late": count_late(frames, control),
            "control_late": count_late(control, frames),
            "median": lateness[len(lateness) // 2] / Gst.MSECOND,
            "worst": lateness[-1] / Gst.MSECOND,
            "control_worst": max(
                (late for now, late in control if now > START), default=0) / Gst.MSECOND,
            "segments": self.counts["identifai-segment"],
            "verdicts": self.counts["identifai-verdict"],
            "failed": self.counts["identifai-failed"],
            "dropped": self.counts["identifai-dropped"],
            "warnings": self.counts["warning"], "infos": self.counts["info"],
            "errors": self.texts, "stop": stop, "rss": peak / 1024,
            "books": (set(self.outcomes.values()) <= {1} and
                      len(self.outcomes) == self.counts["identifai-segment"]
                      and segments <= self.counts["identifai-segment"]),
        }


def count_late(frames, control):
    """Frames more than LATE later than the control's latest around them."""
    worst = collections.defaultdict(lambda: 0)
    for now, lateness in control:
        second = now // Gst.SECOND
        for s in (second - 1, second, second + 1):
            worst[s] = max(worst[s], lateness)
    return sum(lateness > worst[now // Gst.SECOND] + LATE
               for now, lateness in frames if now > START)


COLUMNS = ("frames", "late", "control_late", "median", "worst",
           "control_worst", "segments", "verdicts", "failed", "dropped", "warnings", "infos", "stop", "rss")


def print_table(reports):
    print("mode    " + "".join(f"{c:>14}" for c in COLUMNS))
    for mode, report in reports.items():
        cells = (report[c] for c in COLUMNS)
        print(f"{mode:8}" + "".join(
            f"{c:>14.1f}" if isinstance(c, float) else f"{c:>14}" for c in cells))
        for text in report["errors"]:
            print(f"  error: {text}")
        if not report["books"]:
            print("  not every segment has one outcome")


def run_all(options):
    processes = {}
    for mode in options.modes.split(","):
        command = [sys.executable, __file__, "--run", mode] + sys.argv[1:]
        processes[mode] = subprocess.Popen(command, stdout=subprocess.PIPE)
    reports = {}
    for mode, process in processes.items():
        output = process.communicate()[0]
        if process.returncode != 0:
            sys.exit(f"soak: {mode} failed, exit code {process.returncode}")
        reports[mode] = json.loads(output)
    print_table(reports)
    return all(r["late"] <= 2 * r["control_late"] and r["books"]
               and not r["errors"]
               for r in reports.values())


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--duration", type=int, default=300, help="s (300)")
    parser.add_argument("--modes", default="delay,silent,gone,reset")
    parser.add_argument("--bitrate", type=int, default=500, help="kbit/s (500)")
    parser.add_argument("--segment", type=float, default=5, help="s (5)")
    parser.add_argument("--retries", type=int, default=5)
    parser.add_argument("--source", help="live parsed video, as a description")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    options = parser.parse_args()
    Gst.init(None)
    if options.run:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        json.dump(Soak(options.run, options).report(options.duration), sys.stdout)
        return 0
    return 0 if run_all(options) else 1


if __name__ == "__main__":
    sys.exit(main())
