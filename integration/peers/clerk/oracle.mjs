// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Answers questions with Clerk's own libraries: one JSON object a line in, one a line out, in the same order. The first line sets what
// stays: the key and the rest that a server of Clerk's users configures. Nothing here reaches a network: the only thing that would is the
// verification of opaque tokens, which is answered from the list below.

import readline from 'node:readline';

const opaque = {
  '/api_keys/verify': { token: 'secret', good: 'ak_good', body: { object: 'api_key', id: 'key_1', type: 'api_key', subject: 'user_1', name: 'n', claims: null, scopes: ['a'] } },
  '/oauth_applications/access_tokens/verify': {
    token: 'access_token',
    good: 'oat_good',
    body: { object: 'clerk_idp_oauth_access_token', id: 'oat_1', type: 'oauth:access_token', subject: 'user_1', client_id: 'client_1', scopes: ['a'], aud: ['https://api.example.com'] },
  },
  '/m2m_tokens/verify': { token: 'token', good: 'mt_good', body: { object: 'machine_to_machine_token', id: 'mt_1', subject: 'mch_1', claims: null, scopes: ['a'] } },
};
const common = { revoked: false, revocation_reason: null, expired: false, expiration: null, created_at: 1, updated_at: 1 };

// Set before the libraries are loaded, since they keep what they find.
globalThis.fetch = async (input, init) => {
  const url = new URL(input instanceof Request ? input.url : String(input));
  const text = input instanceof Request ? await input.text() : String(init?.body ?? '');
  const endpoint = opaque[url.pathname];
  const found = endpoint && JSON.parse(text)[endpoint.token] === endpoint.good;
  const body = found ? { ...common, ...endpoint.body } : { errors: [{ code: 'not_found', message: 'not found' }] };
  return new Response(JSON.stringify(body), { status: found ? 200 : 404, headers: { 'content-type': 'application/json' } });
};

let now = Date.now();
Date.now = () => now;

const { createClerkClient, verifyToken } = await import('@clerk/backend');
const { getAuthObjectFromJwt, isMachineToken, isMachineTokenByPrefix, verifyMachineAuthToken } = await import('@clerk/backend/internal');

let settings;
let client;

const configure = given => {
  settings = given;
  // A key of production, since without a credential those of development are about cookies only.
  client = createClerkClient({ secretKey: 'sk_live_x', publishableKey: `pk_live_${btoa('clerk.example.com$')}`, apiUrl: 'http://127.0.0.1:9' });
  return { node: process.version };
};

const options = question => ({
  jwtKey: settings.pem,
  issuer: settings.issuer,
  authorizedParties: settings.parties,
  clockSkewInMs: question.skew,
  // Of a session's aud we ask nothing: azp says whom it is for.
  ...(question.kind === 'session' ? {} : { audience: settings.audiences }),
});

const authenticate = async (question, acceptsToken) => {
  const headers = new Headers();
  for (const value of question.authorization ?? []) headers.append('authorization', value);
  const request = new Request('https://app.example.com/admit.v1.Service/Method', { method: 'POST', headers });
  return client.authenticateRequest(request, { ...options(question), acceptsToken });
};

// Whole numbers, strings and null are told as they are; what is not there is null.
const pick = (from, names) => Object.fromEntries(names.map(name => [name, from[name] ?? null]));
const fields = ['userId', 'sessionId', 'sessionStatus', 'orgId', 'orgRole', 'orgSlug', 'orgPermissions', 'actor', 'subject', 'scopes', 'clientId', 'machineId'];

// has asks twice: of the claims as they are, and of claims whose ages were counted on to now.
const ask = (payload, asks, elapsed) => {
  const object = claims => getAuthObjectFromJwt({ raw: { text: '' }, payload: claims }, { treatPendingAsSignedOut: false });
  const aged = { ...payload };
  if (elapsed === null) delete aged.fva;
  else if (Array.isArray(payload.fva)) aged.fva = payload.fva.map(age => (age >= 0 ? age + elapsed : age));
  const [as, on] = [object(payload), object(aged)];
  return { object: as, has: asks.map(a => as.has(a)), aged: asks.map(a => on.has(a)) };
};

// A session is asked through verifyToken and through the whole of a request, and both are told.
const session = async question => {
  const state = await authenticate(question, question.accepts);
  const answer = { accepted: state.isAuthenticated, type: state.tokenType, reason: state.reason ?? null };
  let claims;
  try {
    claims = await verifyToken(question.token, options(question));
    answer.direct = true;
  } catch (error) {
    answer.direct = false;
    answer.reason ??= String(error?.reason ?? error);
  }
  if (answer.accepted && answer.type === 'session_token') {
    const { object, has, aged } = ask(claims ?? {}, question.asks ?? [], question.elapsed ?? null);
    Object.assign(answer, { has, aged, object: pick(object, fields) });
    // That of the request must be the same object.
    const whole = pick(state.toAuth({ treatPendingAsSignedOut: false }), fields);
    if (JSON.stringify(whole) !== JSON.stringify(answer.object)) throw new Error('two objects of one token');
  }
  return answer;
};

const machine = async question => {
  const state = await authenticate(question, question.accepts);
  const answer = { accepted: state.isAuthenticated, type: state.tokenType, reason: state.reason ?? null };
  if (question.token !== undefined) {
    const { data, errors } = await verifyMachineAuthToken(question.token, options(question));
    answer.direct = !errors && !!data;
  }
  if (answer.accepted) {
    const object = state.toAuth({ treatPendingAsSignedOut: false });
    answer.object = pick(object, fields);
    answer.has = (question.asks ?? []).map(a => object.has(a));
  }
  return answer;
};

// The type is not exported: a list of one type is answered with no type at all unless it is that of the token.
const classify = async question => {
  const answer = { machine: isMachineToken(question.token), prefixed: isMachineTokenByPrefix(question.token), types: [] };
  for (const type of ['m2m_token', 'oauth_token', 'api_key', 'session_token']) {
    const state = await authenticate(question, [type]);
    if (state.tokenType !== null) answer.types.push(type);
  }
  return answer;
};

const answerers = { session, machine, classify, any: machine };

for await (const line of readline.createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const question = JSON.parse(line);
  let answer;
  try {
    now = question.now ?? now;
    answer = question.pem ? configure(question) : await answerers[question.kind](question);
  } catch (error) {
    answer = { accepted: false, threw: String(error?.message ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
