#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many RTSP cameras ingested and judged by one process, beside one that records them.

gst-rtsp-server serves one encoded stream (1 Mbit/s, a key frame in 2 s) to N clients over
TCP. In turns they are N streams of identifai-moderate, which judges all segments of 10 s;
N outputs of one ffmpeg -c copy -f segment, which writes them to a disk; and N fakesinks
behind rtspsrc, which is what the ingest itself takes. recording.py's server takes what is
posted. Time of the CPU, memory, descriptors and threads are those of that one process
alone, between two moments at which all cameras run. What identifai-moderate's log says of
each segment is counted: all that were closed have to be judged.

    meson devenv -C BUILD ../tests/bench/cameras.py [--cameras 50] [--seconds 60]
"""

import argparse
import collections
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

CAMERA = ('( videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,height=360,framerate=25/1 ! '
          'x264enc tune=zerolatency speed-preset=ultrafast bitrate=1000 key-int-max=50 ! h264parse config-interval=-1 ! '
          'rtph264pay name=pay0 pt=96 )')
LIMITS = 'limits,post-per-second=0,post-per-minute=0,get-per-second=0,get-per-minute=0'
SEGMENT = 10  # s
START = 15  # s, until all run
PATIENCE = 300  # s, for who takes longer
TICKS = os.sysconf('SC_CLK_TCK')


def serve(port):
    """In a process of its own."""
    import gi
    gi.require_version('Gst', '1.0')
    gi.require_version('GstRtspServer', '1.0')
    from gi.repository import GLib, Gst, GstRtspServer
    Gst.init(None)
    server, factory = GstRtspServer.RTSPServer(), GstRtspServer.RTSPMediaFactory()
    server.set_address('127.0.0.1')
    server.set_service(port)
    server.set_backlog(1000)
    factory.set_launch(CAMERA)
    factory.set_shared(True)
    server.get_mount_points().add_factory('/a', factory)
    if not server.attach(None):
        sys.exit('the port is taken')
    GLib.MainLoop().run()


def free_port():
    with socket.socket() as found:
        found.bind(('127.0.0.1', 0))
        return found.getsockname()[1]


def wait_for_port(port):
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(('127.0.0.1', port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError('nobody listens at %d' % port)


def look(pid):
    """Of one process: s of CPU, kB, descriptors, threads."""
    with open('/proc/%d/stat' % pid, encoding='utf-8') as text:
        fields = text.read().rsplit(')', 1)[1].split()
    with open('/proc/%d/status' % pid, encoding='utf-8') as text:
        status = dict(line.split(':', 1) for line in text)
    return {'cpu': (int(fields[11]) + int(fields[12])) / TICKS, 'memory': int(status['VmRSS'].split()[0]),
            'descriptors': len(os.listdir('/proc/%d/fd' % pid)), 'threads': int(status['Threads'])}


def measure(command, seconds, runs=lambda: True):
    """What it used in so many seconds from when all of it runs."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    try:
        time.sleep(START)
        until = time.monotonic() + PATIENCE
        while not runs():
            if time.monotonic() > until:
                raise RuntimeError(command[0] + ' has not all of the cameras')
            time.sleep(1)
        before = look(process.pid)
        time.sleep(seconds)
        after = look(process.pid)
        process.send_signal(signal.SIGINT)
        process.wait(60)
    finally:
        process.kill()
        process.wait()
    return {**after, 'cpu': 100 * (after['cpu'] - before['cpu']) / seconds}


def moderate(url, args, folder):
    from recording import start_server
    server = start_server(2)
    config, key, log = (os.path.join(folder, name) for name in ('cameras.conf', 'key', 'log'))
    with open(key, 'w', encoding='utf-8') as file:
        file.write('k\n')
    os.chmod(key, 0o600)
    with open(config, 'w', encoding='utf-8') as file:
        file.write('[program]\nlog=%s\n[defaults]\nendpoint=http://127.0.0.1:%d\napi-key-file=%s\nrate-limits=%s\n'
                   'segment-duration=%ds\n' % (log, server.server_port, key, LIMITS, SEGMENT))
        # the others are told so by an option
        file.writelines('[camera%d]\nuri=%s\n' % (i, url.replace('rtsp:', 'rtspt:')) for i in range(args.cameras))
    used = measure([os.environ.get('IDENTIFAI_MODERATE', 'examples/moderate/identifai-moderate'), config], args.seconds)
    server.shutdown()
    with open(log, encoding='utf-8') as lines:
        events = [json.loads(line) for line in lines]
    counted = collections.Counter(event['event'] for event in events)
    last = {event['stream']: event for event in events if event['event'] == 'stats'}
    closed = sum(event['segments'] for event in last.values())
    used['said'] = '%d of %d segments of %d cameras judged, %d failed, %d dropped' % (
        counted['verdict'], closed, len(last), counted['failed'], counted['dropped'])
    return used


def ffmpeg(url, args, folder):
    command = ['ffmpeg', '-v', 'error', '-nostdin']
    for _ in range(args.cameras):
        command += ['-rtsp_transport', 'tcp', '-analyzeduration', '1000000', '-i', url]
    for i in range(args.cameras):
        command += ['-map', str(i), '-c', 'copy', '-f', 'segment', '-segment_time', str(SEGMENT),
                    '-reset_timestamps', '1', os.path.join(folder, '%d-%%05d.mp4' % i)]
    # it opens its inputs one after the other
    used = measure(command, args.seconds, lambda: len({name.split('-')[0] for name in os.listdir(folder)}) == args.cameras)
    names = os.listdir(folder)
    used['said'] = '%d files of %d cameras written, %.0f MB' % (
        len(names), len({name.split('-')[0] for name in names}),
        sum(os.stat(os.path.join(folder, name)).st_size for name in names) / 1e6)
    return used


def fakesinks(url, args, folder):
    pipeline = ['rtspsrc', 'location=' + url, 'protocols=tcp', '!', 'rtph264depay', '!', 'h264parse', '!', 'fakesink',
                'async=false', 'sync=false']
    used = measure(['gst-launch-1.0', '-q'] + pipeline * args.cameras, args.seconds)
    used['said'] = ''
    return used


WAYS = {'identifai-moderate': moderate, 'ffmpeg, segments': ffmpeg, 'rtspsrc, fakesink': fakesinks}


def run(args):
    port = free_port()
    server = subprocess.Popen([sys.executable, os.path.abspath(__file__), '--serve', str(port)])
    results = {}
    try:
        wait_for_port(port)
        for name, way in WAYS.items():
            with tempfile.TemporaryDirectory() as folder:
                results[name] = way('rtsp://127.0.0.1:%d/a' % port, args, folder)
    finally:
        server.kill()
        server.wait()
    return results


def report(results):
    print('| | CPU, % of a core | memory, MB | descriptors | threads | |\n| --- | --- | --- | --- | --- | --- |')
    for name, used in results.items():
        print('| %s | %.1f | %.0f | %d | %d | %s |' % (name, used['cpu'], used['memory'] / 1000, used['descriptors'],
                                                       used['threads'], used['said']))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--cameras', type=int, default=50)
    parser.add_argument('--seconds', type=float, default=60)
    parser.add_argument('--serve', help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args.serve)
    report(run(args))


if __name__ == '__main__':
    main()
