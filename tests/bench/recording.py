#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A long recording judged in segments: identifaisink beside what a competent user would
write instead, which is splitmuxsink or ffmpeg's segment muxer and uploader.py.

All run in turns against one server in this process, which takes every file, keeps
nothing, and says "human" when --judging seconds have passed. identifaisink has no limits
set. Time of the CPU is that of the programs, without this script and its server.
Printed are medians of all runs, and the ratios of identifaisink to each of the others,
each from two runs that followed one another: like for like, once with the SHA-256 of
each file, which identifaisink takes by GLib and the others by OpenSSL (hashlib), and
once without (sha256=false). --instructions counts instructions, too, in one run of each
under callgrind: slow, but the same on a busy machine.
splitmuxsink of GStreamer 1.22 sometimes never says that it is done: such a run is ended
after --patience seconds, counted, and done again.

    meson devenv -C BUILD ../tests/bench/recording.py [--seconds 180] [--runs 5] [CLIP]
"""

import argparse
import http.server
import json
import os
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

VERDICT = {'heuristic': 'Majority', 'confidence': 0.5, 'classification': 'human', 'unknown': False}
UPLOADER = [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'uploader.py')]
CLOSED = re.compile(r'splitmuxsink-fragment-closed, .*location=\(string\)([^,;]+)')
SEGMENT = 10  # s
CALLGRIND = ['valgrind', '--tool=callgrind', '--callgrind-out-file=%s/callgrind.%%p']


class Hung(Exception):
    """A program that was ended as it did not end by itself."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    judging = 0.0
    uploaded = looks = 0
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
        left = int(self.headers['Content-Length'])
        Handler.uploaded += left
        while left > 0:
            left -= len(self.rfile.read(min(left, 1 << 18)))
        identifier = '%064x' % len(self.final)
        self.final[identifier] = time.monotonic() + self.judging
        self.answer({'identifier': identifier})

    def do_GET(self):
        Handler.looks += 1
        url = urllib.parse.urlsplit(self.path)
        many = urllib.parse.parse_qs(url.query).get('identifiers[]')
        if many:
            self.answer([self.result(identifier) for identifier in many])
        else:
            self.answer(self.result(url.path.rsplit('/', 1)[-1]))


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Clients that end leave connections behind."""


def make_clip(path, seconds):
    subprocess.run([
        'gst-launch-1.0', '-q', 'matroskamux', 'name=m', '!', 'filesink', 'location=' + path,
        'videotestsrc', 'num-buffers=%d' % (25 * seconds), 'pattern=snow', '!',
        'video/x-raw,width=1280,height=720,framerate=25/1', '!', 'x264enc', 'speed-preset=ultrafast',
        'bitrate=4000', 'key-int-max=50', '!', 'video/x-h264,profile=high', '!', 'h264parse', '!', 'm.',
        'audiotestsrc', 'num-buffers=%d' % (48 * seconds), 'samplesperbuffer=1000', '!', 'audio/x-raw,rate=48000',
        '!', 'opusenc', '!', 'm.'], check=True)


class Job:
    """How a program is run: its clip, the server's address, a folder for its files."""

    def __init__(self, clip, address, patience, counting, hashing):
        self.clip, self.address, self.patience, self.counting, self.hashing = clip, address, patience, counting, hashing
        self.folder = self.counts = None

    def wrap(self, command):
        return [word % self.counts if '%s' in word else word for word in CALLGRIND] + command if self.counting else command

    def start(self, command, **more):
        return subprocess.Popen(self.wrap(command), stderr=subprocess.DEVNULL if self.counting else None, **more)


def identifaisink(job):
    env = {**os.environ, 'IDENTIFAI_ENDPOINT': job.address, 'IDENTIFAI_API_KEY': 'k'}
    limits = 'limits,post-per-second=0,post-per-minute=0,get-per-second=0,get-per-minute=0'
    launch = job.start([
        'gst-launch-1.0', '-q', 'filesrc', 'location=' + job.clip, '!', 'parsebin', 'name=p', '!', 'identifaisink',
        'name=s', 'segment-duration=%d' % (SEGMENT * 10**9), 'rate-limits=' + limits,
        'sha256=' + str(job.hashing).lower(), 'p.', '!', 's.'], env=env)
    if launch.wait():
        raise RuntimeError('identifaisink failed')


def upload(job, recorder, names):
    """Runs the recorder's way of naming finished files beside the uploader."""
    uploader = job.start(UPLOADER + [job.address] + ['--sha256'] * job.hashing, stdin=subprocess.PIPE)
    patience = threading.Timer(job.patience, recorder.kill)
    patience.start()
    for name in names:
        uploader.stdin.write(name.encode() + b'\n')
        uploader.stdin.flush()
    patience.cancel()
    uploader.stdin.close()
    if uploader.wait():
        raise RuntimeError('the uploader failed')
    if recorder.wait() == -signal.SIGKILL:
        raise Hung
    if recorder.returncode:
        raise RuntimeError('the recorder failed')


def splitmuxsink(job):
    launch = job.start([
        'gst-launch-1.0', '-m', 'filesrc', 'location=' + job.clip, '!', 'parsebin', 'name=p', '!', 'queue', '!',
        'splitmuxsink', 'name=s', 'max-size-time=%d' % (SEGMENT * 10**9), 'location=' + job.folder + '/%05d.mp4',
        'p.', '!', 'queue', '!', 's.audio_0'], stdout=subprocess.PIPE, text=True)
    closed = filter(None, map(CLOSED.search, launch.stdout))
    upload(job, launch, (found[1].strip('"').replace('\\', '') for found in closed))


def ffmpeg(job):
    process = job.start([
        'ffmpeg', '-v', 'error', '-nostdin', '-i', job.clip, '-c', 'copy', '-f', 'segment', '-segment_time',
        str(SEGMENT), '-reset_timestamps', '1', '-segment_list', 'pipe:1', '-segment_list_type', 'flat',
        job.folder + '/%05d.mp4'], stdout=subprocess.PIPE, text=True)
    upload(job, process, (os.path.join(job.folder, line.strip()) for line in process.stdout))


WAYS = {'identifaisink': identifaisink, 'splitmuxsink, uploader': splitmuxsink, 'ffmpeg, uploader': ffmpeg}


def cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def count_instructions(folder):
    """Of all processes that left a profile there, in millions."""
    total = 0
    for entry in os.scandir(folder):
        with open(entry.path, encoding='utf-8') as lines:
            total += next(int(line.split()[1]) for line in lines if line.startswith(('summary:', 'totals:')))
    return total / 1e6


def measure(way, job):
    """Seconds on the clock and of CPU, uploads, looks, MB uploaded and on disk, instructions."""
    Handler.uploaded = Handler.looks = 0
    Handler.final.clear()
    with tempfile.TemporaryDirectory() as job.folder, tempfile.TemporaryDirectory() as job.counts:
        before, began = cpu(), time.monotonic()
        way(job)
        clock, used = time.monotonic() - began, cpu() - before
        disk = sum(entry.stat().st_size for entry in os.scandir(job.folder))
        counted = count_instructions(job.counts)
    return {'clock': clock, 'cpu': used, 'uploads': len(Handler.final), 'looks': Handler.looks,
            'uploaded': Handler.uploaded / 1e6, 'disk': disk / 1e6, 'instructions': counted}


def measure_again(way, job):
    """Also how often the program hung before."""
    hung = 0
    while True:
        try:
            return measure(way, job), hung
        except Hung:
            hung += 1


def measure_pairs(job, runs, ways):
    """Per other way: as many pairs of identifaisink's measurement and its own."""
    pairs, hung = {name: [] for name in ways}, {name: 0 for name in ways}
    for _ in range(runs):
        for name, way in ways.items():
            ours = measure(identifaisink, job)
            theirs, times = measure_again(way, job)
            pairs[name].append((ours, theirs))
            hung[name] += times
    return pairs, hung


def medians(runs):
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def summarize(job, runs):
    """{name: medians}, with ratio of CPU and its spread, and how often it hung, of the others."""
    others = {name: way for name, way in WAYS.items() if way is not identifaisink}
    pairs, hung = measure_pairs(job, runs, others)
    results = {'identifaisink': medians([ours for both in pairs.values() for ours, _ in both])}
    for name, both in pairs.items():
        ratios = sorted(ours['cpu'] / theirs['cpu'] for ours, theirs in both)
        results[name] = {**medians([theirs for _, theirs in both]), 'hung': hung[name],
                         'ratio': statistics.median(ratios), 'least': ratios[0], 'most': ratios[-1]}
    return results


def report(results, counts):
    for name, result in results.items():
        print('%-24s %6.2f s, %5.2f s of CPU, %d uploads, %d looks, %.1f MB, on disk %.1f MB' % (
            name, result['clock'], result['cpu'], result['uploads'], result['looks'], result['uploaded'], result['disk']))
    for name, result in results.items():
        if result.get('hung'):
            print('%s never ended in %d runs' % (name, result['hung']))
        if 'ratio' in result:
            print('CPU, identifaisink to %s: %.2f (%.2f to %.2f)' % (
                name, result['ratio'], result['least'], result['most']))
    for name, count in counts.items():
        print('%-24s %.0f million instructions, identifaisink has %.2f of them' % (
            name, count, counts['identifaisink'] / count))


def start_server(judging):
    Handler.judging = judging
    server = Server(('127.0.0.1', 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def run(clip=None, seconds=180, runs=5, judging=2.0, patience=60.0, instructions=False):
    """Twice, with the hashes and without: results, and instructions."""
    server = start_server(judging)
    address = 'http://127.0.0.1:%d' % server.server_port
    both = []
    with tempfile.TemporaryDirectory() as folder:
        if clip is None:
            clip = folder + '/long.mkv'
            make_clip(clip, seconds)
        for hashing in (True, False):
            results, counts = {}, {}
            if runs > 0:
                results = summarize(Job(clip, address, patience, False, hashing), runs)
            if instructions:
                job = Job(clip, address, 100 * patience, True, hashing)
                counts = {name: measure_again(way, job)[0]['instructions'] for name, way in WAYS.items()}
            both.append((results, counts))
    server.shutdown()
    return both


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('clip', nargs='?')
    parser.add_argument('--seconds', type=int, default=180, help='length of the clip that is made')
    parser.add_argument('--runs', type=int, default=5)
    parser.add_argument('--judging', type=float, default=2, help='seconds from an upload to its verdict')
    parser.add_argument('--patience', type=float, default=60, help='seconds that a recorder may take')
    parser.add_argument('--instructions', action='store_true')
    args = parser.parse_args()
    if args.instructions and not shutil.which('valgrind'):
        parser.error('--instructions needs valgrind')
    for title, (results, counts) in zip(('with SHA-256', 'without'), run(**vars(args))):
        print(title)
        report(results, counts)


if __name__ == '__main__':
    main()
