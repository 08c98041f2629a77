#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many live streams in one process: what each of them costs.

One live encoder feeds N identifaisinks, or N fakesinks in the run before, in a process of
its own; recording.py's server takes what comes. Printed is the difference of both runs for
each stream: time of the CPU, memory and descriptors at the end; and all threads.

    meson devenv -C BUILD ../tests/bench/streams.py [--elements 200] [--seconds 60]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time

SOURCE = ('videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=25/1 ! '
          'x264enc tune=zerolatency speed-preset=ultrafast bitrate=500 key-int-max=50 ! h264parse ! tee name=t ')
LIMITS = 'limits,post-per-second=0,post-per-minute=0,get-per-second=0,get-per-minute=0'


def read_status(field):
    with open('/proc/self/status', encoding='utf-8') as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(field + ':'))


def run_streams(sink, elements, seconds):
    """In a process of its own: prints what it used."""
    import gi
    gi.require_version('Gst', '1.0')
    from gi.repository import Gst
    Gst.init(None)
    pipeline = Gst.parse_launch(SOURCE + f't. ! {sink} ' * elements)
    pipeline.set_state(Gst.State.PLAYING)
    bus = pipeline.get_bus()
    until = time.monotonic() + seconds
    failed = 0
    while time.monotonic() < until:
        message = bus.timed_pop(100 * Gst.MSECOND)
        if message is not None and message.type in (Gst.MessageType.ERROR, Gst.MessageType.WARNING):
            failed += 1
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({'cpu': used.ru_utime + used.ru_stime, 'memory': read_status('VmRSS'),
                      'descriptors': len(os.listdir('/proc/self/fd')), 'threads': read_status('Threads'),
                      'failed': failed}))
    sys.stdout.flush()
    os._exit(0)


def measure(sink, elements, seconds):
    command = [sys.executable, os.path.abspath(__file__), '--run', sink, '--elements', str(elements),
               '--seconds', str(seconds)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def compare(elements, seconds):
    """What each stream costs: % of a core, kB, descriptors; threads in all; what went wrong."""
    from recording import start_server
    server = start_server(2)
    sink = (f'identifaisink async=false endpoint=http://127.0.0.1:{server.server_port} api-key=k '
            f'rate-limits={LIMITS}')
    without = measure('fakesink async=false', elements, seconds)
    with_all = measure(sink, elements, seconds)
    server.shutdown()
    return {'cpu': 100 * (with_all['cpu'] - without['cpu']) / elements / seconds,
            'memory': (with_all['memory'] - without['memory']) / elements,
            'descriptors': (with_all['descriptors'] - without['descriptors']) / elements,
            'threads': with_all['threads'], 'failed': with_all['failed']}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--elements', type=int, default=200)
    parser.add_argument('--seconds', type=float, default=60)
    parser.add_argument('--run', help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run:
        run_streams(args.run, args.elements, args.seconds)
    print('each stream: %(cpu).3f %% of a core, %(memory).0f kB, %(descriptors).2f descriptors; '
          '%(threads)d threads, %(failed)d warnings in all' % compare(args.elements, args.seconds))


if __name__ == '__main__':
    main()
