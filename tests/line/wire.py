# identifAI plugin for GStreamer
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A bad cable between two network namespaces: packets are late, lost, and come no
faster than so. By TUN devices and a process that forwards, as not every kernel has
netem. Needs root; the namespace that it is called in is one end."""

import collections
import fcntl
import multiprocessing
import os
import random
import select
import struct
import subprocess
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
NEAR, FAR = "10.77.0.1", "10.77.0.2"
LONGEST = 0.3   # what waits for the rate, in s; what comes then is lost


def open_tun(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


class Direction:
    def __init__(self, source, target, quality):
        self.source, self.target, self.quality = source, target, quality
        self.packets = collections.deque()  # of (when, packet)
        self.free = self.last = 0

    def take(self, now):
        try:
            packet = os.read(self.source, 65536)
        except BlockingIOError:
            return
        begin = max(now, self.free)
        if random.random() < self.quality["loss"] or begin - now > LONGEST:
            return
        self.free = begin + len(packet) * 8 / self.quality["rate"]
        late = self.quality["delay"] + random.uniform(0, self.quality["jitter"])
        self.last = max(self.last, self.free + late)    # nothing overtakes
        self.packets.append((self.last, packet))

    def give(self, now):
        while self.packets and self.packets[0][0] <= now:
            try:
                os.write(self.target, self.packets.popleft()[1])
            except OSError:
                pass    # its end isn't up yet, or full: lost

    def next(self):
        return self.packets[0][0] if self.packets else float("inf")


def forward(directions):
    while True:
        now = time.monotonic()
        for direction in directions:
            direction.give(now)
        wait = min(d.next() for d in directions) - time.monotonic()
        ready = select.select([d.source for d in directions], [], [], max(0, min(wait, 1)))[0]
        for direction in directions:
            if direction.source in ready:
                direction.take(time.monotonic())


class Wire:
    """quality: loss (0 to 1), delay and jitter (s, one way), rate (bit/s)."""

    def __init__(self, **quality):
        self.name = f"line-{os.getpid()}"
        near, far = open_tun("near"), open_tun("far")
        for command in (f"ip netns add {self.name}", f"ip link set far netns {self.name}",
                        f"ip addr add {NEAR} peer {FAR} dev near", "ip link set near up",
                        f"ip -n {self.name} addr add {FAR} peer {NEAR} dev far",
                        f"ip -n {self.name} link set far up", f"ip -n {self.name} link set lo up"):
            subprocess.run(command.split(), check=True)
        self.process = multiprocessing.Process(
            target=forward, daemon=True,
            args=([Direction(near, far, quality), Direction(far, near, quality)],))
        self.process.start()
        os.close(near)
        os.close(far)

    def wrap(self, argv):
        """argv at the far end."""
        return ["ip", "netns", "exec", self.name, *argv]

    def stop(self):
        self.process.terminate()
        self.process.join()
        subprocess.run(["ip", "netns", "del", self.name])
