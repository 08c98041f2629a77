# SPDX-License-Identifier: LGPL-2.1-or-later
"""The emulator as a process of its own, for the tests beside this file."""

import os
import select
import subprocess
import sys
import tempfile

SKIPPED = 77


class Emulator:
    """Use as a context: gives the address that it listens on."""

    def __init__(self, *options):
        self.options = options

    def __enter__(self):
        program = os.environ.get("IDENTIFAI_EMULATOR")
        if not program or not os.access(program, os.X_OK):
            print("skipped: IDENTIFAI_EMULATOR is not set")
            sys.exit(SKIPPED)
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [program, "--port=0", "--rate-limits=off", "--delay=0", *self.options],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        ready, _, _ = select.select([self.process.stdout], [], [], 40)
        line = self.process.stdout.readline() if ready else ""
        if "listening on " not in line:
            self.__exit__()
            raise RuntimeError("the emulator said: " + repr(line))
        return line.split("listening on ")[1].strip()

    def __exit__(self, *unused):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()


def run(command, **environment):
    """Runs a command with more variables; returns its exit code and all that it wrote."""
    done = subprocess.run(command, env={**os.environ, **environment}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=300)
    return done.returncode, done.stdout
