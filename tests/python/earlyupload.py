#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""early-upload: segments go out while they are recorded, and whole where anything stands in the way. One pipeline a row,
all at once, each with a service of its own that goes wrong in its own way: each segment has one outcome, each file that
is taken is the one that was announced, and nothing is posted that nobody asked for."""

import email.parser
import hashlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

import gi
gi.require_version('Gst', '1.0')
from gi.repository import Gst  # noqa: E402

VERDICT = {'heuristic': 'Average', 'classification': 'human', 'confidence': 0.9, 'count': 1, 'models': [], 'unknown': False}
VIDEO = 'videotestsrc is-live=true pattern=snow num-buffers=%d ! video/x-raw,format=I420,width=160,height=120,framerate=25/1 ! %s ! %s s.'
H264 = 'x264enc tune=zerolatency key-int-max=25 bitrate=400 %s ! h264parse'
H265 = 'x265enc tune=zerolatency speed-preset=ultrafast key-int-max=25 bitrate=400 ! h265parse'
AV1 = 'av1enc usage-profile=realtime cpu-used=10 keyframe-max-dist=25 threads=1 ! av1parse'
SOUND = 'audiotestsrc is-live=true num-buffers=%d samplesperbuffer=1024 ! audio/x-raw,rate=48000 ! avenc_aac ! aacparse ! s.audio_0 '


class Broken(Exception):
    pass


class Post:
    """A submit call, as it came."""

    def __init__(self, chunked):
        self.chunked, self.whole, self.status, self.sha256 = chunked, False, 0, None
        self.began = self.ended = time.monotonic()
        self.length = 0


class Service(threading.Thread):
    """fault: what is done to a call, see answer()."""

    def __init__(self, fault=None, host='127.0.0.1'):
        super().__init__(daemon=True)
        self.host, self.fault, self.posts, self.connections = host, fault, [], set()
        self.lock = threading.Lock()
        self.listen()
        self.start()

    def listen(self, port=0):
        self.socket = socket.create_server((self.host, port))
        self.port = self.socket.getsockname()[1]

    def kill(self, seconds):
        """As a process that dies, and is started again."""
        with self.lock:
            old, self.socket = self.socket, None
            for connection in self.connections:
                connection.shutdown(socket.SHUT_RDWR)
        old.shutdown(socket.SHUT_RDWR)
        old.close()
        time.sleep(seconds)
        self.listen(self.port)

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except (OSError, AttributeError):
                time.sleep(0.02)
                continue
            with self.lock:
                self.connections.add(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            file = connection.makefile('rb')
            while self.call(connection, file):
                pass
        except (OSError, Broken, ValueError):
            pass
        with self.lock:
            self.connections.discard(connection)
        connection.close()

    def call(self, connection, file):
        line = file.readline().decode()
        if not line:
            return False
        head = b''
        while not head.endswith(b'\r\n\r\n') and head != b'\r\n':
            more = file.readline()
            if not more:
                return False
            head += more
        headers = email.parser.BytesHeaderParser().parsebytes(head)
        if line.startswith('POST'):
            return self.submit(connection, file, headers)
        result = [self.result(i) for i in line.split()[1].replace('%5B%5D', '[]').split('identifiers[]=')[1:]]
        if not result:
            result = self.result(line.split()[1].rsplit('/', 1)[1])
        self.say(connection, 200, result)
        return True

    def result(self, identifier):
        return {'identifier': identifier.rstrip('&'), 'hash': 'h', 'status': 'done', 'verdict': VERDICT, 'verdicts': [VERDICT],
                'errors': None, 'results': {'images': [], 'audios': []}}

    def say(self, connection, status, what, more=''):
        body = json.dumps(what).encode()
        connection.sendall(b'HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n'
                           % (status, len(body), more.encode()) + body)

    def pieces(self, file, headers, post):
        if post.chunked:
            while True:
                line = file.readline()
                size = int(line, 16)
                data = file.read(size + 2)
                if len(data) < size + 2:
                    raise Broken()
                if size == 0:
                    return
                yield data[:-2]
        left = int(headers['Content-Length'])
        while left:
            data = file.read(min(left, 65536))
            if not data:
                raise Broken()
            left -= len(data)
            yield data

    def submit(self, connection, file, headers):
        post = Post(headers.get('Transfer-Encoding') == 'chunked')
        with self.lock:
            self.posts.append(post)
            number = len(self.posts)
        body = b''
        fault = self.fault and self.fault(number, post)
        for data in self.pieces(file, headers, post):
            body += data
            post.length = len(body)
            if fault and fault[0] is not None and len(body) > fault[0]:
                return self.go_wrong(connection, post, fault)
        post.whole, post.ended = True, time.monotonic()
        boundary = headers['Content-Type'].split('boundary=')[1].encode()
        if not body.endswith(b'--' + boundary + b'--\r\n'):
            post.whole, post.status = True, -1      # a body that ended without its end
            raise Broken()
        part = body.split(b'--' + boundary)[-2]
        post.sha256 = hashlib.sha256(part.split(b'\r\n\r\n', 1)[1][:-2]).hexdigest()
        if fault:
            return self.go_wrong(connection, post, fault)
        post.status = 200
        self.say(connection, 200, {'identifier': post.sha256})
        return True

    def go_wrong(self, connection, post, fault):
        post.status, post.ended = fault[1], time.monotonic()
        if fault[1]:
            self.say(connection, fault[1], fault[2] if len(fault) > 2 else {'error': 'no'}, 'Connection: close\r\nRetry-After: 1\r\n')
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(2)
            try:
                while connection.recv(65536):
                    pass
            except OSError:
                pass
        return False


class Row:
    """fault(number, post) of the service: None, or (after so many bytes, None: at the end; status, 0: it breaks off; body)."""

    def __init__(self, name, fault=None, check=None, seconds=4, video='', between='', sound='', settings='', during=None, front=None,
                 least=3, ends=('verdict',), warns=False, encoder=H264):
        self.warns = warns
        self.name, self.fault, self.check, self.during, self.least, self.ends = name, fault, check, during, least, ends
        encoder = encoder % video if '%s' in encoder else encoder
        self.description = (VIDEO % (seconds * 25, encoder, between) + ' ' + sound
                            + ' identifaisink name=s early-upload=true segment-duration=1000000000 api-key=k rate-limits=none ' + settings)
        self.front = front

    def start(self):
        self.service = Service(self.fault)
        port = self.front(self.service.port) if self.front else self.service.port
        self.pipeline = Gst.parse_launch(self.description + ' endpoint=http://127.0.0.1:%d' % port)
        self.sink = self.pipeline.get_by_name('s')
        self.messages, self.closed = [], {}
        self.pipeline.set_state(Gst.State.PLAYING)

    def run(self):
        """Until EOS, or what the row does instead."""
        if self.during:
            self.during(self)
        bus = self.pipeline.get_bus()
        end = time.monotonic() + 60
        while time.monotonic() < end:
            message = bus.timed_pop(Gst.SECOND // 5)
            if message is not None:
                self.take(message)
            if message is not None and message.type in (Gst.MessageType.EOS, Gst.MessageType.ERROR):
                break
        self.stats = self.sink.get_property('stats')
        self.pipeline.set_state(Gst.State.NULL)
        while (message := bus.pop()) is not None:
            self.take(message)

    def take(self, message):
        kind = message.type
        if kind in (Gst.MessageType.ERROR, Gst.MessageType.WARNING):
            self.messages.append((kind.first_value_nick, str(message.get_structure().get_value('gerror'))))
        structure = message.get_structure()
        if kind == Gst.MessageType.ELEMENT and structure.get_name().startswith('identifai-'):
            name = structure.get_name()[len('identifai-'):]
            self.messages.append((name, structure.get_value('segment')))
            if name in ('verdict', 'failed', 'dropped'):
                self.closed.setdefault(structure.get_value('segment'), []).append(
                    (name, structure.get_value('sha256'), structure.get_value('bytes')))

    def judge(self):
        announced = sorted(n for kind, n in self.messages if kind == 'segment')
        assert announced == sorted(set(announced)), 'announced twice: %s' % announced
        assert all(len(outcomes) == 1 for outcomes in self.closed.values()), self.closed
        assert len(self.closed) >= self.least, self.closed
        assert {outcomes[0][0] for outcomes in self.closed.values()} <= set(self.ends), self.closed
        assert not [m for m in self.messages if m[0] == 'error'], self.messages
        if not self.warns:
            assert not [m for m in self.messages if m[0] == 'warning'], self.messages
        posts = self.service.posts
        assert not [p for p in posts if p.status == -1], 'half a file was ended as if it were whole'
        taken = [p.sha256 for p in posts if p.status == 200 and p.whole]
        judged = [o[0][1] for o in self.closed.values() if o[0][0] == 'verdict']
        cut = 'dropped' in self.ends or self.during == kill     # calls that never got here, and verdicts that nobody waits for
        assert sorted(taken) == sorted(judged) or (cut and not set(judged) - set(taken)), 'taken %s, judged %s' % (taken, judged)
        requests = self.stats.get_value('post-requests')
        assert requests == len(posts) or (cut and requests > len(posts)), (self.stats.to_string(), len(posts))
        assert self.stats.get_value('in-flight') == 0 and self.stats.get_value('bytes-sending') == 0, self.stats.to_string()
        if self.check:
            self.check(self, posts)


def early(posts):
    return [p for p in posts if p.chunked]


def all_early(row, posts):
    assert len(posts) == len(row.closed) and len(early(posts)) >= len(posts) - 1, 'not all went early'
    assert row.stats.get_value('bytes-uploaded') == sum(o[0][2] for o in row.closed.values())
    assert row.stats.get_value('retries') == 0


def first_only(row, posts):
    """What refused one that grew gets whole ones from a moment later on."""
    said = min(p.ended for p in posts if p.chunked and (p.status != 200 or not p.whole))
    late = [p.began - said for p in early(posts) if p.began > said + 2]
    assert posts[0].chunked and not late, late
    assert len(posts) == len(row.closed) + len(early(posts)), len(posts)


def same_bytes(row, posts):
    first_only(row, posts)
    again = [p.sha256 for p in posts if p.status == 200]
    assert posts[0].whole and posts[0].sha256 in again, 'a file of other bytes is charged again'


def at_end(status, body=None):
    return lambda number, post: (None, status, body or {'error': 'no'}) if post.chunked else None


def after(size, status, body=None):
    return lambda number, post: (size, status, body or {'error': 'no'}) if post.chunked else None


def wait_for_middle(row):
    """Some of a file that grows is there."""
    limit = time.monotonic() + 20
    while not [p for p in early(row.service.posts) if not p.whole and p.length > 1000]:
        assert time.monotonic() < limit, 'nothing goes early'
        time.sleep(0.005)


def sends(row):
    """In the middle of a segment's upload, its bytes are told of."""
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        stats = row.sink.get_property('stats')
        if stats.get_value('bytes-sending') > 0 and stats.get_value('in-flight') > 0:
            return
        time.sleep(0.02)
    raise AssertionError(stats.to_string())


def kill(row):
    wait_for_middle(row)
    row.service.kill(1)


def flush(row):
    wait_for_middle(row)
    row.pipeline.seek_simple(Gst.Format.TIME, Gst.SeekFlags.FLUSH, 0)


def end(row):
    time.sleep(1)  # the first segment is over: EOS comes in the middle of a later one
    wait_for_middle(row)
    row.pipeline.send_event(Gst.Event.new_eos())


def stop(row):
    wait_for_middle(row)
    row.pipeline.set_state(Gst.State.READY)
    row.pipeline.get_bus().post(Gst.Message.new_eos(row.pipeline))


def broken_off(row, posts):
    assert [p for p in early(posts) if not p.whole], 'none was under way'


def apart(row, posts):
    begins = [p.began for p in posts]
    assert begins[-1] - begins[0] > 0.9 * (len(begins) - 1), begins
    assert early(posts)


def none_in_vain(row, posts):
    """What is dropped isn't paid for."""
    outcomes = [o[0][0] for o in row.closed.values()]
    assert 'dropped' in outcomes and early(posts), outcomes
    assert len([p for p in posts if p.whole]) == outcomes.count('verdict'), outcomes


def none_early(row, posts):
    assert not early(posts)


def nginx(buffering):
    def start(port):
        with socket.create_server(('127.0.0.1', 0)) as probe:
            own = probe.getsockname()[1]
        folder = tempfile.mkdtemp(prefix='identifai-early')
        with open(folder + '/nginx.conf', 'w') as file:
            file.write('daemon off; worker_processes 1; pid %s/pid; error_log /dev/null; events {}\n'
                       'http { access_log off; client_body_temp_path %s/b; proxy_temp_path %s/p; fastcgi_temp_path %s/f; '
                       'uwsgi_temp_path %s/u; scgi_temp_path %s/s; client_max_body_size 50m; server { listen 127.0.0.1:%d; location / '
                       '{ proxy_pass http://127.0.0.1:%d; proxy_http_version 1.1; proxy_request_buffering %s; } } }\n'
                       % ((folder,) * 6 + (own, port, buffering)))
        subprocess.run(['chmod', '-R', 'a+rwX', folder], check=True)
        wait_for(subprocess.Popen(['nginx', '-p', folder, '-c', folder + '/nginx.conf'], stderr=subprocess.DEVNULL), own)
        return own
    return start


def nghttpx(port):
    """Speaks HTTP/2 to a second one, which speaks HTTP/1.1 to the service."""
    own = []
    for _ in range(2):
        with socket.create_server(('127.0.0.1', 0)) as probe:
            own.append(probe.getsockname()[1])
    for front, back in ((own[0], '%d;;proto=h2' % own[1]), (own[1], '%d' % port)):
        wait_for(subprocess.Popen(['nghttpx', '--conf=/dev/null', '-f127.0.0.1,%d;no-tls' % front, '-b127.0.0.1,' + back,
                                   '--workers=1'], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL), front)
    return own[0]


PROGRAMS = []


def wait_for(program, port):
    PROGRAMS.append(program)
    for _ in range(100):
        try:
            socket.create_connection(('127.0.0.1', port)).close()
            return
        except OSError:
            time.sleep(0.1)


def buffered(row, posts):
    """A front that keeps bodies sends them with a length; the uplink has had them before."""
    assert len(posts) == len(row.closed)


ROWS = [
    Row('taken', check=all_early, during=sends),
    Row('with sound', check=all_early, sound=SOUND % 180),
    Row('H.265', check=all_early, encoder=H265),
    Row('AV1', check=all_early, encoder=AV1),
    Row('AV1 in single frames', encoder=AV1, between='video/x-av1,alignment=frame !'),
    Row('sound that comes late', sound='audiotestsrc is-live=true num-buffers=150 samplesperbuffer=1024 timestamp-offset=700000000 ! '
        'audio/x-raw,rate=48000 ! avenc_aac ! aacparse ! s.audio_0', warns=True),
    Row('411 at once', after(0, 411), first_only, seconds=5),
    Row('411 at the end', at_end(411), same_bytes, seconds=5),
    Row('400 at the end', at_end(400), same_bytes, seconds=5),
    Row('413 in the middle', after(20000, 413), first_only, seconds=5),
    Row('415 at the end', at_end(415), same_bytes, seconds=5),
    Row('501 at once', after(0, 501), first_only, seconds=5),
    Row('breaks off in the middle', after(20000, 0), first_only, seconds=5, warns=True),
    Row('breaks off at the end', lambda number, post: (None, 0) if number == 1 else None, warns=True),
    Row('taken before it is whole', after(10000, 200, {'identifier': 'none'}), first_only, seconds=5),
    Row('429', lambda number, post: (0, 429) if number == 1 else None, settings='rate-limits=none'),
    Row('the service is killed', during=kill, check=broken_off, seconds=5, warns=True, settings='retries=20'),
    Row('open groups', video='bframes=2 option-string=open-gop=1 b-adapt=false tune=0', least=2),
    Row('too large', settings='max-segment-bytes=60000', video='bitrate=600', ends=('verdict', 'failed'), warns=True),
    Row('another muxer', settings='muxer=matroskamux', check=none_early),
    Row('flush', during=flush, least=2, ends=('verdict', 'dropped'), warns=True),
    Row('end', during=end, least=1),
    Row('stop', during=stop, least=1, ends=('verdict', 'dropped'), warns=True),
    Row('limits', settings='rate-limits="limits,post-per-second=1,post-per-minute=0,get-per-second=0,get-per-minute=0"', check=apart),
    Row('overflow', lambda number, post: time.sleep(1.3), settings='overflow=drop-newest max-pending-segments=1 drain-timeout=20000000000',
        least=2, ends=('verdict', 'dropped'), warns=True),
    Row('overflow, the oldest', lambda number, post: time.sleep(2.5), none_in_vain, seconds=5,
        settings='overflow=drop-oldest max-pending-segments=1 drain-timeout=20000000000', ends=('verdict', 'dropped'), warns=True),
]
if shutil.which('nginx'):
    ROWS.append(Row('nginx that buffers', front=nginx('on'), check=buffered))
    ROWS.append(Row('nginx that passes on', front=nginx('off'), check=all_early))
if shutil.which('nghttpx'):
    ROWS.append(Row('nghttpx, HTTP/2', front=nghttpx, check=buffered))


def go(row):
    try:
        row.run()
        row.judge()
        row.trouble = None
    except Exception as error:  # whatever it is, it is the row's
        row.trouble = '%s: %s' % (type(error).__name__, error)


def main():
    Gst.init(None)
    missing = [name for name in ('x264enc', 'avenc_aac') if not Gst.ElementFactory.find(name)]
    if missing:
        print('skipped: no %s' % ', '.join(missing))
        return 77
    rows = [row for row in ROWS if not sys.argv[1:] or row.name in sys.argv[1:]]
    threads = []
    try:
        for row in rows:
            row.start()
            threads.append(threading.Thread(target=go, args=(row,)))
            threads[-1].start()
        for thread in threads:
            thread.join()
    finally:
        for program in PROGRAMS:
            program.terminate()
            program.wait()
    for row in rows:
        posts = row.service.posts
        print('%-26s %d segments, %d posts, %d early, %d of them whole: %s' % (
            row.name, len(row.closed), len(posts), len(early(posts)), sum(p.whole for p in early(posts)), row.trouble or 'ok'))
    return 1 if any(row.trouble for row in rows) else 0


if __name__ == '__main__':
    sys.exit(main())
