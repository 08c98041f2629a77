#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An outage of the service in the middle of some live streams, three times at once, off the
same cameras (RTSP and SRT) and each with a service of its own, which has the real one's limits:

  kept     the service is killed, comes back later, and what wasn't judged is judged late
  lost     the same without late-folder
  well     nothing goes wrong

It says what of the time was judged, live and late, and how long the live verdicts took
before, while and after. The exit code is 1 unless `kept` has judged 0.99 of the time, and its
live verdicts after the outage were no later than those of `lost` and, once that has caught
up, of `well`.

  ninja -C BUILD && meson devenv -C BUILD /usr/bin/python3 ../tests/proof/outage.py --seconds 3600 --outage 1200:600
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time

import proof

COVERAGE = 0.99
# s: what of two runs at the same time is alike
ALIKE = 1.0


class Run:
    """A service, and a program that has it judge."""

    def __init__(self, name, folder, late, cameras, options):
        self.name, self.folder = name, os.path.join(folder, name)
        os.mkdir(self.folder)
        self.port = proof.free_port()
        self.service = proof.Kept("service", self.folder, (
            proof.find("IDENTIFAI_EMULATOR", "identifai-emulator"), "-p", str(self.port), "-d", "2"))
        self.config = os.path.join(self.folder, "moderate.conf")
        with open(self.config, "w") as file:
            file.write(f"[program]\nlog={self.folder}/lines\nstate-file={self.folder}/state\n"
                       + (f"late-folder={self.folder}/late\n" if late else "")
                       + f"[defaults]\nendpoint=http://127.0.0.1:{self.port}\nretries=-1\n"
                       f"segment-duration={options.segment}s\n")
            file.writelines(f"[{camera}]\n{text}\n" for camera, text in cameras.items())
        self.program = None

    def start(self):
        self.service.begin()
        proof.wait_for_port(self.port)
        env = {**os.environ, "IDENTIFAI_API_KEY": "any", "G_DEBUG": "fatal-criticals"}
        with open(self.folder + "/moderate.err", "ab") as log:
            self.program = subprocess.Popen([proof.find("IDENTIFAI_MODERATE", "identifai-moderate"), self.config],
                                            env=env, stdout=log, stderr=log)

    def look(self):
        if self.program.poll() is not None:
            sys.exit(f"outage: {self.name} ended with {self.program.returncode}: {open(self.folder + '/moderate.err').read()[-2000:]}")

    def stop(self):
        if self.program and self.program.poll() is None:
            self.program.send_signal(signal.SIGTERM)

    def end(self):
        if self.program and self.program.poll() is None:
            try:
                self.program.wait(60)
            except subprocess.TimeoutExpired:
                self.program.kill()
        if self.service.process and self.service.process.poll() is None:
            self.service.kill()

    def lines(self, until):
        """What was told within so many seconds of the first one."""
        with open(self.folder + "/lines") as file:
            lines = [json.loads(text) for text in file]
        began = proof.read_time(lines[0]["time"])
        for line in lines:
            line["at"] = proof.read_time(line["time"]) - began
        return [line for line in lines if line["at"] < until]


class Told:
    """What a run's lines say."""

    def __init__(self, lines):
        outcomes = [line for line in lines if line["event"] in proof.OUTCOMES]
        self.durations = {(line["session"], line["segment"]): line["duration"] for line in outcomes}
        verdicts = [line for line in outcomes if line["event"] == "verdict"]
        self.live = [line for line in verdicts if not line.get("late")]
        self.late = [line for line in verdicts if line.get("late")]
        self.kept = sum(bool(line.get("kept")) for line in outcomes)

    def cover(self, verdicts):
        judged = {(line["session"], line["segment"]) for line in verdicts}
        return sum(self.durations[key] for key in judged) / sum(self.durations.values())

    def latencies(self, first, last):
        """Of segments that ended within that."""
        return sorted(line["latency"] for line in self.live if first <= line["at"] - line["latency"] < last) or [float("nan")]


def describe(latencies):
    n = len(latencies)
    return f"{n:4} verdicts, median {statistics.median(latencies):6.2f} s, 95 % {latencies[int(0.95 * n)]:6.2f}, most {latencies[-1]:6.2f}"


def get_caught_up(told, after):
    """When `lost` was through with what it had kept waiting: a segment from after the outage is judged as soon as before it."""
    before = statistics.median(told.latencies(0, after))
    return min((line["at"] for line in told.live if line["at"] - line["latency"] > after and line["latency"] < before + 5), default=after)


def report(runs, options):
    begin, length = options.outage
    told = {run.name: Told(run.lines(options.seconds)) for run in runs}
    again = get_caught_up(told["lost"], begin + length)
    spans = {"before": (0, begin), "while": (begin, begin + length), "catching up": (begin + length, again), "after": (again, options.seconds)}
    for name, those in told.items():
        print(f"{name}: {len(those.durations)} segments; judged live {those.cover(those.live):.4f} of the time, "
              f"with what was late {those.cover(those.live + those.late):.4f} ({len(those.late)} of {those.kept} kept)")
        for words, span in spans.items():
            print(f"  {words:11} {span[0]:5.0f} to {span[1]:5.0f} s: {describe(those.latencies(*span))}")
    return check(told, spans)


def check(told, spans):
    kept = told["kept"]
    coverage = kept.cover(kept.live + kept.late)
    good = coverage >= COVERAGE
    print(f"{'ok  ' if good else 'BAD '} coverage {coverage:.4f}")
    for words, other in (("catching up", "lost"), ("after", "lost"), ("after", "well")):
        ours, theirs = (statistics.quantiles(those.latencies(*spans[words]) * 2, n=20)[-1] for those in (kept, told[other]))
        alike = not ours > theirs + ALIKE
        good = good and alike
        print(f"{'ok  ' if alike else 'BAD '} 95 % of the live verdicts {words} within {ours:.2f} s, of `{other}` within {theirs:.2f} s")
    return good


def span(text):
    begin, length = map(int, text.split(":"))
    return begin, length


def run(options, folder):
    made = {f"camera{i + 1}": proof.make_camera(folder, i) for i in range(options.streams)}
    cameras = [camera for camera, _ in made.values()]
    streams = {name: text for name, (_, text) in made.items()}
    runs = [Run(name, folder, name == "kept", streams, options) for name in ("kept", "lost", "well")]
    begin, length = options.outage
    try:
        for camera in cameras:
            camera.begin()
        for each in runs:
            each.start()
        began = time.monotonic()
        plan = [(begin, lambda each: each.service.kill()), (begin + length, lambda each: each.service.begin())]
        while time.monotonic() - began < options.seconds:
            time.sleep(1)
            for each in runs:
                each.look()
            for camera in cameras:
                camera.look()
            if plan and time.monotonic() - began > plan[0][0]:
                for each in runs[:2]:
                    plan[0][1](each)
                plan.pop(0)
        for each in runs:
            each.stop()
    finally:
        for each in runs:
            each.end()
        for camera in cameras:
            camera.kill()
    return report(runs, options)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--outage", type=span, default=(1200, 600), metavar="BEGIN:LENGTH")
    parser.add_argument("--streams", type=int, default=5)
    parser.add_argument("--segment", type=int, default=15)
    parser.add_argument("--folder", help="keep all that is written there")
    options = parser.parse_args()
    proof.skip_without()
    return proof.run_in_folder(options, run)


if __name__ == "__main__":
    sys.exit(main())
