#!/usr/bin/env python3
# identifAI plugin for GStreamer
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""examples/relay.py between two addresses of nginx-rtmp, with an operator who shows the slate
twenty times, and a publisher who goes and comes back: FFmpeg, which ends at the first error,
receives all of it. The slate has another size than the stream, and B frames, as the stream has."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
RELAY = HERE.parent.parent / "examples/relay.py"
MODULE = "/usr/lib/nginx/modules/ngx_rtmp_module.so"
SWITCHES = 20
HOLD = 4
CONFIG = """
load_module {module};
daemon off; master_process off; pid {dir}/pid; error_log {dir}/error.log;
events {{ }}
rtmp {{ server {{ listen 127.0.0.1:{port}; access_log off; application live {{ live on; record off; }} }} }}
"""
PUBLISHER = ("videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=180,framerate=25/1 ! "
             "x264enc bframes=2 key-int-max=10 speed-preset=ultrafast threads=1 ! h264parse ! queue ! "
             "flvmux name=m streamable=true latency=500000000 ! rtmp2sink location={url} "
             "audiotestsrc is-live=true samplesperbuffer=1024 ! audio/x-raw,rate=44100,channels=1 ! "
             "avenc_aac ! aacparse ! queue ! m.")
SLATE = ["-f", "lavfi", "-i", "smptebars=size=160x120:rate=25,format=yuv420p", "-f", "lavfi", "-i",
         "anullsrc=r=44100:cl=mono", "-t", "1", "-c:v", "libx264", "-profile:v", "main", "-g", "25", "-bf", "2",
         "-c:a", "aac"]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, condition, patience=40):
    until = time.monotonic() + patience
    while not condition():
        if time.monotonic() > until:
            sys.exit(f"relay: {what} didn't come")
        time.sleep(0.05)


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Run:
    def __init__(self, dir):
        self.dir, self.processes = dir, []

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self, name, argv, **options):
        log = open(self.path(name), "w")
        process = subprocess.Popen(argv, stdout=log, stderr=log, **options)
        self.processes.append(process)
        return process

    def read(self, name):
        return open(self.path(name), errors="replace").read()

    def stop(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()


def count(run, state):
    return sum(line.startswith(state + " ") for line in run.read("relay").splitlines())


def press(run, relay, key, state):
    """And waits until the outgoing end is there."""
    before = count(run, state)
    relay.stdin.write(key)
    relay.stdin.flush()
    wait_for(f"{state} after {key}", lambda: count(run, state) > before)


def check_operator():
    """What was shown for want of a source ends with that; what the operator wants stays."""
    import gi
    gi.require_version("Gst", "1.0")
    from gi.repository import Gst
    sys.path.insert(0, str(RELAY.parent))
    import relay
    Gst.init(None)
    sys.argv = ["relay.py", "--slate", "slate.mp4", "rtmp://127.0.0.1/in", "rtmp://127.0.0.1/out"]
    arguments = relay.read_arguments()
    for key, expected in (None, "none"), ("n", "none"), ("p", "pass"), ("s", "slate"):
        pipeline, gate = relay.make_pipeline(arguments)
        source = relay.Source(pipeline, gate, arguments)
        source.show_slate()
        assert gate.get_property("force").value_nick == "slate", key
        if key:
            relay.press(source, key, None)
        source.find()
        assert gate.get_property("force").value_nick == expected, (key, gate.get_property("force").value_nick)


def play(run):
    port, service = free_port(), free_port()
    url = f"rtmp://127.0.0.1:{port}/live/"
    with open(run.path("nginx.conf"), "w") as f:
        f.write(CONFIG.format(module=MODULE, dir=run.dir, port=port))
    subprocess.run(["ffmpeg", "-v", "error", *SLATE, run.path("slate.mp4")], check=True)
    run.start("nginx", ["/usr/sbin/nginx", "-c", run.path("nginx.conf"), "-e", run.path("error.log")])
    run.start("emulator", [os.environ["IDENTIFAI_EMULATOR"], "-q", "-p", str(service), "-d", "0.2"])
    wait_for("nginx", lambda: listens(port))
    wait_for("the emulator", lambda: listens(service))
    publisher = ["gst-launch-1.0", "-q", *PUBLISHER.format(url=url + "in").split()]
    first = run.start("publisher", publisher)
    time.sleep(1.5)  # nginx doesn't say when it has a key frame for who comes later
    env = dict(os.environ, IDENTIFAI_ENDPOINT=f"http://127.0.0.1:{service}", IDENTIFAI_API_KEY="any")
    relay = run.start("relay", ["/usr/bin/python3", str(RELAY), "--hold", str(HOLD), "--segment", "2", "--slate",
                                run.path("slate.mp4"), url + "in", url + "out"], stdin=subprocess.PIPE, env=env)
    wait_for("the slate at the start", lambda: count(run, "slate"))
    receiver = run.start("receiver", ["ffmpeg", "-nostdin", "-v", "warning", "-xerror", "-i", url + "out", "-map", "0",
                                      "-flush_packets", "1", "-f", "framecrc", "-y", run.path("frames")])
    wait_for("the stream", lambda: count(run, "pass"))
    for _ in range(SWITCHES):
        press(run, relay, b"s", "slate")
        time.sleep(0.3)  # some frames of each
        press(run, relay, b"p", "pass")
        time.sleep(0.3)
    first.kill()
    wait_for("the source's end", lambda: count(run, "source") == 1)
    run.start("publisher again", publisher)
    wait_for("the source", lambda: count(run, "source") == 2)
    # what came before is over then
    time.sleep(HOLD)
    before = run.read("frames").count("\n")
    wait_for("the new publisher's stream", lambda: run.read("frames").count("\n") > before + 100)
    assert receiver.poll() is None and relay.poll() is None, run.read("receiver") + run.read("relay")
    relay.stdin.write(b"q")
    relay.stdin.flush()
    assert relay.wait(10) == 0, run.read("relay")
    time.sleep(0.5)
    receiver.send_signal(signal.SIGKILL)


def check(run):
    states = [line for line in run.read("relay").splitlines() if line.split()[0] in ("pass", "slate", "drop")]
    assert states[0] == "slate start", states
    assert not any(line.startswith("drop") for line in states), states
    frames = [line.split(",") for line in run.read("frames").splitlines() if line and line[0] != "#"]
    for stream in {line[0] for line in frames}:
        times = [int(line[2]) for line in frames if line[0] == stream]
        assert all(a < b for a, b in zip(times, times[1:])), f"times of stream {stream} go back"
    complaints = run.read("receiver")
    assert "rror" not in complaints and "corrupt" not in complaints, complaints
    sizes = {line[4].strip() for line in frames}
    print("frames:", len(frames), "sizes:", len(sizes))
    assert len(frames) > 500 and len(sizes) >= 2


def main():
    if not os.path.exists(MODULE) or not os.path.exists("/usr/sbin/nginx") or not shutil.which("ffmpeg"):
        print("skipped: nginx with its RTMP module, or ffmpeg, isn't here")
        return 77
    check_operator()
    with tempfile.TemporaryDirectory(prefix="relay-") as dir:
        run = Run(dir)
        try:
            play(run)
            check(run)
        finally:
            run.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
