#!/usr/bin/env python3
# identifAI plugin for GStreamer
#
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# identifai-account against the emulator: each command, and each way in which the service, the
# key, the network or who types it lets it down.

import hashlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from emulator import Emulator, SKIPPED, run

ACCOUNT = os.environ.get("IDENTIFAI_ACCOUNT")
USER = ["--name", "Ann", "--email", "ann@example.com", "--heuristic", "Average", "--pricing-id", "1"]
# name, arguments, exit code, what is said
USE = [
    ("nothing", [], 2, ["COMMAND", "heatmap ID > FILE"]),
    ("help", ["--help"], 0, ["Exit status:", "users ["]),
    ("help of a command", ["override", "--help"], 0, ["how to take it back", "--kind"]),
    ("help of users", ["users", "--help"], 0, ["Not documented", "--password-file"]),
    ("version", ["--version"], 0, ["identifai-account 0."]),
    ("an unknown command", ["resuls"], 2, ["there is no command resuls"]),
    ("an unknown option", ["credits", "--bogus"], 2, ["Unknown option --bogus", "credits --help"]),
    ("an option of another command", ["credits", "--name=x"], 2, ["Unknown option --name"]),
    ("options first", ["--json", "credits"], 2, ["the command comes first"]),
    ("a key for all to see", ["credits", "--api-key", "k"], 2, ["IDENTIFAI_API_KEY"]),
    ("no identifier", ["results"], 2, ["Usage: identifai-account results ID"]),
    ("too many arguments", ["credits", "now"], 2, ["too many arguments"]),
    ("no such kind", ["list", "films"], 2, ["videos, images and speech"]),
    ("no such kind of result", ["results", "--kind=film", "a"], 2, ["videos, images and speech"]),
    ("no classification", ["override", "00", "unknown"], 2, ["human or artificial"]),
    ("a timeout out of range", ["credits", "--timeout=0"], 2, ["between 1 and 3600"]),
    ("no address", ["from-url", "clip.mp4"], 2, ["identifai-watch"]),
    ("a field without a value", ["from-url", "--field", "frames", "http://h/"], 2, ["NAME=VALUE"]),
    ("no such verb", ["users", "remove"], 2, ["list, create, update, delete and mail"]),
    ("a user without a name", ["users", "create", "--email=a@b"], 2, ["--name is missing"]),
    ("an id that is none", ["users", "delete", "--yes", "ann"], 2, ["a number"]),
    ("no id", ["users", "update", *USER], 2, ["the id of one user"]),
    ("a password file that isn't there", ["users", "create", *USER, "--password-file=/nonexistent"], 2, ["no password in"]),
    ("an endpoint in clear", ["credits", "--endpoint=http://example.com"], 2, ["http"]),
    ("a key file that isn't there", ["credits", "--api-key-file=/nonexistent"], 2, ["/nonexistent"]),
    ("a CA file that isn't there", ["credits", "--tls-ca-file=/nonexistent"], 2, ["/nonexistent"]),
]
# name, fault, arguments, exit code, what is said
CREDITS = ["credits", "--retries=0", "--timeout=1"]
FAULTS = [
    ("400", "credits:status=400", CREDITS, 1, ["HTTP status 400"]),
    ("401", "credits:status=401", CREDITS, 1, ["HTTP status 401", "Check the key"]),
    ("403", "credits:status=403", CREDITS, 1, ["HTTP status 403", "rights"]),
    ("404", "credits:status=404", CREDITS, 1, ["HTTP status 404"]),
    ("429", "credits:status=429", CREDITS, 3, ["HTTP status 429"]),
    ("500", "credits:status=500", CREDITS, 3, ["HTTP status 500"]),
    ("503, and then not", "credits#1:status=503", ["credits"], 0, ["available"]),
    ("a page", "credits:status=200,body=<html>login</html>", CREDITS, 3, ["not to be understood"]),
    ("another answer", "credits:status=200,body={}", CREDITS, 3, ["no available_credits"]),
    ("half an answer", "credits:truncate=5", CREDITS, 3, ["breaks off"]),
    ("a reset", "credits:reset", CREDITS, 3, ["connection"]),
    ("silence", "credits:silence", CREDITS, 3, ["nothing was heard for 1 s"]),
    ("a list that is none", "batch:status=200,body={}", ["results", "a"], 3, ["no list"]),
    ("a heat map that is none", "heatmap:status=200,body=PNG", ["heatmap", "a"], 3, ["no PNG"]),
    ("an override that isn't said to be one", "override:status=200,body={}", ["override", "00", "human"], 3, ["doesn't say"]),
    ("users that may have been made", "users:status=500", ["users", "create", *USER], 3, ["may have been done all the same"]),
    ("users that take long, and aren't made twice", "users:delay=3.3", ["users", "create", *USER], 0, ["no answer yet, waiting (--timeout 30)"]),
    ("no page of users", "users:status=200,body=3", ["users", "list"], 3, ["no page of users"]),
]


def expect(what, ok):
    if not ok:
        print("FAILED:", what)
        sys.exit(1)


def account(endpoint, arguments, stdin=None, **environment):
    """Exit code, standard output, errors."""
    done = subprocess.run([ACCOUNT, *arguments], input=stdin, capture_output=True, timeout=120, env={
        **os.environ, "IDENTIFAI_ENDPOINT": endpoint, "IDENTIFAI_API_KEY": "boss", **environment})
    return done.returncode, done.stdout, done.stderr.decode()


def check(name, result, code, said):
    returned, out, errors = result
    text = errors + out.decode(errors="replace")
    expect(f"{name}: exit status {returned}, not {code}: {text}", returned == code)
    for words in said:
        expect(f"{name}: {words!r} isn't said: {text}", words in text)


def check_use(row):
    name, arguments, code, said = row
    check(name, account("http://127.0.0.1:9", arguments, b""), code, said)


def check_fault(row):
    name, fault, arguments, code, said = row
    with Emulator("--partner=boss", "--fault", fault) as endpoint:
        check(name, account(endpoint, arguments, b""), code, said)


def post(endpoint, path, part, name, content_type, data, **fields):
    """Submits a file as a program would; returns its identifier."""
    lines = []
    for key, value in fields.items():
        lines.append(b'--B\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (key.encode(), value.encode()))
    lines.append(b'--B\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\nContent-Type: %s\r\n\r\n%s\r\n--B--\r\n' % (
        part.encode(), name.encode(), content_type.encode(), data))
    request = urllib.request.Request(endpoint + path, b"".join(lines), {
        "Content-Type": "multipart/form-data; boundary=B", "Accept": "application/json", "X-Api-Key": "boss"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["identifier"]


def make(folder, name, pipeline):
    path = os.path.join(folder, name)
    subprocess.run(["gst-launch-1.0", "-q", *f"{pipeline} ! filesink location={path}".split()], check=True)
    with open(path, "rb") as file:
        return file.read()


def check_results(endpoint, folder):
    image = make(folder, "magenta.png", "videotestsrc num-buffers=1 pattern=solid-color foreground-color=0xffff00ff ! "
                 "video/x-raw,width=64,height=48 ! pngenc")
    clip = make(folder, "clip.avi", "videotestsrc num-buffers=5 ! video/x-raw,width=64,height=48 ! jpegenc ! avimux")
    one = post(endpoint, "/api/classification", "image", "magenta\x1b[31m.png".replace("\x1b", "%1B"), "image/png", image,
               with_heatmap="true", ref_id="cam-7")
    other = post(endpoint, "/api/classification_video", "video", "clip.avi", "video/x-msvideo", clip)
    for _ in range(100):
        done = account(endpoint, ["results", other, one])
        if b"pending" not in done[1]:
            break
        time.sleep(0.1)
    check("results", done, 0, [one, other, "artificial, confidence", "human, confidence", "ref_id cam-7", "clip.avi"])
    expect("in the order asked for", done[1].index(other.encode()) < done[1].index(one.encode()))
    check("one that isn't there", account(endpoint, ["results", "nosuch", other]), 1, [other, "nosuch: the service has no such result"])
    check("only videos", account(endpoint, ["results", "-k", "video", one]), 1, ["no such result"])
    out = account(endpoint, ["results", "--json", one])[1]
    expect("JSON", [entry["identifier"] for entry in json.loads(out)] == [one])
    check("images", account(endpoint, ["list"]), 0, [one])
    check("videos", account(endpoint, ["list", "videos"]), 1, ["identifiers", "HTTP status 400", "images only"])
    code, png, errors = account(endpoint, ["heatmap", one])
    expect(f"a heat map: {errors}", code == 0 and png.startswith(b"\x89PNG"))
    check("into a file", account(endpoint, ["heatmap", one, "-o", folder + "/map.png"]), 0, [])
    with open(folder + "/map.png", "rb") as file:
        expect("the same", file.read() == png)
    check("no heat map", account(endpoint, ["heatmap", other]), 1, ["HTTP status 404", "sent with-heatmap"])
    digest = hashlib.sha256(clip).hexdigest()
    check("override", account(endpoint, ["override", digest, "artificial"]), 0, ["is artificial from now on"])
    check("overridden", account(endpoint, ["results", other]), 0, ["forced"])
    check("override of an image", account(endpoint, ["override", "--kind=image", hashlib.sha256(image).hexdigest(), "human"]), 0, [])
    check("override of nothing", account(endpoint, ["override", "00", "human"]), 1, ["HTTP status 404", "SHA-256"])
    check("credits", account(endpoint, ["credits"]), 0, ["available, "])
    check("credits as JSON", account(endpoint, ["credits", "-j"]), 0, ['"total_spent"'])


def check_from_url(endpoint, folder):
    server = subprocess.Popen([sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", folder, "0"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    port = re.search(r"port (\d+)", server.stdout.readline())[1]
    try:
        code, out, errors = account(endpoint, ["from-url", f"http://127.0.0.1:{port}/clip.avi", "--ref-id=by url", "--field", "frames=5"])
        expect(f"by address: {errors}", code == 0 and len(out.split()) == 1)
        check("its result", account(endpoint, ["results", out.decode().strip()]), 0, ["ref_id by url"])
        check("nothing there", account(endpoint, ["from-url", f"http://127.0.0.1:{port}/nosuch.avi"]), 1, ["could not be downloaded"])
        check("a field that isn't taken", account(endpoint, ["from-url", f"http://127.0.0.1:{port}/clip.avi", "-f", "frames=7"]), 1, ["frames"])
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


def type_in(endpoint, arguments, lines):
    """At a terminal, a line for each question; returns the exit code and what is seen."""
    pid, terminal = pty.fork()  # where there are none, has_terminals() said so
    if pid == 0:
        os.environ.update(IDENTIFAI_ENDPOINT=endpoint, IDENTIFAI_API_KEY="boss")
        os.execv(ACCOUNT, [ACCOUNT, *arguments])
    seen, answered, end = b"", 0, time.monotonic() + 30
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            data = os.read(terminal, 1000)
        except OSError:
            break
        if not data:
            break
        seen += data
        if len(re.findall(rb"\[y/N\] |Password: |Once more: ", seen)) > answered and answered < len(lines):
            os.write(terminal, lines[answered].encode() + b"\n")
            answered += 1
    else:
        os.kill(pid, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(terminal)
    return code, seen, ""


def has_terminals():
    try:
        for end in pty.openpty():
            os.close(end)
    except OSError as error:
        print("without a terminal:", error)
        return False
    return True


def check_typed(endpoint, number):
    code, seen, _ = type_in(endpoint, ["users", "update", number, *USER, "--ask-password"], ["s3cret-s3cret", "s3cret-s3cret"])
    expect(f"a password at the terminal: {seen}", code == 0 and b"s3cret" not in seen)
    code, seen, _ = type_in(endpoint, ["users", "update", number, *USER, "--ask-password"], ["s3cret-s3cret", "other"])
    expect("two passwords", code == 2 and b"not the same" in seen)
    # Ctrl-C: the program ends itself, with the terminal as it was
    code, seen, _ = type_in(endpoint, ["users", "update", number, *USER, "--ask-password"], ["\x03"])
    expect(f"Ctrl-C at a password: {code} {seen}", code == 2 and b"nothing was said" in seen)
    for word in ("", "n", "maybe"):
        code, seen, _ = type_in(endpoint, ["users", "delete", number], [word])
        expect("no", code == 2 and b"nothing is deleted" in seen)
    code, seen, _ = type_in(endpoint, ["users", "delete", number], ["y"])
    expect(f"yes: {seen}", code == 0 and b"is deleted" in seen)


def check_users(endpoint, folder):
    code, out, errors = account(endpoint, ["users", "create", "--json", *USER, "--readonly"])
    expect(f"a user: {errors}", code == 0)
    user = json.loads(out)["data"]
    expect("as asked for", (user["name"], user["email"], user["readonly"]) == ("Ann", "ann@example.com", True))
    for number in range(5):
        check("more", account(endpoint, ["users", "create", *USER[:3], f"u{number}@example.com", *USER[4:]]), 0, [f"<u{number}@"])
    check("all pages", account(endpoint, ["users", "list", "--per-page=2"]), 0, ["ann@", "u0@", "u4@"])
    check("the list is what users does", account(endpoint, ["users", "--filter", "ann@", "--order=name", "--direction=desc"]), 0, ["ann@"])
    code, out, _ = account(endpoint, ["users", "list", "--per-page=2", "--page=2", "--json"])
    expect("one page", code == 0 and len(json.loads(out)) == 2)
    check("a wrong order", account(endpoint, ["users", "list", "--order=colour"]), 1, ["order"])
    check("a wrong heuristic", account(endpoint, ["users", "create", *USER[:5], "Guess", *USER[6:]]), 1, ["heuristic"])
    number = str(user["id"])
    check("update", account(endpoint, ["users", "update", number, "--name=Bob", *USER[2:]]), 0, ["Bob  <ann@"])
    check("mail", account(endpoint, ["users", "mail", number]), 0, ["Bob"])
    with open(folder + "/password", "w") as file:
        file.write("hunter22hunter\nmore\n")
    check("a password from a file", account(endpoint, ["users", "update", number, *USER, "--password-file", folder + "/password"]), 0, ["Ann"])
    check("from standard input", account(endpoint, ["users", "update", number, *USER, "--password-file", "-"], b"hunter22hunter\n"), 0, ["Ann"])
    check("nobody to ask", account(endpoint, ["users", "delete", number], b""), 2, ["nothing is deleted", "--yes"])
    check("it is still there", account(endpoint, ["users", "--filter=ann@"]), 0, ["ann@"])
    if has_terminals():
        check_typed(endpoint, number)
    else:
        check("without being asked", account(endpoint, ["users", "delete", "--yes", number]), 0, ["is deleted"])
    check("gone", account(endpoint, ["users", "delete", "-y", number]), 1, ["HTTP status"])
    check("no partner", account(endpoint, ["users"], IDENTIFAI_API_KEY="other"), 1, ["HTTP status 403"])


def check_key():
    with tempfile.NamedTemporaryFile("w", suffix=".key") as file, Emulator("--api-key=good") as endpoint:
        file.write("bad-key-that-is-long\n")
        file.flush()
        result = account(endpoint, ["credits", "--api-key-file", file.name])
        check("a bad key", result, 1, ["HTTP status 401"])
        expect("the key is in no text", "bad-key" not in result[2])
        file.seek(0)
        file.truncate()
        file.write("good\n")
        file.flush()
        check("a key file goes before the environment", account(endpoint, ["credits", "--api-key-file", file.name]), 0, [])


def check_limits():
    """The published ones: two a second. And those that the service has, if they are tighter."""
    with Emulator("--rate-limits=published", "--partner=boss") as endpoint:
        start = time.monotonic()
        check("within the limits", account(endpoint, ["results", "a", "b"]), 1, ["no such result"])
        check("beside another process", account(endpoint, ["results", "a"]), 1, ["no such result"])
        expect("they take their time", time.monotonic() - start > 1)


def check_killed():
    """The emulator goes in the middle of a call."""
    emulator = Emulator("--fault", "credits:silence")
    endpoint = emulator.__enter__()
    threading.Timer(1, emulator.process.send_signal, [signal.SIGKILL]).start()
    check("killed", account(endpoint, ["credits", "--retries=1"]), 3, ["nothing listens on", "identifai-emulator"])
    emulator.__exit__()


def main():
    if not ACCOUNT or not os.access(ACCOUNT, os.X_OK):
        print("skipped: no identifai-account")
        sys.exit(SKIPPED)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(check_use, USE))
        list(pool.map(check_fault, FAULTS))
    with tempfile.TemporaryDirectory() as folder, Emulator("--partner=boss", "--allow-fetch") as endpoint:
        check_results(endpoint, folder)
        check_from_url(endpoint, folder)
        check_users(endpoint, folder)
    check_key()
    check_limits()
    check_killed()
    print(f"{len(USE)} ways to use it wrongly, {len(FAULTS)} faults, and what it is for")


main()
