#!/usr/bin/env python3
# identifAI plugin for GStreamer
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many elements, one key: what the service sees, and how late verdicts are.

A benchmark, not a test. N identifaisinks in one process share one live encoder and
the published limits; a server of our own answers, counts every request against
these limits, and knows to the microsecond when each result became final.

    meson devenv -C build ../tests/bench/fleet.py --elements 50 --seconds 300

Prints requests a minute of each kind as the server saw them, the 429s it had to
give, percentiles of lateness (final at the service to message on the bus), and the
fewest and most segments judged per element.
"""

import argparse
import collections
import http.server
import json
import random
import re
import threading
import time
import urllib.parse

import gi

gi.require_version('Gst', '1.0')
from gi.repository import GLib, Gst  # noqa: E402

LIMITS = {'POST': (1, 30), 'GET': (2, 60)}


class Service:
    """Results become final after a time of their own; calls are counted."""

    def __init__(self, fastest, slowest):
        self.lock = threading.Lock()
        self.fastest, self.slowest = fastest, slowest
        self.calls = {'POST': [], 'GET': []}
        self.refused = collections.Counter()
        self.final = {}  # identifier -> time
        self.asked = 0

    def admit(self, kind):
        """False: this call breaks the published limits."""
        now = time.monotonic()
        second, minute = LIMITS[kind]
        with self.lock:
            calls = self.calls[kind]
            if (sum(now - t < 1 for t in calls[-second:]) >= second
                    or sum(now - t < 60 for t in calls[-minute:]) >= minute):
                self.refused[kind] += 1
                return False
            calls.append(now)
            return True

    def submit(self):
        with self.lock:
            identifier = f'{len(self.final):064x}'
            self.final[identifier] = time.monotonic() + random.uniform(self.fastest, self.slowest)
            return identifier

    def look(self, identifiers):
        now = time.monotonic()
        with self.lock:
            self.asked += len(identifiers)
            return [self.result(i, now >= self.final[i]) for i in identifiers if i in self.final]

    @staticmethod
    def result(identifier, done):
        verdict = {'heuristic': 'Majority', 'confidence': 0.5, 'classification': 'human', 'unknown': False}
        return {'identifier': identifier, 'status': 'done' if done else 'new', 'errors': None,
                'verdict': verdict if done else None, 'verdicts': [verdict] if done else [],
                'results': {'images': [], 'audios': []}}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    service = None

    def log_message(self, *args):
        pass

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        left = int(self.headers['Content-Length'])
        while left > 0:
            left -= len(self.rfile.read(min(left, 65536)))
        if not self.service.admit('POST'):
            return self.answer(429, {'message': 'Too Many Attempts.'})
        self.answer(200, {'identifier': self.service.submit()})

    def do_GET(self):
        if not self.service.admit('GET'):
            return self.answer(429, {'message': 'Too Many Attempts.'})
        url = urllib.parse.urlsplit(self.path)
        many = urllib.parse.parse_qs(url.query).get('identifiers[]')
        if many:
            return self.answer(200, self.service.look(many))
        found = self.service.look([url.path.rsplit('/', 1)[-1]])
        self.answer(200 if found else 404, found[0] if found else {})


def percentile(values, p):
    return sorted(values)[min(len(values) - 1, int(len(values) * p / 100))] if values else float('nan')


def per_minute(times, start, seconds):
    whole = int(seconds // 60)
    return [sum(start + 60 * m <= t < start + 60 * (m + 1) for t in times) for m in range(max(whole, 1))]


def busiest(times, window):
    return max((sum(t <= u < t + window for u in times) for t in times), default=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--elements', type=int, default=50)
    parser.add_argument('--seconds', type=float, default=300)
    parser.add_argument('--segment', type=float, default=10, help='segment-duration in seconds')
    parser.add_argument('--fastest', type=float, default=2, help="the service's shortest time in seconds")
    parser.add_argument('--slowest', type=float, default=6)
    args = parser.parse_args()

    Gst.init(None)
    Handler.service = service = Service(args.fastest, args.slowest)
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()

    settings = (f'endpoint=http://127.0.0.1:{server.server_port} api-key=bench drain-timeout=0 '
                f'segment-duration={int(args.segment * Gst.SECOND)}')
    fps = 5
    line = (f'videotestsrc is-live=true pattern=ball ! video/x-raw,width=160,height=120,framerate={fps}/1 ! '
            f'x264enc tune=zerolatency speed-preset=ultrafast key-int-max={int(fps * args.segment)} ! '
            'h264parse ! tee name=t '
            + ' '.join(f't. ! queue ! identifaisink name=sink{n} {settings}' for n in range(args.elements)))
    pipeline = Gst.parse_launch(line)

    lateness, outcomes, judged = [], collections.Counter(), collections.Counter()
    problems = []

    def on_message(bus, message):
        if message.type in (Gst.MessageType.ERROR, Gst.MessageType.WARNING):
            parse = message.parse_error if message.type == Gst.MessageType.ERROR else message.parse_warning
            problems.append(f'{message.src.get_name()}: {parse()[0].message}')
        structure = message.get_structure()
        if message.type == Gst.MessageType.ELEMENT and structure.get_name().startswith('identifai-'):
            kind = structure.get_name()
            outcomes[kind] += 1
            if kind == 'identifai-verdict':
                judged[message.src.get_name()] += 1
                lateness.append(time.monotonic() - service.final[structure.get_value('identifier')])
        return Gst.BusSyncReply.DROP

    pipeline.get_bus().set_sync_handler(on_message)
    start = time.monotonic()
    pipeline.set_state(Gst.State.PLAYING)
    loop = GLib.MainLoop()
    GLib.timeout_add(int(args.seconds * 1000), loop.quit)
    loop.run()

    end = time.monotonic()
    stats = [pipeline.get_by_name(f'sink{n}').get_property('stats') for n in range(args.elements)]
    unbalanced = sum(s.get_value('segments') != s.get_value('verdicts') + s.get_value('failed')
                     + s.get_value('dropped') + s.get_value('pending') for s in stats)
    pipeline.set_state(Gst.State.NULL)

    counts = [judged[f'sink{n}'] for n in range(args.elements)]
    print(f'{args.elements} elements, {end - start:.0f} s, results final after {args.fastest} to {args.slowest} s')
    for kind in LIMITS:
        times = service.calls[kind]
        print(f'{kind}: {len(times)} in all, a minute: {per_minute(times, start, end - start)}, '
              f'busiest second {busiest(times, 1)} of {LIMITS[kind][0]}, busiest minute '
              f'{busiest(times, 60)} of {LIMITS[kind][1]}, 429s: {service.refused[kind]}')
    print('identifiers asked for a look: %.1f' % (service.asked / max(len(service.calls['GET']), 1)))
    print('lateness in s, 50th, 95th, 99th percentile, worst: '
          + ', '.join(f'{percentile(lateness, p):.2f}' for p in (50, 95, 99, 100)) + f' of {len(lateness)}')
    print(f'judged per element: fewest {min(counts)}, most {max(counts)}')
    print('messages:', dict(outcomes), '- stats that do not add up:', unbalanced)
    for text, n in collections.Counter(re.sub(r'sink\d+: ', '', p) for p in problems).items():
        print(f'{n} times: {text}')


if __name__ == '__main__':
    main()
