// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Answers requests with the whole of Clerk's authenticateRequest: one JSON object a line in, one a line out, in the same order. The first line
// sets the servers that there are. The only thing that it reaches over a network is the fake Backend API, on a loopback address.

import readline from 'node:readline';

let now = Date.now();
Date.now = () => now;
// The library warns of what the cases do on purpose.
console.log = console.warn = console.error = () => {};

const { createClerkClient } = await import('@clerk/backend');
const { getCookieSuffix } = await import('@clerk/shared/keys');

let settings;
let clients;

const configure = async given => {
  settings = given;
  const publishableKey = `pk_live_${btoa('clerk.example.com$')}`;
  clients = given.sites.map(site =>
    createClerkClient({
      publishableKey,
      secretKey: site.secret,
      apiUrl: given.api,
      audience: given.audiences,
      ...(site.machineSecret ? { machineSecretKey: site.machineSecret } : {}),
      ...(site.pem ? { jwtKey: site.pem } : {}),
    }),
  );
  return { node: process.version, suffix: await getCookieSuffix(publishableKey) };
};

// What is told of whoever is signed in; null is what is not there.
const fields = ['id', 'userId', 'sessionId', 'sessionStatus', 'orgId', 'orgRole', 'orgSlug', 'orgPermissions', 'actor', 'subject', 'scopes', 'clientId', 'machineId'];

const authenticate = async question => {
  const headers = new Headers();
  for (const [name, value] of question.headers) headers.append(name, value);
  const request = new Request(`https://${settings.host}${question.path}`, { method: question.method, headers });
  const state = await clients[question.site].authenticateRequest(request, {
    acceptsToken: question.accepts,
    authorizedParties: settings.parties,
    organizationSyncOptions: settings.organizations,
  });
  const answer = { status: state.status, type: state.tokenType, reason: state.reason ?? null, accepted: false };
  if (state.status === 'handshake') return answer;
  const object = state.toAuth();
  answer.accepted = state.isAuthenticated && object.isAuthenticated;
  // Such a session is signed in for the request's state, and signed out for whoever asks it for the caller.
  if (state.isAuthenticated && !answer.accepted && object.sessionStatus === 'pending') answer.reason = 'session-pending';
  if (answer.accepted) answer.object = Object.fromEntries(fields.map(name => [name, object[name] ?? null]));
  return answer;
};

for await (const line of readline.createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const question = JSON.parse(line);
  let answer;
  try {
    now = question.now ?? now;
    answer = question.sites ? await configure(question) : await authenticate(question);
  } catch (error) {
    answer = { accepted: false, threw: String(error?.message ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0); // connections that were kept would make it wait
