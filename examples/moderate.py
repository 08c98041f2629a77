#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints a line for each outcome of a pipeline that ends in identifaisink, as
moderate.py videotestsrc num-buffers=150 ! x264enc ! h264parse ! identifaisink
What runs for months is identifai-moderate. Needs python3-gi, python3-gst-1.0."""
import signal
import sys
import threading
import gi
gi.require_version('Gst', '1.0')
from gi.repository import GLib, Gst  # noqa: E402


def on_message(bus, message, loop):
    s = message.get_structure()
    if message.type == Gst.MessageType.ELEMENT and s.get_name() == 'identifai-verdict':
        print(s.get_value('segment'), s.get_value('classification'), s.get_value('score'), flush=True)
    elif message.type == Gst.MessageType.ELEMENT and s.get_name() in ('identifai-failed', 'identifai-dropped'):
        print(s.get_value('segment'), 'not judged:', s.get_value('reason'), flush=True)
    elif message.type == Gst.MessageType.ERROR:
        print(message.parse_error()[0].message, file=sys.stderr)
    if message.type in (Gst.MessageType.ERROR, Gst.MessageType.EOS):
        loop.quit()


def on_sigterm():
    """On threads of their own: a source that is held up holds up who sends EOS. The next one ends the program at once."""
    for source in pipeline.iterate_sources():
        threading.Thread(target=source.send_event, args=[Gst.Event.new_eos()], daemon=True).start()


Gst.init(None)
loop, pipeline = GLib.MainLoop(), Gst.parse_launch(' '.join(sys.argv[1:]))
pipeline.get_bus().add_signal_watch()
pipeline.get_bus().connect('message', on_message, loop)
GLib.unix_signal_add(GLib.PRIORITY_HIGH, signal.SIGTERM, on_sigterm)
pipeline.set_state(Gst.State.PLAYING)
loop.run()
signal.signal(signal.SIGTERM, signal.SIG_DFL)
pipeline.set_state(Gst.State.NULL)
