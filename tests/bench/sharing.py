#!/usr/bin/env python3
"""Several processes on one key: who gets how much?

Each process runs a live pipeline, all of them together have demand for twice the service's 30 uploads a minute, and one
identifai-emulator keeps to the published limits. With --shares, each is given its share as rate-limits. What the emulator took
and refused is counted from its log; who got it, from the processes' messages. The figures at the end are those from the third
minute on.

    GST_PLUGIN_PATH=build/gst/identifai tests/bench/sharing.py build --processes 4
"""

import argparse
import collections
import re
import subprocess
import sys
import threading
import time

LIMIT = 30


def work(args):
    """One of the processes: a line for each message that counts."""
    import gi
    gi.require_version('Gst', '1.0')
    from gi.repository import GLib, Gst

    Gst.init(None)
    fps, seconds = 5, args.processes
    limits = f'limits,post-per-minute={LIMIT // args.processes},get-per-minute={2 * LIMIT // args.processes}'
    pipeline = Gst.parse_launch(
        f'videotestsrc is-live=true pattern=ball ! video/x-raw,width=160,height=120,framerate={fps}/1 ! '
        f'x264enc tune=zerolatency speed-preset=ultrafast key-int-max={fps * seconds} ! h264parse ! identifaisink name=sink '
        f'endpoint={args.work} api-key=bench segment-duration={seconds * Gst.SECOND} drain-timeout=0')
    if args.shares:
        pipeline.get_by_name('sink').set_property('rate-limits', Gst.Structure.from_string(limits)[0])
    loop = GLib.MainLoop()

    def on_message(bus, message):
        structure = message.get_structure()
        if message.type == Gst.MessageType.ELEMENT and structure.get_name().startswith('identifai-'):
            reason = structure.get_string('reason') or ''
            print(time.time(), structure.get_name()[10:], reason, flush=True)
        elif message.type == Gst.MessageType.WARNING:
            print(time.time(), 'warning', message.parse_warning()[0].message, flush=True)
        elif message.type == Gst.MessageType.ERROR:
            print(time.time(), 'error', message.parse_error()[0].message, flush=True)
            loop.quit()

    bus = pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect('message', on_message)
    pipeline.set_state(Gst.State.PLAYING)
    GLib.timeout_add(int(args.minutes * 60 * 1000), loop.quit)
    loop.run()
    print(time.time(), 'stats', sink_stats(pipeline), flush=True)
    pipeline.set_state(Gst.State.NULL)


def sink_stats(pipeline):
    return pipeline.get_by_name('sink').get_property('stats').to_string()


def start_emulator(build):
    emulator = subprocess.Popen([f'{build}/examples/emulator/identifai-emulator', '--delay', '1'], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)
    url = re.search(r'http://\S+', emulator.stdout.readline())
    if not url:
        sys.exit('the emulator did not start')
    calls = []
    # with its log's time of day, the processes' clock would have to be compared

    def read():
        for line in emulator.stderr:
            found = re.match(r'\S+ (GET|POST) \S+ (\d+)', line)
            if found:
                calls.append((time.time(), found.group(1), int(found.group(2))))

    threading.Thread(target=read, daemon=True).start()
    return emulator, url.group(0), calls


def jain(values):
    return sum(values) ** 2 / (len(values) * sum(v * v for v in values)) if any(values) else 0


def report(args, start, calls, lines):
    minutes = range(args.minutes)

    def per_minute(times):
        counts = collections.Counter(int((t - start) // 60) for t in times)
        return [counts[m] for m in minutes]

    for kind in ('POST', 'GET'):
        taken = per_minute(t for t, k, status in calls if k == kind and status != 429)
        refused = per_minute(t for t, k, status in calls if k == kind and status == 429)
        late = sum(refused[2:]), sum(taken[2:]) + sum(refused[2:])
        print(f'{kind}: taken a minute {taken}, refused {refused}: from the third minute on {late[0]} of {late[1]} refused '
              f'({100 * late[0] / max(late[1], 1):.1f} %), in all {sum(refused)} of {sum(taken) + sum(refused)}')
    shares = []
    for i, own in enumerate(lines):
        submitted = per_minute(t for t, name, _ in own if name == 'submitted')
        others = collections.Counter(f'{name} {rest}'.strip() for _, name, rest in own if name in ('failed', 'dropped', 'verdict'))
        shares.append(sum(submitted[2:]))
        print(f'process {i}: submitted a minute {submitted}, {dict(others)}')
        for _, name, rest in own:
            if name in ('warning', 'error', 'stats'):
                print(f'  {name}: {rest}')
    print(f"Jain's index from the third minute on: {jain(shares):.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('build')
    parser.add_argument('--processes', type=int, default=4)
    parser.add_argument('--minutes', type=int, default=5)
    parser.add_argument('--shares', action='store_true')
    parser.add_argument('--work', help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work:
        return work(args)

    emulator, url, calls = start_emulator(args.build)
    start = time.time()
    workers = [subprocess.Popen([sys.executable] + sys.argv + ['--work', url], stdout=subprocess.PIPE, text=True)
               for _ in range(args.processes)]
    lines = []
    for worker in workers:
        own = []
        lines.append(own)
        threading.Thread(target=lambda w=worker, o=own: [o.append(parse(line)) for line in w.stdout], daemon=True).start()
    for worker in workers:
        worker.wait()
    time.sleep(1)
    report(args, start, calls, lines)
    emulator.terminate()


def parse(line):
    at, name, rest = (line.rstrip('\n') + '  ').split(' ', 2)
    return float(at), name, rest.strip()


if __name__ == '__main__':
    main()
