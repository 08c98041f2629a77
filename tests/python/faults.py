#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""identifai-moderate beside what doesn't do its part: a receiver that never ends its answer, a
pipe and a page that nobody reads, commands that are left at the end, a folder that is a link."""

import array
import contextlib
import fcntl
import hashlib
import http.client
import http.server
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time

from emulator import Emulator
from moderation import MAGENTA, Run, call, environment, of, outcomes, pipeline, program, write_config

PINK = 'pipeline=' + pipeline('num-buffers=%d ' + MAGENTA)
LIVE = 'pipeline=' + pipeline('is-live=true ' + MAGENTA)
QUIET = 'judging=false\npipeline=' + pipeline('is-live=true')


def wait_until(true, what=''):
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def wait_until_full(pipe):
    """Nothing more goes into it."""
    unread = array.array('i', [0, 0])

    def stands():
        time.sleep(0.5)  # that nothing comes takes time to see
        before = unread[0]
        fcntl.ioctl(pipe, termios.FIONREAD, unread)
        return unread[0] == before > fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ) // 2

    wait_until(stands, unread)


class Endless(http.server.BaseHTTPRequestHandler):
    """Takes what is posted, and goes on answering."""

    def do_POST(self):
        self.server.got.append(self.rfile.read(int(self.headers['Content-Length'])))
        self.send_response(200)
        self.end_headers()
        try:
            while not self.server.over.wait(0.1):
                self.wfile.write(b'x' * 1000)
        except OSError:
            pass

    def log_message(self, *unused):
        pass


class Receiver:
    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Endless)
        self.server.got, self.server.over = [], threading.Event()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.got, self.address = self.server.got, 'http://127.0.0.1:%d/' % self.server.server_address[1]
        return self

    def __exit__(self, *unused):
        self.server.over.set()
        self.server.shutdown()
        self.server.server_close()


def check_endless_answer(endpoint, folder):
    """The status is the answer: the next post doesn't wait for the end of a body."""
    with Receiver() as receiver:
        path = write_config(os.path.join(folder, 'c'), endpoint, {'a': 'webhook-out=%s\n' % receiver.address + PINK % 75})
        with Run(path) as run:
            wait_until(lambda: len(receiver.got) >= 3, receiver.got)
            code, lines = run.finish()
    assert code == 0 and not of(lines, event='webhook'), of(lines, event='webhook')


def check_left_alerts(endpoint, folder):
    """At the end commands have some seconds; each that isn't run is told, and so are posts."""
    with socket.create_server(('127.0.0.1', 0)) as deaf:
        path = write_config(os.path.join(folder, 'c'), endpoint, {
            'a': 'alert=/bin/sh -c "sleep 20"\nwebhook-out=http://127.0.0.1:%d/\n' % deaf.getsockname()[1] + PINK % 250})
        start = time.monotonic()
        with Run(path) as run:
            code, lines = run.finish()
    assert code == 0 and len(outcomes(lines)) == 10 and time.monotonic() - start < 30
    assert [line['error'] for line in of(lines, event='alert')] == ['is not run: the program ends'] * 2, of(lines, event='alert')
    assert [(line['state'], line['error']) for line in of(lines, event='webhook')][-1] == (
        'given up', '10 posts are left at the end'), of(lines, event='webhook')


def check_unread_pipe(endpoint, folder):
    """A reader of the log that stands still stops nothing; what it reads later is whole."""
    with Receiver() as receiver:
        path = write_config(os.path.join(folder, 'c'), endpoint, {'a': 'webhook-out=%s\n' % receiver.address + LIVE},
                            'statistics-interval=5ms')
        run = subprocess.Popen([program(), path], env=environment(), stdout=subprocess.PIPE)
        try:
            wait_until(lambda: receiver.got)
            wait_until_full(run.stdout)
            before = len(receiver.got)
            wait_until(lambda: len(receiver.got) >= before + 3)
            run.send_signal(signal.SIGTERM)
            text = run.stdout.read()
            assert run.wait(60) == 0
        finally:
            run.kill()
            run.wait()
            run.stdout.close()
    lines = text.split(b'\n')[:-1]
    assert len(text) > 200000, len(text)
    for before, line in zip(lines, lines[1:]):
        assert json.loads(line)['prev'] == hashlib.sha256(before).hexdigest(), line
    assert json.loads(lines[-1])['state'] == 'stopped'


def check_unread_end(endpoint, folder):
    """Nor does it keep the program from its end, which says what is missing."""
    path = write_config(os.path.join(folder, 'c'), endpoint, {'a': LIVE}, 'statistics-interval=5ms')
    run = subprocess.Popen([program(), path], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        wait_until_full(run.stdout)
        run.send_signal(signal.SIGTERM)
        assert run.wait(60) == 0
        assert re.search(rb'stdout: the log lacks its last \d+ bytes', run.stderr.read())
    finally:
        run.kill()
        run.wait()
        run.stdout.close()
        run.stderr.close()


def read_log(path):
    with open(path) as file:
        return [json.loads(text) for text in file if text.endswith('\n')]


class Page:
    """Reads what the program's page has."""

    def __init__(self, log, starts=1):
        def started():
            return [line for line in read_log(log) if line.get('page')] if os.path.exists(log) else []

        wait_until(lambda: len(started()) >= starts, 'a page')
        self.address = started()[-1]['page'].split('/')[2]

    def get(self, path):
        connection = http.client.HTTPConnection(self.address, timeout=20)
        connection.request('GET', path)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def metric(self, name):
        return sum(float(line.split()[-1]) for line in self.get('/metrics')[1].splitlines() if line.startswith(name))

    def told(self, **wanted):
        lines = [json.loads(text) for text in self.get('/api/lines')[1].splitlines()]
        return any(all(line.get(key) == value for key, value in wanted.items()) for line in lines)


def check_hung_disk(endpoint, folder):
    """A disk that hangs stops nothing: that is told, what is written later is whole, and the end doesn't wait for it.
    What is killed before its line was written is asked for again."""
    disks = [os.path.join(folder, name) for name in ('one', 'two')]
    log, state = os.path.join(disks[0], 'log'), os.path.join(disks[1], 'state')
    for disk in disks:
        os.mkdir(disk)
    path = write_config(os.path.join(folder, 'c'), endpoint, {'a': LIVE}, 'log=%s\nstate-file=%s\nlisten=127.0.0.1:0\n'
                        'token-file=%s/token' % (log, state, folder))

    def hang(*which):
        for disk in disks:
            if disk in which:
                open(disk + '.hangs', 'w').close()
            elif os.path.exists(disk + '.hangs'):
                os.unlink(disk + '.hangs')

    def written(event):
        told = of(read_log(log), event=event)
        return told and told[-1]['written']

    with Run(path, LD_PRELOAD=os.environ['SLOW_DISK_MODULE']) as run:
        page = Page(log)
        wait_until(lambda: outcomes(read_log(log)), 'a verdict')
        hang(*disks)
        before = page.metric('identifai_outcomes_total')
        wait_until(lambda: page.told(event='log', written=False, error="the disk doesn't answer"), 'the log')
        size = os.path.getsize(log)
        wait_until(lambda: page.told(event='state-file', written=False), 'the state file')
        wait_until(lambda: page.metric('identifai_outcomes_total') >= before + 3, 'outcomes')
        assert page.get('/health')[0] == 503 and page.metric('identifai_log_waiting_bytes') > 0
        assert os.path.getsize(log) == size
        hang()
        wait_until(lambda: written('log') and written('state-file'), 'lines')
        assert page.get('/health')[0] == 200
        hang(disks[0])
        before = page.metric('identifai_outcomes_total')
        wait_until(lambda: page.metric('identifai_outcomes_total') >= before + 2, 'outcomes')
        run.process.kill()
    left = json.load(open(state))['pending']
    assert len(left) >= 2, left
    hang()
    with Run(path, LD_PRELOAD=os.environ['SLOW_DISK_MODULE']) as run:
        page = Page(log, 2)
        wait_until(lambda: any(o.get('resumed') for o in outcomes(read_log(log))), 'what was left')
        hang(*disks)
        wait_until(lambda: page.told(event='log', written=False), 'the log')
        start = time.monotonic()
        run.process.terminate()
        run.process.wait(40)
        assert time.monotonic() - start < 30
    ended = [(o['session'], o['segment']) for o in outcomes(read_log(log))]
    assert len(ended) == len(set(ended)), ended
    for entry in [pending['entry'] for pending in left]:
        session, segment = re.search(r'session=\(string\)"?([0-9a-f-]+)', entry), re.search(r'segment=\(uint\)([0-9]+)', entry)
        assert (session.group(1), int(segment.group(1))) in ended, (entry, ended)
    assert call('--verify-log', log)[0] == 0


def check_linked_folder(endpoint, folder):
    """What is kept for some days isn't written where nothing would ever delete it."""
    elsewhere, evidence = os.path.join(folder, 'elsewhere'), os.path.join(folder, 'evidence')
    os.mkdir(elsewhere)
    os.mkdir(evidence)
    os.symlink(elsewhere, os.path.join(evidence, 'a'))
    path = write_config(os.path.join(folder, 'c'), endpoint, {'a': PINK % 50}, 'evidence-folder=' + evidence)
    with Run(path) as run:
        code, lines = run.finish()
    assert code == 0 and 'symbolic link' in of(lines, event='evidence')[0]['error'], of(lines, event='evidence')
    assert os.listdir(elsewhere) == []


def check_unread_events(endpoint, folder):
    """A page that reads nothing is sent away, and not kept for as long as it likes."""
    path = write_config(os.path.join(folder, 'c'), endpoint, {'s%d' % i: QUIET for i in range(8)},
                        'statistics-interval=5ms\nlisten=127.0.0.1:0\ntoken-file=%s/token\nlog=%s/log' % (folder, folder))
    with Run(path) as run, socket.socket() as reader:
        log = os.path.join(folder, 'log')
        wait_until(lambda: os.path.exists(log) and b'"page"' in open(log, 'rb').read())
        page = re.search(rb'"page":"http://([^"/]*)', open(log, 'rb').read()).group(1).decode()
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect((page.split(':')[0], int(page.split(':')[1])))
        reader.sendall(b'GET /api/events HTTP/1.1\r\nHost: %s\r\n\r\n' % page.encode())
        port = reader.getsockname()[1]

        def is_open():
            wanted = ':%04X' % port
            return any(line.split()[2].endswith(wanted) and line.split()[3] == '01' for line in list(open('/proc/net/tcp'))[1:])

        wait_until(lambda: not is_open())
        connection = http.client.HTTPConnection(page, timeout=20)
        connection.request('GET', '/health')
        assert connection.getresponse().status == 200
        token = open(os.path.join(folder, 'token')).read().strip()
        connection = http.client.HTTPConnection(page, timeout=20)
        connection.request('POST', '/api/streams/s0/force', json.dumps({'force': 'x' * 10000}),
                           {'Authorization': 'Bearer ' + token, 'Content-Type': 'application/json'})
        answer = connection.getresponse()
        assert answer.status == 400 and b'too long' in answer.read()
        run.stop()


def check_crowd(endpoint, folder):
    """Thousands that connect and say nothing, or never come to an end, use up neither descriptors nor memory;
    who has something to say is heard beside them."""
    path = write_config(os.path.join(folder, 'c'), endpoint, {'a': QUIET}, 'listen=127.0.0.1:0\ntoken-file=%s/token' % folder)
    with Run(path) as run, contextlib.ExitStack() as stack:
        page = run.wait(event='program', state='started')['page'].split('/')[2]
        run.wait(event='stream', state='running')
        status = '/proc/%d/status' % run.process.pid

        def connect():
            crowd.append(stack.enter_context(socket.create_connection((page.split(':')[0], int(page.split(':')[1])))))
            return crowd[-1]

        def ask():
            connection = http.client.HTTPConnection(page, timeout=20)
            connection.request('GET', '/health')
            answer = connection.getresponse()
            return answer.status, answer.read()

        def resident():
            return int(re.search(r'VmRSS:\s+(\d+)', open(status).read()).group(1))

        def descriptors():
            return len(os.listdir('/proc/%d/fd' % run.process.pid))

        crowd, before, memory = [], descriptors(), resident()
        said = (b'', b'G', b'GET / HTTP/1.1\r\nHost: %s\r\n' % page.encode(), b'POST /api/streams/a/split HTTP/1.1\r\nContent-Length: 100\r\n\r\nx')
        for i in range(400):
            connect().sendall(said[i % len(said)])
            if i % 100 == 50:
                assert ask()[0] == 200
                assert descriptors() < before + 270, (before, descriptors())
        wait_until(lambda: descriptors() <= before + 135, descriptors)
        assert ask()[0] == 200
        # headers without end, from as many as there may be
        endless = [connect() for _ in range(4)]
        for one in endless:
            try:
                for _ in range(100):
                    one.sendall(b'x: ' + bytes(100000))
            except OSError:
                pass
        assert ask()[0] == 200
        assert resident() < memory + 60000, (memory, resident())
        # all that stay silent are let go by themselves
        wait_until(lambda: descriptors() <= before + 1, descriptors)
        run.stop()


def check_strangers(endpoint, folder):
    """Of who may not post, nothing of a body is kept."""
    path = write_config(os.path.join(folder, 'c'), endpoint, {'a': QUIET}, 'listen=127.0.0.1:0\n'
                        'token-file=%s/token\nwebhook-secret-file=%s/secret' % (folder, folder))
    with Run(path) as run:
        page = run.wait(event='program', state='started')['page'].split('/')[2]
        run.wait(event='stream', state='running')

        def resident():
            return int(re.search(r'VmRSS:\s+(\d+)', open('/proc/%d/status' % run.process.pid).read()).group(1))

        before, posts = resident(), []
        for i in range(100):
            posts.append(socket.create_connection((page.split(':')[0], int(page.split(':')[1]))))
            posts[-1].sendall(b'POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000001\r\n\r\n' % (
                (b'/webhook/wrong', b'/api/streams/a/force')[i % 2], page.encode()) + bytes(1000000))
        for post in posts:
            post.sendall(b'x')
            assert post.recv(20).split()[1] in (b'401', b'404')
            post.close()
        assert resident() < before + 50000, (before, resident())
        run.stop()


def check_moved_webhook(endpoint, folder):
    """What waits for an address that a reload takes away goes to the stream's new one; or, if it has none, is given up, and told."""
    with Receiver() as receiver, socket.create_server(('127.0.0.1', 0)) as deaf:
        gone = 'webhook-out=http://127.0.0.1:%d/' % deaf.getsockname()[1]
        streams = {'a': '%sa\n' % gone + LIVE, 'b': '%sb\n' % gone + LIVE, 'c': '%sc\n' % gone + LIVE}
        path = write_config(os.path.join(folder, 'c'), endpoint, streams)
        with Run(path) as run:
            for name in streams:
                run.wait(event='verdict', stream=name)
            streams = {'a': 'webhook-out=%s\n' % receiver.address + LIVE, 'b': LIVE}
            write_config(path, endpoint, streams)
            run.signal(signal.SIGHUP)
            told = [run.wait(event='webhook', state='given up') for _ in range(2)]
            assert {line['stream'] for line in told} == {'b', 'c'} and all('no stream has the address' in line['error'] for line in told), told
            wait_until(lambda: len([text for text in receiver.got if json.loads(text)['segment'] == 0]) == 2, 'both sessions')
            code, lines = run.stop()
    assert code == 0 and {json.loads(text)['stream'] for text in receiver.got} == {'a'}, receiver.got
    posted = [(line['session'], line['segment']) for line in map(json.loads, receiver.got)]
    flagged = [(line['session'], line['segment']) for line in outcomes(lines, 'a') if line.get('classification') == 'artificial']
    assert sorted(posted) == sorted(flagged), (posted, flagged)


def check_reads(endpoint, folder):
    """What wants a restart still does when the file is read a second time; addresses are http or https."""
    path = write_config(os.path.join(folder, 'c'), endpoint, {'a': QUIET})
    with Run(path) as run:
        run.wait(event='stream', state='running')
        write_config(path, endpoint, {'a': QUIET}, 'stop-timeout=20s')
        for _ in range(2):
            run.signal(signal.SIGHUP)
            assert run.wait(event='config', taken=True).get('restart_needed') is True
        write_config(path, endpoint, {'a': QUIET})
        run.signal(signal.SIGHUP)
        assert 'restart_needed' not in run.wait(event='config', taken=True)
        run.stop()
    write_config(path, endpoint, {'a': 'webhook-out=httpx://x/\n' + QUIET})
    code, _, err = call('--check', '--offline', path)
    assert code == 78 and 'webhook-out: wants http://' in err, err


def main():
    wanted = sys.argv[1:]
    with Emulator() as endpoint:
        for check in (check_endless_answer, check_left_alerts, check_unread_pipe, check_unread_end, check_hung_disk, check_linked_folder,
                      check_unread_events, check_crowd, check_strangers, check_moved_webhook, check_reads):
            if wanted and check.__name__ not in wanted:
                continue
            with tempfile.TemporaryDirectory() as folder:
                start = time.monotonic()
                check(endpoint, folder)
                print('%s passed, %.1f s' % (check.__name__, time.monotonic() - start), flush=True)


if __name__ == '__main__':
    sys.exit(main())
