#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a competent user writes beside a program that records segments: one process that
posts each file named on its standard input, on a connection that is kept, and looks
once a second, in one call, at all results that there aren't yet.

    PROGRAM-THAT-PRINTS-NAMES | uploader.py http://HOST [--sha256]

--sha256: it also takes the SHA-256 of each file, as identifaisink does.
"""

import hashlib
import io
import json
import os
import select
import sys
import time
import urllib.parse

import pycurl

PATH = '/api/classification_video'
BATCH_PATH = '/api/classifications_video'
LOOK = 1.0  # s from one to the next


class Uploader:
    def __init__(self, host, hashing=False):
        self.hashing, self.hashes = hashing, {}  # identifier -> SHA-256
        self.address = host + PATH
        self.batch_address = host + BATCH_PATH
        self.curl = pycurl.Curl()
        self.pending = []
        self.next_look = 0.0

    def call(self, address):
        answer = io.BytesIO()
        self.curl.setopt(pycurl.URL, address)
        self.curl.setopt(pycurl.HTTPHEADER, ['X-Api-Key: k', 'Accept: application/json', 'Expect:'])
        self.curl.setopt(pycurl.FAILONERROR, True)
        self.curl.setopt(pycurl.WRITEDATA, answer)
        self.curl.perform()
        return json.loads(answer.getvalue())

    def fields(self):
        return []

    def hash(self, path):
        digest = hashlib.sha256()
        with open(path, 'rb') as file:
            while piece := file.read(1 << 18):
                digest.update(piece)
        return digest.hexdigest()

    def post(self, path):
        digest = self.hash(path) if self.hashing else None
        self.curl.setopt(pycurl.HTTPPOST, [('video', (pycurl.FORM_FILE, path))] + self.fields())
        self.pending.append(self.call(self.address)['identifier'])
        self.hashes[self.pending[-1]] = digest

    def look(self):
        query = urllib.parse.urlencode([('identifiers[]', identifier) for identifier in self.pending])
        self.curl.setopt(pycurl.HTTPGET, True)
        results = self.call(self.batch_address + '?' + query)
        final = {result['identifier'] for result in results if result['status'] == 'done'}
        self.pending = [identifier for identifier in self.pending if identifier not in final]
        self.next_look = time.monotonic() + LOOK

    def run(self, names):
        """names: a file descriptor from which lines come."""
        rest, ended = b'', False
        while not ended or self.pending:
            patience = max(0, self.next_look - time.monotonic()) if self.pending else None
            if ended:
                time.sleep(patience)
            elif select.select([names], [], [], patience)[0]:
                data = os.read(names, 65536)
                ended = not data
                *lines, rest = (rest + data).split(b'\n')
                for line in lines:
                    self.post(line.decode())
            if self.pending and time.monotonic() >= self.next_look:
                self.look()


if __name__ == '__main__':
    Uploader(sys.argv[1], '--sha256' in sys.argv).run(sys.stdin.fileno())
