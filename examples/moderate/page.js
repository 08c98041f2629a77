'use strict';
/* What streams do, live; and what people do to them, with the token. All text is set as
 * text: nothing that a service or a camera says is taken for markup. */

const streams = new Map();
const chosen = new Map();
const pictures = new Map();
const byId = id => document.getElementById(id);
const LETTERS = { human: 'h', artificial: 'A', unknown: '?', failed: 'f', dropped: 'd' };
const LINES = 200;
/* ms: what isn't told shows, too. */
const AGAIN = 5000;

function make(name, text) {
  const element = document.createElement(name);
  element.textContent = text || '';
  return element;
}

function word(outcome) {
  return outcome.event === 'verdict' ? outcome.classification : outcome.event;
}

function clock(time) {
  return time ? new Date(time).toLocaleTimeString() : '';
}

function key(outcome) {
  return `${outcome.session}-${outcome.segment}`;
}

function describe(outcome) {
  const score = outcome.score === undefined ? '' : ', score ' + outcome.score.toFixed(2);
  return `segment ${outcome.segment} ${clock(outcome.start)}: ${outcome.late ? 'late, ' : ''}${word(outcome)}${score}${outcome.reason ? ' (' + outcome.reason + ')' : ''}`;
}

/* Calls with the token. */

function ask(path, options) {
  return fetch(path, { ...options, headers: { 'Authorization': 'Bearer ' + byId('token').value, 'Content-Type': 'application/json' } });
}

function show(id, problem) {
  if (byId(id).textContent !== (problem || ''))
    byId(id).textContent = problem || '';
  byId(id).hidden = !problem;
}

async function act(name, what, body) {
  try {
    const answer = await ask(`api/streams/${name}/${what}`, { method: 'POST', body: JSON.stringify(body) });
    const said = answer.ok ? {} : await answer.json();
    show('problem', answer.ok ? null : `${name}: ${said.problem}`);
    if (answer.status === 401)
      byId('token').focus();
  } catch {
    show('problem', `${name}: identifai-moderate doesn't answer`);
  }
  load();
}

/* Pictures of flagged moments: only who has the token may see them. */

async function fetchPicture(name, moment) {
  const picture = pictures.get(moment.id);
  picture.state = 'coming';
  try {
    const answer = await ask(`api/streams/${name}/thumbnails/${moment.id}`);
    picture.state = answer.ok ? 'there' : answer.status === 401 ? 'locked' : 'gone';
    if (answer.ok)
      picture.url = URL.createObjectURL(await answer.blob());
  } catch {
    picture.state = 'locked';
  }
  load();
}

function drawPicture(name, moment) {
  const picture = pictures.get(moment.id) || { state: 'locked', wanted: true };
  pictures.set(moment.id, picture);
  if (picture.wanted && byId('token').value) {
    picture.wanted = false;
    fetchPicture(name, moment);
  }
  if (!picture.url)
    return make('span', picture.state === 'locked' ? 'Token' : picture.state === 'gone' ? 'gone' : '…');
  const image = make('img');
  image.src = picture.url;
  image.alt = '';
  return image;
}

function drawMoments(card, stream) {
  const list = card.querySelector('.moments'), moments = [...stream.thumbnails].reverse();
  const now = moments.map(moment => moment.id + pictures.get(moment.id)?.state).join() + Boolean(byId('token').value);
  list.hidden = moments.length === 0;
  if (list.dataset.now === now)
    return;
  list.replaceChildren(...moments.map(moment => {
    const item = make('li'), button = make('button');
    const outcome = { event: 'verdict', classification: 'artificial', ...moment };
    button.append(drawPicture(stream.name, moment), make('span', clock(Date.parse(moment.start) + 1000 * moment.moment)));
    button.setAttribute('aria-label', 'picture of ' + describe(outcome));
    button.title = describe(outcome);
    button.addEventListener('click', () => choose(stream.name, (streams.get(stream.name).latest || []).find(o => key(o) === moment.id) || outcome));
    item.append(button);
    return item;
  }));
  list.dataset.now = moments.map(moment => moment.id + pictures.get(moment.id)?.state).join() + Boolean(byId('token').value);
}

function forgetPictures(all) {
  const there = new Set(all.flatMap(stream => stream.thumbnails.map(moment => moment.id)));
  for (const [id, picture] of pictures)
    if (!there.has(id)) {
      if (picture.url)
        URL.revokeObjectURL(picture.url);
      pictures.delete(id);
    }
}

/* Segments: one button in the row can be tabbed to, the arrows go on from there. */

function choose(name, outcome) {
  chosen.set(name, outcome);
  load();
}

function onArrow(event, line) {
  const buttons = [...line.querySelectorAll('button')], at = buttons.indexOf(document.activeElement);
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: buttons.length - 1 }[event.key];
  if (at < 0 || to === undefined || !buttons[to])
    return;
  event.preventDefault();
  buttons.forEach(button => { button.tabIndex = -1; });
  buttons[to].tabIndex = 0;
  buttons[to].focus();
}

function drawLine(card, name, latest) {
  const line = card.querySelector('.line'), pick = chosen.get(name);
  const now = latest.map(key).join() + (pick ? key(pick) : '');
  if (line.dataset.now === now)
    return;
  line.dataset.now = now;
  const focused = line.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  line.replaceChildren(...latest.map(outcome => {
    const item = make('li'), button = make('button', LETTERS[word(outcome)] || '?');
    button.className = word(outcome);
    button.title = describe(outcome);
    button.setAttribute('aria-label', describe(outcome));
    button.setAttribute('aria-pressed', Boolean(pick && key(pick) === key(outcome)));
    button.dataset.key = key(outcome);
    button.tabIndex = -1;
    button.addEventListener('click', () => choose(name, outcome));
    item.append(button);
    return item;
  }));
  const buttons = [...line.querySelectorAll('button')];
  const back = buttons.find(button => button.dataset.key === focused);
  const tabbed = back || buttons.find(button => pick && button.dataset.key === key(pick)) || buttons[buttons.length - 1];
  if (tabbed)
    tabbed.tabIndex = 0;
  back?.focus();
}

/* Streams. */

function add(stream) {
  const card = byId('stream').content.cloneNode(true).firstElementChild;
  card.querySelector('h2').textContent = stream.name;
  card.setAttribute('aria-label', stream.name);
  card.id = 'stream-' + stream.name;
  card.querySelector('.line').setAttribute('aria-label', `${stream.name}, latest segments, oldest first`);
  card.querySelector('.moments').setAttribute('aria-label', `${stream.name}, flagged moments, latest first`);
  card.querySelector('.gates').setAttribute('aria-label', `What leaves ${stream.name}`);
  card.querySelector('.overrides').setAttribute('aria-label', `${stream.name}, override the chosen segment`);
  card.querySelectorAll('[data-force]').forEach(button => button.addEventListener('click', () =>
    act(stream.name, 'force', { force: button.dataset.force })));
  card.querySelectorAll('[data-word]').forEach(button => button.addEventListener('click', () => {
    const outcome = chosen.get(stream.name), latest = card.latest[card.latest.length - 1];
    if (outcome.identifier)
      act(stream.name, 'override', { identifier: outcome.identifier, classification: button.dataset.word });
    else if (outcome.session === latest?.session)
      act(stream.name, 'override', { segment: outcome.segment, classification: button.dataset.word });
    else
      show('problem', `${stream.name}: segment ${outcome.segment} is of a session that is over, and the service never had it`);
  }));
  card.querySelector('.line').addEventListener('keydown', event => onArrow(event, card.querySelector('.line')));
  byId('streams').append(card);
  streams.set(stream.name, card);
  return card;
}

function tellCounts(counts) {
  return Object.keys(LETTERS).filter(name => counts[name]).map(name => `${counts[name]} ${name}`).join(', ') || '–';
}

function tellLong(seconds) {
  return seconds < 120 ? `${Math.round(seconds)} s` : seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

function tellTrouble(stream) {
  const parts = [stream.overdue ? `Not judged for ${tellLong(stream.unjudged)}` : '', stream.trouble || ''];
  return parts.filter(Boolean).join(': ');
}

function draw(stream) {
  const card = streams.get(stream.name) || add(stream);
  const set = (name, text) => {
    const element = card.querySelector('.' + name);
    if (element.textContent !== String(text))
      element.textContent = text;
  };
  const latest = stream.latest || [], pick = chosen.get(stream.name);
  card.latest = latest;
  card.className = [stream.policy === 'blocked' ? 'blocked' : stream.state, ...stream.overdue ? ['overdue'] : []].join(' ');
  set('trouble', tellTrouble(stream));
  set('state', stream.state + (stream.state === 'silent' ? `, for ${Math.round(stream.silence)} s` : ''));
  set('policy', stream.policy || '–');
  set('gate', stream.gate || '–');
  set('latency', stream.latency === undefined ? '–' : stream.latency.toFixed(1) + ' s');
  set('restarts', stream.restarts);
  set('counts', tellCounts(stream.counts || {}));
  set('span', latest.length ? `${clock(latest[0].start)} to ${clock(latest[latest.length - 1].start)}` : 'no segment yet');
  set('chosen', pick ? describe(pick) : '');
  card.querySelector('.overrides').hidden = !pick;
  card.querySelector('.gates').hidden = card.querySelector('.going-out').hidden = !stream.can_gate;
  card.querySelectorAll('[data-force]').forEach(button => button.setAttribute('aria-pressed', button.dataset.force === stream.force));
  drawLine(card, stream.name, latest);
  drawMoments(card, stream);
}

/* Also in the window's title, for who looks at something else. */
function warn(names) {
  const place = byId('unjudged'), now = names.join();
  document.title = names.length ? `(${names.length} not judged) identifai-moderate` : 'identifai-moderate';
  place.hidden = !names.length;
  if (place.dataset.now === now)
    return;
  place.dataset.now = now;
  place.replaceChildren('Not judged: ', ...names.flatMap((name, i) => {
    const link = make('a', name);
    link.href = '#stream-' + name;
    return i ? [', ', link] : [link];
  }));
}

function summarize(all) {
  const count = (what, name) => all.filter(stream => stream[what] === name).length;
  const parts = [`${all.length} ${all.length === 1 ? 'stream' : 'streams'}`, `${count('state', 'running')} running`];
  for (const [what, name] of [['state', 'silent'], ['state', 'waiting'], ['policy', 'blocked']])
    if (count(what, name))
      parts.push(`${count(what, name)} ${name}`);
  byId('summary').textContent = parts.join(', ');
  byId('none').hidden = all.length > 0;
  warn(all.filter(stream => stream.overdue).map(stream => stream.name));
}

let loading = false, again = false;

/* One call at a time, whatever comes meanwhile. */
async function load() {
  again = loading;
  if (loading)
    return;
  loading = true;
  try {
    const answer = await (await fetch('api/streams')).json();
    const names = new Set(answer.streams.map(stream => stream.name));
    answer.streams.forEach(draw);
    for (const [name, card] of streams)
      if (!names.has(name)) {
        card.remove();
        streams.delete(name);
        chosen.delete(name);
      }
    forgetPictures(answer.streams);
    summarize(answer.streams);
    show('config', answer.config_problem);
  } catch { /* the events tell that it is gone */ }
  loading = false;
  if (again)
    setTimeout(load, 200);
}

/* What is told. */

const logged = new Set();
const SAID_ELSEWHERE = ['time', 'event', 'stream', 'prev', 'session', 'sha256', 'identifier', 'running_time', 'element', 'pid'];

/* What a reader wants of a line first; all of it is in its title. */
function sum(line) {
  if (LETTERS[line.event] || line.event === 'verdict')
    return describe(line);
  if (line.text)
    return line.text;
  return Object.entries(line).filter(([name, value]) => value !== 0 && !SAID_ELSEWHERE.includes(name))
    .map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`).join(', ');
}

function log(line) {
  const list = byId('log'), item = make('li');
  const atEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 4;
  const { time, event, stream, prev } = line;
  if (logged.has(prev))
    return;
  logged.add(prev);
  item.dataset.prev = prev;
  item.className = event;
  item.title = JSON.stringify(line);
  item.append(make('time', clock(time)), ' ', make('b', stream || ''), ' ', make('span', event), ' ', sum(line));
  list.append(item);
  while (list.children.length > LINES) {
    logged.delete(list.firstElementChild.dataset.prev);
    list.firstElementChild.remove();
  }
  if (atEnd)
    list.scrollTop = list.scrollHeight;
}

/* To who can't see the colours: what somebody may have to act on, once. */
const announced = new Map();

function announce(line) {
  if (line.event !== 'policy' && line.event !== 'gate' && !(line.event === 'stream' && ['silent', 'waiting', 'ended'].includes(line.state)))
    return;
  const what = `${line.event === 'stream' ? '' : line.event + ' '}${line.state}`;
  if (announced.get(line.stream) !== what)
    byId('announce').textContent = `${line.stream}: ${what}`;
  announced.set(line.stream, what);
}

async function catchUp() {
  try {
    const text = await (await fetch('api/lines')).text();
    text.split('\n').filter(Boolean).forEach(one => log(JSON.parse(one)));
  } catch { /* the events tell that it is gone */ }
  load();
}

function start() {
  const events = new EventSource('api/events');
  events.onopen = () => { show('live', 'live'); document.body.classList.remove('gone'); catchUp(); };
  events.onerror = () => { show('live', 'not connected'); document.body.classList.add('gone'); };
  events.onmessage = event => { log(JSON.parse(event.data)); announce(JSON.parse(event.data)); load(); };
  events.addEventListener('thumbnail', load);
}

byId('token').value = sessionStorage.getItem('token') || '';
byId('access').addEventListener('submit', event => {
  event.preventDefault();
  sessionStorage.setItem('token', byId('token').value);
  for (const picture of pictures.values())
    picture.wanted = !picture.url;
  show('problem', null);
  load();
});
setInterval(load, AGAIN);
start();
