# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the commands of the pages are run on: files, and servers on loopback that stand in for
cameras, encoders and stations. Each is made when it is asked for."""

import functools
import http.server
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading
import time

PATIENCE = 60
VIDEO = "video/x-raw,format=I420,width=320,height=180,framerate=25/1"
X264 = "x264enc tune=zerolatency speed-preset=ultrafast threads=1 key-int-max=25"
LIVE_VIDEO = f"videotestsrc is-live=true ! {VIDEO} ! {X264} ! h264parse"
LIVE_SOUND = "audiotestsrc is-live=true samplesperbuffer=1024 ! audio/x-raw,rate=44100,channels=1 ! avenc_aac ! aacparse"
NGINX_MODULE = "/usr/lib/nginx/modules/ngx_rtmp_module.so"
NGINX = """
load_module {module};
daemon off; master_process off; pid {dir}/pid; error_log {dir}/error.log;
events {{ }}
rtmp {{ server {{ listen 127.0.0.1:{port}; access_log off; application live {{ live on; record off; }} }} }}
"""
# of a station: sound with titles in between, as Icecast sends it
METADATA_EVERY = 8192


class Missing(Exception):
    """A program or a module that a server wants."""


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(type=kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, condition):
    until = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(what)
        time.sleep(0.05)


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Handler(http.server.SimpleHTTPRequestHandler):
    """A folder; and radio.mp3 over and over, at its pace, with titles."""

    def do_GET(self):
        if self.path == "/radio.mp3":
            self.send_radio()
        else:
            super().do_GET()

    def send_radio(self):
        self.send_response(200)
        self.send_header("Content-Type", "audio/mpeg")
        self.send_header("icy-metaint", str(METADATA_EVERY))
        self.end_headers()
        sound = (pathlib.Path(self.directory) / "radio.mp3").read_bytes()
        try:
            for i in range(0, 100 * METADATA_EVERY, METADATA_EVERY):
                piece = (sound + sound)[i % len(sound):][:METADATA_EVERY]
                self.wfile.write(piece.ljust(METADATA_EVERY, b"\0") + b"\0")
                time.sleep(0.1)
        except OSError:
            pass

    def log_message(self, *unused):
        pass


class Sources:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.processes = []
        self.lock = threading.RLock()
        self.made = {}

    def get(self, name):
        """The address of a server, made once; files are made by make_files()."""
        with self.lock:
            if name not in self.made:
                self.made[name] = getattr(self, "serve_" + name)()
            return self.made[name]

    def start(self, *argv):
        log = open(self.folder / f"log{len(self.processes)}", "w")
        process = subprocess.Popen(argv, stdout=log, stderr=log, cwd=self.folder)
        self.processes.append(process)
        return process

    def launch(self, pipeline):
        return self.start("gst-launch-1.0", "-q", "-e", *pipeline.split())

    def make(self, pipeline):
        subprocess.run(["gst-launch-1.0", "-q", *pipeline.split()], check=True, cwd=self.folder, timeout=PATIENCE)

    def make_files(self):
        video = f"videotestsrc num-buffers=75 ! {VIDEO} ! {X264} ! h264parse"
        self.make(f"{video} ! mp4mux ! filesink location=clip.mp4")
        self.make(f"{video.replace(' ! ', ' pattern=solid-color foreground-color=0xffff00ff ! ', 1)} ! mp4mux ! filesink location=pink.mp4")
        self.make(f"{video} ! matroskamux name=m ! filesink location=long.mkv audiotestsrc num-buffers=130 ! avenc_aac ! aacparse ! m.")
        self.make(f"{video.replace(' ! ', ' pattern=smpte75 ! ', 1)} ! mp4mux ! filesink location=slate.mp4")
        self.make("audiotestsrc wave=ticks num-buffers=200 ! wavenc ! filesink location=voice.wav")
        self.make("audiotestsrc wave=ticks num-buffers=800 ! lamemp3enc ! filesink location=radio.mp3")
        self.make("videotestsrc num-buffers=1 ! jpegenc ! filesink location=picture.jpg")
        self.make("videotestsrc num-buffers=1 ! pngenc ! filesink location=photo.png")
        for i in range(2):
            shutil.copy(self.folder / "picture.jpg", self.folder / f"{i:04}.jpg")
        shutil.copy(self.folder / "voice.wav", self.folder / "speech.wav")
        for name in ("recordings", "incoming"):
            (self.folder / name).mkdir()
            shutil.copy(self.folder / "clip.mp4", self.folder / name)

    def serve_rtsp(self):
        try:
            import gi
            gi.require_version("Gst", "1.0")
            gi.require_version("GstRtspServer", "1.0")
            from gi.repository import GLib, Gst, GstRtspServer
        except (ImportError, ValueError) as error:
            raise Missing(error) from error
        Gst.init(None)
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(f"( {LIVE_VIDEO} ! rtph264pay name=pay0 )")
        factory.set_shared(True)
        self.rtsp = GstRtspServer.RTSPServer(service="0", address="127.0.0.1")
        self.rtsp.get_mount_points().add_factory("/stream", factory)
        self.rtsp.attach(None)
        threading.Thread(target=GLib.MainLoop().run, daemon=True).start()
        return f"127.0.0.1:{self.rtsp.get_bound_port()}"

    def serve_rtmp(self):
        nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        if nginx is None or not os.path.exists(NGINX_MODULE):
            raise Missing("nginx with its RTMP module")
        port = free_port()
        (self.folder / "nginx").mkdir()
        config = self.folder / "nginx/nginx.conf"
        config.write_text(NGINX.format(module=NGINX_MODULE, dir=self.folder / "nginx", port=port))
        self.start(nginx, "-e", self.folder / "nginx/error.log", "-c", config)
        wait_for("nginx", lambda: listens(port))
        self.launch(f"{LIVE_VIDEO} ! queue ! flvmux name=m streamable=true latency=500000000 ! "
                    f"rtmp2sink location=rtmp://127.0.0.1:{port}/live/in {LIVE_SOUND} ! queue ! m.")
        time.sleep(2)  # nginx doesn't say when it has a key frame for who comes later
        return f"127.0.0.1:{port}"

    def serve_srt(self):
        """A muxer that doesn't wait for video that is late says at the start that there is none, and srtsink tells each who comes."""
        port = free_port(socket.SOCK_DGRAM)
        self.launch(f"{LIVE_VIDEO} config-interval=-1 ! mpegtsmux name=m alignment=7 latency=500000000 ! srtsink uri=srt://127.0.0.1:{port}?mode=listener "
                    f"wait-for-connection=false {LIVE_SOUND} ! queue ! m.")
        return f"127.0.0.1:{port}"

    def serve_udp(self):
        port = free_port(socket.SOCK_DGRAM)
        self.launch(f"{LIVE_VIDEO} config-interval=-1 ! mpegtsmux alignment=7 ! udpsink host=127.0.0.1 port={port}")
        return str(port)

    def serve_web(self):
        subprocess.run(["ffmpeg", "-loglevel", "error", "-i", "clip.mp4", "-c", "copy", "-f", "hls", "-hls_time", "1", "-hls_playlist_type", "vod",
                        "-hls_segment_filename", "part%d.ts", "live.m3u8"], check=True, cwd=self.folder, stdin=subprocess.DEVNULL, timeout=PATIENCE)
        self.web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=self.folder))
        threading.Thread(target=self.web.serve_forever, daemon=True).start()
        return f"127.0.0.1:{self.web.server_port}"

    def serve_webrtc(self):
        """Nothing to serve: what whip.py and who publishes to it want."""
        try:
            import gi
            gi.require_version("GstWebRTC", "1.0")
        except (ImportError, ValueError) as error:
            raise Missing(error) from error
        if subprocess.run(["gst-inspect-1.0", "nicesrc"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode != 0:
            raise Missing("nicesrc")
        return ""

    def stop(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()


if __name__ == "__main__":
    sys.exit("this is for commands.py")
