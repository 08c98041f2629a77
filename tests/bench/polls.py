#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How soon a result is known: from when it is final at the service to the message, and
how many looks that takes. A live stream in short segments, and beside it the script that
looks once a second (uploader.py), each with an identifai-emulator of its own that keeps
to the published limits and judges for --delay seconds and at random up to --spread more.
When a result is final, its webhook tells.

    GST_PLUGIN_PATH=build/gst/identifai tests/bench/polls.py build [--delay 2] [--spread 4]
"""

import argparse
import http.server
import json
import re
import statistics
import subprocess
import tempfile
import threading
import time

import gi
gi.require_version('Gst', '1.0')
from gi.repository import Gst  # noqa: E402

from uploader import Uploader  # noqa: E402


class Webhook(http.server.BaseHTTPRequestHandler):
    final = {}  # identifier -> time

    def do_POST(self):
        now = time.monotonic()
        body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        Webhook.final[body['identifier']] = now
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


class Emulator:
    def __init__(self, args):
        self.process = subprocess.Popen(
            [args.build + '/examples/emulator/identifai-emulator', '--delay', str(args.delay), '--delay-spread',
             str(args.spread)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.url = re.search(r'http://\S+', self.process.stdout.readline()).group(0)
        self.looks = self.refused = 0
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stderr:
            found = re.match(r'\S+ (GET|POST) \S+ (\d+)', line)
            self.looks += bool(found) and found.group(1) == 'GET'
            self.refused += bool(found) and found.group(2) == '429'


class Sink:
    """All of its messages are read by one thread, which notes when they came."""

    def __init__(self, args, webhook):
        self.emulator, self.known = Emulator(args), {}
        self.pipeline = Gst.parse_launch(
            f'videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=5/1 ! x264enc tune=zerolatency '
            f'speed-preset=ultrafast key-int-max={int(5 * args.segment)} ! h264parse ! identifaisink '
            f'endpoint={self.emulator.url} api-key=bench webhook-url={webhook} '
            f'segment-duration={int(args.segment * Gst.SECOND)} no-cache=true')
        self.pipeline.get_bus().set_sync_handler(self.on_message)
        self.pipeline.set_state(Gst.State.PLAYING)

    def on_message(self, bus, message):
        structure = message.get_structure()
        if structure and structure.get_name() == 'identifai-verdict':
            self.known[structure.get_string('identifier')] = time.monotonic()
        return Gst.BusSyncReply.DROP


class Script(Uploader):
    def __init__(self, args, webhook):
        self.emulator, self.known, self.webhook = Emulator(args), {}, webhook
        super().__init__(self.emulator.url)

    def fields(self):
        return [('webhook_url', self.webhook), ('no_cache', '1')]

    def look(self):
        before = set(self.pending)
        super().look()
        for identifier in before - set(self.pending):
            self.known[identifier] = time.monotonic()

    def run_for(self, args, path):
        next_post, end = time.monotonic(), time.monotonic() + args.segment * args.segments
        while time.monotonic() < end:
            if time.monotonic() >= next_post:
                self.post(path)
                next_post += args.segment
            if self.pending and time.monotonic() >= self.next_look:
                self.look()
            time.sleep(0.005)


def report(name, emulator, known, warm_up):
    late = [known[i] - Webhook.final[i] for i in known if i in Webhook.final]
    print(f'{name}: {statistics.mean(late[warm_up:]):.2f} s late ({max(late[warm_up:]):.2f} at most, '
          f'{late[0]:.2f} the first), {emulator.looks / len(known):.1f} looks, {len(known)} results, '
          f'{emulator.refused} calls refused')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('build')
    parser.add_argument('--delay', type=float, default=2)
    parser.add_argument('--spread', type=float, default=4)
    parser.add_argument('--segment', type=float, default=10, help='seconds')
    parser.add_argument('--segments', type=int, default=30)
    parser.add_argument('--warm-up', type=int, default=5, help='results that are not counted')
    parser.add_argument('--no-script', action='store_true')
    args = parser.parse_args()

    Gst.init(None)
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Webhook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    webhook = f'http://127.0.0.1:{server.server_port}/'
    sink = Sink(args, webhook)
    with tempfile.NamedTemporaryFile(suffix='.mp4') as clip:
        subprocess.run(['gst-launch-1.0', '-q', 'videotestsrc', 'num-buffers=10', '!', 'x264enc', '!', 'mp4mux', '!',
                        'filesink', 'location=' + clip.name], check=True)
        if args.no_script:
            time.sleep(args.segment * args.segments)
        else:
            script = Script(args, webhook)
            script.run_for(args, clip.name)
            report('script', script.emulator, script.known, args.warm_up)
            script.emulator.process.terminate()
    report('identifaisink', sink.emulator, sink.known, args.warm_up)
    sink.pipeline.set_state(Gst.State.NULL)
    sink.emulator.process.terminate()


if __name__ == '__main__':
    main()
