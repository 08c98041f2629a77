#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""identifai-moderate's page in a browser: it is there, it goes on by itself, its buttons act
for who has the token, keys and screen readers get everywhere, and a page from elsewhere can
neither read nor act. With a folder as its argument it leaves pictures there."""

import http.server
import os
import sys
import tempfile
import threading

import browser
from emulator import Emulator
from moderation import MAGENTA, SKIPPED, Run, of, pipeline, write_config

STREAMS = {
    'gate': 'hold=2s\npipeline=' + pipeline('is-live=true', 'identifaigate ! fakesink'),
    'pink': 'policy=enter=2,window=2\npipeline=' + pipeline('is-live=true ' + MAGENTA),
    'quiet': 'evidence=none\npipeline=' + pipeline('is-live=true ' + MAGENTA),
    'broken': 'pipeline=filesrc location=/nonexistent ! identifaisink',
}
CARD = 'document.querySelector("article[aria-label=%s]")'
# What a page elsewhere may try: each gives what it could read, or why it could not.
FOREIGN = '''<script>
const own = "http://127.0.0.1:%d", act = own + "/api/streams/gate/force", body = '{"force":"drop"}';
const tries = [
  () => fetch(own + "/api/streams"), () => fetch(own + "/api/lines"),
  () => fetch(act, { method: "POST", body }),
  () => fetch(act, { method: "POST", body, headers: { Authorization: "Bearer %s" } }),
  () => fetch(act, { method: "POST", body, mode: "no-cors" }),
];
const done = Promise.all(tries.map(one => one().then(answer => answer.text()).catch(() => "refused")));
</script><form action="http://127.0.0.1:%d/api/streams/gate/force" method="post" enctype="text/plain"><input name='{"force":"drop","x":"' value='"}'></form>
<iframe src="http://127.0.0.1:%d/"></iframe>'''


def card(name):
    return CARD % name


def check_live(run, tab):
    """It fills, and goes on without being asked."""
    tab.run('const said = []; new MutationObserver(() => said.push(document.getElementById("announce").textContent))'
            '.observe(document.getElementById("announce"), { childList: true })')
    tab.wait('document.querySelectorAll("article").length === 4')
    tab.wait('document.getElementById("live").textContent === "live"')
    marks = card('pink') + '.querySelectorAll(".line .artificial").length'
    tab.wait(marks + ' >= 2')
    run.wait(stream='pink', event='verdict')
    seen = tab.run(marks)
    tab.wait('%s > %d' % (marks, seen))
    tab.wait(card('pink') + '.classList.contains("blocked")')
    tab.wait('/^[0-9]+ artificial$/.test(%s.querySelector(".counts").textContent)' % card('pink'))
    tab.wait('[...document.querySelectorAll("#log li")].some(item => item.textContent.includes("verdict"))')
    assert tab.run(card('broken') + '.querySelector(".state").textContent') in ('starting', 'waiting', 'draining', 'closing')
    tab.wait(card('broken') + '.classList.contains("overdue")')
    assert 'Not judged for' in tab.run(card('broken') + '.querySelector(".trouble").textContent')
    tab.wait('document.getElementById("unjudged").textContent === "Not judged: broken"')
    assert tab.wait('document.title.startsWith("(1 not judged)")')
    assert '4 streams' in tab.wait('document.getElementById("summary").textContent')


def check_token(run, tab, token):
    """Without it nothing is done, and no picture shown; that is said, and where it goes."""
    pictures = card('pink') + '.querySelectorAll(".moments img")'
    tab.wait(card('pink') + '.querySelectorAll(".moments li").length > 0')
    tab.run(card('gate') + '.querySelector("[data-force=drop]").click()')
    assert 'token' in tab.wait('document.getElementById("problem").textContent')
    assert tab.wait('document.activeElement.id === "token"') and tab.run(pictures + '.length') == 0
    assert [c['text'] for c in tab.complaints if '401' not in c['text']] == [], tab.complaints
    tab.complaints.clear()
    tab.run('document.getElementById("token").value = "%s"; document.getElementById("access").requestSubmit()' % token)
    tab.wait(pictures + '.length > 0')
    colour = tab.wait('''(() => { const image = %s[0], canvas = document.createElement("canvas");
        if (!image || !image.naturalWidth) return null;
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0);
        return [...context.getImageData(9, 9, 1, 1).data]; })()''' % pictures)
    assert colour[0] > 180 and colour[1] < 80 and colour[2] > 180, colour
    assert tab.run('%s.querySelectorAll(".moments li").length' % card('quiet')) == 0


def check_buttons(run, tab):
    tab.run(card('gate') + '.querySelector("[data-force=drop]").click()')
    run.wait(stream='gate', event='act', act='force')
    run.wait(stream='gate', event='gate', state='drop', reason='forced')
    tab.wait(card('gate') + '.querySelector(".gate").textContent === "drop"')
    tab.wait(card('gate') + '.querySelector("[data-force=drop]").getAttribute("aria-pressed") === "true"')
    tab.wait('said.some(text => text.startsWith("gate: gate drop"))')
    tab.run(card('gate') + '.querySelector("[data-force=none]").click()')
    run.wait(stream='gate', event='gate', state='pass')
    assert tab.run('%s.querySelector(".gates").hidden' % card('pink'))
    # a flagged moment leads to its segment, which somebody knows better
    tab.run(card('pink') + '.querySelector(".moments button").click()')
    tab.wait(card('pink') + '.querySelector(".chosen").textContent.includes("artificial")')
    tab.run(card('pink') + '.querySelector("[data-word=human]").click()')
    run.wait(stream='pink', event='override')


def check_keys(tab):
    """One stop in each row; the arrows go on from there, and Enter chooses."""
    stops = 'document.querySelectorAll("article[aria-label=pink] .line button[tabindex=\\"0\\"]")'
    assert tab.run(stops + '.length') == 1
    tab.run(stops + '[0].focus()')
    here = tab.run('document.activeElement.dataset.key')
    tab.press('ArrowLeft', 37)
    there = tab.wait('document.activeElement.dataset.key !== "%s" && document.activeElement.dataset.key' % here)
    assert tab.run(stops + '.length') == 1
    for kind in ('keyDown', 'char', 'keyUp'):
        tab.call('Input.dispatchKeyEvent', type=kind, key='Enter', code='Enter', windowsVirtualKeyCode=13, text='\r')
    tab.wait(card('pink') + '.querySelector(".line [aria-pressed=true]")?.dataset.key === "%s"' % there)
    # what is redrawn keeps the focus
    tab.wait('document.activeElement.dataset.key === "%s"' % there)


def check_names(tab):
    """Whatever can be acted on has a name that a screen reader says."""
    nodes = [node for node in tab.call('Accessibility.getFullAXTree')['nodes'] if not node['ignored']]
    roles = [(node['role']['value'], node.get('name', {}).get('value', '')) for node in nodes]
    nameless = [role for role, name in roles if role in ('button', 'textbox', 'group', 'article', 'main', 'region') and not name]
    assert nameless == [] and ('group', 'What leaves gate') in roles and ('heading', 'pink') in roles, (nameless, roles)
    assert ('main', 'Streams') in roles and any(role == 'status' for role, _ in roles), roles


def check_shapes(tab, folder):
    """Nothing is wider than a phone, and dark is dark."""
    for name, width, height, phone, dark in (('desktop', 1280, 900, False, False), ('dark', 1280, 900, False, True),
                                             ('phone', 360, 740, True, False), ('phone-dark', 320, 740, True, True)):
        tab.resize(width, height, phone)
        tab.darken(dark)
        assert tab.run('document.documentElement.scrollWidth') <= width, name
        colour = tab.run('getComputedStyle(document.documentElement).colorScheme + matchMedia("(prefers-color-scheme: dark)").matches')
        assert colour.endswith('true' if dark else 'false'), colour
        if folder:
            tab.picture(os.path.join(folder, name + '.png'))
    tab.resize(1280, 900)


def check_config(run, tab, path, endpoint, program):
    write_config(path, endpoint, {'gate': 'nonsense=1'}, program)
    run.signal(1)
    assert '[gate]' in tab.wait('!document.getElementById("config").hidden && document.getElementById("config").textContent')
    write_config(path, endpoint, {'gate': STREAMS['gate'], 'pink': 'evidence=none\n' + STREAMS['pink']}, program)
    run.signal(1)
    tab.wait('document.getElementById("config").hidden && document.querySelectorAll("article").length === 2')
    # of what is to be kept no more, the pictures are gone
    tab.wait(card('pink') + '.querySelectorAll(".moments li").length === 0')


class Elsewhere(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Type', 'text/html')
        self.end_headers()
        self.wfile.write(self.server.page.encode())

    def log_message(self, *unused):
        pass


def check_elsewhere(chromium, port, token):
    """Neither reads nor acts: of another origin, by a form, in a frame, or by a name that leads here."""
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Elsewhere)
    server.page = FOREIGN % (port, token, port, port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for host in ('127.0.0.1', 'evil.example'):
        tab = chromium.open('http://%s:%d/' % (host, server.server_address[1]))
        assert tab.run('done') == ['refused'] * 4 + [''], tab.run('done')
        assert any('frame-ancestors' in c['text'] or 'refused to connect' in c['text'] or 'Framing' in c['text'] for c in tab.complaints), tab.complaints
        tab.run('document.forms[0].submit()')
        tab.wait('location.pathname.endsWith("/force") && document.body && document.body.innerText.includes("this address only")')
    server.shutdown()
    server.server_close()
    tab = chromium.open('http://evil.example:%d/' % port)
    assert 'this address only' in tab.run('document.body.innerText')


def main():
    if browser.find() is None:
        print('skipped: there is no Chromium')
        return SKIPPED
    pictures = sys.argv[1] if len(sys.argv) > 1 else None
    with Emulator() as endpoint, tempfile.TemporaryDirectory() as folder, browser.Browser(['evil.example']) as chromium:
        path, token = os.path.join(folder, 'c'), os.path.join(folder, 'token')
        program = 'listen=127.0.0.1:0\ntoken-file=' + token
        write_config(path, endpoint, STREAMS, program)
        with Run(path) as run:
            address = run.wait(event='program')['page']
            tab = chromium.open(address)
            secret = open(token).read()
            check_live(run, tab)
            check_token(run, tab, secret)
            check_buttons(run, tab)
            check_keys(tab)
            check_names(tab)
            check_shapes(tab, pictures)
            assert tab.complaints == [], tab.complaints
            acts = len(of(run.lines, event='act'))
            check_elsewhere(chromium, int(address.rstrip('/').rsplit(':', 1)[1]), secret)
            check_config(run, tab, path, endpoint, program)
            code, lines = run.stop()
            assert code == 0 and len(of(lines, event='act')) == acts, of(lines, event='act')
            tab.wait('document.getElementById("live").textContent === "not connected"')
    return 0


if __name__ == '__main__':
    sys.exit(main())
