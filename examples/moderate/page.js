'use strict';
/* What streams do, live; and what people do to them, with the token. All text is set as
 * text: nothing that a service or a camera says is taken for markup. */

const streams = new Map();
const chosen = new Map();
const byId = id => document.getElementById(id);
const LETTERS = { human: 'h', artificial: 'A', unknown: '?', failed: 'f', dropped: 'd' };

function word(outcome) {
  return outcome.event === 'verdict' ? outcome.classification : outcome.event;
}

function describe(outcome) {
  const time = outcome.start ? new Date(outcome.start).toLocaleTimeString() : '';
  const score = outcome.score === undefined ? '' : ', score ' + outcome.score.toFixed(2);
  return `segment ${outcome.segment} ${time}: ${word(outcome)}${score}${outcome.reason ? ' (' + outcome.reason + ')' : ''}`;
}

async function act(name, what, body) {
  const answer = await fetch(`api/streams/${name}/${what}`, {
    method: 'POST', body: JSON.stringify(body),
    headers: { 'Authorization': 'Bearer ' + byId('token').value, 'Content-Type': 'application/json' } });
  const said = answer.ok ? {} : await answer.json();
  show(answer.ok ? null : `${name}: ${said.problem}`);
  if (answer.status === 401)
    byId('token').focus();
  load();
}

function show(problem) {
  byId('problem').hidden = !problem;
  byId('problem').textContent = problem || '';
}

function add(stream) {
  const card = byId('stream').content.cloneNode(true).firstElementChild;
  card.querySelector('h2').textContent = stream.name;
  card.querySelectorAll('[data-force]').forEach(button => button.addEventListener('click', () =>
    act(stream.name, 'force', { force: button.dataset.force })));
  card.querySelectorAll('[data-word]').forEach(button => button.addEventListener('click', () => {
    const outcome = chosen.get(stream.name);
    act(stream.name, 'override', outcome.identifier ?
      { identifier: outcome.identifier, classification: button.dataset.word } :
      { segment: outcome.segment, classification: button.dataset.word });
  }));
  byId('streams').append(card);
  streams.set(stream.name, card);
  return card;
}

function choose(name, outcome) {
  chosen.set(name, outcome);
  load();
}

function drawLine(card, stream) {
  const line = card.querySelector('.line');
  const focused = line.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  line.replaceChildren(...stream.latest.map(outcome => {
    const item = document.createElement('li'), button = document.createElement('button');
    const pick = chosen.get(stream.name);
    button.className = word(outcome);
    button.textContent = LETTERS[word(outcome)] || '?';
    button.title = describe(outcome);
    button.setAttribute('aria-label', describe(outcome));
    button.dataset.key = `${outcome.start} ${outcome.segment}`;
    button.setAttribute('aria-pressed', Boolean(pick && pick.start === outcome.start && pick.segment === outcome.segment));
    button.addEventListener('click', () => choose(stream.name, outcome));
    item.append(button);
    return item;
  }));
  if (focused !== null)
    [...line.querySelectorAll('button')].find(button => button.dataset.key === focused)?.focus();
}

function draw(stream) {
  const card = streams.get(stream.name) || add(stream);
  const set = (name, text) => { card.querySelector('.' + name).textContent = text; };
  const outcomes = stream.latest || [], pick = chosen.get(stream.name);
  const silence = stream.state === 'silent' ? `, for ${Math.round(stream.silence)} s` : '';
  card.className = stream.policy === 'blocked' ? 'blocked' : stream.state;
  set('state', stream.state + silence);
  set('policy', stream.policy || '–');
  set('gate', stream.gate || '–');
  set('latency', stream.latency === undefined ? '–' : stream.latency.toFixed(1) + ' s');
  set('judged', `${outcomes.filter(o => o.event === 'verdict').length} of ${outcomes.length}`);
  set('restarts', stream.restarts);
  set('chosen', pick ? describe(pick) : '');
  card.querySelector('.overrides').hidden = !pick;
  card.querySelector('.gates').hidden = !stream.can_gate;
  drawLine(card, { ...stream, latest: outcomes });
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
      }
    if (answer.config_problem)
      show(answer.config_problem);
  } catch { /* the events tell that it is gone */ }
  loading = false;
  if (again)
    setTimeout(load, 200);
}

function log(line) {
  const list = byId('log'), item = document.createElement('li');
  const atEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 4;
  const { time, event, stream, prev, ...rest } = line;
  item.textContent = `${time} ${stream || ''} ${event} ${JSON.stringify(rest)}`;
  list.append(item);
  while (list.children.length > 200)
    list.firstElementChild.remove();
  if (atEnd)
    list.scrollTop = list.scrollHeight;
}

async function start() {
  const text = await (await fetch('api/lines')).text();
  text.split('\n').filter(Boolean).forEach(one => log(JSON.parse(one)));
  load();
  const events = new EventSource('api/events');
  events.onopen = () => { byId('live').textContent = 'live'; load(); };
  events.onerror = () => { byId('live').textContent = 'not connected'; };
  events.onmessage = event => { log(JSON.parse(event.data)); load(); };
}

byId('token').value = sessionStorage.getItem('token') || '';
byId('token').addEventListener('change', event => sessionStorage.setItem('token', event.target.value));
byId('access').addEventListener('submit', event => event.preventDefault());
start();
