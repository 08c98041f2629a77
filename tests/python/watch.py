#!/usr/bin/env python3
# identifAI plugin for GStreamer
#
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# identifai-watch: what it is given, what it prints and how it ends, also where something is
# wrong, is interrupted, or nothing would end it.

import http.server
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from emulator import Emulator, SKIPPED, run

WATCH = os.environ.get("IDENTIFAI_WATCH")
LINKS = [
    "filesrc location={} ! parsebin ! identifaisink",
    "filesrc location={} ! parsebin ! queue ! identifaisink",
    "filesrc location={} ! parsebin name=p ! identifaisink name=s p. ! s.",
]
# a single picture that nothing would end: codec of ffmpeg, extension, exit code, what is said
CODECS = [
    ("libx264", "mp4", 0, "1 judged, 0 failed, 0 dropped"),
    ("h263", "3gp", 1, "(video/x-h263) is of no codec that identifaisink takes"),
    ("msmpeg4", "mkv", 1, "is of no codec that identifaisink takes"),
]
# name, arguments, exit code, what is said, what isn't; {} is a folder with the files of make_files()
ROWS = [
    ("nothing", "", 2, ["there is nothing to judge"], []),
    ("help", "--help", 0, ["Exit status:", "--fail-on"], []),
    ("version", "--version", 0, ["identifai-watch 0."], []),
    ("an unknown option", "--bogus", 2, ["Unknown option --bogus", "--help"], []),
    ("no such file", "{}/nosuch.mp4", 2, ["there is no such file"], []),
    ("an address that nothing reads", "gopher://127.0.0.1/1", 2, ["no installed element reads gopher://"], []),
    ("an empty folder", "{}/none", 2, ["there is no file"], []),
    ("a classification that isn't one", "--fail-on fake {}/human.mp4", 2, ["artificial, human or unknown"], []),
    ("jobs out of range", "--jobs 0 {}/human.mp4", 2, ["between 1 and 64"], []),
    ("a property that isn't one", "--set colour=red {}/human.mp4", 2, ["no element that judges has that property"], []),
    ("a value that isn't one", "--set frames=many {}/human.mp4", 2, ["it can't have that value"], []),
    ("a setting without value", "--set frames {}/human.mp4", 2, ["PROPERTY=VALUE"], []),
    ("a pipeline in which nothing judges", "videotestsrc ! fakesink", 2, ["nothing in this pipeline judges"], ["x264enc"]),
    ("raw video", "videotestsrc ! identifaisink", 2, ["could not link", "x264enc ! h264parse"], []),
    ("raw video as speech", "videotestsrc ! identifaispeechsink", 2, ["could not link", "It takes sound"], ["x264enc"]),
    ("raw video as images", "videotestsrc ! identifaiimagesink", 2, ["could not link", "! jpegenc"], ["x264enc"]),
    ("a file without sound", "filesrc location={}/human.mp4 ! qtdemux ! identifaispeechsink", 1, ["identifaispeechsink judges sound"], []),
    ("raw pictures as images", "filesrc location={}/human.mp4 ! decodebin ! identifaiimagesink", 1,
     ["(video/x-raw) is not encoded: put videoconvert ! jpegenc"], ["x264enc"]),
    ("an element that isn't there", "nosuchsrc ! identifaisink", 2, ["nosuchsrc"], ["x264enc"]),
    ("a file", "{}/human.mp4", 0, ["human.mp4 segment 0 verdict: human", "1 judged, 0 failed, 0 dropped"], ["\033"]),
    ("a file's address", "file://{}/human.mp4", 0, ["human.mp4 segment 0 verdict: human"], []),
    ("two files", "{}/human.mp4 {}/made.mkv", 0, ["verdict: human", "verdict: artificial", "2 judged"], []),
    ("one after the other", "-j 1 {}/human.mp4 {}/made.mkv", 0, ["2 judged"], []),
    ("a bare stream", "{}/bare.h264", 0, ["verdict: human", "1 judged"], []),
    ("an image", "{}/image.png", 0, ["image.png segment 0 verdict: artificial"], []),
    ("speech", "{}/voice.mp3", 0, ["voice.mp3 segment 0 verdict: artificial"], []),
    ("a picture, sound and video", "{}/voice.mp3 {}/image.png {}/human.mp4", 0, ["3 judged"], []),
    ("a folder", "{}/folder", 0, ["human.mp4 segment 0", "made.mkv segment 0", "2 judged"], ["hidden", "notes.txt"]),
    ("a folder, what is skipped", "-v {}/folder", 0, ["notes.txt skipped: "], []),
    ("no media", "{}/folder/notes.txt", 1, ["error: ", "no media"], []),
    ("nothing in it", "{}/empty.mp4", 1, ["it is empty"], []),
    ("one of two isn't media", "{}/empty.mp4 {}/human.mp4", 1, ["it is empty", "1 judged", "broken off"], []),
    ("found", "--fail-on artificial {}/human.mp4 {}/made.mkv", 3, ["verdict: artificial"], []),
    ("found, and something broken", "--fail-on artificial {}/empty.mp4 {}/made.mkv", 3, ["it is empty"], []),
    ("not found", "--fail-on artificial --fail-on unknown {}/human.mp4", 0, ["verdict: human"], []),
    ("quiet", "-q {}/human.mp4", 0, [], ["human", "judged"]),
    ("quiet about what is good", "-q {}/empty.mp4", 1, ["it is empty"], ["judged"]),
    ("verbose", "-v {}/made.mkv", 0, ["  Majority: artificial", "  frame 0: artificial"], []),
    ("a property of all that judges", "--set ref-id=x-%u {}/human.mp4", 0, ["human.mp4 [x-0] segment 0"], []),
    ("a pipeline", "filesrc location={}/human.mp4 ! identifaisink name=cam7 ref-id=c-%u", 0, ["cam7 [c-0] segment 0 verdict"], []),
    ("two elements", "filesrc location={}/human.mp4 ! tee name=t t. ! queue ! identifaisink name=a t. ! queue ! identifaisink name=b",
     0, ["a segment 0 verdict", "b segment 0 verdict", "2 judged"], []),
]


def make(path, source, codec="libx264", pixels="yuv420p"):
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, "-c:v", codec, "-pix_fmt", pixels,
                    path], check=True, timeout=100)
    return path


def make_files(folder):
    os.makedirs(folder + "/folder/deeper")
    os.makedirs(folder + "/none/deeper")
    human = make(folder + "/human.mp4", "testsrc2=s=176x144:d=1")
    made = make(folder + "/made.mkv", "color=magenta:s=176x144:d=1")
    make(folder + "/image.png", "color=magenta:s=64x64:d=0.04", "png", "rgb24")
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=f=1000:d=4", folder + "/voice.mp3"], check=True,
                   timeout=100)
    make(folder + "/bare.h264", "testsrc2=s=176x144:d=1")
    shutil.copy(human, folder + "/folder/human.mp4")
    shutil.copy(made, folder + "/folder/deeper/made.mkv")
    shutil.copy(made, folder + "/folder/.hidden.mkv")
    os.symlink("..", folder + "/folder/deeper/loop")
    with open(folder + "/folder/notes.txt", "w") as notes:
        notes.write("not a picture\n")
    open(folder + "/empty.mp4", "w").close()


def check(name, code, said, expected, words, never=()):
    """Returns 1 if it isn't as expected."""
    said = said.decode(errors="replace") if isinstance(said, bytes) else said
    missing = [w for w in words if w not in said]
    wrong = [w for w in never if w in said]
    if code == expected and not missing and not wrong:
        return 0
    print("%s: exit %d, not %d; missing %r, too much %r\n%s" % (name, code, expected, missing, wrong, said))
    return 1


def check_codecs(url, folder):
    failed = 0
    for codec, extension, expected, words in CODECS:
        path = make(os.path.join(folder, codec + "." + extension), "testsrc2=s=176x144:d=0.04", codec)
        for link in LINKS:
            code, said = run([WATCH] + link.format(path).split(), IDENTIFAI_ENDPOINT=url, IDENTIFAI_API_KEY="any")
            failed += check("%s, %s" % (codec, link), code, said, expected, [words])
    return failed


def check_rows(url, folder):
    def check_row(row):
        name, arguments, expected, words, never = row
        code, said = run([WATCH] + arguments.replace("{}", folder).split(), IDENTIFAI_ENDPOINT=url, IDENTIFAI_API_KEY="any")
        return check(name, code, said, expected, words, never)

    # most of their time is waiting for results
    with ThreadPoolExecutor(6) as pool:
        failed = sum(pool.map(check_row, ROWS))
    # one that was quoted, with a blank in a name
    os.rename(folder + "/bare.h264", folder + "/a b.h264")
    line = "filesrc location=\"%s/a b.h264\" ! parsebin ! identifaisink" % folder
    code, said = run([WATCH, line], IDENTIFAI_ENDPOINT=url, IDENTIFAI_API_KEY="any")
    return failed + check("a quoted pipeline", code, said, 0, ["1 judged"])


def check_json(url, folder):
    done = subprocess.run([WATCH, "--json", folder + "/made.mkv", folder + "/empty.mp4"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=100, env={**os.environ, "IDENTIFAI_ENDPOINT": url,
                                                                    "IDENTIFAI_API_KEY": "any"})
    lines = [json.loads(line) for line in done.stdout.decode().splitlines()]
    by_message = {line["message"]: line for line in lines}
    verdict = by_message.get("verdict", {})
    right = (done.returncode == 1 and set(by_message) == {"segment", "submitted", "verdict", "error"}
             and verdict["classification"] == "artificial" and verdict["source"].endswith("made.mkv")
             and isinstance(verdict["results"]["images"], list) and verdict["running-time"] is None
             and by_message["error"]["text"] == "it is empty")
    if not right:
        print("--json: exit %d\n%s" % (done.returncode, done.stdout.decode()))
    return not right


def check_sound_first(url, folder):
    """It is linked first then, by itself."""
    path = folder + "/first.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=1", "-f", "lavfi", "-i", "testsrc2=s=176x144:d=1", "-map", "0", "-map", "1",
                    "-c:a", "aac", "-c:v", "libx264", "-pix_fmt", "yuv420p", path], check=True, timeout=100)
    failed = 0
    for link in LINKS[:1] + ["filesrc location={} ! qtdemux ! identifaisink"]:
        code, said = run([WATCH] + link.format(path).split(), IDENTIFAI_ENDPOINT=url, IDENTIFAI_API_KEY="any")
        failed += check("sound first, " + link, code, said, 0, ["1 judged, 0 failed, 0 dropped"])
    # the video that is linked to nothing isn't what is to be judged
    code, said = run([WATCH] + ("filesrc location=%s ! qtdemux name=a a.audio_0 ! queue ! fakesink async=false filesrc location=%s ! "
                                "identity sleep-time=500000 ! matroskademux name=b b. ! identifaisink" % (path, folder + "/made.mkv")).split(),
                     IDENTIFAI_ENDPOINT=url, IDENTIFAI_API_KEY="any")
    return failed + check("another one's video is on its way", code, said, 0, ["verdict: artificial", "1 judged, 0 failed, 0 dropped"])


def check_no_service(folder):
    """What can't be reached is told, and so is what a key that is refused leaves unjudged."""
    code, said = run([WATCH, "--set", "retries=0", folder + "/human.mp4"], IDENTIFAI_ENDPOINT="http://127.0.0.1:9",
                     IDENTIFAI_API_KEY="any")
    failed = check("no service", code, said, 1, ["failed: network", "nothing listens on 127.0.0.1:9"])
    with Emulator("--api-key=right") as url:
        code, said = run([WATCH, "-j", "1", folder + "/human.mp4", folder + "/made.mkv"], IDENTIFAI_ENDPOINT=url,
                         IDENTIFAI_API_KEY="wrong")
        failed += check("a key that is refused", code, said, 1, ["failed: unauthorized", "made.mkv: not judged"],
                        ["made.mkv segment"])
    return failed


def interrupt(folder, url, times):
    process = subprocess.Popen(
        [WATCH] + "videotestsrc is-live=true ! x264enc tune=zerolatency key-int-max=10 ! h264parse ! "
        "identifaisink segment-duration=500000000".split(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "IDENTIFAI_ENDPOINT": url, "IDENTIFAI_API_KEY": "any"})
    said = ""
    while "submitted" not in said:
        said += process.stdout.readline()
    for signals in range(times):
        process.send_signal(signal.SIGINT)
        while "Ending" not in said:
            said += process.stdout.readline()
    said += process.communicate(timeout=60)[0]
    return process.returncode, said


def check_no_start(folder):
    """Sound comes first, waits in its sink for the gate's, and with it the pictures: Ctrl-C ends that, too."""
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=176x144:d=1", "-f", "lavfi", "-i", "sine=d=1",
                    "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", folder + "/sound.flv"], check=True, timeout=100)
    process = subprocess.Popen(
        [WATCH] + ("filesrc location=%s/sound.flv ! flvdemux name=d d.audio ! fakesink d.video ! h264parse ! "
                   "identifaigate hold=1000000000 ! fakesink name=shown" % folder).split(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "IDENTIFAI_ENDPOINT": "http://127.0.0.1:9", "IDENTIFAI_API_KEY": "any"})
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    try:
        said = process.communicate(timeout=60)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        said = process.communicate()[0]
    return check("Ctrl-C before the start", process.returncode, said, 1,
                 ["Ending; waiting", "can't end, stopped: nothing has come to shown", "async=false", "broken off"])


LIVE = "videotestsrc is-live=true ! x264enc tune=zerolatency key-int-max=2 ! h264parse ! tee name=t ! queue ! identifaisink " \
    "async=false segment-duration=500000000 t. ! "
LATE = "fakesink async=false sync=true ts-offset=600000000000"
LEFT = "can't be stopped, and is left as it is"
# name, arguments, what is said first, seconds until Ctrl-C, how many of them, seconds between them, what is said by the end, what isn't
BLOCKED = [
    ("the queue behind a live source is full", LIVE + "queue max-size-buffers=30 max-size-bytes=0 max-size-time=0 ! " + LATE,
     "submitted", 1, 2, 0.5, ["dropped: stopped", " 0 failed", "broken off"], [LEFT]),
    ("an element never returns", LIVE + "queue ! identity sleep-time=4000000000 ! fakesink async=false",
     "submitted", 0, 3, 0.5, ["dropped: stopped", " 0 failed", "broken off", LEFT], []),
    ("nothing is to be read from a pipe", "{}/pipe", "", 1, 1, 0, ["0 judged", "broken off"], [LEFT]),
    ("a pipeline can't start, as a pipe has no writer", "filesrc location={}/pipe ! identifaisink", "", 1, 2, 0.5,
     ["0 judged", "broken off", LEFT], []),
]


def check_blocked(url, folder, row):
    """Whatever is held up, Ctrl-C ends the program in bounded time, with what was judged."""
    name, arguments, first, until, signals, between, words, never = row
    process = subprocess.Popen([WATCH] + arguments.replace("{}", folder).split(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               env={**os.environ, "IDENTIFAI_ENDPOINT": url, "IDENTIFAI_API_KEY": "any"})
    timer = threading.Timer(40, process.kill)
    timer.start()
    said = read_until(process, first, "")
    time.sleep(until)
    for number in range(signals):
        process.send_signal(signal.SIGINT)
        said = read_until(process, "Ending", said)
        time.sleep(between if number + 1 < signals else 0)
    said += process.communicate()[0]
    timer.cancel()
    return check(name, process.returncode, said, 1, words, never)


def read_until(process, word, said):
    while word not in said and process.poll() is None:
        said += process.stdout.readline()
    return said


def check_interrupts(folder):
    with Emulator("--delay=1") as url:
        code, said = interrupt(folder, url, 1)
    failed = check("Ctrl-C", code, said, 0, ["Ending; waiting", "0 failed, 0 dropped"])
    os.mkfifo(folder + "/pipe")
    with Emulator("--delay=600") as url, ThreadPoolExecutor(len(BLOCKED)) as pool:
        code, said = interrupt(folder, url, 2)
        failed += check("Ctrl-C twice", code, said, 1, ["Ending; waiting", "dropped: stopped", " 0 failed"])
        return failed + sum(pool.map(lambda row: check_blocked(url, folder, row), BLOCKED))


def on_terminal(arguments, url, **environment):
    said = b""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(IDENTIFAI_ENDPOINT=url, IDENTIFAI_API_KEY="any", TERM="xterm", **environment)
        os.execv(WATCH, [WATCH] + arguments)
    while True:
        try:
            said += os.read(terminal, 4096)
        except OSError:
            break
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode()


def check_terminal(folder):
    """A status that is drawn anew while uploads go on, colours but with NO_COLOR; a name can't act on it."""
    shutil.copy(folder + "/made.mkv", folder + "/\033]2;x.mkv")
    with Emulator("--delay=1") as url:
        files = [folder + "/human.mp4", folder + "/\033]2;x.mkv"]
        code, said = on_terminal(files, url)
        failed = check("a terminal", code, said, 0, ["waiting for 1 verdict", "of 2 done", "\033[1;31m", "?]2;x.mkv"],
                       ["\033]", "submitted"])
        code, said = on_terminal(files, url, NO_COLOR="1")
        failed += check("NO_COLOR", code, said, 0, ["waiting for 1 verdict", "2 judged"], ["\033[1;31m", "\033[32m", "\033[0m"])
    with Emulator("--fault=submit:delay=1") as url:
        code, said = on_terminal(files[:1], url)
        if not re.search(r"human.mp4: \d+\.\d of \d+\.\d MB uploaded", said):
            failed += check("an upload on a terminal", code, said, 0, ["MB uploaded"])
    return failed


def check_http(url, folder):
    """A server that isn't ours, and files whose kind is found as they come."""
    server = subprocess.Popen([sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", folder],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        port = re.search(r"port (\d+)", server.stdout.readline()).group(1)
        code, said = run([WATCH, "http://user:secret@127.0.0.1:%s/human.mp4" % port], IDENTIFAI_ENDPOINT=url,
                         IDENTIFAI_API_KEY="any")
        failed = check("http", code, said, 0, ["/human.mp4 segment 0 verdict: human", "1 judged"], ["secret"])
        code, said = run([WATCH, "http://127.0.0.1:%s/voice.mp3" % port], IDENTIFAI_ENDPOINT=url, IDENTIFAI_API_KEY="any")
        failed += check("http, speech", code, said, 0, ["/voice.mp3 segment 0 verdict: artificial", "1 judged"])
        code, said = run([WATCH, "http://user:secret@127.0.0.1:%s/nosuch.mp4" % port], IDENTIFAI_ENDPOINT=url, IDENTIFAI_API_KEY="any")
        return failed + check("http, no such file", code, said, 1, ["(404)", "broken off"], ["secret"])
    finally:
        server.terminate()
        server.communicate()


class Radio(http.server.BaseHTTPRequestHandler):
    """With titles in between, as who asks for them gets them."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "audio/mpeg")
        self.send_header("icy-metaint", "16000")
        self.end_headers()
        self.wfile.write(bytes(16001))

    def log_message(self, *args):
        pass


def check_radio(folder):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Radio) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        code, said = run([WATCH] + ("souphttpsrc location=http://127.0.0.1:%d iradio-mode=true ! identifaispeechsink"
                                    % server.server_port).split(), IDENTIFAI_ENDPOINT="http://127.0.0.1:9", IDENTIFAI_API_KEY="any")
        server.shutdown()
    return check("a radio with its titles", code, said, 1, ["(application/x-icy) is a radio", "icydemux"])


def main():
    if not WATCH or not shutil.which("ffmpeg"):
        print("skipped: no identifai-watch, or no ffmpeg")
        return SKIPPED
    failed = 0
    with Emulator() as url, tempfile.TemporaryDirectory() as folder:
        make_files(folder)
        started = time.monotonic()
        for part in (check_rows, check_codecs, check_sound_first, check_json, check_http):
            failed += part(url, folder)
        for part in (check_no_service, check_no_start, check_interrupts, check_terminal, check_radio):
            failed += part(folder)
        print("%.1f s" % (time.monotonic() - started))
    return 1 if failed else 0


sys.exit(main())
