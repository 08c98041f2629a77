#!/usr/bin/env python3
# identifAI plugin for GStreamer
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""identifai-moderate --test: what policies would have cut of recorded outcomes."""

import json
import os
import subprocess
import sys
import tempfile

PROGRAM = os.environ["IDENTIFAI_MODERATE"]
OUTCOMES = {
    "c": {"message": "identifai-verdict", "score": 0.1, "classification": "human"},
    "a": {"message": "identifai-verdict", "score": 0.9, "classification": "artificial"},
    "s": {"message": "identifai-verdict", "score": 0.6, "classification": "artificial"},
    "u": {"message": "identifai-verdict", "score": 0.5, "classification": "unknown"},
    "f": {"message": "identifai-failed", "reason": "timeout"},
    "d": {"message": "identifai-dropped", "reason": "overflow"},
}
# outcomes, policy: how often it was blocked, segments withheld
ROWS = [
    ("cccccc", "policy", 0, 0),
    ("ccaccc", "policy", 0, 0),
    ("ccaccc", "none", 0, 1),
    ("csucfd", "none", 0, 3),
    ("caacccc", "policy", 1, 6),
    ("caacccc", "policy,min-time=(guint64)0,leave=1", 1, 2),
    ("cacacac", "policy,enter=3,window=3", 0, 0),
    ("caacccc", "policy,enforce=false", 1, 0),
]


def run(lines, *streams, settings=""):
    """Each stream is a gate with that policy; "none": it has none."""
    config = "[defaults]\nendpoint=http://127.0.0.1:1\n"
    for i, policy in enumerate(streams):
        config += "[s%d]\nmode=gate\nuri=rtsp://x\noutput=rtmp://x/y\n%s\n" % (i, settings)
        config += "policy=%s\n" % policy if policy != "policy" else ""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f, tempfile.NamedTemporaryFile("w") as c:
        f.write(lines)
        f.flush()
        c.write(config)
        c.flush()
        return subprocess.run([PROGRAM, "--test", f.name, c.name], capture_output=True, text=True,
                              env={k: v for k, v in os.environ.items() if k != "IDENTIFAI_API_KEY"})


def ours(letters, stream="s0", session="x", **more):
    """As identifai-moderate writes them."""
    lines = [{"event": "stream", "stream": stream, "state": "running"}]
    for i, x in enumerate(letters):
        line = {k: v for k, v in OUTCOMES[x].items() if k != "message"}
        lines.append(dict(line, event=OUTCOMES[x]["message"][10:], stream=stream, session=session, segment=i, duration=4.0,
                          running_time=4.0 * i, start="2026-11-26T10:00:%02dZ" % (4 * i), **more))
    return "".join(json.dumps(line) + "\n" for line in lines)


def lines_of(letters, shuffled=False):
    lines = [json.dumps(dict(OUTCOMES[x], segment=i, duration=4 * 10**9, **{"running-time": 4 * 10**9 * i}))
             for i, x in enumerate(letters)]
    noise = ['{"message": "identifai-segment", "segment": 0}', '{"message": "warning", "text": "x"}', ""]
    return "\n".join(noise + (lines[::-1] if shuffled else lines)) + "\n"


for letters, policy, blocked, withheld in ROWS:
    for lines in (lines_of(letters), lines_of(letters, True), ours(letters)):
        done = run(lines, policy)
        wanted = f"{withheld} segments, {withheld * 4:.1f} s"
        if done.returncode != 0 or wanted not in done.stdout or f"blocked {blocked} times" not in done.stdout \
                or f"{len(letters)} segments in 1 sessions" not in done.stdout:
            sys.exit(f"{letters}, {policy}: {wanted} expected, not {done.stdout}{done.stderr}")
# two sessions: the numbers of each are its own
done = run(ours("ca") + ours("ac", session="y"), "policy")
if "4 segments in 2 sessions" not in done.stdout or "blocked 0 times" not in done.stdout:
    sys.exit("sessions: " + done.stdout + done.stderr)
# told of more than once (overridden, resumed): the latest verdict counts
for again, artificial in (("a", 1), ("f", 0)):
    twice = lines_of("cc") + json.dumps(dict(OUTCOMES[again], segment=1)) + "\n"
    for lines in (twice, "\n".join(twice.split("\n")[::-1]) if again == "f" else twice):
        done = run(lines, "none")
        if "2 segments in 1 sessions" not in done.stdout or f"{artificial} artificial, 0 not judged" not in done.stdout:
            sys.exit(f"twice, {again}: {done.stdout}")
# times, and why; what was late, and what isn't ours, is left out
done = run(ours("caacfc") + ours("c", late=True) + "broken\n" + ours("aaaa", "other"), "enter=1,window=1,leave=1,min-time=(guint64)0", "policy")
wanted = ["  2026-11-26T10:00:04Z: 8.0 s, 2 segments from 1 on, verdict", "  2026-11-26T10:00:16Z: 4.0 s, 1 segments from 4 on, unjudged",
          "2 cuts, 3 segments, 12.0 s", "s1: ", "nothing is recorded of it"]
if done.returncode != 0 or any(text not in done.stdout for text in wanted) \
        or "other: recorded (4 segments)" not in done.stderr or "1 lines are no JSON" not in done.stderr:
    sys.exit("times: " + done.stdout + done.stderr)
# a gate's settings count, and what has no stream is tried with each
done = run(lines_of("cfaac"), "none", "policy", settings="on-unjudged=pass\non-artificial=slate")
if done.stdout.count("5 segments in 1 sessions") != 2 or done.stdout.count("1 cuts, 2 segments") != 1:
    sys.exit("settings: " + done.stdout + done.stderr)
done = run(ours("aaa"), "enforce=false")
if "3 segments more" not in done.stdout or "0 cuts" not in done.stdout:
    sys.exit("shadow: " + done.stdout + done.stderr)
for lines, policy, status, text in ((ours("c"), "enter=9", 78, "enter"), ("{}\n", "policy", 1, "no outcome")):
    done = run(lines, policy)
    if done.returncode != status or text not in done.stderr:
        sys.exit(f"{policy}: {done.returncode}, {done.stdout}{done.stderr}")
