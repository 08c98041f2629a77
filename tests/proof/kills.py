#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""identifai-moderate is killed with -9 at random moments while it has a lot to do, again and
again: five cameras, short segments, all of them kept as evidence, a broker, a log that is
rotated. The report says, and the exit code is 1 unless:

  state     the state file is a whole one after each kill
  lines     each identifier that it had is in one line, and so is each segment that was posted,
            but for what the service had in the moment of a kill
  chain     --verify-log finds the files whole, over kills and rotations
  evidence  after each kill, what has a JSON is whole, and is what was posted
  broker    mosquitto_sub has each outcome's line, but for those of the moment of a kill
  end       nothing is left pending, and SIGTERM ends it

  ninja -C BUILD && meson devenv -C BUILD /usr/bin/python3 ../tests/proof/kills.py --kills 20
"""

import argparse
import collections
import glob
import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time

import proof

CAMERAS, SEGMENT = 5, 2
# s: what is under way in the moment of a kill was so for no longer
MOMENT = 1.5


class World:
    def __init__(self, folder, seed):
        self.folder, self.random = folder, random.Random(seed)
        self.service_port, self.mqtt = proof.free_port(), proof.free_port()
        os.mkdir(folder + "/record")
        with open(folder + "/broker.conf", "w") as file:
            file.write(proof.BROKER.format(port=self.mqtt, dir=folder))
        self.service = self.keep("service", proof.find("IDENTIFAI_EMULATOR", "identifai-emulator"), "-p", str(self.service_port),
                                 "-d", "1", "--delay-spread", "4", "--rate-limits", "off", "-r", folder + "/record")
        self.broker = self.keep("broker", "/usr/sbin/mosquitto", "-c", folder + "/broker.conf")
        self.subscriber = self.keep("subscriber", "mosquitto_sub", "-p", str(self.mqtt), "-q", "1", "-t", "identifai/#")
        made = {f"camera{i + 1}": proof.make_camera(folder, i) for i in range(CAMERAS)}
        self.cameras = [camera for camera, _ in made.values()]
        self.config = folder + "/moderate.conf"
        with open(self.config, "w") as file:
            file.write(f"[program]\nlog={folder}/lines\nlog-max-bytes=60k\nstate-file={folder}/state\n"
                       f"evidence-folder={folder}/evidence\nlate-folder={folder}/late\nmqtt=mqtt://127.0.0.1:{self.mqtt}\n"
                       f"[defaults]\nendpoint=http://127.0.0.1:{self.service_port}\nrate-limits=none\nretries=-1\n"
                       f"segment-duration={SEGMENT}s\nevidence=all\n")
            file.writelines(f"[{name}]\n{text}\n" for name, (_, text) in made.items())
        self.program, self.kills, self.had, self.broken = None, [], collections.Counter(), collections.Counter()

    def keep(self, name, *command):
        return proof.Kept(name, self.folder, command)

    def start(self):
        for kept in [self.service, self.broker, *self.cameras]:
            kept.begin()
        proof.wait_for_port(self.service_port)
        proof.wait_for_port(self.mqtt)
        self.subscriber.begin()

    def begin(self):
        env = {**os.environ, "IDENTIFAI_API_KEY": "any", "G_DEBUG": "fatal-criticals"}
        with open(self.folder + "/moderate.err", "ab") as log:
            self.program = subprocess.Popen([proof.find("IDENTIFAI_MODERATE", "identifai-moderate"), self.config],
                                            env=env, stdout=log, stderr=log)

    def wait(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.program.poll() is not None:
                sys.exit(f"kills: it ended with {self.program.returncode}: {open(self.folder + '/moderate.err').read()[-2000:]}")
            time.sleep(0.01)

    def kill(self):
        self.program.kill()
        self.program.wait()
        self.kills.append(time.time())
        self.read_state()
        self.broken.update(odd for _, odd in read_evidence(self.folder) if odd)

    def read_state(self):
        try:
            with open(self.folder + "/state") as file:
                for pending in json.load(file)["pending"]:
                    self.had[re.search(r"identifier=\(string\)([^,;]+)", pending["entry"]).group(1)] += 1
        except FileNotFoundError:
            self.broken["no state file yet"] += 1
        except (ValueError, KeyError, AttributeError) as error:
            self.broken[f"state: {error!r}"] += 1

    def near(self, moment):
        """It was when the program was killed."""
        return any(-MOMENT < moment - kill < MOMENT for kill in self.kills)

    def stop(self):
        for kept in [*self.cameras, self.subscriber, self.broker, self.service]:
            if kept.process and kept.process.poll() is None:
                kept.kill()
        if self.program and self.program.poll() is None:
            self.program.kill()


def read_evidence(folder):
    """What each JSON says, and what is wrong with its pair."""
    for path in glob.glob(folder + "/evidence/*/*.json"):
        try:
            about = json.load(open(path))
            if "file" not in about and (about.get("resumed") or about["event"] != "verdict"):
                continue  # the kill took it, or there was none yet
            data = open(os.path.join(os.path.dirname(path), about["file"]), "rb").read()
            same = hashlib.sha256(data).hexdigest() == about.get("sha256")
            yield about, "" if same else f"{path}: another hash"
        except (OSError, ValueError, KeyError) as error:
            yield {}, f"{path}: {error!r}"


def check_lines(report, world, lines):
    outcomes = [line for line in lines if line["event"] in proof.OUTCOMES]
    counts = collections.Counter(line["identifier"] for line in outcomes if line.get("identifier"))
    wrong = {identifier: counts[identifier] for identifier in world.had if counts[identifier] != 1}
    twice = {identifier: n for identifier, n in counts.items() if n > 1}
    hashes = {line.get("sha256") for line in outcomes}
    untold = []
    for path in glob.glob(world.folder + "/record/*.json"):
        with open(path) as file:
            about = json.load(file)
        if about["sha256"] not in hashes:
            untold.append((about["fields"]["ref_id"], world.near(os.path.getmtime(path))))
    lost = [ref_id for ref_id, near in untold if not near]
    resumed = sum(bool(line.get("resumed")) for line in outcomes)
    report.say("lines", not wrong and not twice and not lost and resumed > 0,
               f"{len(outcomes)} lines, {resumed} of them resumed; {len(world.had)} identifiers were in the state file at a kill, "
               f"{len(wrong)} of them not in one line {dict(list(wrong.items())[:3])}, {len(twice)} others twice; posted "
               f"{len(glob.glob(world.folder + '/record/*.json'))}, {len(untold)} in no line, {len(lost)} of them not in the moment of a kill")


def check_broker(report, world, lines):
    got = {json.loads(text)["prev"] for text in open(world.folder + "/subscriber.log") if text.startswith("{")}
    missing = [line for line in lines if line["event"] in proof.OUTCOMES and line["prev"] not in got]
    lost = [line for line in missing if not world.near(proof.read_time(line["time"]))]
    report.say("broker", not lost and got, f"{len(missing)} outcomes didn't come, {len(lost)} of them not of the moment of a kill")


def check_evidence(report, world, lines):
    posted = {json.load(open(path))["sha256"] for path in glob.glob(world.folder + "/record/*.json")}
    now = list(read_evidence(world.folder))
    odd = [why for _, why in now if why]
    foreign = [about["file"] for about, why in now if not why and about["event"] == "verdict" and about["sha256"] not in posted]
    parts = glob.glob(world.folder + "/evidence/*/.*.part")
    files = {about["file"] for about, why in now if not why}
    alone = [path for path in glob.glob(world.folder + "/evidence/*/*.mp4") if os.path.basename(path) not in files]
    foreign += [path for path in alone if hashlib.sha256(open(path, "rb").read()).hexdigest() not in posted]
    report.say("evidence", now and not odd and not foreign and not parts and not alone,
               f"{len(now)} pieces, {len(alone)} files without a JSON; odd: {odd[:3]}, not as posted: {foreign[:3]}, unfinished: {parts[:3]}")


def run(options, folder):
    world, report = World(folder, options.seed), proof.Report()
    world.start()
    try:
        for _ in range(options.kills):
            world.begin()
            world.wait(world.random.uniform(3, options.longest))
            world.kill()
            time.sleep(world.random.uniform(0, 2))
        world.begin()
        world.wait(20)
        began = time.monotonic()
        world.program.send_signal(signal.SIGTERM)
        code, seconds = world.program.wait(60), time.monotonic() - began
        time.sleep(2)
    finally:
        world.stop()
    report.say("state", not world.broken, f"{options.kills} kills, seed {options.seed}; {dict(world.broken)}")
    files, lines = read_log(folder)
    check_lines(report, world, lines)
    proof.check_chain(report, os.environ["IDENTIFAI_MODERATE"], files)
    check_evidence(report, world, lines)
    check_broker(report, world, lines)
    left = json.load(open(folder + "/state"))["pending"]
    report.say("end", code == 0 and not left, f"exit status {code} after {seconds:.1f} s, {len(left)} left pending")
    return report.good


def read_log(folder):
    """A kill may have broken off a line."""
    files = sorted(glob.glob(folder + "/lines.*")) + [folder + "/lines"]
    lines = []
    for path in files:
        for text in open(path):
            try:
                lines.append(json.loads(text))
            except ValueError:
                pass
    return files, lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--longest", type=float, default=20, help="s from a start to a kill")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="keep all that is written there")
    options = parser.parse_args()
    proof.skip_without()
    return proof.run_in_folder(options, run)


if __name__ == "__main__":
    sys.exit(main())
