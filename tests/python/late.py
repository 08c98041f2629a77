#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""identifai-moderate keeps what could not be judged and has it judged later: each segment
that is told to be kept ends in one verdict that is late, or is told to be given up."""

import hashlib
import json
import os
import signal
import sys
import tempfile
import time
import urllib.request

from emulator import Emulator
from moderation import MAGENTA, Run, call, of, pipeline, write_config

LIVE = 'pipeline=' + pipeline('is-live=true')
PINK = 'pipeline=' + pipeline('is-live=true ' + MAGENTA)


def fault(endpoint, text=None):
    """Begins, or without text ends, what goes wrong."""
    request = urllib.request.Request(endpoint + '/emulator/faults', data=text.encode() if text else None,
                                     method='POST' if text else 'DELETE')
    urllib.request.urlopen(request, timeout=20).read()


def name(line):
    return line['session'], line['segment']


def kept(lines):
    return {name(line): line for line in lines if line.get('kept')}


def late(lines):
    return [line for line in lines if line.get('late') and line['event'] == 'verdict']


def given_up(lines):
    return [line for line in of(lines, event='late') if line['state'] == 'given-up']


def wait_for(run, enough):
    """Until enough (a function of the lines) is true."""
    end = time.monotonic() + 60
    while not enough(run.lines):
        assert run.more(end - time.monotonic()) is not None, run.lines[-20:]


def wait_for_all(run):
    wait_for(run, lambda lines: set(kept(lines)) == {name(line) for line in late(lines)})


def config(folder, endpoint, streams, program='', defaults='segment-duration=1s\nretries=0'):
    return write_config(os.path.join(folder, 'c'), endpoint, streams,
                        'late-folder=%s/late\n%s' % (folder, program), defaults)


def files(folder):
    return sorted(n for _, _, names in os.walk(os.path.join(folder, 'late')) for n in names)


def recorded(folder):
    return [hashlib.sha256(open(os.path.join(folder, n), 'rb').read()).hexdigest()
            for n in os.listdir(folder) if not n.endswith('.json')]


def check_outage(folder):
    """Of a service that is down for some segments, all are judged, as they were cut, with alerts and evidence."""
    record = os.path.join(folder, 'record')
    with Emulator('--record', record) as endpoint:
        path = config(folder, endpoint, {'grey': LIVE, 'pink': PINK, 'none': 'late=no\n' + LIVE},
                      'evidence-folder=%s/evidence' % folder)
        os.makedirs(os.path.join(folder, 'late', 'grey'))
        with open(os.path.join(folder, 'late', 'grey', 'notes.txt'), 'w') as file:
            file.write('mine')
        with Run(path) as run:
            for stream in ('grey', 'pink', 'none'):
                run.wait(event='verdict', stream=stream)
            fault(endpoint, 'submit:status=503')
            for stream in ('grey', 'pink', 'none'):
                run.wait(event='failed', stream=stream)
            wait_for(run, lambda lines: len(kept(lines)) >= 4)
            fault(endpoint)
            wait_for_all(run)
            code, lines = run.stop()
    assert code == 0, code
    were, now = kept(lines), late(lines)
    assert len(now) == len(were) >= 4 and {name(line) for line in now} == set(were), (were, now)
    assert {line['stream'] for line in now} == {'grey', 'pink'}, now
    posted = recorded(record)
    for line in now:
        before = were[name(line)]
        assert lines.index(line) > lines.index(before), line
        for field in ('start', 'duration', 'running_time', 'stream', 'ref_id', 'frames', 'bytes'):
            assert line[field] == before[field], (field, line, before)
        assert line['sha256'] in posted and line['latency'] > 0.5, line
        assert line['classification'] == ('artificial' if line['stream'] == 'pink' else 'human'), line
    flagged = {(line['session'], line['segment']) for line in of(lines, 'pink', 'evidence') if line['role'] == 'flagged'}
    assert {name(line) for line in now if line['stream'] == 'pink'} <= flagged, flagged
    assert files(folder) == ['notes.txt'], files(folder)


def check_killed(folder):
    """What is kept outlives a kill, and what was submitted again isn't submitted a third time."""
    record = os.path.join(folder, 'record')
    with Emulator('--record', record) as endpoint:
        program = 'log=%s/log\nstate-file=%s/state' % (folder, folder)
        path = config(folder, endpoint, {'a': LIVE}, program)
        log = os.path.join(folder, 'log')

        def lines():
            with open(log) as file:
                return [json.loads(text) for text in file.read().splitlines()]

        def wait(enough):
            end = time.monotonic() + 60
            while not (os.path.exists(log) and enough(lines())):
                assert time.monotonic() < end, lines()[-20:]
                time.sleep(0.1)

        fault(endpoint, 'submit:status=503')
        with Run(path) as run:
            wait(lambda all: len(kept(all)) >= 2 and len(files(folder)) >= 4)
            run.finish(signal.SIGKILL)
        fault(endpoint)
        fault(endpoint, 'result:silence')
        fault(endpoint, 'batch:silence')
        # nothing live comes; what was kept is submitted, and no result can be had
        config(folder, endpoint, {'a': 'judging=false\n' + LIVE}, program)
        with Run(path) as run:
            session = list(kept(lines()))[0][0]
            end = time.monotonic() + 60
            while session not in open(os.path.join(folder, 'state')).read():
                assert time.monotonic() < end
                time.sleep(0.1)
            run.finish(signal.SIGKILL)
        fault(endpoint)
        with Run(path) as run:
            wait(lambda all: set(kept(all)) == {name(line) for line in late(all) + given_up(all)})
            run.stop()
        told = lines()
    # one that the kill kept from the disk is given up
    assert len(late(told) + given_up(told)) == len(kept(told)) and len(late(told)) >= 2, told
    assert {line['reason'] for line in given_up(told)} <= {'disk'}, told
    assert any(line.get('resumed') for line in late(told)), late(told)
    for line in late(told):
        for field in ('start', 'duration', 'running_time', 'bytes', 'frames'):
            assert line.get(field) == kept(told)[name(line)].get(field), (field, line, kept(told)[name(line)])
    sent = recorded(record)
    assert all(sent.count(line['sha256']) == 1 for line in late(told)), (sent, kept(told))
    assert files(folder) == [], files(folder)


def check_bounds(folder):
    """The oldest go when there is too much, or too old; what the service refuses goes after three times."""
    with Emulator('--fault', 'submit:status=503') as endpoint:
        for program, reason in (('late-max-bytes=20k', 'bytes'), ('late-max-age=1s', 'age')):
            path = config(folder, endpoint, {'a': PINK}, program)
            with Run(path) as run:
                wait_for(run, lambda lines: len(given_up(lines)) >= 2)
                code, lines = run.stop()
            assert code == 0 and {line['reason'] for line in given_up(lines)} <= {reason, 'age', 'service-error'}, lines
            assert any(line['reason'] == reason for line in given_up(lines)), lines
            assert {name(line) for line in given_up(lines)} <= set(kept(lines)) or program != 'late-max-bytes=20k', lines


def check_budget(folder):
    """What max-uploads-per-hour leaves is kept with its file; it isn't posted within the hour, late or not."""
    record = os.path.join(folder, 'record')
    with Emulator('--record', record) as endpoint:
        path = config(folder, endpoint, {'a': 'max-uploads-per-hour=2\n' + LIVE})
        with Run(path) as run:
            wait_for(run, lambda lines: len(kept(lines)) >= 3)
            code, lines = run.stop()
    assert code == 0 and {line['reason'] for line in kept(lines).values()} == {'budget'}, lines
    assert len(recorded(record)) == 2 and not late(lines), lines
    assert len([n for n in files(folder) if n.endswith('.mp4')]) == len(kept(lines)), files(folder)


def check_share(folder):
    """What live segments may take of max-uploads-per-hour in an hour is left to them: late ones have the rest."""
    record = os.path.join(folder, 'record')
    once = 'pipeline=' + pipeline('is-live=true num-buffers=30')
    budget = 'max-uploads-per-hour=4\nsegment-interval=20min\nat-end=restart\n'
    with Emulator('--record', record) as endpoint:
        path = config(folder, endpoint, {'a': budget + once})
        fault(endpoint, 'submit:status=503')
        with Run(path) as run:
            wait_for(run, lambda lines: len(kept(lines)) >= 2)
            fault(endpoint)
            config(folder, endpoint, {'a': budget + 'judging=false\n' + LIVE})
            run.signal(signal.SIGHUP)
            run.wait(event='config', taken=True)
            wait_for(run, lambda lines: len(late(lines)) >= 1)
            end = time.monotonic() + 3
            while time.monotonic() < end:
                assert len(recorded(record)) == 1, recorded(record)
                time.sleep(0.2)
            code, lines = run.stop()
    assert code == 0 and len(late(lines)) == 1 and not given_up(lines), lines


def check_timeout(folder):
    """What the service has, and didn't judge in time, is asked for later, and isn't posted again."""
    record = os.path.join(folder, 'record')
    with Emulator('--record', record) as endpoint:
        settings = 'evidence-folder=%s/evidence' % folder, 'segment-duration=1s\nretries=0\nverdict-timeout=3s'
        path = config(folder, endpoint, {'a': PINK}, *settings)
        fault(endpoint, 'result:silence')
        fault(endpoint, 'batch:silence')
        with Run(path) as run:
            wait_for(run, lambda lines: len(kept(lines)) >= 2)
            fault(endpoint)
            config(folder, endpoint, {'a': 'judging=false\n' + PINK}, *settings)
            run.signal(signal.SIGHUP)
            wait_for_all(run)
            code, lines = run.stop()
    assert code == 0, code
    were, now, sent = kept(lines), late(lines), recorded(record)
    assert {line['reason'] for line in were.values()} == {'timeout'}, were
    for line in now:
        before = were[name(line)]
        assert line['resumed'] and sent.count(line['sha256']) == 1, (line, sent)
        for field in ('identifier', 'start', 'duration', 'running_time', 'ref_id', 'bytes', 'sha256'):
            assert line.get(field) == before.get(field), (field, line, before)
    flagged = [line for line in of(lines, 'a', 'evidence') if name(line) in were]
    assert len(flagged) >= len(now) and all(os.path.exists(line['path'].replace('.json', '.mp4')) for line in flagged), flagged


def check_lost(folder):
    """Killed between the line and the file: the next run tells, once, that it is given up."""
    log = os.path.join(folder, 'log')
    line = {'event': 'failed', 'stream': 'a', 'session': 's', 'segment': 0, 'reason': 'network', 'kept': True}
    after = {**line, 'event': 'verdict', 'late': True, 'segment': 1, 'kept': False}
    with open(log, 'w') as file:
        for one in (line, {**line, 'segment': 1}, {**line, 'segment': 2}, after, {**after, 'event': 'failed', 'segment': 2}):
            file.write(json.dumps(one) + '\n')
    with Emulator() as endpoint:
        path = config(folder, endpoint, {'a': 'judging=false\n' + LIVE}, 'log=' + log)
        for _ in range(2):
            with Run(path) as run:
                end = time.monotonic() + 60
                while '"running"' not in open(log).read():
                    assert time.monotonic() < end
                    time.sleep(0.1)
                run.stop()
            lines = [json.loads(text) for text in open(log)]
            assert sorted(line['segment'] for line in given_up(lines)) == [0, 2], lines


def check_folder(folder):
    """The folder of evidence isn't that of what waits: each would delete what is the other's."""
    os.makedirs(os.path.join(folder, 'late'))
    os.symlink(os.path.join(folder, 'late'), os.path.join(folder, 'link'))
    for other in ('late', 'late/', './late', 'link'):
        path = config(folder, 'http://127.0.0.1:1', {'a': LIVE}, 'evidence-folder=%s/%s' % (folder, other))
        code, out, err = call(path)
        assert code == 78 and out == '' and '[program] late-folder: ' in err, (other, code, out, err)


def check_reload(folder):
    """What went within the hour counts on when the stream's section changes."""
    record = os.path.join(folder, 'record')
    with Emulator('--record', record) as endpoint:
        path = config(folder, endpoint, {'a': 'max-uploads-per-hour=2\n' + LIVE})
        with Run(path) as run:
            wait_for(run, lambda lines: len(kept(lines)) >= 2)
            config(folder, endpoint, {'a': 'max-uploads-per-hour=2\njudging=false\n' + LIVE})
            run.signal(signal.SIGHUP)
            run.wait(event='config', taken=True)
            run.wait(event='stream', state='running')
            end = time.monotonic() + 3
            while time.monotonic() < end:
                assert len(recorded(record)) == 2, recorded(record)
                time.sleep(0.2)
            code, lines = run.stop()
    assert code == 0 and not late(lines), lines


def main():
    wanted = sys.argv[1:]
    for check in (check_outage, check_killed, check_bounds, check_budget, check_share, check_timeout, check_lost, check_folder, check_reload):
        if wanted and check.__name__ not in wanted:
            continue
        with tempfile.TemporaryDirectory() as folder:
            start = time.monotonic()
            check(folder)
            print('%s passed, %.1f s' % (check.__name__, time.monotonic() - start), flush=True)


if __name__ == '__main__':
    sys.exit(main())
