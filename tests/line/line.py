#!/usr/bin/env python3
# identifAI plugin for GStreamer
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A line with identifaigate in it, end to end, and what it let out:

  publisher ─► nginx-rtmp ─► gate ─► nginx-rtmp ─► receiver      --by rtmp
  publisher ─► SRT        ─► gate ─► SRT        ─► receiver      --by srt
  publisher ─► gst-rtsp-server ─► gate ─► SRT   ─► receiver      --by rtsp
  publisher ─► gate                                              --by itself

The publisher draws a frame counter as a bar code, which survives coding, and turns to
the emulator's marker colour for 1 to 20 s at random; H.264 with B frames and open
groups, and AAC. Each verdict counts by itself, and the gate is closed. Meanwhile the
service goes wrong in turns (--faults): it is down, silent, slow, and says 429. --bad is a
cable that is slow and loses packets, to the service or to the publisher (root only).
With --slate what is withheld is filled, and an operator shows it --switches times;
FFmpeg receives the stream beside the receiver, and ends at the first error, and over
SRT srt-live-transmit does, too.

The report says how many frames came to the gate, left it, and were withheld, by
reason; frames that left though their segment was artificial, failed or had no verdict
in time (leaked: has to be 0); those of clean segments that didn't (missing: 0); how
much later than arrival + hold frames left, measured by pad probes, and how late a
thread beside it was that only sleeps until then (the machine); the least margin of a
verdict; submissions a segment (1.00); and what the receiver saw. Exit code 1: one of
those isn't as it has to be. Behind a hole in a stream of open groups, FFmpeg's decoder
shows earlier pictures again and not all of those that came, as its numbers of frames
don't go on: that is counted, and has to be none with --groups closed only.

  ninja -C BUILD && meson devenv -C BUILD python3 ../tests/line/line.py --by rtmp --seconds 1800 --faults
  … line.py --by itself --hold 7 --segment 2.5 --seconds 3600 --jitter
  … line.py --by srt --slate --switches 20 --seconds 300 --verdict human --groups closed
  … line.py --by rtmp --slate --switches 1 --show 600 --seconds 660 --verdict human --groups closed
"""

import argparse
import bisect
import collections
import datetime
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

import wire

CAPS = "video/x-raw,format=I420,width=320,height=240,framerate=25/1"
VIDEO = (f"appsrc name=marker is-live=true format=time caps={CAPS} ! "
         "x264enc bframes=2 key-int-max=25 speed-preset=ultrafast bitrate=500 threads=1 "
         "option-string=open-gop={open} ! h264parse")
SOUND = ("audiotestsrc is-live=true samplesperbuffer=1024 ! audio/x-raw,rate=44100,channels=1 ! "
         "avenc_aac ! aacparse")
DECODE = "avdec_h264 max-threads=1 ! videoconvert ! video/x-raw,format=I420"
SLATE = ("-f lavfi -i smptebars=size=160x120:rate=25,format=yuv420p -f lavfi -i anullsrc=r=44100:cl=mono -t 2 "
         "-c:v libx264 -profile:v main -g 25 -bf 2 -c:a aac")
HERE = os.path.dirname(os.path.abspath(__file__))
CONFIG = """
load_module {module};
daemon off; master_process off; pid {dir}/pid; error_log {dir}/error.log;
events {{ }}
rtmp {{ server {{ listen {host}:{port}; access_log off;
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


QUALITY = {"loss": 0.02, "delay": 0.05, "jitter": 0.03, "rate": 4e6}


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(type=kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port, host="127.0.0.1", patience=10):
    until = time.monotonic() + patience
    while time.monotonic() < until:
        with socket.socket() as s:
            if s.connect_ex((host, port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"line: nobody listens on port {port}")


class Service:
    """The emulator, and what goes wrong with it; at the far end of a cable, if any."""

    def __init__(self, dir, options, cable=None):
        self.dir, self.port, self.cable = dir, free_port(), cable
        self.options = ["-d", str(options.delay)] + (["--verdict", options.verdict] if options.verdict else [])
        self.host = wire.FAR if cable else "127.0.0.1"
        self.url = f"http://{self.host}:{self.port}"
        self.process = None
        self.begin()

    def begin(self):
        path = os.environ.get("IDENTIFAI_EMULATOR") or shutil.which("identifai-emulator")
        if not path:
            sys.exit("line: set IDENTIFAI_EMULATOR to the emulator's path")
        log = open(os.path.join(self.dir, "emulator.log"), "a")
        argv = [path, "-q", "-a", self.host, "-p", str(self.port), *self.options]
        self.process = subprocess.Popen(self.cable.wrap(argv) if self.cable else argv, stdout=log, stderr=log)
        wait_for_port(self.port, self.host)

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


class Operator(threading.Thread):
    """Shows the slate so many times, so long; the first time once the stream is there."""

    def __init__(self, line, options):
        super().__init__(daemon=True)
        self.line, self.count, self.show = line, options.switches, options.show
        self.first = options.hold + 5
        self.pause = (options.seconds - self.first) / max(1, self.count) - self.show
        self.over = threading.Event()
        if self.count and self.pause < 1:
            sys.exit(f"line: {self.count} slates of {self.show} s need more than {options.seconds} s")

    def run(self):
        if self.over.wait(self.first):
            return
        self.line.note_joined()
        for _ in range(self.count):
            self.line.processes["gate"].send_signal(signal.SIGUSR1)
            if self.over.wait(self.show):
                return
            self.line.processes["gate"].send_signal(signal.SIGUSR2)
            if self.over.wait(self.pause):
                return

    def stop(self):
        self.over.set()
        self.join(10)


class Line:
    """The processes of the line; logs are in dir. cable: to the publisher, or None."""

    def __init__(self, options, dir, service, cable=None):
        self.options, self.dir, self.service, self.cable = options, dir, service, cable
        self.host = "0.0.0.0" if cable else "127.0.0.1"     # of a namespace of the test's own
        self.processes = {}
        self.video = VIDEO.format(open=int(options.groups == "open"))
        self.gate = (f"identifaigate name=gate hold={int(options.hold * 1e9)} "
                     f"segment-duration={int(options.segment * 1e9)} on-refusal=warn "
                     "verdict-timeout=60000000000 max-pending-segments=4 timeout=10")
        if options.bad == "service":
            self.gate += " allow-plain-http=true"
        if options.slate:
            self.gate += f" slate-location={dir}/slate.mp4 on-artificial=slate on-unjudged=slate"
            subprocess.run(["ffmpeg", "-v", "error", "-y", *SLATE.split(), dir + "/slate.mp4"], check=True)

    def spawn(self, name, argv, output=None):
        env = dict(os.environ, IDENTIFAI_ENDPOINT=self.service.url, IDENTIFAI_API_KEY="any")
        log = open(os.path.join(self.dir, name + ".err"), "w")
        if name in ("publisher", "server") and self.cable:
            argv = self.cable.wrap(argv)
        self.processes[name] = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=output or log,
                                                stderr=log)

    def run(self, name, *pipelines):
        self.spawn(name, [self.options.line, self.log(name), str(self.options.seed), *pipelines])

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
            f.write(CONFIG.format(module=find_rtmp(), dir=self.dir, host=self.host, port=port))
        self.spawn("nginx", ["/usr/sbin/nginx", "-c", path, "-e", self.dir + "/error.log"])
        wait_for_port(port)
        return f"rtmp://127.0.0.1:{port}"

    def relay(self, source, video, sound, muxer, sink):
        """What comes is decoded beside the gate, to know its numbers."""
        tee = ("h264parse ! tee name=t ! queue max-size-buffers=0 max-size-bytes=0 max-size-time=0 ! "
               f"{DECODE} ! appsink name=in sync=false t. ! queue ! {self.gate}")
        self.run("gate", f"{source} name=d d. ! {video} ! {tee} ! queue ! {muxer} name=m ! {sink} "
                 f"d. ! {sound} ! aacparse ! gate.audio_0 gate.audio_src_0 ! queue ! m.")

    def receive(self, url):
        """Beside the receiver, two foreign ones."""
        if not self.options.slate:
            return
        self.spawn("ffmpeg", ["ffmpeg", "-nostdin", "-v", "warning", "-xerror", "-i", url, "-map", "0",
                              "-flush_packets", "1", "-f", "framecrc", "-y", self.dir + "/ffmpeg.frames"])
        if url.startswith("srt:") and shutil.which("srt-live-transmit"):
            self.spawn("transmit", ["srt-live-transmit", "-q", url, "file://con"],
                       open(self.dir + "/transmit.ts", "wb"))

    def start_rtmp(self):
        url = self.start_nginx()
        near = url.replace("127.0.0.1", wire.NEAR) if self.cable else url
        self.run("publisher", f"{self.video} ! queue ! flvmux name=m streamable=true latency=500000000 ! "
                 f"rtmp2sink location={near}/in/a {SOUND} ! queue ! m.")
        time.sleep(2)
        self.relay(f"rtmp2src location={url}/in/a ! flvdemux", "queue", "queue", "flvmux streamable=true latency=500000000",
                   f"rtmp2sink location={url}/out/a")
        # flvdemux ends if all pads that it has so far, the sound's, are not linked
        self.run("far", f"rtmp2src location={url}/out/a ! flvdemux name=d d.video ! queue ! h264parse ! {DECODE} ! "
                 "appsink name=far sync=false d.audio ! queue ! fakesink sync=false")
        self.receive(f"{url}/out/a")

    def publish_srt(self):
        """Returns the address for a caller."""
        port = free_port(socket.SOCK_DGRAM)
        self.run("publisher", f"{self.video} config-interval=-1 ! queue ! mpegtsmux alignment=7 name=m ! "
                 f"srtsink uri=srt://{self.host}:{port}?mode=listener wait-for-connection=false "
                 f"{SOUND} ! queue ! m.")
        time.sleep(1)
        return f"srt://{wire.FAR if self.cable else '127.0.0.1'}:{port}?mode=caller&latency=400"

    def relay_to_srt(self, source, video, sound):
        port = free_port(socket.SOCK_DGRAM)
        self.relay(source, video, sound, "h264parse config-interval=-1 ! mpegtsmux alignment=7",
                   f"srtsink uri=srt://127.0.0.1:{port}?mode=listener wait-for-connection=false")
        time.sleep(1)
        url = f"srt://127.0.0.1:{port}?mode=caller"
        self.run("far", f"srtsrc uri={url} ! tsdemux ! h264parse ! {DECODE} ! appsink name=far sync=false")
        self.receive(url)

    def note_joined(self):
        for name in {"ffmpeg", "transmit"} & set(self.processes):
            with open(os.path.join(self.dir, name + ".joined"), "w") as f:
                f.write(str(os.path.getsize(os.path.join(self.dir, name + ".err"))))

    def start_srt(self):
        self.relay_to_srt(f"srtsrc uri={self.publish_srt()} ! tsdemux", "queue", "queue")

    def start_rtsp(self):
        """The server is Debian's. Behind a bad cable it is a camera that sends by UDP."""
        port, host, how = free_port(), "127.0.0.1", ""
        if self.cable:
            host, how = wire.FAR, "protocols=udp"
        self.spawn("server", ["/usr/bin/python3", HERE + "/rtspserver.py", host, str(port), self.publish_srt()])
        wait_for_port(port, host)
        self.relay_to_srt(f"rtspsrc location=rtsp://{host}:{port}/a latency=500 {how}",
                          "application/x-rtp,media=video ! queue ! rtph264depay",
                          "application/x-rtp,media=audio ! queue ! rtpmp4gdepay")

    def check(self):
        for name, process in self.processes.items():
            if process.poll() is not None:
                sys.exit(f"line: {name} ended with {process.returncode}: "
                         + open(os.path.join(self.dir, name + ".err")).read()[-2000:])

    def stop(self):
        for name in ("ffmpeg", "transmit", "gate", "far", "server", "publisher", "nginx"):
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

WHYS = ("verdict", "unknown", "unjudged", "unsampled", "forced", "dumped", "skipped", "overflow", "start")


class Frame:
    __slots__ = ("came", "running", "pts", "key", "left", "segment")

    def __init__(self, came, running, pts, key):
        self.came, self.running, self.pts, self.key, self.left, self.segment = came, running, pts, key, None, None


class Segment:
    """outcome: (time, what) of its message; None: there is none. captured: wall clock, µs"""

    def __init__(self, number):
        self.number, self.captured, self.n_frames, self.outcome, self.submitted = number, None, None, None, 0
        self.running, self.came, self.first, self.unsure = None, None, None, True


def get(text, name, kind=int):
    found = re.search(rf"[ ,]{name}=\((?:\w+)\)\"?([^,;\"]*)", text)
    return kind(found.group(1)) if found else None


class Log:
    """frames by PTS, segments by number, pictures by sink, messages by name; control:
    how late by arrival; forces: (time, what); slates: how often it began, frames of it"""

    def __init__(self, path):
        self.frames, self.segments, self.stats = {}, {}, ""
        self.pictures = collections.defaultdict(list)
        self.messages = collections.Counter()
        self.clocks = []    # (monotonic, wall - monotonic, base time), in µs
        self.control, self.forces, self.slates, self.shown = {}, [], [0, 0], None
        for line in open(path):
            kind, _, rest = line.partition(" ")
            getattr(self, "read_" + kind, lambda rest: None)(rest.rstrip("\n"))

    def read_i(self, rest):
        came, running, pts, key = map(int, rest.split())
        if pts < 0:
            self.messages["buffers without times"] += 1
        elif pts in self.frames:
            self.messages["buffers with the times of another"] += 1
        else:
            self.frames[pts] = Frame(came, running, pts, key)

    def read_o(self, rest):
        left, _, pts, _ = map(int, rest.split())
        self.shown = "o"
        if pts in self.frames:
            self.frames[pts].left = left

    def read_v(self, rest):
        self.slates[0] += self.shown != "v"
        self.slates[1] += 1
        self.shown = "v"

    def read_t(self, rest):
        mono, real, base = map(int, rest.split())
        self.clocks.append((mono, real - mono, base / 1000))

    def find_captured(self, frame):
        """As the gate says date-time: by the clock, and how old the frame is by its time."""
        i = bisect.bisect_left(self.clocks, (frame.came,))
        _, real, base = self.clocks[min(i, len(self.clocks) - 1)]
        age = frame.came - base - frame.running / 1000 if base else 0   # no base: no clock yet
        return frame.came + real - max(0, age)

    def read_w(self, rest):
        came, late = map(int, rest.split())
        self.control[came] = late / 1000

    def read_f(self, rest):
        t, what = rest.split()
        self.forces.append((int(t), what))

    def read_c(self, rest):
        name, t, pts, number, marked = rest.split()
        self.pictures[name].append((int(t), int(pts), int(number), marked == "1"))

    def read_s(self, rest):
        self.stats = rest

    def read_m(self, rest):
        t, _, text = rest.partition(" ")
        name = re.match(r"[\w-]+", text).group(0)
        self.messages[name] += 1
        note_message(self.segments, int(t), name, text)


def read_date(text):
    date = datetime.datetime.fromisoformat(text.rstrip("Z")).replace(tzinfo=datetime.timezone.utc)
    return round(date.timestamp() * 1e6)


def note_message(segments, t, name, text):
    number = get(text, "segment")
    if not name.startswith("identifai-") or number is None:
        return
    segment = segments.setdefault(number, Segment(number))
    if name == "identifai-segment":
        segment.captured, segment.n_frames = get(text, "date-time", read_date), get(text, "frames")
        segment.running = get(text, "running-time")
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


def place(log):
    """Which segment each frame is in, without the gate's word for it: a segment begins with
    the key frame that came when it says (date-time), the one of its running time if there
    are two. One that hasn't as many frames as it says is unsure: frames were lost or came
    out of their time there."""
    order = sorted(log.frames.values(), key=lambda f: f.came)
    keys = [i for i, f in enumerate(order) if f.key]
    captured = {i: log.find_captured(order[i]) for i in keys}
    begun = []
    for s in sorted(log.segments.values(), key=lambda s: s.number):
        near = min(keys, default=None, key=lambda i: (
            abs(captured[i] - s.captured) > 200000, order[i].running != s.running, abs(captured[i] - s.captured))) \
            if s.captured else None
        if near is not None and abs(captured[near] - s.captured) < 200000 \
                and not (begun and begun[-1][0] >= near):
            begun.append((near, s))
    for (first, s), (after, _) in zip(begun, begun[1:] + [(len(order), None)]):
        s.first = first
        for f in order[first:after]:
            f.segment = s
    for (first, s), (_, before) in zip(begun[1:], begun):
        for f in order[first + 1:first + 16]:
            if f.segment is s and f.pts < order[first].pts:     # a leading picture
                f.segment = before
    for _, s in begun:
        s.came = order[s.first].came
        s.unsure = sum(f.segment is s for f in order[s.first:s.first + 2000]) != s.n_frames
    return begun


def judge(log, hold):
    """What should have become of each frame: True, False, or None where either is
    right: its verdict came at about the last moment, or its segment is unsure. Sound that
    came before its picture, as encoders have it, makes the last moment earlier."""
    place(log)
    expected = {}
    for pts, frame in log.frames.items():
        segment = frame.segment
        if segment is None or segment.outcome is None:
            expected[pts] = False
            continue
        when, what = segment.outcome
        margin = segment.came + hold * 1e6 - when
        if segment.unsure:
            expected[pts] = None
        elif what not in ("human", "unknown"):
            expected[pts] = False
        else:
            expected[pts] = None if -30000 < margin < 200000 else margin > 0
    return expected


def forgive_forced(log, expected, hold):
    """What would have left while the operator showed the slate, and until the next key
    frame, isn't missing. A segment that begins in it isn't decided there: what of it is due
    after its verdict, late as that is, may leave."""
    ends = [t for t, what in log.forces[1:]] + [float("inf")]
    spans = [(t - 50000, end + 1300000) for (t, what), end in zip(log.forces, ends) if what == "slate"]

    def is_forced(t):
        return any(begin <= t <= end for begin, end in spans)

    for pts, frame in log.frames.items():
        due, segment = frame.came + hold * 1e6, frame.segment
        if expected[pts] and is_forced(due):
            expected[pts] = None
        elif expected[pts] is False and segment and segment.outcome and is_forced(segment.came + hold * 1e6) \
                and segment.outcome[0] < due and segment.outcome[1] in ("human", "unknown"):
            expected[pts] = None


def find_late(log, left, hold):
    """How many frames left more than 20 ms late, and with how many of these the control
    was more than half as late."""
    late = {f.came: (f.left - f.came) / 1000 - hold * 1000 for f in left.values()}
    late = {came: ms for came, ms in late.items() if ms > 20}
    return {"frames": len(late),
            "so was the control": sum(log.control.get(came, 0) > ms / 2 for came, ms in late.items())}


def report(options, dir):
    log = Log(os.path.join(dir, "gate.log"))
    frames, segments, stats, pictures, messages = log.frames, log.segments, log.stats, log.pictures, log.messages
    expected = judge(log, options.hold)
    forgive_forced(log, expected, options.hold)
    end = max(f.came for f in frames.values()) - options.hold * 1e6
    due = {pts: f for pts, f in frames.items() if f.came < end - 50000}
    left = {pts: f for pts, f in due.items() if f.left is not None}
    delays = [(f.left - f.came) / 1000 - options.hold * 1000 for f in left.values()]
    margins = [s.came + options.hold * 1e6 - s.outcome[0] for s in segments.values() if s.outcome and s.came]
    judged = [s for s in segments.values() if s.outcome]
    numbers = {pts: (n, marked) for _, pts, n, marked in pictures["in"]}
    result = {
        "by": options.by,
        "hold": options.hold,
        "frames in": len(frames),
        "of them due": len(due),
        "frames out": len(left),
        "withheld": {name: get(stats, "withheld-" + name) for name in WHYS if get(stats, "withheld-" + name)},
        "unsure": sum(f.segment is not None and f.segment.unsure for f in due.values()),
        "law": law(stats),
        "leaked": sum(expected[pts] is False for pts in left),
        "missing": sum(expected[pts] is True and f.left is None for pts, f in due.items()),
        "later than arrival + hold": histogram(delays),
        "the same of the control": histogram(log.control.values()),
        "later than 20 ms": find_late(log, left, options.hold),
        "earliest": round(min(delays), 3) if delays else None,
        "latest": round(max(delays), 3) if delays else None,
        "latest of the control": max(log.control.values(), default=None),
        "margin-min": get(stats, "margin-min") / 1e9 if margins else None,
        "late-segments": get(stats, "late-segments"),
        "segments": len(segments),
        "outcomes": collections.Counter(s.outcome[1] for s in judged),
        "submissions a segment": round(sum(s.submitted for s in segments.values())
                                       / max(1, sum(s.submitted > 0 for s in segments.values())), 2),
        "messages": messages,
    }
    if options.slate:
        result["slate"] = {"shown": log.slates[0], "frames": log.slates[1]}
        result["foreign receivers"] = report_foreign(dir)
    if options.by != "itself":
        result["receiver"] = report_far(dir, due, left, expected, numbers, options.hold)
    return result


def law(stats):
    came, passed, withheld, flushed, held = (get(stats, n) for n in ("came", "passed", "withheld", "flushed", "held"))
    return came == passed + withheld + flushed + held


def report_foreign(dir):
    """What FFmpeg says of what is before the first key frame that it gets is left out."""
    result = {}
    for name in ("ffmpeg", "transmit"):
        path = os.path.join(dir, name + ".err")
        if os.path.exists(path):
            joined = os.path.join(dir, name + ".joined")
            begin = int(open(joined).read()) if os.path.exists(joined) else 0
            said = open(path, errors="replace").read()[begin:]
            result[name + " says"] = collections.Counter(re.sub(r" @ 0x\w+", "", said).splitlines())
    frames = [line.split(",") for line in open(os.path.join(dir, "ffmpeg.frames")) if line[0] != "#"] \
        if os.path.exists(os.path.join(dir, "ffmpeg.frames")) else []
    for stream in sorted({line[0] for line in frames}):
        times = [int(line[2]) for line in frames if line[0] == stream]
        result[f"ffmpeg, stream {stream}"] = len(times)
        result[f"ffmpeg, stream {stream}, times go back"] = sum(a >= b for a, b in zip(times, times[1:]))
    path = os.path.join(dir, "transmit.ts")
    if os.path.exists(path):
        result["transmit, bytes"] = os.path.getsize(path)
    return result


def find_seen(pictures, came, hold):
    """(numbers at another time, the other numbers): a number that comes at another time is
    a picture that was shown before, or was made of such; but the last ones before a hole
    may be shown behind it."""
    again, seen, previous = [], set(), -1
    for t, _, n, _ in pictures:
        late = t - came[n] - hold * 1e6 if n in came else 0
        if abs(late) > 3e6 and not (late > 0 and n == previous + 1):
            again.append(n)
        elif n >= 0:
            seen.add(n)
            previous = n
    return again, seen


def report_far(dir, due, left, expected, numbers, hold):
    """By the numbers in the pictures."""
    pictures = Log(os.path.join(dir, "far.log")).pictures["far"]
    slates = sum(n == -2 for _, _, n, _ in pictures)
    pictures = [p for p in pictures if p[2] != -2]
    came = {numbers[pts][0]: f.came for pts, f in due.items() if pts in numbers}
    again, seen = find_seen(pictures, came, hold)
    bad = {numbers[pts][0] for pts in due if expected[pts] is False and pts in numbers}
    good = {numbers[pts][0] for pts in left if pts in numbers and numbers[pts][0] >= 0}
    shown = [n for _, _, n, _ in pictures if n >= 0]
    first, last = (min(seen), max(seen)) if seen else (0, -1)
    return {
        "pictures": len(pictures),
        "of the slate": slates,
        "unreadable": sum(n < 0 for _, _, n, _ in pictures),
        "twice": len(shown) - len(set(shown)),
        "at another time": len(again),
        "leaked": len(seen & bad),
        "left, but not shown": len([n for n in good if first < n < last - 16 and n not in seen]),
        "order": all(a[2] < b[2] for a, b in zip(pictures, pictures[1:]) if a[2] >= 0 and b[2] >= 0),
    }


def is_good(options, result):
    good = result["leaked"] == 0 and result["missing"] == 0 and result["law"] and result["frames out"] > 0
    good &= result["unsure"] <= result["of them due"] / 10
    good &= result["submissions a segment"] == 1 and result["earliest"] >= -0.5
    if "receiver" in result:
        good &= result["receiver"]["leaked"] == 0 and result["receiver"]["pictures"] > 0
    if options.slate:
        good &= (result["slate"]["shown"] >= options.switches or options.verdict != "human")
        good &= not any(v for k, v in result["foreign receivers"].items() if k.endswith(("back", "says")))
    if "receiver" in result and options.groups == "closed":
        good &= result["receiver"]["left, but not shown"] == 0 and result["receiver"]["order"]
    return good


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--by", choices=["itself", "rtmp", "srt", "rtsp"], default="rtmp")
    parser.add_argument("--seconds", type=float, default=25)
    parser.add_argument("--hold", type=float, default=8)
    parser.add_argument("--segment", type=float, default=3)
    parser.add_argument("--delay", type=float, default=0.7, help="the service's time, in s")
    parser.add_argument("--verdict", help="of the service, on all; the default: by the marks")
    parser.add_argument("--groups", choices=["open", "closed"], default="open")
    parser.add_argument("--jitter", action="store_true", help="up to 0.6 s more at random")
    parser.add_argument("--faults", action="store_true")
    parser.add_argument("--scale", type=float, default=1, help="of the faults' times")
    parser.add_argument("--bad", choices=["service", "publisher"], help="a bad cable there")
    parser.add_argument("--slate", action="store_true")
    parser.add_argument("--switches", type=int, default=0, help="how often the operator shows the slate")
    parser.add_argument("--show", type=float, default=4, help="for how long, in s")
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
    if options.by == "rtsp" and subprocess.run(["/usr/bin/python3", HERE + "/rtspserver.py", "--check"]).returncode:
        print("line: gst-rtsp-server isn't here for Python", file=sys.stderr)
        return 77
    if options.bad and not os.environ.get("LINE_IS_APART"):
        os.environ["LINE_IS_APART"] = "1"
        os.execvp("unshare", ["unshare", "--net", "--fork", sys.executable, *sys.argv])
    if options.bad:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    dir = os.path.abspath(options.keep or tempfile.mkdtemp(prefix="line-"))
    os.makedirs(dir, exist_ok=True)
    cable = wire.Wire(**QUALITY) if options.bad else None
    service = Service(dir, options, cable if options.bad == "service" else None)
    line = Line(options, dir, service, cable if options.bad == "publisher" else None)
    trouble = Trouble(service, options.faults, options.jitter, options.scale)
    operator = Operator(line, options)
    try:
        line.start()
        trouble.start()
        operator.start()
        end = time.monotonic() + options.seconds
        while time.monotonic() < end:
            time.sleep(0.5)
            line.check()
    finally:
        operator.stop()
        trouble.stop()
        line.stop()
        service.end()
        if cable:
            cable.stop()
    result = report(options, dir)
    print(json.dumps(result, indent=2))
    if not options.keep:
        shutil.rmtree(dir)
    return 0 if is_good(options, result) else 1


if __name__ == "__main__":
    sys.exit(main())
