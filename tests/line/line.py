#!/usr/bin/env python3
# identifAI plugin for GStreamer
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A line with identifaigate in it, end to end, and what it let out:

  publisher ─► nginx-rtmp ─► gate ─► nginx-rtmp ─► receiver      --by rtmp
  publisher ─► SRT        ─► gate ─► SRT        ─► receiver      --by srt
  publisher ─► gate                                              --by itself

The publisher draws a frame counter as a bar code, which survives coding, and turns to
the emulator's marker colour for 1 to 20 s at random; H.264 with B frames and open
groups, and AAC. Each verdict counts by itself, and the gate is closed. Meanwhile the
service goes wrong in turns (--faults): it is down, silent, slow, and says 429.

The report says how many frames came to the gate, left it, and were withheld, by
reason; frames that left though their segment was artificial, failed or had no verdict
in time (leaked: has to be 0); those of clean segments that didn't (missing: 0); how
much later than arrival + hold frames left, measured by pad probes; the least margin of
a verdict; submissions a segment (1.00); and what the receiver saw. Exit code 1: one of
those isn't as it has to be. Behind a hole in a stream of open groups, FFmpeg's decoder
shows earlier pictures again and not all of those that came, as its numbers of frames
don't go on: that is counted, and has to be none with --groups closed only.

  ninja -C BUILD && meson devenv -C BUILD python3 ../tests/line/line.py --by rtmp --seconds 1800 --faults
  … line.py --by itself --hold 7 --segment 2.5 --seconds 3600 --jitter
"""

import argparse
import bisect
import collections
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

CAPS = "video/x-raw,format=I420,width=320,height=240,framerate=25/1"
VIDEO = (f"appsrc name=marker is-live=true format=time caps={CAPS} ! "
         "x264enc bframes=2 key-int-max=25 speed-preset=ultrafast bitrate=500 threads=1 "
         "option-string=open-gop={open} ! h264parse")
SOUND = ("audiotestsrc is-live=true samplesperbuffer=1024 ! audio/x-raw,rate=44100,channels=1 ! "
         "avenc_aac ! aacparse")
DECODE = "avdec_h264 max-threads=1 ! videoconvert ! video/x-raw,format=I420"
MS = 1000000
NONE = 2**64 - 1
CONFIG = """
load_module {module};
daemon off; master_process off; pid {dir}/pid; error_log {dir}/error.log;
events {{ }}
rtmp {{ server {{ listen 127.0.0.1:{port}; access_log off;
  application in {{ live on; record off; }}
  application out {{ live on; record off; }} }} }}
"""
# What goes wrong, for how long, and how long it is well afterwards, in s; a share of
# the whole in the short form.
FAULTS = [
    ("429", "submit#%2:status=429,header=Retry-After: 2", 20, 30),
    ("slow", "submit:delay=6", 20, 30),
    ("silent", "any:silence", 15, 40),
    ("500", "any:status=500", 15, 40),
    ("down", None, 15, 40),
]


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(type=kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port, patience=10):
    until = time.monotonic() + patience
    while time.monotonic() < until:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"line: nobody listens on port {port}")


class Service:
    """The emulator, and what goes wrong with it."""

    def __init__(self, dir, delay):
        self.dir, self.delay, self.port = dir, delay, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None
        self.begin()

    def begin(self):
        path = os.environ.get("IDENTIFAI_EMULATOR") or shutil.which("identifai-emulator")
        if not path:
            sys.exit("line: set IDENTIFAI_EMULATOR to the emulator's path")
        log = open(os.path.join(self.dir, "emulator.log"), "a")
        self.process = subprocess.Popen([path, "-q", "-p", str(self.port), "-d", str(self.delay)],
                                        stdout=log, stderr=log)
        wait_for_port(self.port)

    def end(self):
        self.process.kill()
        self.process.wait()

    def set_fault(self, fault):
        for method, data in (("DELETE", None), ("POST", fault)):
            if method == "POST" and not data:
                continue
            request = urllib.request.Request(self.url + "/emulator/faults", method=method,
                                             data=data.encode() if data else None)
            urllib.request.urlopen(request, timeout=10).read()


class Trouble(threading.Thread):
    """Faults in turns, or a service whose times differ."""

    def __init__(self, service, faults, jitter, scale):
        super().__init__(daemon=True)
        self.service, self.faults, self.jitter, self.scale = service, faults, jitter, scale
        self.over = threading.Event()

    def run(self):
        if self.jitter:
            while not self.over.wait(2.4):
                self.service.set_fault(f"submit:delay={random.uniform(0, 0.6):.3f}")
            return
        if self.over.wait(12):
            return
        while self.faults:
            for name, fault, lasts, pause in FAULTS:
                if fault:
                    self.service.set_fault(fault)
                else:
                    self.service.end()
                if self.over.wait(lasts * self.scale):
                    return
                if fault:
                    self.service.set_fault(None)
                else:
                    self.service.begin()
                if self.over.wait(pause * self.scale):
                    return

    def stop(self):
        self.over.set()
        self.join(60)


class Line:
    """The processes of the line; logs are in dir."""

    def __init__(self, options, dir, service):
        self.options, self.dir, self.service = options, dir, service
        self.processes = {}
        self.video = VIDEO.format(open=int(options.groups == "open"))
        self.gate = (f"identifaigate name=gate hold={int(options.hold * 1e9)} "
                     f"segment-duration={int(options.segment * 1e9)} on-refusal=warn "
                     "verdict-timeout=60000000000 max-pending-segments=4 timeout=10")

    def run(self, name, *pipelines):
        env = dict(os.environ, IDENTIFAI_ENDPOINT=self.service.url, IDENTIFAI_API_KEY="any")
        log = open(os.path.join(self.dir, name + ".err"), "w")
        self.processes[name] = subprocess.Popen(
            [self.options.line, self.log(name), str(self.options.seed), *pipelines],
            env=env, stdout=log, stderr=log)

    def log(self, name):
        return os.path.join(self.dir, name + ".log")

    def start(self):
        getattr(self, "start_" + self.options.by)()

    def start_itself(self):
        self.run("gate", f"{self.video} ! {self.gate} ! fakesink sync=false async=false "
                 f"{SOUND} ! gate.audio_0 gate.audio_src_0 ! fakesink sync=false async=false")

    def start_nginx(self):
        port = free_port()
        path = os.path.join(self.dir, "nginx.conf")
        with open(path, "w") as f:
            f.write(CONFIG.format(module=find_rtmp(), dir=self.dir, port=port))
        self.processes["nginx"] = subprocess.Popen(["/usr/sbin/nginx", "-c", path, "-e", self.dir + "/error.log"],
                                                   stderr=subprocess.DEVNULL)
        wait_for_port(port)
        return f"rtmp://127.0.0.1:{port}"

    def relay(self, source, demuxer, muxer, sink):
        """What comes is decoded beside the gate, to know its numbers."""
        tee = ("h264parse ! tee name=t ! queue max-size-buffers=0 max-size-bytes=0 max-size-time=0 ! "
               f"{DECODE} ! appsink name=in sync=false t. ! queue ! {self.gate}")
        self.run("gate", f"{source} ! {demuxer} name=d d. ! queue ! {tee} ! queue ! {muxer} name=m ! {sink} "
                 "d. ! queue ! aacparse ! gate.audio_0 gate.audio_src_0 ! queue ! m.")

    def start_rtmp(self):
        url = self.start_nginx()
        self.run("publisher", f"{self.video} ! queue ! flvmux name=m streamable=true latency=500000000 ! rtmp2sink location={url}/in/a "
                 f"{SOUND} ! queue ! m.")
        time.sleep(2)
        self.relay(f"rtmp2src location={url}/in/a", "flvdemux", "flvmux streamable=true",
                   f"rtmp2sink location={url}/out/a")
        self.run("far", f"rtmp2src location={url}/out/a ! flvdemux name=d d.video ! queue ! h264parse ! {DECODE} ! "
                 "appsink name=far sync=false")

    def start_srt(self):
        a, b = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)
        self.run("publisher", f"{self.video} config-interval=-1 ! queue ! mpegtsmux alignment=7 name=m ! "
                 f"srtsink uri=srt://127.0.0.1:{a}?mode=listener wait-for-connection=false "
                 f"{SOUND} ! queue ! m.")
        time.sleep(1)
        self.relay(f"srtsrc uri=srt://127.0.0.1:{a}?mode=caller", "tsdemux", "mpegtsmux alignment=7",
                   f"srtsink uri=srt://127.0.0.1:{b}?mode=listener wait-for-connection=false")
        time.sleep(1)
        self.run("far", f"srtsrc uri=srt://127.0.0.1:{b}?mode=caller ! tsdemux ! h264parse ! {DECODE} ! "
                 "appsink name=far sync=false")

    def check(self):
        for name, process in self.processes.items():
            if process.poll() is not None:
                sys.exit(f"line: {name} ended with {process.returncode}: "
                         + open(os.path.join(self.dir, name + ".err")).read()[-2000:])

    def stop(self):
        for name in ("gate", "far", "publisher", "nginx"):
            process = self.processes.get(name)
            if process is None or process.poll() is not None:
                continue
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                print(f"line: {name} had to be killed", file=sys.stderr)


def find_rtmp():
    for path in ("/usr/lib/nginx/modules/ngx_rtmp_module.so", "/usr/lib64/nginx/modules/ngx_rtmp_module.so"):
        if os.path.exists(path):
            return path
    return None


# Logs.

WHYS = ("verdict", "unknown", "unjudged", "unsampled", "skipped", "overflow", "start")


class Frame:
    __slots__ = ("came", "running", "left", "number", "marked")

    def __init__(self, came, running):
        self.came, self.running, self.left, self.number, self.marked = came, running, None, None, None


class Segment:
    """outcome: (time, what) of its message; None: there is none."""

    def __init__(self, number):
        self.number, self.running, self.duration, self.outcome, self.submitted = number, None, None, None, 0
        self.came = None


def get(text, name, kind=int):
    found = re.search(rf"[ ,]{name}=\((?:\w+)\)\"?([^,;\"]*)", text)
    return kind(found.group(1)) if found else None


def read_log(path):
    """(frames by PTS, segments by number, stats, pictures by sink, messages by name)"""
    frames, segments, stats = {}, {}, ""
    pictures = collections.defaultdict(list)
    messages = collections.Counter()
    for line in open(path):
        kind, _, rest = line.partition(" ")
        if kind in "io":
            came, running, pts = map(int, rest.split())
            if pts < 0:
                messages["buffers without times, " + ("in" if kind == "i" else "out")] += 1
            elif kind == "i":
                frames.setdefault(pts, Frame(came, running))
            elif pts in frames:
                frames[pts].left = came
        elif kind == "c":
            name, t, pts, number, marked = rest.split()
            pictures[name].append((int(t), int(pts), int(number), marked == "1"))
        elif kind == "s":
            stats = rest
        elif kind == "m":
            t, _, text = rest.partition(" ")
            name = re.match(r"[\w-]+", text).group(0)
            messages[name] += 1
            note_message(segments, int(t), name, text)
    return frames, segments, stats, pictures, messages


def note_message(segments, t, name, text):
    number = get(text, "segment")
    if not name.startswith("identifai-") or number is None:
        return
    segment = segments.setdefault(number, Segment(number))
    if name == "identifai-segment":
        segment.running, segment.duration = get(text, "running-time"), get(text, "duration")
    elif name == "identifai-submitted":
        segment.submitted += 1
    elif name == "identifai-verdict":
        segment.outcome = (t, get(text, "classification", str))
    elif name in ("identifai-failed", "identifai-dropped"):
        segment.outcome = (t, get(text, "reason", str))


# The report.

BUCKETS = [1, 2, 5, 10, 20, 40, 100, 1000]


def histogram(delays):
    """Of ms."""
    counts = collections.OrderedDict((f"<= {b} ms", 0) for b in BUCKETS)
    counts["more"] = 0
    for delay in delays:
        i = bisect.bisect_left(BUCKETS, delay)
        counts[f"<= {BUCKETS[i]} ms" if i < len(BUCKETS) else "more"] += 1
    return {k: v for k, v in counts.items() if v}


def find_segment(frame, starts, by_start):
    i = bisect.bisect_right(starts, frame.running) - 1
    if i < 0:
        return None
    segment = by_start[i]
    return segment if frame.running < segment.running + segment.duration else None


def judge(frames, segments, hold):
    """What should have become of each frame: True, False, or None where either is
    right: its verdict came at about the last moment."""
    known = sorted((s for s in segments.values() if s.running is not None and s.running != NONE
                    and s.duration not in (None, NONE)), key=lambda s: s.running)
    starts = [s.running for s in known]
    expected = {}
    for pts, frame in frames.items():
        segment = find_segment(frame, starts, known)
        if segment is not None and segment.came is None or segment is not None and frame.came < segment.came:
            segment.came = frame.came
    for pts, frame in frames.items():
        segment = find_segment(frame, starts, known)
        if segment is None or segment.outcome is None:
            expected[pts] = False if segment is None or segment.outcome is None else None
            continue
        when, what = segment.outcome
        margin = segment.came + hold * 1e6 - when
        if what not in ("human", "unknown"):
            expected[pts] = False
        else:
            expected[pts] = None if abs(margin) < 30000 else margin > 0
    return expected, known


def report(options, dir):
    frames, segments, stats, pictures, messages = read_log(os.path.join(dir, "gate.log"))
    expected, known = judge(frames, segments, options.hold)
    end = max(f.came for f in frames.values()) - options.hold * 1e6
    due = {pts: f for pts, f in frames.items() if f.came < end - 50000}
    left = {pts: f for pts, f in due.items() if f.left is not None}
    delays = [(f.left - f.came) / 1000 - options.hold * 1000 for f in left.values()]
    margins = [s.came + options.hold * 1e6 - s.outcome[0] for s in known if s.outcome and s.came]
    judged = [s for s in segments.values() if s.outcome]
    numbers = {pts: (n, marked) for _, pts, n, marked in pictures["in"]}
    result = {
        "by": options.by,
        "hold": options.hold,
        "frames in": len(frames),
        "of them due": len(due),
        "frames out": len(left),
        "withheld": {name: get(stats, "withheld-" + name) for name in WHYS if get(stats, "withheld-" + name)},
        "law": law(stats),
        "leaked": sum(expected[pts] is False for pts in left),
        "missing": sum(expected[pts] is True and f.left is None for pts, f in due.items()),
        "later than arrival + hold": histogram(delays),
        "earliest": round(min(delays), 3) if delays else None,
        "latest": round(max(delays), 3) if delays else None,
        "margin-min": get(stats, "margin-min") / 1e9 if margins else None,
        "late-segments": get(stats, "late-segments"),
        "segments": len(segments),
        "outcomes": collections.Counter(s.outcome[1] for s in judged),
        "submissions a segment": round(sum(s.submitted for s in segments.values())
                                       / max(1, sum(s.submitted > 0 for s in segments.values())), 2),
        "messages": messages,
    }
    if options.by != "itself":
        result["receiver"] = report_far(dir, due, left, expected, numbers, options.hold)
    return result


def law(stats):
    came, passed, withheld, flushed, held = (get(stats, n) for n in ("came", "passed", "withheld", "flushed", "held"))
    return came == passed + withheld + flushed + held


def report_far(dir, due, left, expected, numbers, hold):
    """By the numbers in the pictures."""
    pictures = read_log(os.path.join(dir, "far.log"))[3]["far"]
    came = {numbers[pts][0]: f.came for pts, f in due.items() if pts in numbers}
    # a number that comes at another time is a picture that was shown before, or was made of such
    again = [n for t, _, n, _ in pictures if n in came and abs(t - came[n] - hold * 1e6) > 3e6]
    seen = {n for t, _, n, _ in pictures if n >= 0 and not (n in came and abs(t - came[n] - hold * 1e6) > 3e6)}
    bad = {numbers[pts][0] for pts in due if expected[pts] is False and pts in numbers}
    good = {numbers[pts][0] for pts in left if pts in numbers and numbers[pts][0] >= 0}
    first, last = (min(seen), max(seen)) if seen else (0, -1)
    return {
        "pictures": len(pictures),
        "unreadable": sum(n < 0 for _, _, n, _ in pictures),
        "twice": len(pictures) - len({n for _, _, n, _ in pictures}) if pictures else 0,
        "at another time": len(again),
        "leaked": len(seen & bad),
        "left, but not shown": len([n for n in good if first < n < last - 16 and n not in seen]),
        "order": all(a[2] < b[2] for a, b in zip(pictures, pictures[1:]) if a[2] >= 0 and b[2] >= 0),
    }


def is_good(options, result):
    good = result["leaked"] == 0 and result["missing"] == 0 and result["law"] and result["frames out"] > 0
    good &= result["submissions a segment"] == 1 and result["earliest"] >= -0.5
    if "receiver" in result:
        good &= result["receiver"]["leaked"] == 0 and result["receiver"]["pictures"] > 0
    if "receiver" in result and options.groups == "closed":
        good &= result["receiver"]["left, but not shown"] == 0 and result["receiver"]["order"]
    return good


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--by", choices=["itself", "rtmp", "srt"], default="rtmp")
    parser.add_argument("--seconds", type=float, default=25)
    parser.add_argument("--hold", type=float, default=8)
    parser.add_argument("--segment", type=float, default=3)
    parser.add_argument("--delay", type=float, default=0.7, help="the service's time, in s")
    parser.add_argument("--groups", choices=["open", "closed"], default="open")
    parser.add_argument("--jitter", action="store_true", help="up to 0.6 s more at random")
    parser.add_argument("--faults", action="store_true")
    parser.add_argument("--scale", type=float, default=1, help="of the faults' times")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--line", default=os.environ.get("IDENTIFAI_LINE", "tests/line/line"))
    parser.add_argument("--keep", help="keep the logs in this folder")
    parser.add_argument("--report", help="only report on the logs of this folder")
    return parser.parse_args()


def main():
    options = parse()
    random.seed(options.seed)
    if options.report:
        print(json.dumps(report(options, options.report), indent=2))
        return 0
    if options.by == "rtmp" and not (find_rtmp() and os.path.exists("/usr/sbin/nginx")):
        print("line: nginx with its RTMP module isn't here", file=sys.stderr)
        return 77
    dir = options.keep or tempfile.mkdtemp(prefix="line-")
    os.makedirs(dir, exist_ok=True)
    service = Service(dir, options.delay)
    line = Line(options, dir, service)
    trouble = Trouble(service, options.faults, options.jitter, options.scale)
    try:
        line.start()
        trouble.start()
        end = time.monotonic() + options.seconds
        while time.monotonic() < end:
            time.sleep(0.5)
            line.check()
    finally:
        trouble.stop()
        line.stop()
        service.end()
    result = report(options, dir)
    print(json.dumps(result, indent=2))
    if not options.keep:
        shutil.rmtree(dir)
    return 0 if is_good(options, result) else 1


if __name__ == "__main__":
    sys.exit(main())
