#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A WebRTC endpoint whose publishers are judged: it speaks WHIP (RFC 9725), as OBS, browsers and
GStreamer's whipclientsink do. What stands behind -- is set on each publisher's identifaisink:

  IDENTIFAI_API_KEY_FILE=key whip.py --port 8889 -- segment-duration=5000000000

OBS: Settings, Stream, WHIP, http://127.0.0.1:8889/whip. Ctrl-C ends the publishers, and waits for
their verdicts. From other machines only through a web server that knows who asks (a browser wants
https, too). Needs python3-gi, python3-gst-1.0, gir1.2-gst-plugins-bad-1.0, gstreamer1.0-nice,
gstreamer1.0-plugins-good and -bad."""
import argparse
import http.server
import secrets
import signal
import sys
import threading
import gi
gi.require_version('Gst', '1.0')
gi.require_version('GstSdp', '1.0')
gi.require_version('GstWebRTC', '1.0')
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

CHAINS = {'H264': 'rtph264depay ! h264parse', 'H265': 'rtph265depay ! h265parse', 'VP8': 'rtpvp8depay', 'VP9': 'rtpvp9depay ! vp9parse',
          'OPUS': 'rtpopusdepay ! opusparse'}
LARGEST_OFFER = 1000000
GATHERING = 10  # seconds
NEEDED = {'webrtcbin': 'gstreamer1.0-plugins-bad', 'nicesrc': 'gstreamer1.0-nice', 'rtph264depay': 'gstreamer1.0-plugins-good',
          'identifaisink': 'the plugin of this example'}


class Publisher:
    """webrtcbin, a chain for each of its streams, and what judges. negotiate() is called on a thread
    of the server, the pads come on webrtcbin's, and messages in the main loop."""

    def __init__(self, number, settings, patience, on_end):
        self.name, self.on_end = f'publisher{number}', on_end
        self.ending, self.stopping, self.gathered = False, False, threading.Event()
        self.pipeline = Gst.Pipeline.new(self.name)
        # webrtcbin has sinks in it that never end, so EOS is the element's own
        self.pipeline.set_property('message-forward', True)
        self.rtc = Gst.ElementFactory.make('webrtcbin')
        self.sink = Gst.parse_launch(f'identifaisink name={self.name} async=false on-refusal=warn ref-id={self.name}-%05u {settings}')
        self.rtc.set_property('bundle-policy', 'max-bundle')
        self.pipeline.add(self.rtc)
        self.pipeline.add(self.sink)
        self.chains, self.pads = [], {}
        self.rtc.connect('pad-added', self.on_pad)
        self.rtc.connect('notify::ice-gathering-state', self.on_gathering)
        self.rtc.connect('notify::connection-state', self.on_connection)
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect('message', self.on_message)
        GLib.timeout_add_seconds(patience, self.end_unconnected)

    def call(self, action, argument):
        """The reply, to be kept while what is in it is used."""
        promise = Gst.Promise.new()
        self.rtc.emit(action, argument, promise)
        promise.wait()
        return promise.get_reply()

    def negotiate(self, text):
        """The answer, with all addresses in it; sound has its pad from the start."""
        result, sdp = GstSdp.SDPMessage.new_from_text(text)
        kinds = [sdp.get_media(i).get_media() for i in range(sdp.medias_len())] if result == GstSdp.SDPResult.OK else []
        if 'video' not in kinds:
            raise ValueError('the offer has no video')
        self.pads['video'] = self.sink.get_static_pad('sink')
        if 'audio' in kinds:
            self.pads['audio'] = self.sink.request_pad_simple('audio_%u')
        if self.pipeline.set_state(Gst.State.PLAYING) == Gst.StateChangeReturn.FAILURE:
            raise RuntimeError('nothing can be judged here now')
        self.call('set-remote-description', GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.OFFER, sdp))
        reply = self.call('create-answer', None)
        if reply is None or not reply.has_field('answer'):
            raise ValueError('the offer has nothing that can be received')
        self.call('set-local-description', reply.get_value('answer'))
        self.gathered.wait(GATHERING)
        return self.rtc.get_property('local-description').sdp.as_text()

    def on_gathering(self, rtc, _):
        if rtc.get_property('ice-gathering-state') == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            self.gathered.set()

    def on_connection(self, rtc, _):
        """Who goes without a word is noticed by ICE, after some seconds."""
        if rtc.get_property('connection-state') in (GstWebRTC.WebRTCPeerConnectionState.DISCONNECTED, GstWebRTC.WebRTCPeerConnectionState.FAILED):
            GLib.idle_add(self.end)

    def on_pad(self, rtc, pad):
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        caps = Gst.Structure.new_from_string(pad.get_current_caps().to_string())  # whose own are wrapped since GStreamer 1.24
        chain = CHAINS.get(caps.get_string('encoding-name'))
        target = self.pads.pop(caps.get_string('media'), None) if chain else None
        if target is None:
            print(f"{self.name}: {caps.get_string('encoding-name')} is left out", file=sys.stderr)
            chain = 'fakesink async=false'
        element = Gst.parse_bin_from_description(f'queue ! {chain}', True)
        self.pipeline.add(element)
        if target is not None:
            element.get_static_pad('src').link(target)
            self.chains.append(element)
        element.sync_state_with_parent()
        pad.link(element.get_static_pad('sink'))
        if self.ending:
            element.get_static_pad('sink').send_event(Gst.Event.new_eos())

    def end_unconnected(self):
        if self.rtc.get_property('connection-state') != GstWebRTC.WebRTCPeerConnectionState.CONNECTED:
            self.end()
        return False

    def end(self):
        """The sink's EOS comes back as a message once all verdicts are there."""
        if not self.ending:
            self.ending = True
            threading.Thread(target=self.send_ends, daemon=True).start()
        return False

    def send_ends(self):
        """Waits for what is under way in each stream."""
        for pad in [chain.get_static_pad('sink') for chain in self.chains] + list(self.pads.values()):
            pad.send_event(Gst.Event.new_eos())

    def on_message(self, bus, message):
        s = message.get_structure()
        if message.type == Gst.MessageType.ELEMENT and s.get_name() == 'identifai-verdict':
            print(f"{self.name} segment {s.get_value('segment')}: {s.get_value('classification')}, score {s.get_value('score'):.2f}", flush=True)
        elif message.type == Gst.MessageType.ELEMENT and s.get_name() in ('identifai-failed', 'identifai-dropped'):
            print(f"{self.name} segment {s.get_value('segment')}: not judged, {s.get_value('reason')}", flush=True)
        elif message.type == Gst.MessageType.WARNING:
            print(f'{self.name}: {message.parse_warning()[0].message}', file=sys.stderr)
        elif message.type == Gst.MessageType.ERROR and not self.stopping:
            print(f'{self.name}: {message.parse_error()[0].message}', file=sys.stderr)
        ended = message.type == Gst.MessageType.ELEMENT and s.get_name() == 'GstBinForwarded' and message.src == self.pipeline \
            and s.get_value('message').type == Gst.MessageType.EOS and s.get_value('message').src == self.sink
        if ended or message.type == Gst.MessageType.ERROR:
            self.stop()

    def stop(self):
        """On a thread of its own, as it may wait. What judges first: what is open is told as dropped then."""
        if not self.stopping:
            self.stopping = True
            self.pipeline.set_auto_flush_bus(False)
            threading.Thread(target=self.run_stop, daemon=True).start()

    def run_stop(self):
        self.sink.set_state(Gst.State.NULL)
        self.pipeline.set_state(Gst.State.NULL)
        GLib.idle_add(self.on_stopped)

    def on_stopped(self):
        bus = self.pipeline.get_bus()
        while message := bus.pop_filtered(Gst.MessageType.ELEMENT):
            self.on_message(bus, message)
        bus.remove_signal_watch()
        print(f'{self.name} has gone', flush=True)
        self.on_end(self)
        return False


class Service:
    def __init__(self, settings, patience):
        self.settings, self.patience, self.publishers, self.count = settings, patience, {}, 0
        self.lock, self.loop, self.ending = threading.Lock(), GLib.MainLoop(), False

    def publish(self, offer):
        """(path, answer). On the server's thread."""
        with self.lock:
            self.count += 1
            path = f'/whip/{secrets.token_urlsafe(16)}'  # who knows it may end the publisher
            publisher = Publisher(self.count, self.settings, self.patience, lambda _: self.forget(path))
            self.publishers[path] = publisher
        try:
            return path, publisher.negotiate(offer)
        except Exception:
            GLib.idle_add(publisher.stop)
            raise

    def forget(self, path):
        with self.lock:
            del self.publishers[path]
            if self.ending and not self.publishers:
                self.loop.quit()

    def end(self):
        """A second Ctrl-C doesn't wait."""
        with self.lock:
            publishers = list(self.publishers.values())
            if self.ending or not publishers:
                self.loop.quit()
            self.ending = True
        for publisher in publishers:
            publisher.end()
        return True


class Handler(http.server.BaseHTTPRequestHandler):
    def reply(self, status, text='', **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace('_', '-'), value)
        self.send_header('Content-Length', str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_POST(self):
        length = self.headers.get('Content-Length', '')
        length = int(length) if length.isdigit() else 0
        if self.path != '/whip' or self.server.service.ending:
            return self.reply(404, 'publish to /whip\n')
        if self.headers.get_content_type() != 'application/sdp' or not 0 < length <= LARGEST_OFFER:
            return self.reply(415, 'an offer is application/sdp\n')
        try:
            path, answer = self.server.service.publish(self.rfile.read(length).decode(errors='replace'))
        except ValueError as error:
            return self.reply(406, f'{error}\n')
        except RuntimeError as error:
            return self.reply(503, f'{error}\n')
        return self.reply(201, answer, Content_Type='application/sdp', Location=path)

    def do_DELETE(self):
        publisher = self.server.service.publishers.get(self.path)
        if publisher is None:
            return self.reply(404)
        GLib.idle_add(publisher.end)
        return self.reply(200)

    def log_message(self, *unused):
        pass


def check(settings):
    """What would keep each publisher from being judged, said at the start."""
    missing = [f'{name} ({package})' for name, package in NEEDED.items() if not Gst.ElementFactory.find(name)]
    if missing:
        sys.exit('whip.py: there is no ' + ', no '.join(missing))
    try:
        Gst.parse_launch('identifaisink ' + settings)
    except GLib.Error as error:
        sys.exit(f'whip.py: {error.message}')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--address', default='127.0.0.1', help='where it listens (127.0.0.1)')
    parser.add_argument('--port', type=int, default=0, help='0, the default, takes a free one')
    parser.add_argument('--patience', type=int, default=60, help='seconds in which a publisher has to be connected (60)')
    parser.add_argument('settings', nargs='*', metavar='PROPERTY=VALUE')
    arguments = parser.parse_args()
    Gst.init(None)
    settings = ' '.join(arguments.settings)
    check(settings)
    service = Service(settings, arguments.patience)
    server = http.server.ThreadingHTTPServer((arguments.address, arguments.port), Handler)
    server.service = service
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        GLib.unix_signal_add(GLib.PRIORITY_HIGH, number, service.end)
    print(f'whip.py: publish to http://{arguments.address}:{server.server_port}/whip', flush=True)
    service.loop.run()


if __name__ == '__main__':
    main()
