# SPDX-License-Identifier: LGPL-2.1-or-later
"""identifai-moderate as a process, for the tests beside this file."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time

SKIPPED = 77
MAGENTA = 'pattern=solid-color foreground-color=0xffff00ff'
PATIENCE = 60


def program():
    path = os.environ.get('IDENTIFAI_MODERATE')
    if not path or not os.access(path, os.X_OK):
        print('skipped: IDENTIFAI_MODERATE is not set')
        sys.exit(SKIPPED)
    return path


def pipeline(options='', sink='identifaisink'):
    return ('videotestsrc %s ! video/x-raw,format=I420,width=64,height=64,framerate=25/1 ! '
            'x264enc key-int-max=25 tune=zerolatency ! h264parse ! %s' % (options, sink))


def write_config(path, endpoint, streams, program='', defaults='segment-duration=1s'):
    """streams: a dict of what is in their sections."""
    with open(path, 'w') as file:
        file.write('[program]\n%s\n[defaults]\nendpoint=%s\nrate-limits=none\n%s\n' % (program, endpoint, defaults))
        for name, text in streams.items():
            file.write('[%s]\n%s\n' % (name, text))
    return path


def environment():
    return {**os.environ, 'IDENTIFAI_API_KEY': 'k', 'G_DEBUG': 'fatal-criticals'}


def call(*arguments):
    """Runs to its end: exit status, stdout, stderr."""
    done = subprocess.run([program(), *arguments], env=environment(), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'docs', 'moderation.schema.json')
TYPES = {'string': str, 'integer': int, 'number': (int, float), 'boolean': bool, 'object': dict, 'array': list, 'null': type(None)}


def has_type(value, names):
    names = [names] if isinstance(names, str) else names
    return any(isinstance(value, TYPES[name]) and (name == 'boolean' or not isinstance(value, bool)) for name in names)


def check_schema(line, schema=json.load(open(SCHEMA))):
    """What of JSON Schema the lines' schema uses."""
    for name, rule in schema['properties'].items():
        if name in line:
            assert has_type(line[name], rule['type']) if 'type' in rule else line[name] in rule['enum'], (name, line)
    assert all(name in line for name in schema['required']), line
    for rule in schema['allOf']:
        wanted = rule['if']['properties']['event']
        if line['event'] in wanted.get('enum', [wanted.get('const')]):
            assert all(name in line for name in rule['then']['required']), (rule, line)


class Run:
    """A running program whose lines are read as they come."""

    def __init__(self, config, *arguments, **variables):
        self.process = subprocess.Popen([program(), *arguments, config], env={**environment(), **variables},
                                        stdout=subprocess.PIPE, text=True)
        self.lines, self.coming = [], queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for text in self.process.stdout:
            self.coming.put(json.loads(text))
        self.coming.put(None)

    def more(self, seconds):
        line = self.coming.get(timeout=max(seconds, 0.01))
        if line is not None:
            self.lines.append(line)
        return line

    def wait(self, **wanted):
        """The next line (of those not looked at) that has all of that."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                line = self.more(end - time.monotonic())
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError('no line with %s in %s' % (wanted, self.lines[-20:]))
            if all(line.get(key) == value for key, value in wanted.items()):
                return line

    def signal(self, number):
        self.process.send_signal(number)

    def finish(self, number=None):
        """All lines and the exit status, after a signal unless it ends by itself."""
        if number is not None:
            self.signal(number)
        while self.more(PATIENCE) is not None:
            pass
        for line in self.lines:
            check_schema(line)
        return self.process.wait(PATIENCE), self.lines

    def stop(self):
        return self.finish(signal.SIGTERM)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.kill()
        self.process.wait()


def of(lines, stream=None, event=None):
    return [line for line in lines
            if (stream is None or line.get('stream') == stream) and (event is None or line['event'] == event)]


def outcomes(lines, stream=None):
    return [line for line in of(lines, stream) if line['event'] in ('verdict', 'failed', 'dropped')]


def states(lines, stream):
    return [line['state'] for line in of(lines, stream, 'stream')]
