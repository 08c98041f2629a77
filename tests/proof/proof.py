#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""identifai-moderate with real servers around it, and what it told of them:

  RTSP and SRT cameras ───────────────► identifai-moderate ─► the emulator, with the service's limits
  publishers ─► nginx-rtmp ─► gates  ─┘         │           └► mosquitto ─► mosquitto_sub
                nginx-rtmp ◄─ what they let out ┘

Meanwhile sources, nginx, the service and the broker are killed at random and come back,
cameras stop sending, the service is silent or refuses. At the end all is well for a
while, and SIGTERM ends it. The report says, and the exit code is 1 unless:

  lines     each segment that was closed has one line, and their numbers go on
  service   each answer that was had is the line's: what is said to be judged was posted,
            byte for byte, and no identifier is in two lines
  chain     --verify-log finds the files whole, over rotations
  evidence  each flagged segment has its file, which is what was posted
  broker    mosquitto_sub has each verdict
  limits    the service said 429 to nothing
  flat      memory, descriptors and threads don't rise in the last two thirds
            (only said of runs of ten minutes and more)
  end       it took no longer than stop-timeout

  ninja -C BUILD && meson devenv -C BUILD python3 ../tests/proof/proof.py --seconds 1800
"""

import argparse
import calendar
import collections
import glob
import hashlib
import json
import os
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

SKIPPED = 77
HERE = os.path.dirname(os.path.abspath(__file__))
NGINX = """
load_module {module};
daemon off; master_process off; pid {dir}/nginx.pid; error_log {dir}/nginx.log;
events {{ }}
rtmp {{ server {{ listen 127.0.0.1:{port}; access_log off;
  application in {{ live on; record off; }}
  application out {{ live on; record off; }} }} }}
"""
BROKER = """
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {dir}/
autosave_on_changes true
autosave_interval 1
max_queued_messages 0
user root
"""
OUTCOMES = ("verdict", "failed", "dropped")
# Of what a key may upload in a minute, so much is asked for.
DEMAND = 22
GATE_SEGMENT = 10
# s; what a gate holds leaves first
HOLD, STOP = 25, 35


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(type=kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"proof: nobody listens on port {port}")


def find(variable, name):
    path = os.environ.get(variable) or shutil.which(name)
    if not path:
        print(f"skipped: {variable} is not set")
        sys.exit(SKIPPED)
    return path


def find_rtmp():
    for path in glob.glob("/usr/lib*/nginx/modules/ngx_rtmp_module.so"):
        return path
    return None


def skip_without():
    """What this needs besides our own programs."""
    missing = [name for name in ("mosquitto_sub", "gst-launch-1.0") if not shutil.which(name)]
    missing += [name for name in ("/usr/sbin/mosquitto", "/usr/sbin/nginx") if not os.path.exists(name)]
    if not find_rtmp():
        missing.append("nginx's RTMP module")
    try:
        import gi
        gi.require_version("GstRtspServer", "1.0")
    except (ImportError, ValueError):
        missing.append("gir1.2-gst-rtsp-server-1.0")
    if missing:
        print("skipped: without " + ", ".join(missing))
        sys.exit(SKIPPED)


def read_time(text):
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) + float("0" + text[19:-1])


class Kept:
    """A process that is started again when it ends, unless it was told to be away."""

    def __init__(self, name, folder, command):
        self.name, self.folder, self.command = name, folder, command
        self.process, self.away, self.starts = None, False, 0

    def begin(self):
        self.away = False
        self.starts += 1
        with open(os.path.join(self.folder, self.name + ".log"), "ab") as log:
            self.process = subprocess.Popen([part.format(starts=self.starts) for part in self.command],
                                            stdout=log, stderr=log)

    def kill(self, number=signal.SIGKILL):
        self.away = True
        self.process.send_signal(number)
        self.process.wait(30)

    def look(self):
        if not self.away and self.process.poll() is not None:
            self.begin()


def make_camera(folder, i):
    """The i-th one, and what a stream's section says of it."""
    kind = "rtsp" if i % 2 == 0 else "srt"
    port = free_port(socket.SOCK_STREAM if kind == "rtsp" else socket.SOCK_DGRAM)
    path = "/a" if kind == "rtsp" else "?mode=caller"
    return (Kept(f"camera{i + 1}", folder, (sys.executable, HERE + "/source.py", kind, str(port))),
            f"uri={kind}://127.0.0.1:{port}{path}")


class World:
    """All that is around the program."""

    def __init__(self, folder, options):
        self.folder = folder
        self.rtmp, self.service, self.mqtt = free_port(), free_port(), free_port()
        self.streams, self.kept, self.lock = {}, {}, threading.Lock()
        for name, text in (("nginx.conf", NGINX), ("broker.conf", BROKER)):
            with open(os.path.join(folder, name), "w") as file:
                file.write(text.format(module=find_rtmp(), dir=folder, port=self.rtmp if name[0] == "n" else self.mqtt))
        os.mkdir(os.path.join(folder, "record"))
        self.keep("nginx", "/usr/sbin/nginx", "-c", folder + "/nginx.conf", "-e", folder + "/nginx.log")
        # what was recorded before a kill stays as it is
        self.keep("service", find("IDENTIFAI_EMULATOR", "identifai-emulator"), "-p", str(self.service), "-d", "2",
                  "--delay-spread", "3", "-r", folder + "/record/{starts}")
        self.keep("broker", "/usr/sbin/mosquitto", "-c", folder + "/broker.conf")
        self.keep("subscriber", "mosquitto_sub", "-p", str(self.mqtt), "-q", "1", "-c", "-i", "proof", "-t", "identifai/#")
        for i in range(options.cameras):
            name = f"camera{i + 1}"
            self.kept[name], self.streams[name] = make_camera(folder, i)
        for i in range(options.relays):
            self.add_relay(f"relay{i + 1}")

    def keep(self, name, *command):
        self.kept[name] = Kept(name, self.folder, command)

    def add_relay(self, name):
        url = f"rtmp://127.0.0.1:{self.rtmp}"
        self.keep(name, sys.executable, HERE + "/source.py", "rtmp", f"{url}/in/{name}")
        self.keep(name + "-far", "gst-launch-1.0", "-q", "rtmp2src", f"location={url}/out/{name}", "!", "fakesink", "sync=false")
        self.streams[name] = (f"mode=gate\nuri={url}/in/{name}\noutput={url}/out/{name}\n"
                              f"segment-duration={GATE_SEGMENT}s\nhold={HOLD}s\nslate=builtin")

    def start(self):
        for name in ("nginx", "service", "broker"):
            self.kept[name].begin()
        for port in (self.rtmp, self.service, self.mqtt):
            wait_for_port(port)
        for kept in self.kept.values():
            if kept.process is None:
                kept.begin()

    def look(self):
        with self.lock:
            for kept in self.kept.values():
                kept.look()

    def stop(self):
        with self.lock:
            for kept in reversed(self.kept.values()):
                kept.kill(signal.SIGKILL)

    def sources(self):
        return [kept for name, kept in self.kept.items() if name.startswith(("camera", "relay")) and "-" not in name]

    def set_fault(self, fault):
        url = f"http://127.0.0.1:{self.service}/emulator/faults"
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="DELETE"), timeout=5).read()
            if fault:
                urllib.request.urlopen(url, data=fault.encode(), timeout=5).read()
        except OSError:
            pass  # it is away


class Trouble(threading.Thread):
    """One thing after another goes wrong, for some seconds each; counts what did."""

    def __init__(self, world, seed, kinds, counts):
        super().__init__(daemon=True)
        self.world, self.random, self.kinds, self.counts = world, random.Random(seed), kinds, counts
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(self.random.uniform(5, 25)):
            kind = self.random.choice(self.kinds)
            self.counts[kind] += 1
            getattr(self, kind)()

    def wait(self, least, most):
        self.over.wait(self.random.uniform(least, most))

    def take_away(self, kept, number=signal.SIGKILL):
        with self.world.lock:
            kept.kill(number)
        self.wait(2, 20)
        with self.world.lock:
            kept.begin()

    def source_killed(self):
        self.take_away(self.random.choice(self.world.sources()))

    def source_stands_still(self):
        kept = self.random.choice(self.world.sources())
        kept.process.send_signal(signal.SIGSTOP)
        self.wait(12, 35)
        kept.process.send_signal(signal.SIGCONT)

    def nginx_killed(self):
        self.take_away(self.world.kept["nginx"])

    def service_killed(self):
        self.take_away(self.world.kept["service"])

    def service_silent(self):
        self.fault("any:silence")

    def service_refuses(self):
        self.fault("any:status=503")

    def fault(self, fault):
        self.world.set_fault(fault)
        self.wait(5, 15)
        self.world.set_fault(None)

    def broker_killed(self):
        self.take_away(self.world.kept["broker"])

    def broker_ended(self):
        self.take_away(self.world.kept["broker"], signal.SIGTERM)

    def stop(self):
        self.over.set()
        self.join(60)


class Program:
    """identifai-moderate, and what it uses."""

    def __init__(self, world, options):
        self.folder, self.samples = world.folder, []
        rest = DEMAND - options.relays * 60 / GATE_SEGMENT
        config = os.path.join(self.folder, "moderate.conf")
        with open(config, "w") as file:
            file.write(f"[program]\nlog={self.folder}/lines\nlog-max-bytes=300k\nstate-file={self.folder}/state\n"
                       f"evidence-folder={self.folder}/evidence\nlisten=127.0.0.1:0\ntoken-file={self.folder}/token\n"
                       f"statistics-interval=30s\nstop-timeout={STOP}s\nmqtt=mqtt://127.0.0.1:{world.mqtt}\n"
                       f"[defaults]\nendpoint=http://127.0.0.1:{world.service}\nretries=-1\nstall-timeout=20s\n"
                       f"segment-duration={max(5, round(60 * options.cameras / rest))}s\n")
            file.writelines(f"[{name}]\n{text}\n" for name, text in world.streams.items())
        self.command = [find("IDENTIFAI_MODERATE", "identifai-moderate"), config]
        self.process = None

    def start(self):
        env = {**os.environ, "IDENTIFAI_API_KEY": "any", "G_DEBUG": "fatal-criticals"}
        checked = subprocess.run([self.command[0], "--check", self.command[1]], env=env, text=True,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if "built without" in checked.stderr:
            print("skipped: " + checked.stderr)
            sys.exit(SKIPPED)
        assert checked.returncode == 0, checked.stderr
        with open(os.path.join(self.folder, "moderate.err"), "ab") as log:
            self.process = subprocess.Popen(self.command, env=env, stdout=log, stderr=log)
        self.began = time.monotonic()

    def sample(self):
        """(s, MB, descriptors, threads)"""
        if self.process.poll() is not None:
            sys.exit(f"proof: the program ended with {self.process.returncode}: "
                     + open(os.path.join(self.folder, "moderate.err")).read()[-3000:])
        there = f"/proc/{self.process.pid}"
        status = open(there + "/status").read()
        memory, threads = (int(re.search(name + r":\s+(\d+)", status).group(1)) for name in ("VmRSS", "Threads"))
        self.samples.append((time.monotonic() - self.began, memory / 1024, len(os.listdir(there + "/fd")), threads))
        with open(os.path.join(self.folder, "samples"), "a") as file:
            file.write("%.0f s, %.1f MB, %d descriptors, %d threads\n" % self.samples[-1])

    def stop(self):
        """The seconds that it took, and its exit status."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = "killed"
        return time.monotonic() - began, code


class Report:
    def __init__(self):
        self.good = True

    def say(self, name, good, text):
        self.good = self.good and good
        print(f"{'ok  ' if good else 'BAD '} {name:9} {text}", flush=True)


def read_log(folder):
    """Its files, oldest first, and all lines."""
    files = sorted(glob.glob(folder + "/lines.*")) + [folder + "/lines"]
    return files, [json.loads(text) for path in files for text in open(path)]


def check_lines(report, lines):
    """One line a segment: numbers from 0 on without a hole, as many as the session's last statistics say."""
    told, closed, sessions = collections.defaultdict(list), {}, {}
    wrong = []
    for line in lines:
        stream = line.get("stream")
        if line["event"] in OUTCOMES:
            told[stream, line["session"]].append(line["segment"])
            sessions[stream] = line["session"]
        elif line["event"] == "stats" and stream in sessions:
            closed[stream, sessions[stream]] = line["segments"]
        elif line["event"] == "stream" and line["state"] == "starting":
            sessions.pop(stream, None)
    for key, numbers in told.items():
        if numbers != list(range(len(numbers))) or closed.get(key) != len(numbers):
            wrong.append((key, numbers[-5:], closed.get(key)))
    kinds = collections.Counter((line["event"], line.get("reason") or line.get("classification"))
                                for line in lines if line["event"] in OUTCOMES)
    report.say("lines", not wrong and sum(kinds.values()) > 0, f"{sum(kinds.values())} of {len(told)} sessions: "
               + ", ".join(f"{n} {kind} {why}" for (kind, why), n in kinds.most_common())
               + (f"; wrong: {wrong[:3]}" if wrong else ""))


def check_service(report, lines, folder):
    """Gives the hashes of what was posted."""
    posted, times = {}, collections.Counter()
    for path in glob.glob(folder + "/record/*/*.json"):
        about = json.load(open(path))
        data = open(os.path.join(os.path.dirname(path), about["file"]), "rb").read()
        digest = hashlib.sha256(data).hexdigest()
        posted[digest] = len(data)
        times[digest] += 1
    verdicts = [line for line in lines if line["event"] == "verdict"]
    unknown = [line["ref_id"] for line in verdicts if line["sha256"] not in posted]
    identifiers = collections.Counter(line["identifier"] for line in lines if line["event"] in OUTCOMES and line.get("identifier"))
    twice = [identifier for identifier, n in identifiers.items() if n > 1]
    told = {line.get("sha256") for line in lines if line["event"] in OUTCOMES}
    untold = [digest for digest in posted if digest not in told]
    report.say("service", not unknown and not twice and not untold and len(verdicts) > 0,
               f"{len(posted)} segments posted, {sum(n > 1 for n in times.values())} of them more than once, "
               f"{len(verdicts)} judged; judged and not posted: {len(unknown)}, posted and in no line: {len(untold)}, "
               f"identifiers in two lines: {len(twice)}")
    return set(posted)


def check_evidence(report, lines, posted, folder):
    kept, odd = {}, []
    for path in glob.glob(folder + "/evidence/*/*.json"):
        about = json.load(open(path))
        if "file" not in about and about["event"] != "verdict":
            continue  # the stream stopped before there was one
        data = open(os.path.join(os.path.dirname(path), about["file"]), "rb").read()
        digest = hashlib.sha256(data).hexdigest()
        kept[about["session"], about["segment"]] = digest
        # what wasn't posted has none
        if digest != about.get("sha256", digest) or (about["event"] == "verdict" and digest not in posted):
            odd.append(path)
    flagged = [line for line in lines if line["event"] == "verdict" and line["classification"] == "artificial"]
    missing = [line["ref_id"] for line in flagged if kept.get((line["session"], line["segment"])) != line["sha256"]]
    report.say("evidence", not odd and not missing and len(flagged) > 0,
               f"{len(flagged)} flagged, {len(kept)} files kept; missing: {len(missing)}, not as posted: {len(odd)}")


def check_chain(report, program, files):
    arguments = [word for path in files for word in ("--verify-log", path)]
    done = subprocess.run([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    report.say("chain", done.returncode == 0, f"{len(files)} files: {done.stdout.strip().splitlines()[-1]}")


def check_broker(report, lines, folder):
    got = collections.Counter(json.loads(text)["prev"] for text in open(folder + "/subscriber.log") if text.startswith("{"))
    missing = collections.Counter(line["event"] for line in lines if line["prev"] not in got)
    report.say("broker", not missing, f"{len(lines) - sum(missing.values())} of {len(lines)} lines came, "
               f"{sum(n - 1 for n in got.values())} again; missing: {dict(missing)}")


def check_limits(report, folder):
    calls = collections.Counter(re.findall(r"^\S+ (POST|GET) \S+ (\d+)", open(folder + "/service.log").read(), re.M))
    refused = sum(n for (_, status), n in calls.items() if status == "429")
    report.say("limits", refused == 0, f"{refused} times 429; " + ", ".join(f"{m} {s}: {n}" for (m, s), n in sorted(calls.items())))


def get_drift(points):
    """By how much a straight line through (time, value) rises from the first to the last."""
    times, values = zip(*points)
    middle, mean = statistics.fmean(times), statistics.fmean(values)
    slope = sum((t - middle) * (v - mean) for t, v in points) / sum((t - middle) ** 2 for t in times)
    return slope * (times[-1] - times[0])


def check_flat(report, samples):
    """What drifts in the last two thirds, as far as a run's own ups and downs let that be seen."""
    later = samples[len(samples) // 3:]
    words, good = [], True
    for i, (name, more) in enumerate((("MB", 5), ("descriptors", 8), ("threads", 8)), 1):
        drift, usual = get_drift([(sample[0], sample[i]) for sample in later]), statistics.median(sample[i] for sample in later)
        good = good and drift <= usual * 0.04 + more
        words.append(f"{name} {usual:.0f}, drift {drift:+.1f} (at most {max(sample[i] for sample in later):.0f})")
    long = samples[-1][0] >= 600
    report.say("flat", good or not long, "; ".join(words) + ("" if long else "; too short to say"))


def run(options, folder):
    world = World(folder, options)
    program, report, counts = Program(world, options), Report(), collections.Counter()
    troubles = [Trouble(world, options.seed + i, kinds, counts) for i, kinds in enumerate((
        ("source_killed", "source_killed", "source_stands_still", "nginx_killed"),
        ("service_killed", "service_silent", "service_refuses", "broker_killed", "broker_ended")))]
    well_again = options.seconds - min(120, options.seconds / 3)
    world.start()
    try:
        program.start()
        for trouble in troubles:
            trouble.start()
        while time.monotonic() - program.began < options.seconds:
            time.sleep(1)
            world.look()
            program.sample()
            if time.monotonic() - program.began > well_again and not troubles[0].over.is_set():
                for trouble in troubles:
                    trouble.stop()
        seconds, code = program.stop()
        time.sleep(3)  # for what the broker has still to tell
    finally:
        world.stop()
        if program.process and program.process.poll() is None:
            program.process.kill()
    print(f"{options.seconds} s, seed {options.seed}; went wrong: " + ", ".join(f"{n} x {what}" for what, n in counts.items()))
    check_all(report, program, folder)
    report.say("end", code == 0 and seconds < STOP, f"exit status {code} after {seconds:.1f} s")
    return report.good


def check_all(report, program, folder):
    files, lines = read_log(folder)
    check_lines(report, lines)
    posted = check_service(report, lines, folder)
    check_chain(report, program.command[0], files)
    check_evidence(report, lines, posted, folder)
    check_broker(report, lines, folder)
    check_limits(report, folder)
    check_flat(report, program.samples)


def run_in_folder(options, run_all):
    """The exit status of run_all (options, folder), in a folder that is kept, or isn't."""
    if options.folder:
        os.makedirs(options.folder)
        return 0 if run_all(options, os.path.abspath(options.folder)) else 1
    with tempfile.TemporaryDirectory() as folder:
        return 0 if run_all(options, folder) else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=90)
    parser.add_argument("--cameras", type=int, default=6)
    parser.add_argument("--relays", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="keep all that is written there")
    options = parser.parse_args()
    skip_without()
    return run_in_folder(options, run)


if __name__ == "__main__":
    sys.exit(main())
