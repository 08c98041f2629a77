# SPDX-License-Identifier: LGPL-2.1-or-later
"""Chromium without a window, by its own protocol over two pipes: for tests of pages."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time

PATIENCE = 60


def find():
    for name in ('chromium-headless-shell', 'chromium', 'google-chrome'):
        if shutil.which(name):
            return shutil.which(name)
    return None


class Browser:
    """Use as a context. names: hosts that lead to 127.0.0.1."""

    def __init__(self, names=()):
        self.names = names

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        (its_in, self.out), (self.into, its_out) = os.pipe(), os.pipe()
        rules = ','.join('MAP %s 127.0.0.1' % name for name in self.names)
        self.process = subprocess.Popen(
            ['sh', '-c', 'exec "$0" "$@" 3<&%d 4>&%d' % (its_in, its_out), find(), '--headless', '--no-sandbox',
             '--remote-debugging-pipe', '--disable-gpu', '--disable-dev-shm-usage', '--user-data-dir=' + self.folder.name,
             '--host-resolver-rules=' + rules, 'about:blank'],
            pass_fds=(its_in, its_out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(its_in)
        os.close(its_out)
        self.rest, self.number = b'', 0
        return self

    def __exit__(self, *unused):
        self.process.kill()
        self.process.wait()
        os.close(self.out)
        os.close(self.into)
        self.folder.cleanup()

    def read(self):
        while b'\0' not in self.rest:
            more = os.read(self.into, 1 << 20)
            assert more, 'the browser is gone'
            self.rest += more
        text, self.rest = self.rest.split(b'\0', 1)
        return json.loads(text)

    def call(self, method, page=None, **parameters):
        self.number += 1
        message = {'id': self.number, 'method': method, 'params': parameters}
        if page is not None:
            message['sessionId'] = page.session
        os.write(self.out, json.dumps(message).encode() + b'\0')
        while True:
            answer = self.read()
            if answer.get('id') == self.number:
                assert 'error' not in answer, (method, answer)
                return answer['result']
            Tab.note(answer)

    def open(self, address):
        return Tab(self, address)


class Tab:
    """A page. complaints: of its scripts, and what its policy refused."""

    tabs = {}

    def __init__(self, browser, address):
        self.browser, self.complaints = browser, []
        target = browser.call('Target.createTarget', url='about:blank')['targetId']
        self.session = browser.call('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        Tab.tabs[self.session] = self
        for domain in ('Page', 'Runtime', 'Log'):
            self.call(domain + '.enable')
        self.call('Page.navigate', url=address)
        self.wait('document.readyState === "complete" && location.href !== "about:blank"')

    @classmethod
    def note(cls, event):
        tab = cls.tabs.get(event.get('sessionId'))
        if tab is None:
            return
        if event['method'] == 'Runtime.exceptionThrown':
            tab.complaints.append(event['params']['exceptionDetails'])
        elif event['method'] == 'Log.entryAdded' and event['params']['entry']['level'] == 'error':
            tab.complaints.append(event['params']['entry'])

    def call(self, method, **parameters):
        return self.browser.call(method, self, **parameters)

    def run(self, script):
        """The value of an expression, which may be a promise."""
        answer = self.call('Runtime.evaluate', expression=script, awaitPromise=True, returnByValue=True)
        assert 'exceptionDetails' not in answer, (script, answer)
        return answer['result'].get('value')

    def wait(self, script):
        end = time.monotonic() + PATIENCE
        while not (value := self.run(script)):
            assert time.monotonic() < end, (script, self.complaints, self.run('document.body.innerText')[:1500])
            time.sleep(0.1)
        return value

    def press(self, key, code=0):
        for kind in ('keyDown', 'keyUp'):
            self.call('Input.dispatchKeyEvent', type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def resize(self, width, height, phone=False):
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=phone)

    def darken(self, dark=True):
        self.call('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}])

    def picture(self, path):
        data = self.call('Page.captureScreenshot', captureBeyondViewport=True)['data']
        with open(path, 'wb') as file:
            file.write(base64.b64decode(data))
