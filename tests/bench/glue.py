#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A long recording judged in segments of ten seconds: identifaisink beside what people
glue together today, splitmuxsink, a script and curl.

Both run in turns against one server in this process, which takes every file, keeps
nothing, and says "human" when --judging seconds have passed. The script uploads a file
when it is closed, looks once a second until there is a verdict, and takes the next one;
identifaisink has no limits set. Time of the CPU is that of the programs, without this
script and its server. Printed are medians of all runs and the ratios run by run.
splitmuxsink of GStreamer 1.22 sometimes never says that it is done: such a run is ended
after --patience seconds without a new file, counted, and done again.

    meson devenv -C BUILD ../tests/bench/glue.py [--seconds 180] [--runs 5] [CLIP]
"""

import argparse
import http.server
import json
import os
import re
import resource
import signal
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.parse

VERDICT = {'heuristic': 'Majority', 'confidence': 0.5, 'classification': 'human', 'unknown': False}
POST = '/api/classification_video'
CLOSED = re.compile(r'splitmuxsink-fragment-closed, .*location=\(string\)([^,;]+)')


class Hung(Exception):
    """A program that was ended as it did not end by itself."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    judging = 0.0
    patience = 0.0
    uploaded = 0
    final = {}  # identifier -> time

    def result(self, identifier):
        done = time.monotonic() >= self.final[identifier]
        return {'identifier': identifier, 'status': 'done' if done else 'new', 'errors': None,
                'verdict': VERDICT if done else None, 'verdicts': [], 'results': {'images': [], 'audios': []}}

    def log_message(self, *args):
        pass

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        if self.headers.get('Expect', '').lower() == '100-continue':
            self.send_response_only(100)
            self.end_headers()
        left = int(self.headers['Content-Length'])
        Handler.uploaded += left
        while left > 0:
            left -= len(self.rfile.read(min(left, 1 << 18)))
        identifier = 'x%d' % len(self.final)
        self.final[identifier] = time.monotonic() + self.judging
        self.answer({'identifier': identifier})

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        many = urllib.parse.parse_qs(url.query).get('identifiers[]')
        if many:
            self.answer([self.result(identifier) for identifier in many])
        else:
            self.answer(self.result(url.path.rsplit('/', 1)[-1]))


def make_clip(path, seconds):
    subprocess.run([
        'gst-launch-1.0', '-q', 'matroskamux', 'name=m', '!', 'filesink', 'location=' + path,
        'videotestsrc', 'num-buffers=%d' % (25 * seconds), 'pattern=snow', '!',
        'video/x-raw,width=1280,height=720,framerate=25/1', '!', 'x264enc', 'speed-preset=ultrafast',
        'bitrate=4000', 'key-int-max=50', '!', 'video/x-h264,profile=high', '!', 'h264parse', '!', 'm.',
        'audiotestsrc', 'num-buffers=%d' % (48 * seconds), 'samplesperbuffer=1000', '!', 'audio/x-raw,rate=48000',
        '!', 'opusenc', '!', 'm.'], check=True)


def sink(clip, address, folder):
    env = {**os.environ, 'IDENTIFAI_ENDPOINT': address, 'IDENTIFAI_API_KEY': 'k'}
    limits = 'limits,post-per-second=0,post-per-minute=0,get-per-second=0,get-per-minute=0'
    subprocess.run([
        'gst-launch-1.0', '-q', 'filesrc', 'location=' + clip, '!', 'parsebin', 'name=p', '!', 'identifaisink',
        'name=s', 'rate-limits=' + limits, 'p.', '!', 's.'], check=True, env=env)


def wait_for_verdict(address):
    while True:
        answer = subprocess.run(['curl', '-sf', address], check=True, stdout=subprocess.PIPE).stdout
        if json.loads(answer)['status'] == 'done':
            return
        time.sleep(1)


def glue(clip, address, folder):
    """Uploads each fragment when it is closed and asks for its result, as scripts do."""
    launch = subprocess.Popen([
        'gst-launch-1.0', '-m', 'filesrc', 'location=' + clip, '!', 'parsebin', 'name=p', '!', 'queue', '!',
        'splitmuxsink', 'name=s', 'max-size-time=10000000000', 'location=' + folder + '/%05d.mp4',
        'p.', '!', 'queue', '!', 's.audio_0'], stdout=subprocess.PIPE, text=True)
    while True:
        patience = threading.Timer(Handler.patience, launch.kill)
        patience.start()
        closed = next((found for found in map(CLOSED.search, launch.stdout) if found), None)
        patience.cancel()
        if not closed:
            break
        path = closed[1].strip('"').replace('\\', '')
        answer = subprocess.run(['curl', '-sf', '-F', 'video=@' + path, '-H', 'Authorization: Bearer k', address + POST],
                                check=True, stdout=subprocess.PIPE).stdout
        wait_for_verdict(address + POST + '/' + json.loads(answer)['identifier'])
    if launch.wait() == -signal.SIGKILL:
        raise Hung
    if launch.returncode != 0:
        raise RuntimeError('splitmuxsink failed')


def cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(way, clip, address):
    """Seconds on the clock, seconds of CPU, uploads, bytes uploaded, bytes on disk."""
    Handler.uploaded = 0
    Handler.final.clear()
    with tempfile.TemporaryDirectory() as folder:
        before, began = cpu(), time.monotonic()
        way(clip, address, folder)
        clock, used = time.monotonic() - began, cpu() - before
        disk = sum(entry.stat().st_size for entry in os.scandir(folder))
    return clock, used, len(Handler.final), Handler.uploaded, disk


def measure_pairs(clip, address, runs):
    """Two lists of as many measurements, and how often the script's side hung."""
    ours, theirs, hung = [], [], 0
    while len(theirs) < runs:
        if len(ours) == len(theirs):
            ours.append(measure(sink, clip, address))
        try:
            theirs.append(measure(glue, clip, address))
        except Hung:
            hung += 1
    return ours, theirs, hung


def report(name, runs):
    clock, used, uploads, uploaded, disk = (statistics.median(column) for column in zip(*runs))
    print('%-32s %5.2f s, %5.2f s of CPU, %d uploads, %.1f MB, on disk %.1f MB' % (
        name, clock, used, uploads, uploaded / 1e6, disk / 1e6))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('clip', nargs='?')
    parser.add_argument('--seconds', type=int, default=180, help='length of the clip that is made')
    parser.add_argument('--runs', type=int, default=5)
    parser.add_argument('--judging', type=float, default=2, help='seconds from an upload to its verdict')
    parser.add_argument('--patience', type=float, default=30, help='seconds without a new file')
    args = parser.parse_args()
    Handler.judging, Handler.patience = args.judging, args.patience

    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = 'http://127.0.0.1:%d' % server.server_port
    with tempfile.TemporaryDirectory() as folder:
        clip = args.clip or folder + '/long.mkv'
        if not args.clip:
            make_clip(clip, args.seconds)
        print('%.1f MB' % (os.stat(clip).st_size / 1e6))
        ours, theirs, hung = measure_pairs(clip, address, args.runs)
    report('identifaisink', ours)
    report('splitmuxsink, script and curl', theirs)
    if hung:
        print('splitmuxsink never ended in %d of %d runs' % (hung, hung + args.runs))
    for column, name in enumerate(('time', 'CPU')):
        ratios = sorted(a[column] / b[column] for a, b in zip(ours, theirs))
        print('%s, identifaisink to the other: %.2f (%.2f to %.2f)' % (
            name, statistics.median(ratios), ratios[0], ratios[-1]))


if __name__ == '__main__':
    main()
