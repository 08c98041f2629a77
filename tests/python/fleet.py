#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Three processes through the gateway of examples/fleet, in front of a service that is strict with its limits: nothing is
lost, and hardly a call refused. All limits are ten times those of the example, so that a minute is six seconds. What the
service allows in a second isn't looked at here, as calls that were sent in time may come together on a busy machine."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from emulator import SKIPPED, Emulator

KEY, TOKEN = "key-of-the-service-Ahn7", "token-of-the-fleet-Oox3"
PROCESSES, SEGMENTS = 3, 8
PACE = 60 / 290  # seconds from an upload to the next
CONFIG = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "fleet", "nginx.conf")


def unused_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def make_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", folder + "/gateway.key", "-out",
                    folder + "/gateway.pem"], check=True, stderr=subprocess.DEVNULL)


def adapt(text, changes):
    """Each of them has to be there, or the example has become another one."""
    for old, new in changes:
        if old not in text:
            sys.exit("examples/fleet/nginx.conf has no " + old)
        text = text.replace(old, new)
    return text


def write_config(folder, service, port):
    temporary = "".join("%s_temp_path %s/%s;\n" % (kind, folder, kind)
                        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    text = adapt(open(CONFIG).read(), [
        ("pid /run/identifai-fleet.pid;", "pid %s/pid;" % folder),
        ("/var/log/identifai-fleet.log", folder + "/error.log"),
        ("http {", "http {\nlog_format call '$msec $request_method $status';\n" + temporary),
        ("access_log off;", "access_log %s/access.log call;" % folder),
        ("change-me-0123456789abcdef", TOKEN),
        ("the-key-of-the-service", KEY),
        ("rate=29r/m", "rate=290r/m"),
        ("rate=58r/m", "rate=580r/m"),
        ("server backend.identifai.net:443;", "server %s;" % service),
        ("listen 443 ssl;", "listen 127.0.0.1:%d ssl;" % port),
        ("/etc/identifai-fleet/gateway", folder + "/gateway"),
        ("proxy_pass https://service;", "proxy_pass http://service;"),
    ])
    with open(folder + "/nginx.conf", "w") as file:
        file.write(text)


def start_nginx(folder, port):
    # as root, its workers would be nobody, who may not write here
    user = "user root; " if os.getuid() == 0 else ""
    process = subprocess.Popen(["nginx", "-p", folder, "-c", folder + "/nginx.conf", "-g", user + "daemon off;"])
    for _ in range(200):
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.1)
    sys.exit("nginx did not start")


def launch(url, folder, token):
    sink = ["identifaisink", "endpoint=" + url, "segment-duration=1000000000", "rate-limits=none", "timeout=60",
            "tls-ca-file=" + folder + "/gateway.pem", "extra-headers=headers,X-Fleet-Token=(string)" + token]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("IDENTIFAI_")}
    return subprocess.Popen(
        ["gst-launch-1.0", "-m", "videotestsrc", "num-buffers=%d" % (5 * SEGMENTS), "!",
         "video/x-raw,width=64,height=64,framerate=5/1", "!", "x264enc", "key-int-max=5", "!", *sink],
        env={**environment, "no_proxy": "*"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def check(what, good):
    print("%s: %s" % (what, "ok" if good else "WRONG"))
    return good


def check_run(folder, emulator, processes):
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    calls = open(folder + "/access.log").read().split("\n")
    emulator.log.seek(0)
    service = emulator.log.read().decode()
    good = True
    for process, output in zip(processes, outputs):
        verdicts = len(re.findall("identifai-verdict", output))
        good &= check("exit status %d, %d verdicts" % (process.returncode, verdicts),
                      process.returncode == 0 and verdicts == SEGMENTS)
        if not good:
            print(output[-3000:])
        good &= check("neither key nor token in the output", KEY not in output)
    refused = sum(call.endswith(" 429") for call in calls)
    good &= check("%d of %d calls refused" % (refused, len(calls)), refused <= 1)
    uploads = service.count("POST /api/classification_video 200")
    good &= check("%d uploads reached the service" % uploads, uploads == PROCESSES * SEGMENTS)
    ends = [float(call.split()[0]) for call in calls if call.endswith(" POST 200")]
    # a busy machine delays the first of them, at worst
    good &= check("paced over %.1f s" % (ends[-1] - ends[0]), ends[-1] - ends[0] > 0.6 * PACE * (uploads - 1))
    return good & check("the service refused none", " 429" not in service)


def check_stranger(url, folder):
    process = launch(url, folder, "another-token")
    output = process.communicate(timeout=60)[0]
    return check("without the token: exit status %d" % process.returncode,
                 process.returncode == 1 and "identifai-verdict" not in output)


def main():
    if not shutil.which("nginx") or not shutil.which("openssl"):
        print("skipped: nginx or openssl is missing")
        return SKIPPED
    emulator = Emulator("--api-key=" + KEY, "--rate-limits=60,300,120,600", "--delay=0.5")
    with emulator as service, tempfile.TemporaryDirectory() as folder:
        port = unused_port()
        make_certificate(folder)
        write_config(folder, service.split("://")[1].rstrip("/"), port)
        nginx = start_nginx(folder, port)
        url = "https://localhost:%d" % port
        try:
            good = check_run(folder, emulator, [launch(url, folder, TOKEN) for _ in range(PROCESSES)])
            good &= check_stranger(url, folder)
        finally:
            nginx.terminate()
            nginx.wait()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
