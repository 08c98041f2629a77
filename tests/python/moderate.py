#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""examples/moderate.py does what it says: a line for each segment, an alert for each
artificial one, statistics, and no outcome lost when it is told to end."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time

from emulator import Emulator

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'examples', 'moderate.py')
LIMITS = 'rate-limits=limits,post-per-second=0,post-per-minute=0,get-per-second=0,get-per-minute=0'
MAGENTA = ['pattern=solid-color', 'foreground-color=0xffff00ff']


def source(*options):
    return ['videotestsrc', *options, '!', 'video/x-raw,format=I420,width=64,height=64,framerate=25/1', '!', 'x264enc',
            'key-int-max=25', 'tune=zerolatency', '!', 'h264parse', '!', 'identifaisink',
            'segment-duration=1000000000', LIMITS]


def start(endpoint, *arguments):
    env = {**os.environ, 'IDENTIFAI_ENDPOINT': endpoint, 'IDENTIFAI_API_KEY': 'k'}
    return subprocess.Popen([PROGRAM, *arguments], env=env, stdout=subprocess.PIPE, text=True)


def finish(process):
    out, _ = process.communicate(timeout=100)
    lines = [json.loads(line) for line in out.splitlines()]
    return process.returncode, lines, [line['event'] for line in lines]


def check_verdicts_and_alerts(endpoint):
    """Two seconds of magenta are two artificial segments, and two alerts."""
    with tempfile.TemporaryDirectory() as folder:
        alarm = os.path.join(folder, 'alarm')
        with open(alarm, 'w') as script:
            script.write('#!/bin/sh\necho "$1" | tr -d "\\n" >%s/alert.$$\nmv %s/alert.$$ %s/done.$$\n' % ((folder,) * 3))
        os.chmod(alarm, 0o700)
        code, lines, events = finish(start(endpoint, '--alert', alarm, *source('num-buffers=50', *MAGENTA)))
        assert code == 0, code
        assert events == ['verdict', 'verdict', 'stats'], events
        assert {line['classification'] for line in lines[:2]} == {'artificial'}, lines
        assert {line['segment'] for line in lines[:2]} == {0, 1}, lines
        assert (lines[-1]['verdicts'], lines[-1]['coverage']) == (2, 1.0), lines[-1]
        deadline = time.monotonic() + 40  # alerts are not waited for
        while sum(name.startswith('done.') for name in os.listdir(folder)) < 2:
            assert time.monotonic() < deadline, os.listdir(folder)
            time.sleep(0.05)


def check_no_alert_for_humans(endpoint):
    code, lines, events = finish(start(endpoint, '--alert', '/bin/false', *source('num-buffers=25')))
    assert code == 0 and events == ['verdict', 'stats'], (code, events)
    assert lines[0]['classification'] == 'human', lines


def check_end(endpoint):
    """SIGTERM in the middle of a live stream: what is open is judged, too."""
    process = start(endpoint, '--every', '3600', *source('is-live=true'))
    first = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGTERM)
    code, lines, events = finish(process)
    assert first['event'] == 'verdict', first
    assert code == 0 and set(events) == {'verdict', 'stats'}, (code, events)
    assert lines[-1]['segments'] == lines[-1]['verdicts'] == len(events), lines[-1]


def check_losses(endpoint):
    """Nobody listens: the loss is a line, and so is the error at the end."""
    code, lines, events = finish(start('http://127.0.0.1:1', *source('num-buffers=25', ), 'retries=0'))
    assert code == 1, code
    assert events == ['warning', 'failed', 'error', 'stats'] or events == ['failed', 'warning', 'error', 'stats'], events
    assert lines[-1]['failed'] == 1, lines[-1]


def check_usage(endpoint):
    for arguments in ([], ['nosuchelement', '!', 'identifaisink']):
        process = subprocess.run([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100)
        assert process.returncode != 0 and process.stdout == b'', (arguments, process)


def main():
    with Emulator() as endpoint:
        for check in (check_verdicts_and_alerts, check_no_alert_for_humans, check_end, check_losses, check_usage):
            check(endpoint)
            print(check.__name__, 'passed')


if __name__ == '__main__':
    sys.exit(main())
