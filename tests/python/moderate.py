#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""identifai-moderate runs many streams from one file: what is wrong with a file is said
with its line, streams fail alone, each segment has one line, and no outcome is lost when
it is told to end, to read its file again, or is killed."""

import contextlib
import hashlib
import http.client
import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from emulator import Emulator
from moderation import MAGENTA, Run, call, of, outcomes, pipeline, program, states, write_config

EXAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'examples', 'moderate.py')

# What is written, and what is said of it: line, section, key or text.
WRONG = (
    ('', ': there is no stream in it'),
    ('[program]\nlog=-\n', ': there is no stream in it'),
    ('[a]\nmode=watch\n', ':1: [a] a stream wants uri= or pipeline='),
    ('[a]\nuri=rtsp://x\npipeline=y\n', ':1: [a] uri= and pipeline= exclude'),
    ('what\n', ':1: an entry stands before'),
    ('[a]\nwhat\n', ':2: this is neither'),
    ('[a\n', ':1: a section is written [NAME]'),
    ('[a b]\nuri=rtsp://x\n', ':1: [a b] the name of a stream'),
    ('[../a]\nuri=rtsp://x\n', ':1: [../a] the name of a stream'),
    ('[a]\nuri=rtsp://x\n[a]\nuri=rtsp://x\n', ':3: [a] this section has begun in line 1'),
    ('[a]\nuri=rtsp://x\nuri=rtsp://y\n', ':3: [a] uri: is in line 2'),
    ('[a]\nuri=gopher://x\n', ':1: [a] uri: wants an address'),
    ('[a]\nuri=rtsp://x\nmode=guard\n', ':3: [a] mode: wants one of watch, gate'),
    ('[a]\nuri=rtsp://x\nmode=gate\n', ':1: [a] mode=gate with uri= wants output='),
    ('[a]\nuri=rtsp://x\noutput=rtmp://y\n', ':1: [a] output= wants mode=gate'),
    ('[a]\nuri=rtsp://x\nmode=gate\noutput=ftp://y\n', 'output= wants an address that begins with rtmp://'),
    ('[a]\nuri=rtsp://x\nstall-timeout=5\n', ':3: [a] stall-timeout: wants a time'),
    ('[a]\nuri=rtsp://x\n# ten\n\nsegment-duration=10\n', ':5: [a] segment-duration: wants a time'),
    ('[defaults]\nsegment-duration=x\n[a]\nuri=rtsp://x\n[b]\nuri=rtsp://x\n', ':2: [defaults] segment-duration: wants'),
    ('[defaults]\nuri=rtsp://x\n[a]\nuri=rtsp://x\n', ':2: [defaults] uri: is of one stream'),
    ('[defaults]\nmode=guard\n[a]\nuri=rtsp://x\n', ':2: [defaults] mode: wants'),
    ('[a]\nuri=rtsp://x\nframes=7\n', ':3: [a] frames: wants one of default, 5, 10, 30'),
    ('[a]\nuri=rtsp://x\nwith-nsfw=perhaps\n', ':3: [a] with-nsfw: wants true or false'),
    ('[a]\nuri=rtsp://x\nmax-segment-bytes=much\n', ':3: [a] max-segment-bytes: wants a number of bytes'),
    ('[a]\nuri=rtsp://x\nnonsense=1\n', ':3: [a] nonsense: is neither'),
    ('[a]\nuri=rtsp://x\nhold=20s\n', ':3: [a] hold: is neither'),
    ('[a]\nuri=rtsp://x\nname=b\n', ':3: [a] name: is neither'),
    ('[a]\nuri=rtsp://x\napi-key=secret\n', ':3: [a] api-key: is not for a file'),
    ('[a]\nuri=rtsp://x\nsha256=false\n', ':3: [a] sha256: is always true here'),
    ('[defaults]\nsha256=false\n[a]\nuri=rtsp://x\n', ':2: [defaults] sha256: is always true here'),
    ('[a]\nuri=rtsp://x\npolicy=enter=5,window=2\n', ':3: [a] policy: '),
    ('[a]\nuri=rtsp://x\npolicy=review=0.9,block=0.1\n', ':3: [a] policy: '),
    ('[a]\nuri=rtsp://x\nendpoint=ftp://x\n', ':1: [a] '),
    ('[a]\nuri=rtsp://x\nref-id=%s\n', ':1: [a] '),
    ('[a]\nuri=rtsp://x\napi-key-file=/nonexistent\n', ':1: [a] '),
    ('[a]\npipeline=nosuchelement ! identifaisink\n', ':1: [a] pipeline: no element "nosuchelement"'),
    ('[a]\npipeline=videotestsrc ! fakesink\n', ':1: [a] pipeline: wants one identifaisink'),
    ('[a]\npipeline=fakesrc ! identifaisink fakesrc ! identifaisink\n', ':1: [a] pipeline: wants one'),
    ('[a]\nuri=rtsp://x\nmode=gate\noutput=rtmp://y\nslate=/nonexistent\n', ':1: [a] slate: there is no file'),
    ('[program]\nlag=3\n[a]\nuri=rtsp://x\n', ':2: [program] lag: is no key'),
    ('[program]\ntoken-file=x\nlisten=0.0.0.0:80\n[a]\nuri=rtsp://x\n', ':3: [program] listen: listen wants 127.0.0.1'),
    ('[program]\nlisten=127.0.0.1:0\n[a]\nuri=rtsp://x\n', ':2: [program] listen: listen wants token-file, too'),
    ('[program]\nmqtt=http://x\n[a]\nuri=rtsp://x\n', ':2: [program] mqtt: '),
    ('[program]\nstop-timeout=soon\n[a]\nuri=rtsp://x\n', ':2: [program] stop-timeout: wants a time'),
)


def check_config(endpoint, folder):
    """All of these are refused with 78, by --check and by a start, and nothing is run."""
    path = os.path.join(folder, 'wrong.conf')
    for text, said in WRONG:
        with open(path, 'w') as file:
            file.write(text)
        for arguments in (('--check', '--offline', path), (path,)):
            code, out, err = call(*arguments)
            assert code == 78 and out == '', (text, code, out)
            assert said in err and err.startswith(path + ':'), (text, err)
    # what is wrong with an address is told without it: it is on the page, and at a broker
    for text in ('[a]\nuri=rtsp://x\nmode=gate\noutput=rtmpp://u:SECRET@x/live/SECRET\n', '[a]\nuri=gopher://u:SECRET@x/SECRET\n',
                 '[a]\nuri=rtsp://x\nwebhook-out=ftp://x/SECRET\n', '[program]\nmqtt=http://u:SECRET@x\n[a]\nuri=rtsp://x\n',
                 '[a]\nuri=rtsp://x\nendpoint=ftp://u:SECRET@x\n', '[a]\nuri=rtsp://x\nproxy=ftp://u:SECRET@x\n'):
        with open(path, 'w') as file:
            file.write(text)
        code, out, err = call('--check', '--offline', path)
        assert code == 78 and 'SECRET' not in out + err, (text, code, out, err)
    assert call('--check', path + '.not')[0] == 78
    assert call()[0] == call(path, path)[0] == call('--verify-log', path, path)[0] == 64
    assert 'identifai-moderate --help' in call('--bogus')[2]
    assert call('--version')[1].startswith('identifai-moderate ') and 'CONFIG' in call('--help')[1]


def check_service(endpoint, folder):
    """--check asks the service, and adds up what the streams want of a key."""
    path = os.path.join(folder, 'service.conf')
    uri = 'uri=rtsp://127.0.0.1/x'

    def check(streams, defaults, to=endpoint):
        with open(path, 'w') as file:
            file.write('[defaults]\nendpoint=%s\n%s\n' % (to, defaults))
            file.writelines('[s%d]\n%s\n' % (i, uri) for i in range(streams))
        return call('--check', path)

    code, out, err = check(5, 'segment-duration=10s')
    assert code == 0 and err == '' and '30.0 uploads a minute of 30' in out and 'takes the key' in out, (code, out, err)
    code, out, err = check(6, 'segment-duration=10s')
    assert code == 78 and path + ':3: [defaults] segment-duration: ' in err, (code, out, err)
    assert check(6, 'segment-duration=5s\nsegment-interval=60s')[0] == 0
    assert check(6, 'segment-duration=5s\nmax-uploads-per-hour=60')[0] == 0
    code, out, err = check(1, '', 'http://127.0.0.1:1')
    assert code == 78 and ':2: [defaults] endpoint: http://127.0.0.1:1 can\'t be reached' in err, err
    key = os.path.join(folder, 'key')
    with open(key, 'w') as file:
        file.write('bad\n')
    with Emulator('--api-key', 'good') as choosy:
        code, out, err = check(1, 'api-key-file=' + key, choosy)
        assert code == 78 and ':3: [defaults] api-key-file: ' in err and '401' in err, err
    code, out, err = check(1, '', endpoint + '/elsewhere')
    assert code == 78 and '404' in err, err


def check_chain(lines):
    """prev is the hash of the line before, as the program writes it."""
    assert lines[0]['prev'] is None, lines[0]
    assert len({line['prev'] for line in lines}) == len(lines)


def check_outcomes(endpoint, folder):
    """Two files' worth of stream: a line for each segment, in order, and both end alone."""
    path = write_config(os.path.join(folder, 'c'), endpoint, {
        'magenta': 'pipeline=' + pipeline('num-buffers=75 ' + MAGENTA),
        'human': 'ref-id=h-%u\npipeline=' + pipeline('num-buffers=50', 'identifaisink segment-duration=2000000000'),
    }, defaults='segment-duration=1s\npolicy=enter=2,window=3,min-time=(guint64)0')
    with Run(path) as run:
        code, lines = run.finish()
    assert code == 0, code
    magenta, human = outcomes(lines, 'magenta'), outcomes(lines, 'human')
    assert [(o['event'], o['segment'], o['classification']) for o in magenta] == [
        ('verdict', i, 'artificial') for i in range(3)], magenta
    assert {o['frames'] for o in magenta} == {25} and magenta[0]['ref_id'] == 'magenta-00000', magenta
    assert magenta[0]['heuristics']['Majority'] == 'artificial' and magenta[0]['score'] == 1, magenta
    # what a pipeline sets itself goes before [defaults]
    assert [(o['segment'], o['classification'], o['ref_id']) for o in human] == [(0, 'human', 'h-0')], human
    assert [p['state'] for p in of(lines, 'magenta', 'policy')] == ['review', 'blocked'], lines
    for name in ('magenta', 'human'):
        assert states(lines, name)[0] == 'starting' and states(lines, name)[-1] == 'ended', lines
        assert of(lines, name, 'stats')[-1]['coverage'] == 1, lines
    assert [line['state'] for line in of(lines, event='program')] == ['started', 'stopped'], lines
    check_chain(lines)


def check_alone(endpoint, folder):
    """One that can't start is tried again and again, with waits that grow; the other goes on."""
    path = write_config(os.path.join(folder, 'c'), endpoint, {
        'broken': 'pipeline=filesrc location=/nonexistent ! qtdemux ! h264parse ! identifaisink',
        'live': 'pipeline=' + pipeline('is-live=true'),
    })
    with Run(path) as run:
        waits = [run.wait(stream='broken', state='waiting')['retry_in'] for _ in range(3)]
        assert 0.4 < waits[0] < 1.6 and 0.9 < waits[1] < 3.1 and 1.9 < waits[2] < 6.1, waits
        run.wait(stream='live', event='verdict')
        code, lines = run.stop()
    live = outcomes(lines, 'live')
    assert code == 0 and [o['segment'] for o in live] == list(range(len(live))), live
    assert {o['event'] for o in live} == {'verdict'} and len(live) >= 2, live
    assert states(lines, 'live') == ['starting', 'running', 'draining', 'stopped'], states(lines, 'live')
    assert of(lines, 'broken', 'error') and states(lines, 'broken')[-1] == 'stopped', lines
    assert outcomes(lines, 'broken') == []


def check_stall(endpoint, folder):
    """What connects and sends nothing, and what stops sending, is told within 10 s, and
    begins anew after stall-timeout. The other stream doesn't notice."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        unused.bind(('127.0.0.1', 0))
        port = unused.getsockname()[1]
    fifo, video = os.path.join(folder, 'fifo'), os.path.join(folder, 'video.ts')
    os.mkfifo(fifo)
    subprocess.run(['gst-launch-1.0', '-q', *pipeline('num-buffers=60', 'mpegtsmux').split(), '!', 'filesink',
                    'location=' + video], check=True)
    server = socket.create_server(('127.0.0.1', 0))
    path = write_config(os.path.join(folder, 'c'), endpoint, {
        'mute': 'stall-timeout=9s\nuri=udp://127.0.0.1:%d' % port,
        'stops': 'stall-timeout=9s\npipeline=tcpclientsrc port=%d ! tsdemux ! h264parse ! identifaisink'
                 % server.getsockname()[1],
        'stuck': 'stall-timeout=9s\npipeline=filesrc location=%s ! identifaisink' % fifo,
        'live': 'pipeline=' + pipeline('is-live=true'),
    })
    with server, os.fdopen(os.open(fifo, os.O_RDWR), 'wb') as stuck, Run(path) as run:
        stuck.write(b'x')
        stuck.flush()
        connection = server.accept()[0]
        connection.sendall(open(video, 'rb').read())
        start = time.monotonic()
        silent = {run.wait(event='stream', state='silent')['stream'] for _ in range(3)}
        told = time.monotonic() - start
        again = {run.wait(event='stream', state='waiting')['stream'] for _ in range(3)}
        code, lines = run.stop()
        connection.close()
    assert silent == {'mute', 'stops', 'stuck'} and told < 25, (silent, told)
    assert again == {'mute', 'stops', 'stuck'}, again
    assert 'abandoned' in states(lines, 'stuck'), states(lines, 'stuck')
    for line in of(lines, event='stream'):
        assert line['state'] != 'silent' or 8 <= line['silence'] < 10, line
    assert 'nothing came for' in of(lines, 'mute', 'stream')[-1].get('reason', '') or 'waiting' in states(lines, 'mute')
    # what had come before it stopped is judged
    assert {o['event'] for o in outcomes(lines, 'stops')} == {'verdict'}, outcomes(lines, 'stops')
    assert states(lines, 'live') == ['starting', 'running', 'draining', 'stopped'], states(lines, 'live')


def check_reload(endpoint, folder):
    """SIGHUP touches what changed, and nothing else; a bad file touches nothing."""
    path = os.path.join(folder, 'c')
    streams = {name: 'pipeline=' + pipeline('is-live=true') for name in ('a', 'b', 'c', 'd')}
    write_config(path, endpoint, streams)
    with Run(path) as run:
        for _ in streams:
            run.wait(state='running')
        write_config(path, endpoint, {'a': 'nonsense=1'})
        run.signal(signal.SIGHUP)
        told = run.wait(event='config')
        assert told['taken'] is False and '[a] nonsense' in told['problem'] or '[a] a stream wants' in told['problem'], told
        changed = {'a': streams['a'], 'b': streams['b'] + '\nsegment-duration=2s', 'd': streams['d'], 'e': streams['a']}
        write_config(path, endpoint, changed)
        run.signal(signal.SIGHUP)
        told = run.wait(event='config')
        assert told['taken'] is True and sorted(told['changed']) == ['b', 'c'], told
        run.wait(stream='b', state='starting')
        run.wait(stream='b', event='verdict', segment=0, duration=2)
        code, lines = run.stop()
    assert code == 0, code
    for name in ('a', 'd'):
        assert states(lines, name) == ['starting', 'running', 'draining', 'stopped'], states(lines, name)
        segments = outcomes(lines, name)
        assert [o['segment'] for o in segments] == list(range(len(segments))), segments
        assert of(lines, name, 'stats')[-1]['coverage'] > 0.99, of(lines, name, 'stats')
    assert states(lines, 'c') == ['starting', 'running', 'draining', 'stopped'], states(lines, 'c')
    assert states(lines, 'b').count('starting') == 2 and states(lines, 'e')[0] == 'starting', lines
    assert {o['event'] for o in outcomes(lines)} == {'verdict'}, outcomes(lines)


def check_slow_reload(endpoint, folder):
    """A file that isn't read at once, as on a disk that hangs, holds up neither streams nor the end."""
    path, other = os.path.join(folder, 'c'), os.path.join(folder, 'other')
    live = {'a': 'pipeline=' + pipeline('is-live=true')}
    write_config(path, endpoint, live)
    with Run(path) as run:
        run.wait(stream='a', event='verdict')
        os.remove(path)
        os.mkfifo(path)
        run.signal(signal.SIGHUP)
        with open(path, 'w') as file:
            for _ in range(2):
                run.wait(stream='a', event='verdict')
            # what is asked for meanwhile is read after it
            run.signal(signal.SIGHUP)
            run.wait(stream='a', event='verdict')
            assert not of(run.lines, event='config'), run.lines
            os.replace(write_config(other, endpoint, {**live, 'b': live['a']}), path)
            file.write('[a]\nnonsense=1\n')
        told = run.wait(event='config')
        assert told['taken'] is False and '[a]' in told['problem'], told
        assert run.wait(event='config')['taken'] is True
        run.wait(stream='b', event='verdict')
        os.remove(path)
        os.mkfifo(path)
        run.signal(signal.SIGHUP)
        with open(path, 'w'):
            code, lines = run.stop()
    assert code == 0, code
    assert [line['state'] for line in of(lines, event='program')] == ['started', 'stopping', 'stopped'], lines
    assert len(of(lines, event='config')) == 2 and states(lines, 'a') == ['starting', 'running', 'draining', 'stopped'], lines


def read_lines(path):
    with open(path) as file:
        return file.read().splitlines()


def check_log(endpoint, folder):
    """The chain holds over a kill, a start and a rotation; --verify-log finds what doesn't belong."""
    log = os.path.join(folder, 'log')
    path = write_config(os.path.join(folder, 'c'), endpoint, {'a': 'pipeline=' + pipeline('is-live=true')}, 'log=' + log)
    with Run(path) as run:
        while not os.path.exists(log) or '"verdict"' not in open(log).read():
            time.sleep(0.05)
        refused = call(path)
        assert refused[0] == 78 and 'another process writes it' in refused[2], refused
        run.process.kill()
        run.finish()
    with open(log, 'a') as file:
        file.write('{"time":"2026')  # as if the kill had come in the middle
    before = len(read_lines(log))
    with Run(path) as run:
        while len(read_lines(log)) < before + 4:
            time.sleep(0.05)
        run.signal(signal.SIGUSR1)
        while len(os.listdir(folder)) < 3:
            time.sleep(0.05)
        assert run.stop()[0] == 0
    [old] = [os.path.join(folder, name) for name in os.listdir(folder) if name.startswith('log.')]
    code, out, err = call('--verify-log', old, '--verify-log', log)
    assert code == 0 and 'is broken off' in out, (code, out, err)
    lines = read_lines(old) + read_lines(log)
    assert hashlib.sha256(lines[-1].encode()).hexdigest() in out, out
    for one, two in zip(lines, lines[1:]):
        if one != lines[before - 1] and two != lines[before - 1]:
            assert json.loads(two)['prev'] == hashlib.sha256(one.encode()).hexdigest(), (one, two)
    check_forgeries(folder, read_lines(old)[:before - 1])
    check_link(endpoint, folder)


def check_link(endpoint, folder):
    """Killed when the new file has nothing in it yet."""
    log = os.path.join(folder, 'next')
    path = write_config(os.path.join(folder, 'c'), endpoint, {'a': 'judging=false\npipeline=' + pipeline('is-live=true')},
                        'statistics-interval=0\nlog=' + log)
    with Run(path) as run:
        wait_until(lambda: os.path.exists(log) and '"running"' in open(log).read(), 'a line')
        run.signal(signal.SIGUSR1)
        wait_until(lambda: os.path.exists(log) and os.path.getsize(log) == 0, 'a new file')
        run.process.kill()
        run.finish()
    with Run(path) as run:
        wait_until(lambda: '"running"' in open(log).read(), 'a line')
        run.stop()
    [old] = [os.path.join(folder, name) for name in os.listdir(folder) if name.startswith('next.')]
    assert call('--verify-log', old, '--verify-log', log)[0] == 0


def check_forgeries(folder, lines):
    forged = os.path.join(folder, 'forged')
    middle = len(lines) // 2
    for change in (lambda l: l[:middle] + l[middle + 1:],
                   lambda l: l[:middle] + [l[middle].replace('"time":"2', '"time":"1')] + l[middle + 1:],
                   lambda l: l[:middle] + ['{"event":"x"}'] + l[middle:],
                   lambda l: l[:middle] + [l[middle]] + l[middle:],
                   lambda l: l[:middle] + [l[middle + 1], l[middle]] + l[middle + 2:]):
        with open(forged, 'w') as file:
            file.write('\n'.join(change(lines)) + '\n')
        code, out, _ = call('--verify-log', forged)
        assert code == 1 and '%s:' % forged in out, out
    with open(forged, 'w') as file:
        file.write('\n'.join(lines) + '\n')
    assert call('--verify-log', forged)[0] == 0
    assert call('--verify-log', forged + '.not')[0] == 1
    # what can't be read to its end isn't found whole
    code, out, _ = call('--verify-log', forged, '--verify-log', '/proc/self/mem')
    assert code == 1 and '/proc/self/mem:' in out and 'not as they were written' in out, out


def check_losses(endpoint, folder):
    """Nobody listens: each loss is a line, and the stream goes on."""
    path = write_config(os.path.join(folder, 'c'), 'http://127.0.0.1:1', {
        'a': 'retries=0\npipeline=' + pipeline('num-buffers=50')})
    with Run(path) as run:
        code, lines = run.finish()
    assert [(o['event'], o['reason'], o['segment']) for o in outcomes(lines)] == [
        ('failed', 'network', 0), ('failed', 'network', 1)], outcomes(lines)
    assert of(lines, 'a', 'warning') and of(lines, 'a', 'stats')[-1]['failed'] == 2, lines


def scene(*colours):
    """A second of each, one after another; the segments end where they do."""
    parts = ['concat name=c ! x264enc key-int-max=25 tune=zerolatency ! h264parse ! identifaisink']
    for colour in colours:
        parts.append('videotestsrc num-buffers=25 pattern=solid-color foreground-color=%s ! '
                     'video/x-raw,format=I420,width=64,height=64,framerate=25/1 ! c.' % colour)
    return 'pipeline=' + ' '.join(parts)


GREY, PINK = '0xff808080', '0xffff00ff'


def read_evidence(folder, stream):
    """Each JSON, with the bytes beside it."""
    there = os.path.join(folder, stream)
    pairs = []
    for name in sorted(os.listdir(there)):
        assert os.stat(os.path.join(there, name)).st_mode & 0o777 == 0o600, name
        assert not name.startswith('.'), name
        if name.endswith('.json'):
            about = json.load(open(os.path.join(there, name)))
            pairs.append((about, open(os.path.join(there, about['file']), 'rb').read()))
    return pairs


def check_evidence(endpoint, folder):
    """Flagged segments and their neighbours, as they were posted, whatever the order of verdicts."""
    kept, record = os.path.join(folder, 'kept'), os.path.join(folder, 'record')
    with Emulator('--record', record) as recorder:
        path = write_config(os.path.join(folder, 'c'), recorder, {
            'a': scene(GREY, GREY, PINK, GREY, GREY, PINK),
            'alone': 'evidence-neighbours=0\n' + scene(GREY, PINK, GREY),
            'all': 'evidence=all\n' + scene(GREY, GREY),
            'none': 'evidence=none\n' + scene(PINK),
        }, 'evidence-folder=' + kept)
        with Run(path) as run:
            code, lines = run.finish()
    assert code == 0 and {o['event'] for o in outcomes(lines)} == {'verdict'}, lines
    posted = {hashlib.sha256(data).hexdigest() for data in
              (open(os.path.join(record, n), 'rb').read() for n in os.listdir(record) if not n.endswith('.json'))}
    for stream, roles in (('a', {1: 'before', 2: 'flagged', 3: 'after', 4: 'before', 5: 'flagged'}),
                          ('alone', {1: 'flagged'}), ('all', {0: 'all', 1: 'all'})):
        pairs = read_evidence(kept, stream)
        assert {about['segment']: about['role'] for about, _ in pairs} == roles, pairs
        for about, data in pairs:
            assert about['sha256'] == hashlib.sha256(data).hexdigest() and about['sha256'] in posted, about
            assert about['answer']['identifier'] == about['identifier'] and about['owner'] == 'identifai-moderate'
            assert about['file'].endswith('.mp4') and data[4:8] == b'ftyp', about
        told = of(lines, stream, 'evidence')
        assert {line['sha256'] for line in told} == {about['sha256'] for about, _ in pairs}, told
    assert not os.path.exists(os.path.join(kept, 'none'))
    check_retention(endpoint, folder, kept)
    check_full_disk(endpoint, folder)


def leave_parts(there, count):
    """As a kill leaves the first pair, with so many of its files not renamed yet; the newest of all."""
    json_name = min(name for name in os.listdir(there) if name.endswith('.json'))
    with open(os.path.join(there, json_name)) as file:
        names = [json_name, json.load(file)['file']]
    for name in names[:count]:
        part = os.path.join(there, '.%s.part' % name)
        os.rename(os.path.join(there, name), part)
        os.utime(part, (time.time() + 3600,) * 2)
    return [os.path.join(there, name) for name in names]


def check_retention(endpoint, folder, kept):
    """Older pairs go, in the order of time; nothing else in the folder does."""
    there = os.path.join(kept, 'a')
    foreign = [os.path.join(kept, 'mine.json'), os.path.join(there, '20200101T000000.000Z-mine-00001.json'),
               os.path.join(there, '20200101T000000.000Z-mine-00002.mp4'), os.path.join(there, 'holiday.mp4')]
    for path in foreign:
        with open(path, 'w') as file:
            file.write('{"owner":"somebody","file":"holiday.mp4"}')
    sly = os.path.join(there, '20200101T000000.000Z-sly00000-00003.json')
    with open(sly, 'w') as file:
        file.write('{"owner":"identifai-moderate","file":"holiday.mp4"}')
    # written long ago, whatever its name says: goes first
    wrong, first = os.path.join(there, '20990101T000000.000Z-clock000-00001'), sorted(os.listdir(there))[1]
    shutil.copy(os.path.join(there, first), wrong + first[first.rindex('.'):])
    with open(wrong + '.json', 'w') as file:
        json.dump({'owner': 'identifai-moderate', 'file': os.path.basename(wrong) + first[first.rindex('.'):]}, file)
    os.utime(wrong + '.json', (1000000000, 1000000000))
    part = os.path.join(there, '.20200101T000000.000Z-kill0000-00003.mp4.part')
    open(part, 'w').close()
    finished, gone = leave_parts(os.path.join(kept, 'alone'), 1), leave_parts(os.path.join(kept, 'all'), 2)
    path = write_config(os.path.join(folder, 'c'), endpoint, {'a': scene(PINK)},
                        'evidence-max-count=3\nevidence-folder=' + kept)
    with Run(path) as run:
        run.finish()
    names = os.listdir(there)
    ours = [n for n in names if n.endswith('.json') and os.path.join(there, n) not in [*foreign, sly]]
    left = sum(n.endswith('.json') and not n.startswith('2020') for _, _, ns in os.walk(kept) for n in ns if n != 'mine.json')
    assert left == 3 and len(ours) >= 1, (left, names)
    assert all(os.path.exists(path) for path in [*foreign, sly]) and not os.path.exists(part), names
    assert not [n for n in names if n.startswith('2099')], names
    assert all(map(os.path.exists, finished)) and not any(map(os.path.exists, gone)), (finished, gone)
    assert not [n for name in ('alone', 'all') for n in os.listdir(os.path.join(kept, name)) if n.endswith('.part')]
    # becomes too old while nothing new comes
    late = os.path.join(there, ours[0])
    os.utime(late, (time.time() + 3,) * 2)
    path = write_config(os.path.join(folder, 'c'), endpoint, {'a': 'pipeline=' + pipeline('is-live=true')},
                        'evidence-max-age=2s\nevidence-folder=' + kept)
    with Run(path) as run:
        wait_until(lambda: not os.path.exists(late), 'old evidence')
        assert run.stop()[0] == 0
    assert all(os.path.exists(path) for path in [*foreign, sly]), os.listdir(there)


def check_full_disk(endpoint, folder):
    """Told once, and no verdict is lost for it. A folder that isn't writable is known before."""
    tiny = os.path.join(folder, 'tiny')
    os.mkdir(tiny)
    # the file doesn't fit; or it does, and its JSON doesn't
    for bound in ('size=4k', 'nr_inodes=3'):
        if subprocess.run(['mount', '-t', 'tmpfs', '-o', bound, 'tmpfs', tiny], stderr=subprocess.DEVNULL).returncode:
            print('a full disk is not tried: that needs a mount')
            return
        fill_disk(endpoint, folder, tiny)
    path = write_config(os.path.join(folder, 'c'), endpoint, {'a': scene(PINK)}, 'evidence-folder=/proc/nothing')
    code, out, err = call(path)
    assert code == 78 and out == '' and '[program] evidence-folder: ' in err, (code, out, err)


def fill_disk(endpoint, folder, tiny):
    try:
        path = write_config(os.path.join(folder, 'c'), endpoint, {'a': scene(PINK, GREY, PINK, GREY)},
                            'evidence-folder=' + tiny)
        with Run(path) as run:
            code, lines = run.finish()
        assert code == 0 and len(outcomes(lines)) == 4, lines
        told = of(lines, 'a', 'evidence')
        assert len([line for line in told if 'space' in line.get('error', '')]) == 1, told
        assert not [n for _, _, ns in os.walk(tiny) for n in ns]
    finally:
        subprocess.run(['umount', tiny], check=True)


def check_full_log(endpoint, folder):
    """A line that a full disk broke is ended in the file where it began; a new one that was asked for meanwhile begins after it."""
    tiny, filler = os.path.join(folder, 'tiny'), os.path.join(folder, 'tiny', 'filler')
    log = os.path.join(tiny, 'log')
    os.mkdir(tiny)
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', tiny], stderr=subprocess.DEVNULL).returncode:
        print('a full log is not tried: that needs a mount')
        return
    try:
        with open(filler, 'wb') as file:
            file.write(bytes(500000))
        path = write_config(os.path.join(folder, 'c'), endpoint, {'a': 'pipeline=' + pipeline('is-live=true')},
                            'statistics-interval=50ms\nlog=' + log)
        with Run(path) as run:
            wait_until(lambda: os.path.exists(log) and os.statvfs(tiny).f_bavail == 0
                       and not open(log).read().endswith('\n'), 'full')
            run.signal(signal.SIGUSR1)
            os.unlink(filler)
            wait_until(lambda: len(os.listdir(tiny)) == 2 and os.path.getsize(log) > 0, 'a new file')
            assert run.stop()[0] == 0
        [old] = [os.path.join(tiny, name) for name in os.listdir(tiny) if name.startswith('log.')]
        code, out, err = call('--verify-log', old, '--verify-log', log)
        assert code == 0 and 'broken off' not in out, (code, out, err)
    finally:
        subprocess.run(['umount', tiny], check=True)


def check_moved_log(endpoint, folder):
    """Moved by somebody else, who then tells: a new file begins, and the chain goes on."""
    log = os.path.join(folder, 'log')
    path = write_config(os.path.join(folder, 'c'), endpoint, {'a': 'pipeline=' + pipeline('is-live=true')}, 'log=' + log)
    with Run(path) as run:
        wait_until(lambda: os.path.exists(log) and '"running"' in open(log).read(), 'a line')
        os.rename(log, log + '.old')
        run.signal(signal.SIGUSR1)
        wait_until(lambda: os.path.exists(log) and os.path.getsize(log) > 0, 'a new file')
        assert run.stop()[0] == 0
    assert call('--verify-log', log + '.old', '--verify-log', log)[0] == 0


def receive(port_holder, seconds, enough):
    """What comes in datagrams until there is enough, or for so long."""
    port_holder.settimeout(0.5)
    got, end = b'', time.monotonic() + seconds
    while len(got) < enough and time.monotonic() < end:
        try:
            got += port_holder.recv(65536)
        except socket.timeout:
            pass
    return got


def video_packets(stream):
    """Packets of MPEG-TS that aren't tables or padding."""
    packets = [stream[i:i + 188] for i in range(0, len(stream), 188)]
    return [p for p in packets if p[0] == 0x47 and 0x40 <= ((p[1] & 31) << 8 | p[2]) < 0x1fff]


def make_clip(path, colour, encoder, muxer, frames=100):
    subprocess.run(['gst-launch-1.0', '-q', 'videotestsrc', 'num-buffers=%d' % frames, 'pattern=solid-color',
                    'foreground-color=' + colour, '!', 'video/x-raw,format=I420,width=64,height=64,framerate=25/1', '!',
                    *encoder.split(), '!', muxer, '!', 'filesink', 'location=' + path], check=True)
    return 'file://' + path


def check_gate(endpoint, folder):
    """uri= to output=: clean video leaves, as it is or, where the output can't take it, encoded
    anew; what is artificial doesn't."""
    x264 = 'x264enc key-int-max=25 ! h264parse'
    rows = (('clean', GREY, x264, 'mp4mux', True), ('pink', PINK, x264, 'mp4mux', False),
            ('shown', PINK, x264, 'mp4mux', True), ('vp8', GREY, 'vp8enc keyframe-max-dist=25 deadline=1', 'webmmux', True))
    sockets, streams = {}, {}
    for name, colour, encoder, muxer, _ in rows:
        sockets[name] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sockets[name].bind(('127.0.0.1', 0))
        uri = make_clip(os.path.join(folder, name), colour, encoder, muxer)
        streams[name] = 'mode=gate\nuri=%s\noutput=udp://127.0.0.1:%d' % (uri, sockets[name].getsockname()[1])
    streams['shown'] += '\nslate=builtin'
    path = write_config(os.path.join(folder, 'c'), endpoint, streams)
    with Run(path, TMPDIR=folder) as run:
        code, lines = run.finish()
    assert code == 0, (code, lines)
    assert not [name for name in os.listdir(folder) if 'slate' in name], os.listdir(folder)
    for name, _, _, _, leaves in rows:
        with sockets[name] as holder:
            packets = video_packets(receive(holder, 1, 1 << 20))
        assert (len(packets) > 10) == leaves, (name, len(packets))
        stats = of(lines, name, 'stats')[-1]
        assert stats['came'] == stats['withheld' if name in ('pink', 'shown') else 'passed'] >= 99, (name, stats)
        assert {o['event'] for o in outcomes(lines, name)} == {'verdict'}, lines


def check_lost_output(endpoint, folder):
    """What a gate sends to goes while the program ends: nothing is held for it any more, and each segment has its line."""
    server = socket.create_server(('127.0.0.1', 0))
    path = write_config(os.path.join(folder, 'c'), endpoint, {
        'a': 'hold=5s\npipeline=%s ! tcpclientsink host=127.0.0.1 port=%d'
             % (pipeline('is-live=true', 'identifaigate'), server.getsockname()[1])}, 'stop-timeout=100s')
    with Run(path) as run:
        far = server.accept()[0]
        reader = threading.Thread(target=lambda: [None for _ in iter(lambda: far.recv(65536), b'')])
        reader.start()
        run.wait(event='verdict')
        run.signal(signal.SIGTERM)
        run.wait(event='stream', state='draining')
        began = time.monotonic()
        far.shutdown(socket.SHUT_RDWR)
        reader.join()
        far.close()
        code, lines = run.finish()
        seconds = time.monotonic() - began
    assert code == 0 and seconds < 50, (code, seconds)
    assert of(lines, 'a', 'error'), lines
    assert [line['segment'] for line in outcomes(lines)] == list(range(of(lines, 'a', 'stats')[-1]['segments'])), lines


def read_state(path):
    with open(path) as file:
        return json.load(file)['pending']


def check_kill(endpoint, folder):
    """kill -9 in the middle, again and again: what the service has gets its one line, of its own
    stream, also if that is in the file no more; and what has its line isn't asked for again."""
    log, state = os.path.join(folder, 'log'), os.path.join(folder, 'state')
    path, waited = os.path.join(folder, 'c'), []
    live = {name: 'pipeline=' + pipeline('is-live=true pattern=' + name) for name in ('ball', 'smpte', 'pinwheel')}
    program = 'log=%s\nstate-file=%s' % (log, state)
    with Emulator('--delay', '2') as slow:
        for streams in (live, live, {'ball': live['ball']}):
            write_config(path, slow, streams, program)
            with Run(path) as run:
                wait_until(lambda: os.path.exists(state) and len(read_state(state)) >= 2 * len(streams), 'submitted')
                run.process.kill()
                run.finish()
            left = read_state(state)
            assert os.stat(state).st_mode & 0o777 == 0o600
            waited += left
        again = json.dumps({'version': 2, 'pending': waited})
        with open(state, 'w') as file:
            file.write(again)  # as if the latest kills had come before the file was written
        with Run(path) as run:
            wait_until(lambda: len([e for e in read_state(state) if e in left]) == 0, 'resumed')
            code, _ = run.stop()
    lines = [json.loads(text) for text in read_lines(log)]
    ended = [(o['session'], o['segment']) for o in outcomes(lines)]
    assert code == 0 and len(ended) == len(set(ended)), ended
    for pending in waited:
        session = re.search(r'session=\(string\)"?([0-9a-f-]+)', pending['entry']).group(1)
        segment = int(re.search(r'segment=\(uint\)([0-9]+)', pending['entry']).group(1))
        [line] = [o for o in outcomes(lines) if (o['session'], o['segment']) == (session, segment)]
        assert line['event'] == 'verdict' and line['stream'] == pending['stream'], line
    assert any(o.get('resumed') and o['stream'] == 'pinwheel' for o in outcomes(lines)), lines
    assert read_state(state) == [] and call('--verify-log', log)[0] == 0
    with open(state, 'w') as file:
        file.write('{}')
    code, out, err = call(path)
    assert code == 78 and '[program] state-file: ' in err and 'move it away' in err, (code, err)


def check_two(endpoint, folder):
    """Two programs that would write, judge or delete the same: the second one is refused, and costs the first one nothing."""
    files = {name: '%s=%s' % (name, os.path.join(folder, name)) for name in ('state-file', 'late-folder', 'evidence-folder')}
    live = {'a': 'pipeline=' + pipeline('is-live=true')}
    path = write_config(os.path.join(folder, 'c'), endpoint, live, '\n'.join(files.values()))
    with Run(path) as run:
        run.wait(event='verdict')
        for name, text in files.items():
            code, out, err = call(write_config(path + '2', endpoint, live, text))
            assert code == 78 and '[program] %s: ' % name in err and 'another process has it' in err, (code, out, err)
        run.wait(event='verdict')
        assert run.stop()[0] == 0
    with Run(path) as run:
        run.wait(event='verdict')
        assert run.stop()[0] == 0


def check_flapping(endpoint, folder):
    """max-uploads-per-hour is the camera's: it goes on over its sessions, over a change of its section and over a kill."""
    log, state, record = (os.path.join(folder, name) for name in ('log', 'state', 'record'))
    flapping = 'at-end=restart\nsegment-duration=1s\npipeline=' + pipeline('num-buffers=50')

    def posted():
        return len([name for name in os.listdir(record) if not name.endswith('.json')])

    def told(reason):
        return [line for line in map(json.loads, read_lines(log)) if line.get('reason') == reason]

    def configure(most):
        return write_config(os.path.join(folder, 'c'), recorder, {'a': 'max-uploads-per-hour=%d\n%s' % (most, flapping)},
                            'log=%s\nstate-file=%s' % (log, state))

    def wait(dropped, most):
        """Until so many more are dropped, once all that may go went."""
        wait_until(lambda: os.path.exists(log) and posted() >= most, 'uploads')
        before = len(told('budget'))
        wait_until(lambda: len(told('budget')) >= before + dropped, 'dropped segments')
        assert posted() == most, (posted(), most)

    with Emulator('--record', record) as recorder:
        with Run(configure(3)) as run:
            wait(5, 3)
            run.finish(signal.SIGKILL)
        with Run(configure(3)) as run:
            wait(2, 3)
            configure(4)
            run.signal(signal.SIGHUP)
            wait(3, 4)
            assert run.stop()[0] == 0
    assert len({line['session'] for line in told('budget')}) >= 4, told('budget')


def check_told_again(endpoint, folder):
    """Killed between its evidence and its line: the verdict that comes again leaves the file with its JSON."""
    kept, state = os.path.join(folder, 'kept'), os.path.join(folder, 'state')
    path = write_config(os.path.join(folder, 'c'), endpoint, {'a': 'evidence=all\n' + scene(GREY, GREY)},
                        'evidence-folder=%s\nstate-file=%s' % (kept, state))
    with Run(path) as run:
        wait_until(lambda: os.path.exists(state) and read_state(state), 'what is pending')
        with open(state) as file:
            pending = file.read()
        assert run.finish()[0] == 0
    before = [(about['segment'], data) for about, data in read_evidence(kept, 'a')]
    with open(state, 'w') as file:
        file.write(pending)
    path = write_config(os.path.join(folder, 'c'), endpoint, {'a': 'evidence=all\npipeline=' + pipeline('is-live=true')},
                        'evidence-folder=%s\nstate-file=%s' % (kept, state))
    with Run(path) as run:
        again = run.wait(event='verdict', resumed=True)
        run.wait(event='evidence', session=again['session'])
        assert run.stop()[0] == 0
    after = [(about, data) for about, data in read_evidence(kept, 'a') if about['session'] == again['session']]
    assert [(about['segment'], data) for about, data in after] == before and any(about.get('resumed') for about, _ in after), after


def check_told_between(endpoint, folder):
    """Another stream asks for what one that has ended had submitted; verdicts that come between others cost those no neighbour."""
    with Emulator('--delay', '2') as slow:
        check_between(slow, *(os.path.join(folder, name) for name in ('kept', 'state', 'c')))


def check_between(endpoint, kept, state, path):
    write_config(path, endpoint, {'a': scene(GREY)}, 'state-file=' + state)
    with Run(path) as run:
        wait_until(lambda: os.path.exists(state) and read_state(state), 'what is pending')
        [pending] = read_state(state)
        assert run.finish()[0] == 0
    count = 12
    with open(state, 'w') as file:
        json.dump({'version': 2, 'pending': [
            {**pending, 'entry': re.sub(r'segment=\(uint\)[0-9]+', 'segment=(uint)%d' % i, pending['entry'])} for i in range(count)]}, file)
    slow = 'rate-limits=limits,post-per-second=0,post-per-minute=0,get-per-second=4,get-per-minute=0\n'
    write_config(path, endpoint, {'a': slow + scene(*[GREY, GREY, PINK] * 4),
                                  'b': slow + 'evidence=none\npipeline=' + pipeline('is-live=true')},
                 'evidence-folder=%s\nstate-file=%s' % (kept, state))
    with Run(path) as run:
        for _ in range(count):
            run.wait(event='verdict', stream='a', resumed=True)
        while 'ended' not in states(run.lines, 'a'):
            assert run.more(60) is not None
        assert run.stop()[0] == 0
    assert {about['segment']: about['role'] for about, _ in read_evidence(kept, 'a')} == {
        n: ('after', 'before', 'flagged')[n % 3] for n in range(1, 12)}


def check_other_key(endpoint, folder):
    """What was submitted with a key that no stream has any more is told as lost; no other key asks for it."""
    log, state, path = os.path.join(folder, 'log'), os.path.join(folder, 'state'), os.path.join(folder, 'c')
    keys = [os.path.join(folder, name) for name in ('one', 'two')]
    for key in keys:
        with open(key, 'w') as file:
            file.write('k\n')
    live = 'api-key-file=%s\npipeline=' + pipeline('is-live=true').replace('%', '%%')
    program = 'log=%s\nstate-file=%s' % (log, state)
    with Emulator('--delay', '3') as slow:
        write_config(path, slow, {'a': live % keys[0], 'b': live % keys[1]}, program)
        with Run(path) as run:
            wait_until(lambda: os.path.exists(state) and {p['stream'] for p in read_state(state)} == {'a', 'b'}, 'submitted')
            run.process.kill()
            run.finish()
        left = read_state(state)
        # a's name with another key, and b's key with another name
        write_config(path, slow, {'a': live % keys[1]}, program)
        with Run(path) as run:
            wait_until(lambda: not [e for e in read_state(state) if e in left], 'told')
            assert run.stop()[0] == 0
    lines = [json.loads(text) for text in read_lines(log)]
    for pending in left:
        segment = int(re.search(r'segment=\(uint\)([0-9]+)', pending['entry']).group(1))
        [line] = [o for o in outcomes(lines, pending['stream']) if o['segment'] == segment and o['session'] in pending['entry']]
        if pending['stream'] == 'b':
            assert line['event'] == 'verdict' and line['resumed'], line
        else:
            assert (line['event'], line['reason']) == ('dropped', 'stopped') and 'no stream has' in line['error'], line


def check_state_file(endpoint, folder):
    """That it can't be written is told, and that it can be again; that is tried also when nothing more is submitted."""
    there = os.path.join(folder, 'there')
    os.mkdir(there)
    state = os.path.join(there, 'state')
    path, program = os.path.join(folder, 'c'), 'statistics-interval=500ms\nstate-file=' + state
    streams = {name: text + 'pipeline=' + pipeline('is-live=true') for name, text in (('a', ''), ('b', 'judging=false\n'))}
    write_config(path, endpoint, streams, program)
    with Run(path) as run:
        run.wait(event='verdict')
        os.rename(there, there + '.away')
        assert 'No such file' in run.wait(event='state-file', written=False)['error']
        del streams['a']
        write_config(path, endpoint, streams, program)
        run.signal(signal.SIGHUP)
        run.wait(stream='a', state='stopped')
        run.wait(stream='b', event='stats')
        os.rename(there + '.away', there)
        run.wait(event='state-file', written=True)
        code, lines = run.stop()
    assert code == 0 and read_state(state) == [], lines
    assert len(of(lines, event='state-file')) == 2, lines


class Page:
    """Calls to the program's page."""

    def __init__(self, line, token):
        self.port, self.token = int(line['page'].rstrip('/').rsplit(':', 1)[1]), token

    def call(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=40)
        connection.request(method, path, body, {name.replace('_', '-'): value for name, value in headers.items()})
        answer = connection.getresponse()
        text = answer.read().decode(errors='replace')
        connection.close()
        return answer.status, text

    def get(self, path, **headers):
        return self.call('GET', path, **headers)

    def act(self, path, body, **headers):
        return self.call('POST', path, body if isinstance(body, str) else json.dumps(body),
                         **{'Authorization': 'Bearer ' + self.token, **headers})

    def metrics(self):
        status, text = self.get('/metrics')
        assert status == 200, text
        return dict(line.rsplit(' ', 1) for line in text.splitlines() if not line.startswith('#'))


def check_page(endpoint, folder):
    """The page's calls: who may read and act, what acts do, the service's webhook, metrics."""
    token, secret = os.path.join(folder, 'token'), os.path.join(folder, 'secret')
    path, state = os.path.join(folder, 'c'), os.path.join(folder, 'state')
    program = ('listen=127.0.0.1:0\ntoken-file=%s\nwebhook-secret-file=%s\nstate-file=%s\nevidence-folder=%s'
               % (token, secret, state, os.path.join(folder, 'kept')))
    streams = {'gate': 'hold=2s\npipeline=' + pipeline('is-live=true', 'identifaigate ! fakesink'),
               'pink': 'policy=enter=2,window=2\npipeline=' + pipeline('is-live=true ' + MAGENTA),
               'broken': 'pipeline=filesrc location=/nonexistent ! identifaisink'}
    for listen, said in (('0.0.0.0:0', 'listen wants 127.0.0.1'), ('nowhere', 'listen wants'), ('127.0.0.1:99999', 'listen wants')):
        write_config(path, endpoint, streams, 'listen=%s\ntoken-file=%s' % (listen, token))
        code, out, err = call(path)
        assert code == 78 and '[program] listen: ' in err and said in err, err
    write_config(path, endpoint, streams, 'listen=127.0.0.1:0')
    assert 'wants token-file' in call(path)[2]
    write_config(path, endpoint, streams, program)
    with Run(path) as run:
        line = run.wait(event='program')
        run.wait(event='policy', state='blocked')
        run.wait(event='gate', state='pass')
        assert os.stat(token).st_mode & 0o777 == os.stat(secret).st_mode & 0o777 == 0o600
        page = Page(line, open(token).read())
        check_who(page)
        check_bodies(page, open(secret).read())
        check_acts(run, page)
        check_pictures(page)
        check_webhook(run, page, open(secret).read(), state)
        check_metrics(page, run, path, endpoint, streams, program)
        check_events(page, run)
        code, lines = run.stop()
    assert code == 0 and page.token not in json.dumps(lines), lines
    assert [line['act'] for line in of(lines, 'gate', 'act') if 'problem' not in line] == ['force', 'force', 'dump', 'release']


def check_who(page):
    own = '127.0.0.1:%d' % page.port
    for path in ('/', '/page.js', '/page.css', '/api/streams', '/api/lines', '/health', '/metrics'):
        status, text = page.get(path)
        assert status == 200 and text, (path, status)
        assert page.token not in text, path
        for headers in ({'Host': 'evil.example:%d' % page.port}, {'Host': 'localhost'}, {'Origin': 'http://evil.example'},
                        {'Origin': 'null'}, {'Origin': 'https://' + own}):
            assert page.get(path, **headers)[0] == 403, (path, headers)
        assert page.get(path, Host='localhost:%d' % page.port)[0] == page.get(path, Origin='http://' + own)[0] == 200, path
    force = '/api/streams/gate/force'
    assert page.call('POST', force, '{"force":"drop"}')[0] == 401
    assert page.act(force, {'force': 'drop'}, Authorization='Bearer ' + page.token[:-1])[0] == 401
    assert page.act(force, {'force': 'drop'}, Origin='http://evil.example')[0] == 403
    assert page.act(force, {'force': 'drop'}, Host='evil.example')[0] == 403
    assert page.get('/nothing')[0] == page.act('/api/streams/gate', {})[0] == 404
    check_methods(page)


def check_methods(page):
    """HEAD is answered as GET, without the body; what isn't there is said with what is."""
    for method, path, status, allowed in (
            ('HEAD', '/', 200, None), ('HEAD', '/metrics', 200, None), ('HEAD', '/api/events', 200, None), ('HEAD', '/nothing', 404, None),
            ('PUT', '/', 405, 'GET, HEAD'), ('DELETE', '/api/streams/gate/force', 405, 'GET, HEAD, POST'),
            ('OPTIONS', '/api/streams', 405, 'GET, HEAD'), ('GET', '/webhook/x', 404, None), ('PUT', '/webhook/x', 405, 'POST')):
        connection = http.client.HTTPConnection('127.0.0.1', page.port, timeout=20)
        connection.request(method, path)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        assert (answer.status, answer.getheader('Allow')) == (status, allowed), (method, path, answer.status, answer.getheader('Allow'))
        assert (method == 'HEAD') == (body == b''), (method, path, body)
        # what closes after each answer says so: a second request would be lost
        assert answer.getheader('Connection') == 'close', (method, path)


def check_bodies(page, secret):
    """What is large, or nested, or no JSON, is refused, and ends nothing; without the token it isn't even read."""
    force, hook = '/api/streams/gate/force', '/webhook/' + secret
    deep = '{"identifier":' + '[' * 200000 + ']' * 200000 + '}'
    large = '{"identifier":"%s"}' % ('x' * (1 << 21))
    for body in (deep, '/* " */' + deep, "{'\\\"':1,\"a\":%s}" % deep, large):
        assert page.act(force, body)[0] == page.call('POST', hook, body)[0] == 400, body[:40]
        assert page.call('POST', force, body)[0] == 401, body[:40]
    assert page.call('POST', hook, '{"identifier":"]\\"{[/#"}')[0] == 202
    for wrong in ('', secret[1:], 'x' + secret[1:], secret[:-1] + 'x', secret + 'x'):
        assert page.call('POST', '/webhook/' + wrong, '{"identifier":"x"}')[0] == 404, wrong
    assert page.get('/health')[0] == 200


def check_acts(run, page):
    force = '/api/streams/gate/force'
    for path, body, status, said in ((force, {'force': 'up'}, 400, 'force wants'), (force, '[]', 400, 'no JSON object'),
                                     (force, '{', 400, 'no JSON object'), (force, {}, 400, 'force wants'),
                                     ('/api/streams/pink/force', {'force': 'drop'}, 400, 'has no gate'),
                                     ('/api/streams/pink/dump', {}, 400, 'has no gate'),
                                     ('/api/streams/gate/dump', {'back': 'x'}, 400, 'back wants'),
                                     ('/api/streams/pink/override', {'segment': 1}, 400, 'classification wants'),
                                     ('/api/streams/pink/override', {'classification': 'human'}, 400, 'wants a segment'),
                                     ('/api/streams/x/force', {'force': 'drop'}, 404, 'no such stream'),
                                     ('/api/streams/gate/fly', {}, 404, 'no such act')):
        answer = page.act(path, body)
        assert answer[0] == status and said in answer[1], (path, body, answer)
    assert page.act(force, {'force': 'drop'})[0] == 200
    run.wait(stream='gate', event='gate', state='drop', reason='forced')
    assert page.act(force, {'force': 'none'})[0] == 200
    run.wait(stream='gate', event='gate', state='pass')
    assert page.act('/api/streams/gate/dump', {'back': 1})[0] == 200
    run.wait(stream='gate', event='gate', state='drop', reason='dumped')
    assert page.act('/api/streams/gate/release', {})[0] == 200
    run.wait(stream='gate', event='gate', state='pass')
    segment = run.wait(stream='pink', event='verdict')['segment']
    assert page.act('/api/streams/pink/override', {'segment': segment, 'classification': 'human'})[0] == 200
    run.wait(stream='pink', event='override')


def check_pictures(page):
    """Of flagged moments, a few for each stream; who has the token may see them."""
    def listed():
        return {s['name']: s['thumbnails'] for s in json.loads(page.get('/api/streams')[1])['streams']}

    wait_until(lambda: listed()['pink'], 'a picture')
    assert listed()['gate'] == listed()['broken'] == [] and len(listed()['pink']) <= 12, listed()
    where = '/api/streams/pink/thumbnails/'
    picture = listed()['pink'][-1]
    status, text = page.get(where + picture['id'], Authorization='Bearer ' + page.token)
    assert status == 200 and 'JFIF' in text[:20], (status, text[:20])
    assert picture['score'] == 1 and picture['moment'] == 0 and picture['id'] == '%s-%d' % (picture['session'], picture['segment']), picture
    assert page.get(where + picture['id'])[0] == page.get(where + 'x')[0] == 401
    assert page.get(where + picture['id'], Authorization='Bearer ' + page.token, Origin='http://evil.example')[0] == 403
    for path in (where + 'x', where, where + picture['id'] + '/x', '/api/streams/gate/thumbnails/' + picture['id'], '/api/streams/pink'):
        assert page.get(path, Authorization='Bearer ' + page.token)[0] == 404, path


def check_webhook(run, page, secret, state):
    """A result that is told is looked at; its body isn't believed, and the secret is all there is to know."""
    for path, body, status in (('/webhook/', '{}', 404), ('/webhook/' + secret[:-1], '{"identifier":"x"}', 404),
                               ('/webhook/' + secret, '{}', 400), ('/webhook/' + secret, 'x', 400),
                               ('/webhook/' + secret, '{"identifier":"nobody"}', 202)):
        assert page.call('POST', path, body, Host='moderation.example')[0] == status, (path, body)


def check_metrics(page, run, path, endpoint, streams, program):
    metrics = page.metrics()
    assert float(metrics['identifai_outcomes_total{stream="pink",outcome="verdict",reason="artificial",status=""}']) >= 2
    assert metrics['identifai_stream_state{stream="gate",state="running"}'] == '1', metrics
    assert metrics['identifai_policy_state{stream="pink",state="clear"}'] in '01' and metrics['identifai_config_good'] == '1'
    assert 0.5 < float(metrics['identifai_coverage_ratio{stream="pink"}']) <= 1, metrics
    wait_until(lambda: float(page.metrics()['identifai_restarts_total{stream="broken"}']) >= 1, 'restarts')
    seconds = float(page.metrics()['identifai_unjudged_seconds{stream="pink"}'])
    assert seconds < float(page.metrics()['identifai_unjudged_seconds{stream="broken"}']), seconds
    listed = {stream['name']: stream for stream in json.loads(page.get('/api/streams')[1])['streams']}
    assert listed['broken']['overdue'] and listed['broken']['trouble'] and not listed['pink']['overdue'], listed
    write_config(path, endpoint, {'gate': 'nonsense=1'}, program)
    run.signal(signal.SIGHUP)
    run.wait(event='config', taken=False)
    assert page.metrics()['identifai_config_good'] == '0'
    assert '[gate]' in json.loads(page.get('/api/streams')[1])['config_problem']
    write_config(path, endpoint, streams, program)
    run.signal(signal.SIGHUP)
    assert run.wait(event='config')['changed'] == []
    assert page.metrics()['identifai_config_good'] == '1'
    if shutil.which('promtool'):
        subprocess.run(['promtool', 'check', 'metrics'], input=page.get('/metrics')[1], text=True, check=True)
    listed = {s['name']: s for s in json.loads(page.get('/api/streams')[1])['streams']}
    assert listed['gate']['can_gate'] and not listed['pink']['can_gate'] and listed['pink']['latest'], listed
    health = json.loads(page.get('/health')[1])
    assert health['status'] == 'ok' and (health['streams'], health['running']) == (3, 2), health


def check_events(page, run):
    """Each line that is told comes as an event, as it was written; one that doesn't read harms nobody."""
    deaf = socket.create_connection(('127.0.0.1', page.port))
    deaf.sendall(b'GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n' % page.port)
    connection = http.client.HTTPConnection('127.0.0.1', page.port, timeout=40)
    connection.request('GET', '/api/events')
    answer = connection.getresponse()
    assert answer.getheader('Content-Type') == 'text/event-stream'
    seen = []
    while len(seen) < 2:
        text = answer.readline().decode()
        if text.startswith('data: '):
            seen.append(json.loads(text[6:]))
    for event in seen:
        assert run.wait(prev=event['prev']) == event
    connection.close()
    deaf.close()


class Hook(http.server.BaseHTTPRequestHandler):
    """Answers with what its server's list says, then 204; keeps what was taken."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        status = self.server.answers.pop(0) if self.server.answers else 204
        self.server.got.append((status, body))
        self.send_response(status)
        self.send_header('Content-Length', '0')
        self.end_headers()

    def log_message(self, *unused):
        pass


def wait_until(true, what):
    end = time.monotonic() + 40
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def check_alarms(endpoint, folder):
    """alert= runs without a shell; webhook-out= posts in order, again where that may help."""
    script = os.path.join(folder, 'alarm')
    with open(script, 'w') as file:
        file.write('#!/bin/sh\nprintf "%%s\\n" "$1" "$#" "$2" >%s/part.$$\nmv %s/part.$$ %s/done.$$\n' % ((folder,) * 3))
    os.chmod(script, 0o700)
    hook = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Hook)
    hook.answers, hook.got = [503, 400], []
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    address = 'http://127.0.0.1:%d/a?token=s3cret' % hook.server_address[1]
    path = write_config(os.path.join(folder, 'c'), endpoint, {
        'a': "alert=%s 'two words; $(touch %s/shell)'\n" % (script, folder) + scene(PINK, GREY, PINK),
        'b': 'alert-on=all\npolicy=enter=2,window=2\nwebhook-out=%s\n' % address + scene(PINK, PINK, GREY),
        'c': 'alert-on=blocked\npolicy=enter=2,window=2\nalert=%s c\n' % script + scene(PINK, PINK, GREY),
        'd': 'alert=/bin/false s3cret\n' + scene(PINK),
        'live': 'pipeline=' + pipeline('is-live=true'),
    })
    with hook, Run(path) as run:
        run.wait(event='alert', stream='d', error='exit status 1', command='/bin/false')
        wait_until(lambda: len(hook.got) >= 6, hook.got)
        wait_until(lambda: len([n for n in os.listdir(folder) if n.startswith('done.')]) >= 3, os.listdir(folder))
        code, lines = run.stop()
        hook.shutdown()
    assert code == 0 and 's3cret' not in json.dumps(lines), lines
    done = [open(os.path.join(folder, n)).read().splitlines() for n in os.listdir(folder) if n.startswith('done.')]
    a = [json.loads(d[2]) for d in done if d[0] != 'c']
    assert {d[0] for d in done} == {'two words; $(touch %s/shell)' % folder, 'c'} and {d[1] for d in done} == {'2'}, done
    assert sorted(line['segment'] for line in a) == [0, 2] and {line['event'] for line in a} == {'verdict'}, a
    assert [json.loads(d[2])['state'] for d in done if d[0] == 'c'] == ['blocked'], done
    assert not os.path.exists(os.path.join(folder, 'shell'))
    # the first one came again after 503, and was refused then
    assert [s for s, _ in hook.got] == [503, 400, 204, 204, 204, 204] and hook.got[0][1] == hook.got[1][1], hook.got
    posted = [body for _, body in hook.got[1:]]
    told = [line for line in of(lines, 'b') if line['event'] in ('verdict', 'policy')]
    assert sorted(p['time'] for p in posted) == sorted(t['time'] for t in told) and len(told) == 5, (posted, told)
    assert [line['state'] for line in of(lines, 'b', 'webhook')] == ['trying again', 'refused', 'taken'], lines
    with open(path, 'w') as file:
        file.write('[defaults]\nalert=/nonexistent x\n[a]\nuri=rtsp://x\n[b]\nuri=rtsp://x\nwebhook-out=ftp://x\n')
    err = call('--check', '--offline', path)[2]
    assert ':2: [defaults] alert: there is no program' in err and ':7: [b] webhook-out: wants http' in err, err


def check_notify(endpoint, folder):
    """What systemd is told, and how often the main loop says that it runs."""
    path = write_config(os.path.join(folder, 'c'), endpoint, {'a': 'pipeline=' + pipeline('is-live=true')})
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(os.path.join(folder, 'notify'))
        manager.settimeout(40)
        with Run(path, NOTIFY_SOCKET=os.path.join(folder, 'notify'), WATCHDOG_USEC='400000') as run:
            said = [manager.recv(4096).decode() for _ in range(4)]
            assert said.count('READY=1') == 1 and said.count('WATCHDOG=1') == 3, said
            run.signal(signal.SIGHUP)
            run.wait(event='config')
            run.stop()
        manager.setblocking(False)
        said = []
        while True:
            try:
                said.append(manager.recv(4096).decode())
            except BlockingIOError:
                break
    said = [text.split('\n')[0] for text in said if text != 'WATCHDOG=1']
    assert said == ['RELOADING=1', 'READY=1', 'STOPPING=1'], said


class Broker:
    """mosquitto, which keeps sessions over a restart."""

    def __init__(self, folder):
        with socket.socket() as unused:
            unused.bind(('127.0.0.1', 0))
            self.port = unused.getsockname()[1]
        self.config = os.path.join(folder, 'broker.conf')
        with open(self.config, 'w') as file:
            file.write('listener %d 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location %s/\n'
                       'user root\nmax_queued_messages 0\n' % (self.port, folder))

    def start(self):
        self.process = subprocess.Popen(['/usr/sbin/mosquitto', '-c', self.config], stderr=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


def check_broker(endpoint, folder):
    """Each line that was told is published, with the broker away at first and in the middle."""
    path = write_config(os.path.join(folder, 'c'), endpoint, {'a': 'pipeline=' + pipeline('is-live=true')})
    if call('--mqtt', 'mqtt://x:y@z', path)[2].find('built without') >= 0 or not os.path.exists('/usr/sbin/mosquitto') \
            or shutil.which('mosquitto_sub') is None:
        print('a broker is not tried: mosquitto is missing')
        return
    code, out, err = call('--mqtt', 'http://x', path)
    assert code == 78 and 'wants mqtt://' in err, (code, err)
    broker = Broker(folder)
    broker.start()
    subscribe = ['mosquitto_sub', '-p', str(broker.port), '-q', '1', '-c', '-i', 'test', '-t', 'identifai/#', '-F', '%t %p']
    # makes the session, which the broker keeps
    while subprocess.run([*subscribe, '-E'], stderr=subprocess.DEVNULL).returncode:
        time.sleep(0.1)
    broker.stop()
    with Run(path, '--mqtt', 'mqtt://127.0.0.1:%d' % broker.port) as run:
        run.wait(event='verdict')
        broker.start()
        run.wait(event='mqtt', state='connected')
        run.wait(event='verdict')
        broker.stop()
        run.wait(event='mqtt', state='disconnected')
        run.wait(event='verdict')
        run.wait(event='verdict')
        broker.start()
        run.wait(event='mqtt', state='connected')
        code, lines = run.stop()
    got = subprocess.run([*subscribe, '-W', '3'], stdout=subprocess.PIPE, text=True).stdout.splitlines()
    broker.stop()
    topics = [text.split(' ', 1)[0] for text in got]
    bodies = [json.loads(text.split(' ', 1)[1]) for text in got]
    seen = {body['prev'] for body in bodies}
    assert code == 0 and {line['prev'] for line in lines} == seen, (len(lines), len(seen))
    assert [t for t, b in zip(topics, bodies) if b['event'] == 'verdict'][0] == 'identifai/a/verdict', topics
    order = [b['time'] for b in bodies]
    assert sum(a > b for a, b in zip(order, order[1:])) <= 3, order


def check_deaf_broker(endpoint, folder):
    """Nobody answers where the broker should be: that keeps nobody from the end."""
    path = write_config(os.path.join(folder, 'c'), endpoint, {'a': 'pipeline=' + pipeline('is-live=true')})
    if call('--mqtt', 'mqtt://x:y@z', path)[2].find('built without') >= 0:
        return
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(('127.0.0.1', 0))
        full.listen(0)
        for _ in range(4):  # more than it queues: what connects then waits for minutes
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        with Run(path, '--mqtt', 'mqtt://127.0.0.1:%d' % full.getsockname()[1]) as run:
            run.wait(event='verdict')
            assert run.stop()[0] == 0


def check_unit(endpoint, folder):
    """The units are such that systemd takes them, and rate well."""
    units = os.path.dirname(program())
    if shutil.which('systemd-analyze') is None:
        print('units are not tried: systemd-analyze is missing')
        return
    for unit in ('identifai-moderate.service', 'identifai-moderate@.service'):
        path = os.path.join(units, unit)
        # GLib's thread pools ask for sched_setattr, which the filter has not: that may not end the program
        assert 'SystemCallErrorNumber=EPERM' in read_lines(path), path
        done = subprocess.run(['systemd-analyze', 'security', '--offline=true', '--threshold=30', path],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done.stdout
        told = subprocess.run(['systemd-analyze', 'verify', '--man=no', path], stderr=subprocess.PIPE, text=True).stderr
        assert not [line for line in told.splitlines() if path in line], told


def check_example(endpoint, folder):
    """examples/moderate.py: thirty lines that do the same for one pipeline."""
    done = subprocess.run([EXAMPLE, *pipeline('num-buffers=50 ' + MAGENTA, 'identifaisink').split(),
                           'segment-duration=1000000000', 'rate-limits=none'], stdout=subprocess.PIPE, text=True,
                          env={**os.environ, 'IDENTIFAI_ENDPOINT': endpoint, 'IDENTIFAI_API_KEY': 'k'}, timeout=100)
    assert sorted(done.stdout.splitlines()) == ['0 artificial 1.0', '1 artificial 1.0'], done.stdout


CHECKS = (check_config, check_service, check_outcomes, check_alone, check_stall, check_reload, check_slow_reload, check_log, check_losses,
          check_evidence, check_full_log, check_moved_log, check_gate, check_lost_output,
          check_kill, check_flapping, check_two, check_told_again, check_told_between, check_other_key, check_state_file, check_page, check_alarms, check_notify, check_broker, check_deaf_broker, check_unit, check_example)


def main():
    wanted = sys.argv[1:]
    with Emulator() as endpoint:
        for check in CHECKS:
            if wanted and check.__name__ not in wanted:
                continue
            with tempfile.TemporaryDirectory() as folder:
                start = time.monotonic()
                check(endpoint, folder)
                print('%s passed, %.1f s' % (check.__name__, time.monotonic() - start), flush=True)


if __name__ == '__main__':
    sys.exit(main())
