#!/usr/bin/env python3
# identifAI plugin for GStreamer
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""identifai-replay: what policies would have made of recorded outcomes."""

import json
import os
import subprocess
import sys
import tempfile

PROGRAM = os.environ["IDENTIFAI_REPLAY"]
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


def run(lines, *arguments):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
        f.write(lines)
        f.flush()
        return subprocess.run([PROGRAM, f.name, *arguments], capture_output=True, text=True)


def lines_of(letters, shuffled=False):
    lines = [json.dumps(dict(OUTCOMES[x], segment=i, duration=4 * 10**9, **{"running-time": 4 * 10**9 * i}))
             for i, x in enumerate(letters)]
    noise = ['{"message": "identifai-segment", "segment": 0}', '{"message": "warning", "text": "x"}', ""]
    return "\n".join(noise + (lines[::-1] if shuffled else lines)) + "\n"


for letters, policy, blocked, withheld in ROWS:
    for shuffled in (False, True):
        done = run(lines_of(letters, shuffled), policy)
        wanted = f"blocked {blocked} times, {withheld} withheld, {withheld * 4:.1f} s"
        if done.returncode != 0 or wanted not in done.stdout or f"{len(letters)} segments" not in done.stdout:
            sys.exit(f"{letters}, {policy}: {wanted} expected, not {done.stdout}{done.stderr}")
# two sessions: the numbers of each are its own
sessions = [line.replace("{", '{"session": "%s", ' % name, 1) for name in "xy" for line in lines_of("ca" if name == "x" else "ac").split("\n")]
done = run("\n".join(sessions), "policy")
if "4 segments" not in done.stdout or "blocked 0 times" not in done.stdout:
    sys.exit("sessions: " + done.stdout + done.stderr)
done = run(lines_of("cac"), "none", "policy", "policy,enter=1,window=1")
if done.stdout.count("\n") != 3:
    sys.exit("a line a policy: " + done.stdout)
# told of more than once: the latest verdict counts
for again, artificial in (("a", 1), ("f", 0)):
    twice = lines_of("cc") + json.dumps(dict(OUTCOMES[again], segment=1)) + "\n"
    for lines in (twice, "\n".join(twice.split("\n")[::-1]) if again == "f" else twice):
        done = run(lines, "none")
        if f"2 segments, {artificial} artificial, 0 not judged" not in done.stdout:
            sys.exit(f"twice, {again}: {done.stdout}")
for arguments, text in ((("policy,enter=9",), "enter"), (("-u", "dorp", "policy"), "dorp"), (("nonsense",), "nonsense"), ((), "usage")):
    done = run(lines_of("c"), *arguments)
    if done.returncode != 2 or text not in done.stderr:
        sys.exit(f"{arguments}: {done.returncode}, {done.stderr}")
done = run("{\n", "policy")
if done.returncode != 2 or "line 1" not in done.stderr:
    sys.exit("no JSON: " + done.stderr)
