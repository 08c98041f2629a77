#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A relay with identifaigate in it: H.264 and AAC from one RTMP or SRT address to another, a slate
in place of what is withheld, and an operator at the keyboard:

  IDENTIFAI_API_KEY_FILE=key relay.py --slate slate.mp4 rtmp://127.0.0.1/live/in rtmp://127.0.0.1/live/out

  s  the slate, at once          n  as the verdicts say, from the next key frame on
  d  withhold what comes, and what came in the last two seconds     r  release: no more of that
  p  let all out                 q  quit

Needs python3-gi, gstreamer1.0-plugins-good and -bad."""
import argparse
import os
import signal
import sys
import gi
gi.require_version('Gst', '1.0')
from gi.repository import GLib, Gst  # noqa: E402

REACTION = 2 * Gst.SECOND
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
        return f'srtsrc uri="{url}" ! tsdemux name=d'
    return f'rtmp2src location="{url}" ! flvdemux name=d'


def make_target(url):
    """SRT's receivers come and go: all of them need the headers."""
    if url.startswith('srt:'):
        return ('h264parse config-interval=-1', 'mpegtsmux name=m alignment=7',
                f'srtsink uri="{url}" wait-for-connection=false')
    return 'h264parse', 'flvmux name=m streamable=true', f'rtmp2sink location="{url}"'


def make_pipeline(arguments):
    parser, muxer, sink = make_target(arguments.target)
    action = 'slate' if arguments.slate else 'drop'
    text = (f'{make_source(arguments.source)} d. ! queue ! h264parse ! identifaigate name=gate on-refusal=warn '
            f'hold={int(arguments.hold * 1e9)} segment-duration={int(arguments.segment * 1e9)} '
            f'on-artificial={action} on-unjudged={action} ! queue ! {parser} ! {muxer} ! {sink} ')
    if not arguments.no_sound:
        text += 'd. ! queue ! aacparse ! gate.audio_0 gate.audio_src_0 ! queue ! m.'
    pipeline = Gst.parse_launch(text)
    gate = pipeline.get_by_name('gate')
    if arguments.slate:
        gate.set_property('slate-location', arguments.slate)
    return pipeline, gate


def say(*words):
    print(*words, flush=True)


def press(gate, key, quit):
    if key in FORCES:
        Gst.util_set_object_arg(gate, 'force', FORCES[key])
    elif key == 'd':
        gate.emit('dump', REACTION)
    elif key == 'r':
        gate.emit('release')
    elif key == 'q':
        quit()


def on_key(channel, condition, gate, quit):
    keys = os.read(0, 100).decode(errors='replace')
    for key in keys:
        press(gate, key, quit)
    return bool(keys)


def on_message(bus, message, loop, failures):
    s = message.get_structure()
    if message.type == Gst.MessageType.ELEMENT and s.get_name() == 'identifai-gate':
        say(s.get_value('state'), s.get_value('reason'))
    elif message.type == Gst.MessageType.ELEMENT and s.get_name() == 'identifai-verdict':
        say('segment', s.get_value('segment'), s.get_value('classification'))
    elif message.type in (Gst.MessageType.ERROR, Gst.MessageType.WARNING):
        error, details = message.parse_error() if message.type == Gst.MessageType.ERROR else message.parse_warning()
        print(error.message, details, file=sys.stderr)
        if message.type == Gst.MessageType.ERROR:
            failures.append(error)
    if message.type in (Gst.MessageType.ERROR, Gst.MessageType.EOS):
        loop.quit()


def watch_keyboard(gate, quit):
    """Each key by itself, if there is a keyboard."""
    if sys.stdin.isatty():
        import termios
        import tty
        before = termios.tcgetattr(0)
        tty.setcbreak(0)
        GLib.io_add_watch(0, GLib.PRIORITY_DEFAULT, GLib.IO_IN, on_key, gate, quit)
        return lambda: termios.tcsetattr(0, termios.TCSADRAIN, before)
    GLib.io_add_watch(0, GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, on_key, gate, quit)
    return lambda: None


def main():
    Gst.init(None)
    pipeline, gate = make_pipeline(read_arguments())
    loop, failures = GLib.MainLoop(), []
    bus = pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect('message', on_message, loop, failures)
    for number in (signal.SIGINT, signal.SIGTERM):
        GLib.unix_signal_add(GLib.PRIORITY_HIGH, number, loop.quit)
    restore = watch_keyboard(gate, loop.quit)
    pipeline.set_state(Gst.State.PLAYING)
    try:
        loop.run()
    finally:
        restore()
        pipeline.set_state(Gst.State.NULL)
    return int(bool(failures))


if __name__ == '__main__':
    sys.exit(main())
