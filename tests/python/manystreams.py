#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""identifai-moderate with fifty streams: its file is read again and again, with one section
changed each time. The other streams lose no frame, and nothing is left behind of the one.
By hand: manystreams.py 100, that many times."""

import collections
import os
import re
import signal
import sys
import tempfile
import time
import urllib.request

from emulator import Emulator
from moderation import Run, of, outcomes, states, write_config

STREAMS = 50
RATE = 5
CHANGED = 's07'
# After so many times what is loaded once is loaded.
WARM = 3


def text(i, changes):
    return ('segment-duration=%ds\npipeline=videotestsrc is-live=true pattern=%d ! video/x-raw,format=I420,width=32,height=32,framerate=%d/1 ! '
            'x264enc tune=zerolatency speed-preset=ultrafast threads=1 key-int-max=%d ! h264parse ! identifaisink'
            % (5 + (changes % 2 if 's%02d' % i == CHANGED else 0), i % 20, RATE, RATE))


def write(path, endpoint, program, changes):
    write_config(path, endpoint, {'s%02d' % i: text(i, changes) for i in range(STREAMS)}, program, defaults='')


def measure(process):
    """MB, descriptors, threads."""
    status = open('/proc/%d/status' % process.pid).read()
    memory, threads = (int(re.search(name + r':\s+(\d+)', status).group(1)) for name in ('VmRSS', 'Threads'))
    return memory / 1024, len(os.listdir('/proc/%d/fd' % process.pid)), threads


def change(run, path, endpoint, program, n):
    """One section is another one: that stream ends and starts."""
    write(path, endpoint, program, n)
    run.signal(signal.SIGHUP)
    assert run.wait(event='config')['changed'] == [CHANGED]
    run.wait(stream=CHANGED, event='stream', state='stopped')
    run.wait(stream=CHANGED, event='stream', state='running')


def check_bad_file(run, path, page):
    """What runs goes on, and /metrics says within a second what is wrong."""
    with open(path) as file:
        good = file.read()
    with open(path, 'w') as file:
        file.write(good + 'nonsense=1\n')
    began = time.monotonic()
    run.signal(signal.SIGHUP)
    while b'identifai_config_good 0' not in urllib.request.urlopen(page + 'metrics', timeout=30).read():
        pass
    seconds = time.monotonic() - began
    with open(path, 'w') as file:
        file.write(good)
    run.signal(signal.SIGHUP)
    run.wait(event='config', taken=False)
    assert run.wait(event='config')['changed'] == []
    return seconds


def check_frames(lines):
    """All frames of a session are in its segments, which follow one another."""
    for i in range(STREAMS):
        name = 's%02d' % i
        if name == CHANGED:
            continue
        assert states(lines, name) == ['starting', 'running', 'draining', 'stopped'], (name, states(lines, name))
        told = outcomes(lines, name)
        assert [o['segment'] for o in told] == list(range(len(told))) and len({o['session'] for o in told}) == 1, name
        for one, two in zip(told, told[1:]):
            assert abs(one['running_time'] + one['duration'] - two['running_time']) < 1e-6, (one, two)
        frames, seconds = sum(o['frames'] for o in told), sum(o['duration'] for o in told)
        assert frames == round(seconds * RATE) and all(o['discontinuities'] == 0 for o in told), (name, frames, seconds)


def main():
    changes = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    samples = []
    with Emulator('-q') as endpoint, tempfile.TemporaryDirectory() as folder:
        path, program = os.path.join(folder, 'c'), 'listen=127.0.0.1:0\ntoken-file=' + os.path.join(folder, 'token')
        write(path, endpoint, program, 0)
        with Run(path) as run:
            page = run.wait(event='program')['page']
            for _ in range(STREAMS):
                run.wait(event='stream', state='running')
            for n in range(1, changes + 1):
                change(run, path, endpoint, program, n)
                if n >= WARM:
                    samples.append(measure(run.process))
            seconds = check_bad_file(run, path, page)
            code, lines = run.stop()
    assert code == 0, code
    check_frames(lines)
    assert states(lines, CHANGED).count('starting') == changes + 1, states(lines, CHANGED)
    print(collections.Counter(o['event'] for o in outcomes(lines)), 'a bad file was told after %.2f s' % seconds)
    for sample in (samples[0], samples[len(samples) // 2], samples[-1]):
        print('%.1f MB, %d descriptors, %d threads' % sample)
    # a session that ended may take a moment to be gone; the page's history grows until it is full
    middle, last = samples[len(samples) // 2], samples[-1]
    assert last[1] <= samples[0][1] + 10 and last[2] <= samples[0][2] + 20, samples
    assert last[0] <= middle[0] * 1.1 + 5, samples
    assert len(of(lines, event='error')) == 0, of(lines, event='error')


if __name__ == '__main__':
    sys.exit(main())
