#!/usr/bin/python3
# identifAI plugin for GStreamer
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files that anybody made, through identifaigate:

  ninja -C BUILD && meson devenv -C BUILD /usr/bin/python3 ../tests/line/media.py FILE|FOLDER…

Each three times, into a file by matroskamux: with identity in the gate's place; with a
service that finds all of it human; and with one that finds every second segment
artificial. Of the second, each packet that came has left, once, in order, bit for bit
and with its times, but for those before the first key frame, and its leading pictures; and
the file decodes as the first one does. Of the third, no packet has left that didn't come
(but that parameter sets of what is withheld may stand in front of it), no picture of an
artificial segment has, and FFmpeg decodes the file with -xerror, without a word that it
doesn't say of the first, to pictures that are in the first (if it has no word to say of
that). Exit code 1: one isn't so. Files that the gate doesn't take, or whose first run fails
or can't be decoded, are named, and don't count.

Behind a hole in open groups FFmpeg's decoder may mix pictures up (docs/gate.md): with
--idr the third goes on at IDR pictures only."""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

PARSERS = {"video/x-h264": "h264parse", "video/x-h265": "h265parse", "video/x-av1": "av1parse"}
GATE = ("identifaigate policy=none rate-limits=none on-refusal=warn on-unknown=drop verdict-timeout=60000000000 "
        "drain-timeout=60000000000")
RULES = [f"--rule=s*{n}=artificial" for n in "13579"]


class Pipeline:
    """Notes what comes to and leaves the gate, or what stands in its place."""

    def __init__(self, path, gate, out):
        self.packets = {"sink": [], "src": [], "audio_0": [], "audio_src_0": []}
        self.segments, self.verdicts, self.words = {}, {}, []
        self.pipeline = Gst.parse_launch("filesrc name=f ! parsebin name=p matroskamux name=m ! filesink name=o")
        self.get("f").set_property("location", path)
        self.get("o").set_property("location", out)
        self.gate = Gst.parse_launch(gate) if gate else None
        if self.gate:
            self.pipeline.add(self.gate)
        self.has = set()
        self.get("p").connect("pad-added", self.on_pad)

    def get(self, name):
        return self.pipeline.get_by_name(name)

    def make(self, name):
        element = Gst.ElementFactory.make(name)
        if name == "queue":
            for bound in ("time", "bytes", "buffers"):
                element.set_property("max-size-" + bound, 0)
        self.pipeline.add(element)
        element.sync_state_with_parent()
        return element

    def pass_over(self, pad):
        pad.link(self.make("fakesink").get_static_pad("sink"))

    def on_pad(self, _, pad):
        """The first video and the first sound that the gate takes."""
        caps = pad.get_current_caps() or pad.query_caps(None)
        name = caps.get_structure(0).get_name()
        kind = name.split("/")[0]
        template = Gst.ElementFactory.find("identifaigate").get_static_pad_templates()
        wanted = {t.name_template: t.get_caps() for t in template}["audio_%u" if kind == "audio" else "sink"]
        if kind in self.has or kind not in ("video", "audio") or not caps.can_intersect(wanted):
            self.pass_over(pad)
            return
        self.has.add(kind)
        tail = self.make("queue")
        muxer_pad = self.get("m").request_pad_simple(kind + "_%u")
        if name in PARSERS:
            parser = self.make(PARSERS[name])
            parser.link(tail)
            head = parser.get_static_pad("sink")
        else:
            head = tail.get_static_pad("sink")
        if tail.get_static_pad("src").link(muxer_pad) != Gst.PadLinkReturn.OK:
            self.words.append(f"matroskamux doesn't take {name}")
        self.put_between(pad, head, kind)

    def put_between(self, pad, head, kind):
        names = ("audio_0", "audio_src_0") if kind == "audio" else ("sink", "src")
        if self.gate is None:
            element, pads = self.make("identity"), ("sink", "src")
        else:
            element, pads = self.gate, names
            element.sync_state_with_parent()
            if kind == "audio":
                element.request_pad_simple("audio_0")
        into, out = (element.get_static_pad(p) for p in pads)
        for p, n in zip((into, out), names):
            p.add_probe(Gst.PadProbeType.BUFFER, self.on_buffer, self.packets[n])
        out.link(head)
        queue = self.make("queue")
        queue.get_static_pad("src").link(into)
        pad.link(queue.get_static_pad("sink"))

    @staticmethod
    def on_buffer(pad, info, packets):
        """(hash, PTS, DTS, whether it is a key frame, running time, hash of its last bytes)"""
        b, event = info.get_buffer(), pad.get_sticky_event(Gst.EventType.SEGMENT, 0)
        running = event.parse_segment().to_running_time(Gst.Format.TIME, b.pts) if event else Gst.CLOCK_TIME_NONE
        data = b.extract_dup(0, b.get_size())
        packets.append((hashlib.md5(data).hexdigest(), b.pts, b.dts, not b.has_flags(Gst.BufferFlags.DELTA_UNIT),
                        -1 if running == Gst.CLOCK_TIME_NONE else running, hashlib.md5(data[-100:]).hexdigest()))
        return Gst.PadProbeReturn.OK

    def note(self, structure):
        _, number = structure.get_uint("segment")
        if structure.get_name() == "identifai-segment":
            self.segments[number] = structure.get_uint("frames")[1]
        elif structure.get_name() == "identifai-verdict":
            self.verdicts[number] = structure.get_string("classification")
        elif structure.get_name() in ("identifai-failed", "identifai-dropped"):
            self.verdicts[number] = structure.get_string("reason")

    def run(self):
        bus = self.pipeline.get_bus()
        self.pipeline.set_state(Gst.State.PLAYING)
        while True:
            message = bus.timed_pop_filtered(30 * Gst.SECOND, Gst.MessageType.ANY)
            if message is None:
                self.words.append("nothing for half a minute")
            elif message.type == Gst.MessageType.ERROR:
                self.words.append(message.parse_error()[0].message)
            elif message.type == Gst.MessageType.ELEMENT and message.get_structure().has_field("segment"):
                self.note(message.get_structure())
                continue
            elif message.type != Gst.MessageType.EOS:
                continue
            break
        stats = self.gate.get_property("stats").to_string() if self.gate else ""
        self.pipeline.set_state(Gst.State.NULL)
        return {"packets": self.packets, "segments": self.segments, "verdicts": self.verdicts, "words": self.words, "stats": stats}


def child(path, gate, out):
    Gst.init(None)
    print(json.dumps(Pipeline(path, gate, out).run()))


def run(path, gate, out):
    """In a process of its own: files may be anything."""
    done = subprocess.run([sys.executable, os.path.abspath(__file__), "--child", path, gate, out],
                          capture_output=True, text=True, timeout=300)
    if done.returncode:
        return {"words": [f"ended with {done.returncode}: {done.stderr[-300:]}"]}
    found = json.loads(done.stdout)
    found["words"] += re.findall(r".*-(?:CRITICAL|WARNING) \*\*.*", done.stderr)[:3]
    return found


def decode(path):
    """Pictures, what FFmpeg says, and how it ended"""
    done = subprocess.run(["ffmpeg", "-nostdin", "-v", "warning", "-xerror", "-threads", "1", "-i", path, "-map", "0:v:0",
                           "-autoscale", "0", "-fps_mode", "passthrough", "-f", "framehash", "-hash", "md5", "-"],
                          capture_output=True, text=True, errors="replace", timeout=300)
    words = {re.sub(r" @ 0x\w+|\d+", "", line) for line in done.stderr.splitlines()}
    return [line.split(",")[5].strip() for line in done.stdout.splitlines() if line[:1] not in "#"], words, done.returncode


def is_within(part, whole):
    """Each of part in whole, in order"""
    rest = iter(whole)
    return all(any(a == b for b in rest) for a in part)


def get_due(packets):
    """(pictures, sounds): what has to leave, and whether that is all"""
    pictures, sounds = packets["sink"], packets["audio_0"]
    first = next((i for i, p in enumerate(pictures) if p[3]), 0)
    start = pictures[first]
    due = [p for i, p in enumerate(pictures) if i >= first and (i > first + 16 or p[1] >= start[1])]
    return due, [p for p in sounds if p[4] >= start[4]], len(due) == len(pictures)


def check_clean(found, pictures, expected):
    packets, problems = found["packets"], []
    *due, all = get_due(packets)
    for came, left, wanted, what in zip(("sink", "audio_0"), ("src", "audio_src_0"), due, ("packets", "sound packets")):
        came, left = packets[came], packets[left]
        if left != came and left != wanted:
            problems.append(f"{len(left)} of {len(came)} {what} left" + ("" if is_within(left, came) else ", and others"))
    if pictures != expected and not problems and all:
        problems.append(f"{len(pictures)} of {len(expected)} pictures")
    return problems


def check_turns(found, decoded, control):
    problems = []
    packets = found["packets"]
    for came, left in (("sink", "src"), ("audio_0", "audio_src_0")):
        # behind a hole, parameter sets of it may come in front
        if not is_within([(p[1:] if p[3] else p) for p in packets[left]], [(p[1:] if p[3] else p) for p in packets[came]]):
            problems.append(f"what left isn't what came ({left})")
    artificial = sum(n for s, n in found["segments"].items() if found["verdicts"].get(s) != "human")
    if len(packets["sink"]) - len(packets["src"]) < artificial:
        problems.append(f"{len(packets['src'])} of {len(packets['sink'])} packets left, {artificial} pictures were artificial")
    pictures, words, status = decoded
    if packets["src"] and (status or words - control[1]):
        problems.append(f"FFmpeg ended with {status}: {sorted(words - control[1])[:3]}")
    strange = len(set(pictures) - set(control[0]))
    if control[1]:
        pass    # what isn't whole is shown as its decoder likes
    elif strange:
        problems.append(f"{strange} of {len(pictures)} pictures aren't the file's")
    elif not is_within(pictures, control[0]):
        problems.append("order of pictures")
    return problems


def get_duration(path):
    out = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path],
                         capture_output=True, text=True).stdout
    try:
        return float(out)
    except ValueError:
        return 4.0


def check(path, options, dir):
    out = os.path.join(dir, "out.mkv")
    plain = run(path, "", out)
    if not plain.get("packets", {}).get("sink"):
        return "not taken: " + "; ".join(plain["words"]), []
    if plain["words"] or not os.path.exists(out):
        return "not muxed without the gate: " + "; ".join(plain["words"]), []
    control = decode(out)
    if control[2] or not control[0]:
        return f"not decoded without the gate: {sorted(control[1])[:2]}", []
    length = min(3.0, max(0.1, get_duration(path) / 6))
    gate = f"{GATE} segment-duration={int(length * 1e9)}"
    problems = []
    found = run(path, gate + " ref-id=clean-%uz", out)
    problems += found["words"] or ["clean: " + p for p in check_clean(found, decode(out)[0], control[0])]
    found = run(path, gate + f" ref-id=s%u resume-at-idr={options.idr}", out)
    problems += found["words"] or ["in turns: " + p for p in check_turns(found, decode(out), control)]
    if found["words"]:
        return "", problems
    return f"{len(found['packets']['sink'])} packets, {len(found['segments'])} segments, " \
           f"in turns {len(found['packets']['src'])} left", problems


def start_emulator():
    process = subprocess.Popen([os.environ.get("IDENTIFAI_EMULATOR") or "identifai-emulator", "-q", "-d", "0.05",
                                "--rate-limits=off", "--verdict=human", *RULES], stdout=subprocess.PIPE, text=True)
    url = re.search(r"http://\S+", process.stdout.readline()).group(0)
    os.environ.update(IDENTIFAI_ENDPOINT=url, IDENTIFAI_API_KEY="any")
    return process


def find_files(paths):
    for path in paths:
        if os.path.isdir(path):
            for folder, _, names in sorted(os.walk(path)):
                yield from (os.path.join(folder, n) for n in sorted(names))
        else:
            yield path


def main():
    if sys.argv[1:2] == ["--child"]:
        return child(*sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--idr", action="store_true", help="resume-at-idr in the third")
    options = parser.parse_args()
    bad = 0
    dir, emulator = tempfile.mkdtemp(prefix="media-"), start_emulator()
    try:
        for path in find_files(options.files):
            said, problems = check(path, options, dir)
            bad += bool(problems)
            print(f"{'BAD ' if problems else ''}{path}: {'; '.join(problems) or said}", flush=True)
    finally:
        emulator.kill()
        shutil.rmtree(dir)
    print(f"{bad} bad")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
