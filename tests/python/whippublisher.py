#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Publishes a test picture and a tone by WHIP for some seconds, and says goodbye:
whippublisher.py URL SECONDS [VIDEO]. For commands.py; Debian has no element that does so."""

import sys
import time
import urllib.error
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import Gst, GstSdp, GstWebRTC

PATIENCE = 60
VIDEO = "x264enc tune=zerolatency speed-preset=ultrafast threads=1 key-int-max=50 ! h264parse config-interval=-1 ! rtph264pay ! application/x-rtp,media=video,encoding-name=H264,payload=96"
PIPELINE = """webrtcbin name=rtc bundle-policy=max-bundle
  videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=180,framerate=25/1 ! {video} ! queue leaky=downstream max-size-buffers=20 ! rtc.
  audiotestsrc is-live=true ! audio/x-raw,rate=48000,channels=1 ! opusenc ! rtpopuspay ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! queue leaky=downstream max-size-buffers=5 ! rtc."""


def call(rtc, action, argument):
    """The reply, to be kept while what is in it is used."""
    promise = Gst.Promise.new()
    rtc.emit(action, argument, promise)
    promise.wait()
    return promise.get_reply()


def wait_for(what, condition):
    until = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > until:
            sys.exit(f"whippublisher: no {what}")
        time.sleep(0.05)


def post(url, offer):
    """Again while nobody listens yet."""
    request = urllib.request.Request(url, offer.encode(), {"Content-Type": "application/sdp"})
    until = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                return response.headers["Location"], response.read().decode()
        except urllib.error.HTTPError:
            raise
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def main():
    url, seconds = sys.argv[1], float(sys.argv[2])
    Gst.init(None)
    pipeline = Gst.parse_launch(PIPELINE.format(video=sys.argv[3] if len(sys.argv) > 3 else VIDEO))
    rtc = pipeline.get_by_name("rtc")
    pipeline.set_state(Gst.State.PLAYING)
    wait_for("caps", lambda: all(pad.get_current_caps() for pad in rtc.sinkpads))
    reply = call(rtc, "create-offer", None)
    call(rtc, "set-local-description", reply.get_value("offer"))
    wait_for("addresses", lambda: rtc.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE)
    path, answer = post(url, rtc.get_property("local-description").sdp.as_text())
    sdp = GstSdp.SDPMessage.new_from_text(answer)[1]
    call(rtc, "set-remote-description", GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp))
    wait_for("connection", lambda: rtc.get_property("connection-state") == GstWebRTC.WebRTCPeerConnectionState.CONNECTED)
    time.sleep(seconds)
    if seconds > 0:
        urllib.request.urlopen(urllib.request.Request(url.rsplit("/", 1)[0] + path, method="DELETE"), timeout=PATIENCE)
    pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    main()
