#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A relay with identifaigate in it: H.264 and AAC from one RTMP or SRT address to another, a slate
in place of what is withheld, and an operator at the keyboard:

  IDENTIFAI_API_KEY_FILE=key relay.py --slate slate.mp4 rtmp://127.0.0.1/live/in rtmp://127.0.0.1/live/out

  s  the slate, at once          n  as the verdicts say, from the next key frame on
  d  withhold what comes, and what came in the last two seconds     r  release: no more of that
  p  let all out                 i  how it stands                  q  quit

Where the source ends or fails, it is asked for again two seconds later. What is held still leaves; then the slate
is shown until there is something again. Where the target fails, the relay ends with exit code 1.

Needs python3-gi, gstreamer1.0-plugins-good and -bad."""
import argparse
import os
import signal
import sys
import gi
gi.require_version('Gst', '1.0')
from gi.repository import GLib, Gst  # noqa: E402

REACTION = 2 * Gst.SECOND
NOTHING_YET = 2 ** 63 - 1  # of margins
FORCES = {'s': 'slate', 'n': 'none', 'p': 'pass'}


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source')
    parser.add_argument('target')
    parser.add_argument('--slate', help='a file; docs/gate.md says how to make one')
    parser.add_argument('--hold', type=float, default=20, help='delay in seconds (20)')
    parser.add_argument('--segment', type=float, default=4, help='what is judged at a time, in seconds (4)')
    parser.add_argument('--no-sound', action='store_true', help='the stream has none')
    return parser.parse_args()


def make_source(url):
    if url.startswith('srt:'):
        return f'srtsrc name=source uri="{url}" ! tsdemux name=d'
    return f'rtmp2src name=source location="{url}" idle-timeout=10 ! flvdemux name=d'


def make_target(url):
    """SRT's receivers come and go: all of them need the headers. Where the machine stalls, flvmux waits for what is late."""
    if url.startswith('srt:'):
        return ('h264parse config-interval=-1', 'mpegtsmux name=m alignment=7',
                f'srtsink uri="{url}" wait-for-connection=false')
    return 'h264parse', 'flvmux name=m streamable=true latency=500000000', f'rtmp2sink location="{url}"'


def make_pipeline(arguments):
    parser, muxer, sink = make_target(arguments.target)
    action = 'slate' if arguments.slate else 'drop'
    text = (f'{make_source(arguments.source)} queue name=video ! h264parse ! identifaigate name=gate on-refusal=warn '
            f'hold={int(arguments.hold * 1e9)} segment-duration={int(arguments.segment * 1e9)} '
            f'on-artificial={action} on-unjudged={action} ! queue ! {parser} ! {muxer} ! {sink} ')
    if not arguments.no_sound:
        text += 'queue name=audio ! aacparse ! gate.audio_0 gate.audio_src_0 ! queue ! m.'
    pipeline = Gst.parse_launch(text)
    gate = pipeline.get_by_name('gate')
    if arguments.slate:
        gate.set_property('slate-location', arguments.slate)
    return pipeline, gate


def say(*words):
    print(*words, flush=True)


class Source:
    """What is before the queues: ends and begins again, without the rest."""

    def __init__(self, pipeline, gate, arguments):
        self.pipeline, self.gate, self.hold, self.slate = pipeline, gate, arguments.hold, arguments.slate
        self.elements = [pipeline.get_by_name(name) for name in ('source', 'd')]
        self.queues = {kind: pipeline.get_by_name(kind) for kind in ('video', 'audio')}
        self.offset, self.latest = 0, 0             # running times
        self.gone, self.waiting, self.timer, self.showing = False, False, 0, False
        self.elements[1].connect('pad-added', self.on_pad)
        for queue in filter(None, self.queues.values()):
            queue.get_static_pad('sink').add_probe(Gst.PadProbeType.EVENT_DOWNSTREAM, self.on_event)
            queue.get_static_pad('sink').add_probe(Gst.PadProbeType.BUFFER, self.on_buffer)

    def on_pad(self, _, pad):
        """Times begin at 0 again, and go on where it is then, or where they were."""
        queue = self.queues.get((pad.get_current_caps() or pad.query_caps()).to_string().split('/')[0])
        sink = queue and queue.get_static_pad('sink')
        if sink and not sink.is_linked():
            pad.set_offset(self.offset)
            pad.link(sink)

    def on_buffer(self, pad, info):
        segment = pad.get_sticky_event(Gst.EventType.SEGMENT, 0).parse_segment()
        time = segment.to_running_time(Gst.Format.TIME, info.get_buffer().pts)
        if time != Gst.CLOCK_TIME_NONE:
            self.latest = max(self.latest, time)
        return Gst.PadProbeReturn.OK

    def on_event(self, pad, info):
        event = info.get_event()
        if event.type == Gst.EventType.EOS:
            GLib.idle_add(self.lose, 'it has ended')
            return Gst.PadProbeReturn.DROP
        if event.type == Gst.EventType.SEGMENT:
            GLib.idle_add(self.find)
            return self.widen(pad, event.parse_segment())
        return Gst.PadProbeReturn.OK

    @staticmethod
    def widen(pad, segment):
        """flvdemux's begins where the first picture is shown, and what is decoded or heard before has no time."""
        if segment.start == 0 or segment.position != segment.start:
            return Gst.PadProbeReturn.OK
        segment.start = segment.time = max(0, segment.start - Gst.SECOND)
        segment.base -= pad.get_peer().get_offset()     # which comes to it once more
        pad.get_peer().push_event(Gst.Event.new_segment(segment))
        return Gst.PadProbeReturn.DROP

    def lose(self, why):
        """What is held leaves first."""
        if not self.gone:
            say(f'source gone ({why}): waiting for it')
            self.gone, self.timer = True, GLib.timeout_add(int(self.hold * 1000), self.show_slate)
        if not self.waiting:
            self.waiting = True
            GLib.timeout_add_seconds(2, self.begin_again)
        return GLib.SOURCE_REMOVE

    def begin_again(self):
        self.waiting = False
        for element in self.elements:
            element.set_state(Gst.State.NULL)
        self.offset = max(self.pipeline.get_current_running_time(), self.latest + Gst.SECOND // 10)
        for element in reversed(self.elements):
            element.sync_state_with_parent()
        return GLib.SOURCE_REMOVE

    def show_slate(self):
        self.timer = 0
        if self.slate and self.gate.get_property('force').value_nick == 'none':
            self.showing = True
            Gst.util_set_object_arg(self.gate, 'force', 'slate')
        return GLib.SOURCE_REMOVE

    def find(self):
        if self.gone:
            say('source back')
        if self.timer:
            GLib.source_remove(self.timer)
        if self.showing:
            Gst.util_set_object_arg(self.gate, 'force', 'none')
        self.gone, self.timer, self.showing = False, 0, False
        return GLib.SOURCE_REMOVE


def say_state(gate):
    stats = gate.get_property('stats')
    times = [(name, stats.get_value(name)) for name in ('held-time', 'margin-last', 'margin-min')]
    say(', '.join([f'{name} {time / 1e9:.1f} s' for name, time in times if time != NOTHING_YET]
                  + [f'{name} {stats.get_value(name)}' for name in ('passed-segments', 'withheld-segments', 'late-segments')]))


def press(source, key, quit):
    gate = source.gate
    if key in FORCES:
        source.showing = False      # the operator's word stays when the source is back
        Gst.util_set_object_arg(gate, 'force', FORCES[key])
    elif key == 'd':
        say('dump: until r, and the last two seconds')
        gate.emit('dump', REACTION)
    elif key == 'r':
        say('release')
        gate.emit('release')
    elif key == 'i':
        say_state(gate)
    elif key == 'q':
        quit()


def on_key(channel, condition, source, quit):
    keys = os.read(0, 100).decode(errors='replace')
    for key in keys:
        press(source, key, quit)
    return bool(keys)


def on_message(bus, message, loop, failures, source):
    s = message.get_structure()
    if message.type == Gst.MessageType.ELEMENT and s.get_name() == 'identifai-gate':
        say(s.get_value('state'), s.get_value('reason'))
    elif message.type == Gst.MessageType.ELEMENT and s.get_name() == 'identifai-verdict':
        say('segment', s.get_value('segment'), s.get_value('classification'))
    elif message.type == Gst.MessageType.ERROR and message.src in source.elements:
        source.lose(message.parse_error()[0].message)
    elif message.type in (Gst.MessageType.ERROR, Gst.MessageType.WARNING):
        error, details = message.parse_error() if message.type == Gst.MessageType.ERROR else message.parse_warning()
        print(error.message, details, file=sys.stderr)
        if message.type == Gst.MessageType.ERROR:
            failures.append(error)
            loop.quit()


def watch_keyboard(source, quit):
    """Each key by itself, if there is a keyboard."""
    if sys.stdin.isatty():
        import termios
        import tty
        before = termios.tcgetattr(0)
        tty.setcbreak(0)
        GLib.io_add_watch(0, GLib.PRIORITY_DEFAULT, GLib.IO_IN, on_key, source, quit)
        return lambda: termios.tcsetattr(0, termios.TCSADRAIN, before)
    GLib.io_add_watch(0, GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, on_key, source, quit)
    return lambda: None


def main():
    Gst.init(None)
    arguments = read_arguments()
    pipeline, gate = make_pipeline(arguments)
    loop, failures, source = GLib.MainLoop(), [], Source(pipeline, gate, arguments)
    bus = pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect('message', on_message, loop, failures, source)
    for number in (signal.SIGINT, signal.SIGTERM):
        GLib.unix_signal_add(GLib.PRIORITY_HIGH, number, loop.quit)
    restore = watch_keyboard(source, loop.quit)
    pipeline.set_state(Gst.State.PLAYING)
    try:
        loop.run()
    finally:
        restore()
        for number in (signal.SIGINT, signal.SIGTERM):  # another one doesn't wait for what can't be stopped
            signal.signal(number, signal.SIG_DFL)
        pipeline.set_state(Gst.State.NULL)
    return int(bool(failures))


if __name__ == '__main__':
    sys.exit(main())
