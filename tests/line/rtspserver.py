#!/usr/bin/python3
# identifAI plugin for GStreamer
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""gst-rtsp-server with what comes by SRT at rtsp://ADDRESS:PORT/a: rtspserver.py ADDRESS PORT URI"""

import sys
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

if sys.argv[1:] == ["--check"]:
    sys.exit(0)
Gst.init(None)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_shared(True)
factory.set_launch(f"( srtsrc uri={sys.argv[3]} ! tsdemux name=d d. ! queue ! h264parse ! "
                   "rtph264pay name=pay0 pt=96 config-interval=-1 d. ! queue ! aacparse ! rtpmp4gpay name=pay1 pt=97 )")
server = GstRtspServer.RTSPServer(address=sys.argv[1], service=sys.argv[2])
server.get_mount_points().add_factory("/a", factory)
server.attach(None)
GLib.MainLoop().run()
