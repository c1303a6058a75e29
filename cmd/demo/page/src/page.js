// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// The call box of the demo's page.

import { call, methodOf, registryOf, requestOf } from './call.js';

const most = 200; // messages of a stream that are shown

const byId = id => document.getElementById(id);
const element = (name, ...children) => {
  const made = document.createElement(name);
  made.append(...children);
  return made;
};

const box = byId('box');
const procedureChoice = byId('procedure');
const callerChoice = byId('caller');
const overChoice = byId('over');
const messageText = byId('message');
const stop = byId('stop');
const matrix = byId('matrix');

const get = async path => {
  const response = await fetch(path);
  if (!response.ok) throw new Error((await response.text()).trim());
  return response;
};

let running; // the AbortController of the call under way
let received; // messages of the last call
let signedIn = false; // here, so that there is a session cookie to delete

const start = async () => {
  const [data, descriptors] = await Promise.all([
    get('/page/data.json').then(response => response.json()),
    get('/page/descriptors.binpb').then(response => response.arrayBuffer()),
  ]);
  const world = {
    registry: registryOf(new Uint8Array(descriptors)),
    procedures: new Map(data.services.flatMap(service => service.procedures).map(procedure => [procedure.name, procedure])),
    callers: new Map(data.callers.flatMap(group => group.callers).map(caller => [caller.name, caller])),
  };
  const chooseProcedure = () => {
    const { example, obstacle, handler } = world.procedures.get(procedureChoice.value);
    byId('about').textContent = [obstacle, handler && `Left to the handler: ${handler}.`].filter(Boolean).join(' ');
    messageText.value = example;
    complain('');
  };
  const chooseCaller = () => {
    const { cookie, holds } = world.callers.get(callerChoice.value);
    const how = cookie && 'Call signs in first; the browser then adds a cookie, and the call has no authorization.';
    byId('holds').textContent = [how, `Holds ${holds.join('; ')}.`].filter(Boolean).join(' ');
  };
  procedureChoice.addEventListener('change', chooseProcedure);
  callerChoice.addEventListener('change', chooseCaller);
  chooseProcedure();
  chooseCaller();

  box.addEventListener('submit', event => {
    event.preventDefault();
    submit(world);
  });
  messageText.addEventListener('keydown', event => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      box.requestSubmit();
    }
  });
  for (const choice of box.querySelectorAll('select')) choice.addEventListener('keydown', submitOnEnter);
  stop.addEventListener('click', () => running?.abort());
  matrix.addEventListener('click', event => {
    const name = event.target.closest('[data-procedure]')?.dataset.procedure;
    if (!name) return;
    event.preventDefault();
    procedureChoice.value = name;
    chooseProcedure();
    procedureChoice.focus();
  });
  box.dataset.ready = '';
};

/** Makes Enter call from a closed list, as it does from other fields; browsers differ. In an open one it picks. */
const submitOnEnter = event => {
  if (event.key !== 'Enter' || !CSS.supports('selector(:open)') || event.target.matches(':open')) return;
  event.preventDefault();
  box.requestSubmit();
};

const complain = text => {
  byId('message-error').textContent = text;
  messageText.setAttribute('aria-invalid', String(text !== ''));
};

const announce = (text, mood) => {
  byId('outcome').textContent = text;
  byId('outcome').dataset.mood = mood;
};

const submit = async world => {
  running?.abort();
  const procedure = world.procedures.get(procedureChoice.value);
  const caller = world.callers.get(callerChoice.value);
  const method = methodOf(world.registry, procedure.name);
  let request;
  try {
    request = requestOf(world.registry, method, messageText.value);
  } catch (error) {
    complain(`Not a ${method.input.name}: ${error.message}`);
    messageText.focus();
    return;
  }
  complain('');
  clear();
  const mine = new AbortController();
  running = mine;
  stop.disabled = false;
  announce('Calling …', 'wait');
  const explained = explain(procedure, caller);
  const outcome = procedure.obstacle
    ? undefined
    : await callAs(caller, {
        registry: world.registry,
        baseUrl: location.origin,
        over: overChoice.value,
        method,
        request,
        signal: mine.signal,
        onMessage: answer => running === mine && show(procedure, answer),
      });
  const why = await explained;
  if (running !== mine) return; // another call has taken the place of this one
  running = undefined;
  if (document.activeElement === stop) byId('submit').focus(); // a disabled button loses the focus
  stop.disabled = true;
  tell(procedure, outcome);
  tellWhy(outcome, why);
  byId('outcome').scrollIntoView({ block: 'nearest' });
};

/** Calls with what a caller presents, and with nothing else: a cookie that is left from before goes with those who call by cookie alone. */
const callAs = async (caller, options) => {
  try {
    await sign(caller.cookie, options.signal);
  } catch (error) {
    const code = options.signal.aborted ? 'canceled' : 'unavailable';
    return { code, text: `signing in: ${error.message}`, reason: '', metadata: {}, http: 0, challenge: '' };
  }
  return call({ ...options, credential: caller.credential, credentials: caller.cookie ? 'same-origin' : 'omit' });
};

/** Signs in as a caller, or out where there is none; the demo sets and deletes the cookie, which scripts cannot read. */
const sign = async (as, signal) => {
  if (!as && !signedIn) return;
  const how = as ? { method: 'POST', body: new URLSearchParams({ caller: as }) } : { method: 'DELETE' };
  const response = await fetch('/page/session', { ...how, signal });
  if (!response.ok) throw new Error((await response.text()).trim());
  signedIn = as !== '';
};

const explain = async (procedure, caller) => {
  const query = new URLSearchParams({ procedure: procedure.name, caller: caller.name, message: messageText.value });
  try {
    return await (await get(`/page/explain.json?${query}`)).json();
  } catch (error) {
    return { failed: error.message };
  }
};

const clear = () => {
  received = 0;
  for (const id of ['facts', 'messages', 'reasons']) byId(id).replaceChildren();
  byId('answer').hidden = byId('why').hidden = true;
};

/** Adds a term with its descriptions to a list, unless there are none. */
const describe = (list, term, ...texts) => {
  const said = texts.filter(text => text !== '');
  if (said.length === 0) return;
  list.append(element('dt', term), element('dd', ...said.map(text => element('p', text))));
};

/** Shows an answer: that of a unary call at leisure, those of a stream in a line each. */
const show = (procedure, answer) => {
  received++;
  byId('answer').hidden = false;
  if (received > most) return;
  byId('messages').append(element('li', element('pre', JSON.stringify(answer, null, procedure.shape === 'unary' ? 2 : 0))));
};

const tell = (procedure, outcome) => {
  if (!outcome) {
    announce('Not called: no browser can. What the guard makes of it is below.', 'wait');
    return;
  }
  if (outcome.code === 'ok') {
    announce(procedure.shape === 'unary' ? 'Answered: ok' : `Answered: ok, ${received} message${received === 1 ? '' : 's'}`, 'good');
  } else if (outcome.http === 0) {
    announce(outcome.code === 'canceled' ? 'Stopped' : `No answer: ${outcome.code}`, 'wait');
  } else {
    announce(`Refused: ${outcome.code}${outcome.reason && `, ${outcome.reason}`}`, 'bad');
  }
  const facts = byId('facts');
  if (received > most) describe(facts, 'Shown', `the first ${most} messages`);
  describe(facts, 'Code', outcome.code);
  describe(facts, 'Reason', outcome.code === 'ok' ? '' : outcome.reason || 'none is told');
  describe(facts, 'Error text', outcome.text);
  describe(facts, 'Metadata', ...Object.entries(outcome.metadata).sort().map(([name, value]) => `${name} = ${value}`));
  describe(facts, 'HTTP status', outcome.http ? String(outcome.http) : 'no response');
  describe(facts, 'Challenge', outcome.challenge);
};

const tellWhy = (outcome, why) => {
  const reasons = byId('reasons');
  byId('why').hidden = false;
  if (why.failed) {
    describe(reasons, 'So', `There is no explanation: ${why.failed}`);
    return;
  }
  describe(reasons, 'The rule asks', ...why.asks.map((text, i) => (i === 0 ? text : `or ${text}`)));
  describe(reasons, 'The caller holds', ...why.holds);
  describe(reasons, 'Missing', why.missing);
  if (why.reason && why.reason !== outcome?.reason) describe(reasons, 'True reason', why.reason);
  describe(reasons, 'So', ...why.so, ...afterwards(outcome, why));
};

/** What happened after the guard had let a call through. */
const afterwards = (outcome, why) => {
  if (!why.admitted || !outcome || outcome.code === 'ok') return [];
  if (outcome.http === 0) return [outcome.code === 'canceled' ? 'The call was stopped here.' : 'But the demo did not answer. Does it still run?'];
  return [`But the call ended with ${outcome.code}: the handler refused it.`];
};

start().catch(error => announce(`The call box does not work: ${error.message}`, 'bad'));
