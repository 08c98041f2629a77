#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How long after a segment's last buffer has the service its last byte? A live stream over a slow uplink: a network namespace
with a rate (needs root, ip and tc), and a relay that passes on what comes a while later, with and without early-upload.

  earlyupload.py [--rate 5mbit] [--delay 0.02] [--bitrate 4000] [--segments 6]

Prints one line a way: median, best, worst, in seconds. GST_PLUGIN_PATH has the plugin."""

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'python'))
import earlyupload  # noqa: E402
from gi.repository import Gst  # noqa: E402

NAME = 'early%d' % os.getpid()
# so that two runs don't meet, nor one what is left of another that was killed
OWN, OTHER = ('10.213.%d.%d' % (os.getpid() % 250, i) for i in (1, 2))
DESCRIPTION = ('videotestsrc is-live=true pattern=snow num-buffers=%d ! video/x-raw,width=640,height=360,framerate=25/1 ! '
               'x264enc tune=zerolatency speed-preset=ultrafast key-int-max=50 bitrate=%d vbv-buf-capacity=500 ! h264parse ! '
               'identifaisink name=s segment-duration=10000000000 api-key=k allow-plain-http=true endpoint=http://%s:%d early-upload=%s')


def make_link(rate):
    for command in ('ip netns add {n}', 'ip link add {v}a type veth peer name {v}b netns {n}', 'ip addr add {o}/24 dev {v}a',
                    'ip link set {v}a up', 'ip -n {n} addr add {p}/24 dev {v}b', 'ip -n {n} link set {v}b up',
                    'ip -n {n} link set lo up', 'ip netns exec {n} tc qdisc add dev {v}b root tbf rate {r} burst 16kb latency 300ms'):
        subprocess.run(command.format(n=NAME, v=NAME[:12], o=OWN, p=OTHER, r=rate).split(), check=True)


async def pass_on(reader, writer, delay):
    queue = asyncio.Queue(200)

    async def write():
        while (item := await queue.get()) is not None:
            await asyncio.sleep(max(0, item[0] - time.monotonic()))
            writer.write(item[1])
            await writer.drain()
        writer.close()

    task = asyncio.ensure_future(write())
    while data := await reader.read(16384):
        await queue.put((time.monotonic() + delay, data))
    await queue.put(None)
    await task


def relay(port, delay):
    """Returns its port."""
    ready = []

    async def connect(reader, writer):
        back_reader, back_writer = await asyncio.open_connection(OWN, port)
        await asyncio.gather(pass_on(reader, back_writer, delay), pass_on(back_reader, writer, delay), return_exceptions=True)

    async def serve():
        server = await asyncio.start_server(connect, OWN, 0)
        ready.append(server.sockets[0].getsockname()[1])
        async with server:
            await server.serve_forever()

    threading.Thread(target=asyncio.run, args=(serve(),), daemon=True).start()
    while not ready:
        time.sleep(0.01)
    return ready[0]


def stream(frames, bitrate, host, port, early):
    """In the namespace: when the last buffer of each segment came, as JSON."""
    Gst.init(None)
    pipeline = Gst.parse_launch(DESCRIPTION % (frames, bitrate, host, port, early))
    came, ends, first = [], {}, []

    def note(pad, info):
        came.append((info.get_buffer().pts, time.monotonic()))
        return Gst.PadProbeReturn.OK

    sink = pipeline.get_by_name('s')
    sink.get_static_pad('sink').add_probe(Gst.PadProbeType.BUFFER, note)
    pipeline.set_state(Gst.State.PLAYING)
    bus = pipeline.get_bus()
    while (message := bus.timed_pop(Gst.CLOCK_TIME_NONE)).type not in (Gst.MessageType.EOS, Gst.MessageType.ERROR):
        structure = message.get_structure()
        if structure and structure.get_name() == 'identifai-submitted':
            end = structure.get_value('running-time') + structure.get_value('duration')
            ends[structure.get_value('sha256')] = end
    first = came[0][0]
    last = {name: max(t for pts, t in came if pts - first < end - 10000000) for name, end in ends.items()}
    pipeline.set_state(Gst.State.NULL)
    json.dump(last, sys.stdout)


def measure(options, early):
    service = earlyupload.Service(host=OWN)
    frames = options.segments * 250 + 100
    output = subprocess.run(['ip', 'netns', 'exec', NAME, sys.executable, os.path.abspath(__file__), '--stream', str(frames),
                             str(options.bitrate), OWN, str(relay(service.port, options.delay)), early], stdout=subprocess.PIPE, check=True,
                            timeout=120 + frames / 10).stdout
    last = json.loads(output)
    # the last one is shorter
    found = sorted(p.ended - last[p.sha256] for p in service.posts[:options.segments] if p.sha256 in last)
    print('early-upload=%-5s %d segments of %.1f MB: median %.2f s, %.2f to %.2f; %d of %d went early' % (
        early, len(found), max(p.length for p in service.posts) / 1e6, statistics.median(found), found[0], found[-1],
        sum(p.chunked for p in service.posts), len(service.posts)), flush=True)


def main():
    if sys.argv[1:2] == ['--stream']:
        return stream(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5]), sys.argv[6])
    parser = argparse.ArgumentParser()
    parser.add_argument('--rate', default='5mbit')
    parser.add_argument('--delay', type=float, default=0.02, help='s, each way')
    parser.add_argument('--bitrate', type=int, default=4000, help='kbit/s')
    parser.add_argument('--segments', type=int, default=6)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        make_link(options.rate)
        for early in ('false', 'true'):
            measure(options, early)
    finally:
        subprocess.run(['ip', 'netns', 'del', NAME])


if __name__ == '__main__':
    main()
