#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A moderator's application: runs a pipeline that ends in identifaisink, acts on what
identifaisink says, and never leaves a segment without a word.

    moderate.py [--alert COMMAND] [--confidence 0.8] [--every 60] PIPELINE...

    moderate.py --alert ./tell-the-editors rtspsrc location=rtsp://... ! rtph264depay ! \\
        h264parse ! identifaisink on-refusal=warn retries=-1 ref-id=cam7-%05u

Writes a JSON object a line: each verdict, each segment that has none, each warning, and
the element's statistics every so many seconds. COMMAND runs for each segment that is
artificial with at least that confidence, with the same object as its last argument.
SIGINT and SIGTERM end the stream and wait for the verdicts that are outstanding.
Exit status: 0, or 1 if the pipeline failed.

Needs Debian's python3-gi, python3-gst-1.0, gir1.2-gstreamer-1.0.
"""

import argparse
import json
import signal
import subprocess
import sys

import gi

gi.require_version('Gst', '1.0')
from gi.repository import GLib, Gst  # noqa: E402


def seconds(nanoseconds):
    return None if nanoseconds == Gst.CLOCK_TIME_NONE else nanoseconds / Gst.SECOND


def common(s):
    """The fields that all of the element's messages have."""
    return {
        'segment': s.get_value('segment'),
        'ref': s.get_value('ref-id'),
        'start': s.get_value('date-time').to_iso8601_string(),
        'running_time': seconds(s.get_value('running-time')),
        'duration': seconds(s.get_value('duration')),
    }


def describe_verdict(s):
    return {
        'event': 'verdict', **common(s),
        'classification': s.get_value('classification'),
        'confidence': s.get_value('confidence'),
        'score': s.get_value('score'),
        'latency': seconds(s.get_value('latency')),
        'heuristics': {v.get_value('heuristic'): v.get_value('classification') for v in s.get_value('verdicts')},
    }


def describe_loss(s):
    """identifai-failed or identifai-dropped."""
    return {'event': s.get_name()[len('identifai-'):], **common(s), 'reason': s.get_value('reason'),
            'message': s.get_value('message')}


def describe_stats(sink):
    stats = sink.get_property('stats')
    return {'event': 'stats', 'sink': sink.get_name(),
            **{stats.nth_field_name(i): stats.get_value(stats.nth_field_name(i)) for i in range(stats.n_fields())}}


class Moderator:
    def __init__(self, args):
        self.args = args
        self.failed = False
        self.loop = GLib.MainLoop()
        self.pipeline = Gst.parse_launchv(args.pipeline)
        if not isinstance(self.pipeline, Gst.Pipeline):
            element, self.pipeline = self.pipeline, Gst.Pipeline()
            self.pipeline.add(element)
        self.sinks = [e for e in self.pipeline.iterate_recurse() if e.get_factory().get_name() == 'identifaisink']

    def write(self, value):
        print(json.dumps(value), flush=True)

    def alert(self, value):
        if self.args.alert:
            # no wait: what it does must not hold up the bus
            subprocess.Popen([*self.args.alert.split(), json.dumps(value)], start_new_session=True)

    def on_element_message(self, message):
        s = message.get_structure()
        name = s.get_name()
        if name == 'identifai-verdict':
            value = describe_verdict(s)
            self.write(value)
            if value['classification'] == 'artificial' and value['confidence'] >= self.args.confidence:
                self.alert(value)
        elif name in ('identifai-failed', 'identifai-dropped'):
            self.write(describe_loss(s))

    def on_message(self, bus, message):
        if message.type == Gst.MessageType.ELEMENT:
            self.on_element_message(message)
        elif message.type == Gst.MessageType.EOS:
            self.loop.quit()
        elif message.type == Gst.MessageType.ERROR:
            self.write({'event': 'error', 'text': message.parse_error()[0].message})
            self.failed = True
            self.loop.quit()
        elif message.type == Gst.MessageType.WARNING:
            self.write({'event': 'warning', 'text': message.parse_warning()[0].message})
        elif message.type == Gst.MessageType.INFO:
            self.write({'event': 'info', 'text': message.parse_info()[0].message})
        return True

    def on_signal(self):
        self.pipeline.send_event(Gst.Event.new_eos())
        return GLib.SOURCE_CONTINUE

    def on_timer(self):
        for sink in self.sinks:
            self.write(describe_stats(sink))
        return GLib.SOURCE_CONTINUE

    def run(self):
        bus = self.pipeline.get_bus()
        bus.add_watch(GLib.PRIORITY_DEFAULT, self.on_message)
        for number in (signal.SIGINT, signal.SIGTERM):
            GLib.unix_signal_add(GLib.PRIORITY_HIGH, number, self.on_signal)
        GLib.timeout_add_seconds(self.args.every, self.on_timer)
        self.pipeline.set_state(Gst.State.PLAYING)
        self.loop.run()

        # READY drops what has no verdict yet and says so; NULL would empty the bus unread.
        bus.remove_watch()
        self.pipeline.set_state(Gst.State.READY)
        while (message := bus.pop_filtered(Gst.MessageType.ELEMENT)) is not None:
            self.on_element_message(message)
        self.on_timer()
        self.pipeline.set_state(Gst.State.NULL)
        return 1 if self.failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--alert', metavar='COMMAND', help='runs for each artificial segment')
    parser.add_argument('--confidence', type=float, default=0.8, help='least confidence of an alert, 0 to 1')
    parser.add_argument('--every', type=int, default=60, metavar='SECONDS', help='between two lines of statistics')
    parser.add_argument('pipeline', nargs=argparse.REMAINDER, help='as for gst-launch-1.0')
    args = parser.parse_args()
    if not args.pipeline:
        parser.error('a pipeline is needed')
    Gst.init(None)
    try:
        moderator = Moderator(args)
    except GLib.Error as error:
        sys.exit('moderate.py: ' + error.message)
    return moderator.run()


if __name__ == '__main__':
    sys.exit(main())
