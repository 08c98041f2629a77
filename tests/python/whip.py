#!/usr/bin/env python3
# identifAI plugin for GStreamer
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What goes wrong at examples/whip.py: each publisher gets an answer, and none is kept that isn't
there. That one who is there is judged, the test commands sees."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from emulator import Emulator

try:
    import gi
    gi.require_version("Gst", "1.0")
    gi.require_version("GstWebRTC", "1.0")
    from gi.repository import Gst
    import whippublisher
except (ImportError, ValueError) as error:
    print(f"skipped: {error}")
    sys.exit(77)

WHIP = pathlib.Path(__file__).resolve().parents[2] / "examples/whip.py"
PATIENCE = 60


def make_offer():
    pipeline = Gst.parse_launch(whippublisher.PIPELINE.format(video=whippublisher.VIDEO))
    rtc = pipeline.get_by_name("rtc")
    pipeline.set_state(Gst.State.PLAYING)
    whippublisher.wait_for("caps", lambda: all(pad.get_current_caps() for pad in rtc.sinkpads))
    reply = whippublisher.call(rtc, "create-offer", None)
    text = reply.get_value("offer").sdp.as_text()
    pipeline.set_state(Gst.State.NULL)
    return text


class Run:
    processes = []

    def __init__(self, folder, *arguments, **settings):
        self.path = os.path.join(folder, "log")
        with open(self.path, "w") as log:
            self.process = subprocess.Popen(["/usr/bin/python3", WHIP, *arguments], stdout=log, stderr=log,
                                            env=dict(os.environ, **settings))
        self.processes.append(self.process)

    def read(self):
        with open(self.path) as log:
            return log.read()

    def wait(self, text):
        until = time.monotonic() + PATIENCE
        while not re.search(text, self.read()):
            assert time.monotonic() < until and self.process.poll() is None, (text, self.read())
            time.sleep(0.05)
        return re.search(text, self.read())

    def post(self, offer):
        """(status, where or why)"""
        request = urllib.request.Request(self.wait("http://.*/whip")[0], offer.encode(), {"Content-Type": "application/sdp"})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                return response.status, response.headers["Location"]
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def delete(self, path):
        request = urllib.request.Request(self.wait("http://.*/whip")[0].removesuffix("/whip") + path, method="DELETE")
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                return response.status
        except urllib.error.HTTPError as error:
            return error.code

    def end(self):
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(PATIENCE)
        assert code == 0 and "Traceback" not in self.read(), (code, self.read())


def check_settings(folder, endpoint, offer):
    run = Run(folder, "nonsense=1")
    assert run.process.wait(PATIENCE) == 1 and run.read().startswith("whip.py: ") and "nonsense" in run.read(), run.read()


def check_no_key(folder, endpoint, offer):
    """The second one, too, is told, and the program goes on."""
    run = Run(folder, IDENTIFAI_ENDPOINT=endpoint, IDENTIFAI_API_KEY="")
    for number in (1, 2):
        status, why = run.post(offer)
        assert status == 503 and why, (status, why)
        run.wait(f"publisher{number} has gone")
    assert "There is no API key" in run.read(), run.read()
    run.end()


def check_offers(folder, endpoint, offer):
    run = Run(folder, IDENTIFAI_ENDPOINT=endpoint, IDENTIFAI_API_KEY="any")
    sound = offer[:offer.index("m=")] + offer[offer.index("m=audio"):]
    for number, text in enumerate(("hello", "v=0\r\n", sound), 1):
        status, why = run.post(text)
        assert status == 406 and "video" in why, (status, why)
        run.wait(f"publisher{number} has gone")
    run.end()


def check_absent(folder, endpoint, offer):
    """Who never connects isn't kept."""
    run = Run(folder, "--patience", "1", IDENTIFAI_ENDPOINT=endpoint, IDENTIFAI_API_KEY="any")
    status, where = run.post(offer)
    assert status == 201 and where, (status, where)
    run.wait("publisher1 has gone")
    run.end()


def check_goodbye(folder, endpoint, offer):
    """Only who knows its path ends a publisher, and that can't be guessed."""
    run = Run(folder, IDENTIFAI_ENDPOINT=endpoint, IDENTIFAI_API_KEY="any")
    wheres = [run.post(offer)[1] for _ in range(2)]
    assert all(re.fullmatch(r"/whip/[\w-]{22,}", where) for where in wheres) and wheres[0] != wheres[1], wheres
    for guess in ("/whip", "/whip/", "/whip/1", wheres[0][:-1]):
        assert run.delete(guess) == 404, guess
    assert "has gone" not in run.read(), run.read()
    assert run.delete(wheres[0]) == 200
    run.wait("publisher1 has gone")
    assert "publisher2 has gone" not in run.read(), run.read()
    assert run.delete(wheres[0]) == 404
    run.end()


def main():
    Gst.init(None)
    if not Gst.ElementFactory.find("nicesrc") or not Gst.ElementFactory.find("x264enc"):
        print("skipped: nicesrc or x264enc isn't there")
        return 77
    offer = make_offer()
    with Emulator() as endpoint:
        for check in (check_settings, check_no_key, check_offers, check_absent, check_goodbye):
            start = time.monotonic()
            with tempfile.TemporaryDirectory() as folder:
                try:
                    check(folder, endpoint, offer)
                finally:
                    for process in Run.processes:
                        process.kill()
            print(f"{check.__name__}: {time.monotonic() - start:.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
