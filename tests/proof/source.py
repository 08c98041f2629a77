#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A camera, or what an encoder sends: a moving picture with sound, which for some seconds
now and then is of the colour that the emulator takes for artificial.

  source.py rtsp PORT    serves rtsp://127.0.0.1:PORT/a
  source.py srt PORT     waits for callers at srt://127.0.0.1:PORT
  source.py rtmp URL     publishes to URL
"""

import random
import sys

import gi
gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

VIDEO = ("videotestsrc name=picture is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=15/1 ! "
         "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=30 bitrate=300 threads=1 ! h264parse config-interval=-1")
SOUND = "audiotestsrc is-live=true wave=ticks ! audio/x-raw,rate=44100,channels=1 ! avenc_aac ! aacparse"
BALL, COLOUR = 18, 17  # values of videotestsrc's pattern
MAGENTA = 0xffff00ff


def alternate(picture):
    """Of the marker's colour 4 to 15 s, a ball 5 to 40 s."""
    artificial = picture.get_property("pattern").value_nick == "solid-color"
    picture.set_property("foreground-color", MAGENTA)
    picture.set_property("pattern", BALL if artificial else COLOUR)
    GLib.timeout_add(random.randint(5000, 40000) if artificial else random.randint(4000, 15000), alternate, picture)
    return GLib.SOURCE_REMOVE


def begin(element):
    GLib.timeout_add(random.randint(1000, 15000), alternate, element.get_by_name("picture"))


def serve_rtsp(port):
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GstRtspServer
    server, factory = GstRtspServer.RTSPServer(), GstRtspServer.RTSPMediaFactory()
    server.set_address("127.0.0.1")
    server.set_service(port)
    factory.set_launch(f"( {VIDEO} ! rtph264pay name=pay0 pt=96 {SOUND} ! rtpmp4gpay name=pay1 pt=97 )")
    factory.set_shared(True)
    factory.connect("media-configure", lambda _, media: begin(media.get_element()))
    server.get_mount_points().add_factory("/a", factory)
    if not server.attach(None):
        sys.exit("the port is taken")
    return server


def run(pipeline, loop):
    pipeline = Gst.parse_launch(pipeline)
    begin(pipeline)
    bus = pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect("message::error", lambda _, message: (print(message.parse_error(), file=sys.stderr), loop.quit()))
    pipeline.set_state(Gst.State.PLAYING)
    return pipeline


def main():
    Gst.init(None)
    loop = GLib.MainLoop()
    kind, where = sys.argv[1:]
    if kind == "rtsp":
        kept = serve_rtsp(where)
    elif kind == "srt":
        kept = run(f"{VIDEO} ! queue ! mpegtsmux alignment=7 name=m ! srtsink uri=srt://127.0.0.1:{where}?mode=listener "
                   f"wait-for-connection=false {SOUND} ! queue ! m.", loop)
    else:
        kept = run(f"{VIDEO} ! queue ! flvmux name=m streamable=true ! rtmp2sink location={where} {SOUND} ! queue ! m.", loop)
    loop.run()
    del kept


main()
