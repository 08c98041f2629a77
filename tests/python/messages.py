#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads all messages and tags of a verdict as a program of a user's would: with
msg.get_structure(), and nothing else."""

import json
import os
import sys

from emulator import SKIPPED, Emulator

try:
    import gi
    gi.require_version("Gst", "1.0")
    from gi.repository import GLib, Gst
except (ImportError, ValueError) as error:
    print("skipped:", error)
    sys.exit(SKIPPED)
Gst.init(None)
# python3-gst-1.0: arrays and structures as Python sees them
if not hasattr(Gst, "ValueArray") or not hasattr(Gst.Structure, "__getitem__"):
    print("skipped: there is no python3-gst-1.0")
    sys.exit(SKIPPED)

PIPELINE = ("videotestsrc num-buffers=50 pattern=solid-color foreground-color=0xffff00ff ! "
            "video/x-raw,width=64,height=48,framerate=25/1 ! jpegenc ! avimux ! "
            "identifaisink name=sink ref-id=cam-%03u with-nsfw=true frames=5")
COMMON = {"segment": int, "running-time": int, "stream-time": int, "duration": int, "bytes": int,
          "date-time": Gst.DateTime, "ref-id": str, "session": str, "sha256": str}
MORE = {
    "identifai-segment": {"frames": int, "keyframes": int, "content-type": str},
    "identifai-submitted": {"identifier": str, "upload-time": int},
    "identifai-verdict": {"identifier": str, "classification": str, "confidence": float, "score": float,
                          "artificial-frames": int, "heuristic": str,
                          "unknown": bool, "nsfw": bool, "results": Gst.Structure, "json": str, "latency": int},
}


def expect(what, ok):
    if not ok:
        print("FAILED:", what)
        sys.exit(1)


def play(pipeline):
    """The element messages' structures, the tag lists and the end's message."""
    structures, tags = [], []
    bus = pipeline.get_bus()
    pipeline.set_state(Gst.State.PLAYING)
    while True:
        message = bus.timed_pop(60 * Gst.SECOND)
        expect("an end within a minute", message is not None)
        if message.type == Gst.MessageType.ELEMENT:
            structures.append(message.get_structure())
        elif message.type == Gst.MessageType.TAG:
            tags.append(message.parse_tag())
        elif message.type in (Gst.MessageType.EOS, Gst.MessageType.ERROR):
            break
    return structures, tags, message


def check_fields(structure):
    fields = {**COMMON, **MORE[structure.get_name()]}
    for name, kind in fields.items():
        value = structure.get_value(name)
        expect("%s.%s is %r, no %s" % (structure.get_name(), name, value, kind.__name__), isinstance(value, kind))
    expect("ref-id", structure.get_value("ref-id") == "cam-000")


def same(ours, theirs):
    """Whether a structure tells what the JSON beside it does; null has no place in one."""
    if isinstance(theirs, dict):
        names = [ours.nth_field_name(i) for i in range(ours.n_fields())]
        return sorted(names) == sorted(k for k, v in theirs.items() if v is not None) and all(
            same(ours.get_value(k), v) for k, v in theirs.items() if v is not None)
    if isinstance(theirs, list):
        return len(ours) == len(theirs) and all(same(a, b) for a, b in zip(ours, theirs))
    if isinstance(theirs, float):
        return abs(ours - theirs) < 1e-12
    return ours == theirs and isinstance(ours, bool) == isinstance(theirs, bool)


def check_verdict(verdict):
    answer = json.loads(verdict.get_value("json"))
    expect("magenta is artificial", verdict.get_value("classification") == "artificial")
    expect("the same identifier", answer["identifier"] == verdict.get_value("identifier"))
    expect("nsfw", verdict.get_value("nsfw") == answer["is_nsfw"])

    verdicts = verdict.get_value("verdicts")
    expect("one verdict a heuristic", len(verdicts) == len(answer["verdicts"]) > 1)
    for ours, theirs in zip(verdicts, answer["verdicts"]):
        for name in ("heuristic", "classification", "confidence", "unknown", "models"):
            expect("%s of %r" % (name, theirs), same(ours.get_value(name), theirs[name]))

    results = verdict.get_value("results")
    expect("results", results.get_name() == "results")
    images = results.get_value("images")
    expect("five frames", len(images) == 5)
    expect("scores", 0 <= images[0].get_value("results")[0].get_value("classification")[0].get_value("score") <= 1)
    expect("all that the service said", same(results, answer["results"]))


def check_tags(tags):
    tags = [t for t in tags if t.get_string("identifai-classification")[0]]
    expect("one list of tags", len(tags) == 1)
    expect("classification", tags[0].get_string("identifai-classification") == (True, "artificial"))
    expect("confidence", tags[0].get_double("identifai-confidence")[0])
    expect("nsfw", tags[0].get_boolean("identifai-nsfw") == (True, False))


def check_stats(sink):
    stats = sink.get_property("stats")
    expect("stats", stats.get_value("segments") == stats.get_value("verdicts") == 1)
    expect("coverage", stats.get_value("coverage") == 1.0)


def set_structures(sink):
    """The properties that are structures, from Python."""
    limits, _ = Gst.Structure.from_string("limits,post-per-second=0,post-per-minute=0,get-per-second=0,get-per-minute=0")
    sink.set_property("rate-limits", limits)
    extra = Gst.Structure.new_empty("parameters")
    extra.set_value("with_magic", True)
    sink.set_property("extra-parameters", extra)
    expect("rate-limits", sink.get_property("rate-limits").get_value("post-per-minute") == 0)


def main():
    with Emulator("--quiet") as url:
        pipeline = Gst.parse_launch(PIPELINE)
        sink = pipeline.get_by_name("sink")
        sink.set_property("endpoint", url)
        sink.set_property("api-key", "any")
        set_structures(sink)
        structures, tags, end = play(pipeline)
        expect("EOS, not %s" % (end.type == Gst.MessageType.ERROR and end.parse_error()),
               end.type == Gst.MessageType.EOS)
        expect("three messages", [s.get_name() for s in structures] == list(MORE))
        for structure in structures:
            check_fields(structure)
        check_verdict(structures[-1])
        check_tags(tags)
        check_stats(sink)
        pipeline.set_state(Gst.State.NULL)
    print("all fields of all messages were read")
    return 0


if __name__ == "__main__":
    sys.exit(main())
