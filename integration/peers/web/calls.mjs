// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Calls of @connectrpc/connect-web in a browser against the demo, with what must become of each.

import { deepEqual, equal, match } from 'node:assert/strict';

const invoicing = '/invoices.v1.InvoiceService/';
const ours = '{"organizationId": "org_acme", "invoiceId": "inv_1"}';
const made = '{"invoice": {"organizationId": "org_acme", "cents": "700"}}';

const ok = answers => ({ code: 'ok', reason: '', http: 200, answers });
const some = { ...ok(), answers: undefined }; // more than one
const refused = (code, http, reason) => ({ code, reason, http, answers: 0 });
const kept = { code: 'unknown', reason: '', http: 0, answers: 0 }; // by the browser: the script learns that something failed, and not what

const ada = { userId: 'user_ada', organizationId: 'org_acme' };

// as is a caller of the demo, whose credential goes as a bearer token; message is {} where none is given; answers is how many there must be.
const unary = [
  { as: 'admin of acme', procedure: 'WhoAmI', want: ok(1), says: ada },
  { as: 'nobody', procedure: 'GetStatus', want: ok(1), says: { greeting: 'hello, stranger' } },
  { as: 'machine bank', procedure: 'Ping', want: ok(1), says: { kind: 'm2m_token' } },
  { as: 'API key of acme', procedure: 'GetInvoice', message: ours, want: ok(1) },
  { as: 'nobody', procedure: 'WhoAmI', want: refused('unauthenticated', 401, 'CREDENTIAL_MISSING') },
  { as: 'admin, token expired', procedure: 'WhoAmI', want: refused('unauthenticated', 401, 'TOKEN_EXPIRED') },
  { as: 'admin, token tampered with', procedure: 'WhoAmI', want: refused('unauthenticated', 401, 'TOKEN_INVALID') },
  { as: 'API key of acme', procedure: 'WhoAmI', want: refused('unauthenticated', 401, 'TOKEN_TYPE_NOT_ACCEPTED') },
  { as: 'API key of acme, revoked', procedure: 'GetInvoice', message: ours, want: refused('unauthenticated', 401, 'TOKEN_REVOKED') },
  { as: 'admin of globex', procedure: 'GetInvoice', message: ours, want: refused('not_found', 404, '') },
  {
    as: 'member of acme', procedure: 'CreateInvoice', message: made,
    want: refused('permission_denied', 403, 'PERMISSION_MISSING'), metadata: { missing: 'permission' },
  },
  {
    as: 'admin of acme, 2FA an hour ago', procedure: 'DeleteInvoice', message: ours,
    want: refused('permission_denied', 403, 'REVERIFICATION_REQUIRED'), metadata: { level: 'second_factor', minutes: '10' },
  },
];

// A stream is always answered with 200; how it ended is in its last envelope or its trailers.
const stream = [
  { as: 'OAuth app that may export', procedure: 'ExportInvoices', want: some },
  { as: 'API key of acme', procedure: 'ExportInvoices', want: some },
  { as: 'nobody', procedure: 'ExportInvoices', want: refused('unauthenticated', 200, 'CREDENTIAL_MISSING') },
  { as: 'admin of acme', procedure: 'ExportInvoices', want: refused('unauthenticated', 200, 'TOKEN_TYPE_NOT_ACCEPTED') },
  { as: 'OAuth app that may only read', procedure: 'ExportInvoices', want: refused('permission_denied', 200, 'SCOPE_MISSING') },
  { as: 'API key of a user', procedure: 'ExportInvoices', want: refused('permission_denied', 200, 'CALLER_NOT_ALLOWED') },
];

// What users do, whatever carries their session.
const sessions = [
  { as: 'admin of acme', procedure: 'WhoAmI', want: ok(1), says: ada },
  { as: 'member of acme', procedure: 'ListInvoices', want: some },
  { as: 'admin, token expired', procedure: 'WhoAmI', want: refused('unauthenticated', 401, 'TOKEN_EXPIRED') },
  { as: 'admin, token expired', procedure: 'ListInvoices', want: refused('unauthenticated', 200, 'TOKEN_EXPIRED') },
  { as: 'member of acme', procedure: 'CreateInvoice', message: made, want: refused('permission_denied', 403, 'PERMISSION_MISSING') },
];

// Where more than one credential comes, or the cookie of somebody else's lies ready.
const both = [
  { by: 'bearer beside a cookie of globex', as: 'admin of acme', cookies: ['admin of globex'], procedure: 'WhoAmI', want: ok(1), says: ada },
  {
    by: 'bearer beside a good cookie', as: 'admin, token expired', cookies: ['admin of acme'], procedure: 'WhoAmI',
    want: refused('unauthenticated', 401, 'TOKEN_EXPIRED'),
  },
  {
    by: 'two cookies', as: 'admin of acme', bearer: false, cookies: ['admin of acme', 'admin of acme'], procedure: 'WhoAmI',
    want: refused('unauthenticated', 401, 'CREDENTIAL_MALFORMED'),
  },
  {
    by: 'two cookies', as: 'member of acme', bearer: false, cookies: ['admin of globex', 'member of acme'], procedure: 'ListInvoices',
    want: refused('unauthenticated', 200, 'CREDENTIAL_MALFORMED'),
  },
];

const byCookie = row => ({ ...row, by: 'cookie', bearer: false, cookies: [row.as] });
const from = (origin, rows) => rows.map(row => ({ origin, by: 'bearer', ...row }));

const fromForeign = origin => {
  const rows = sessions.slice(0, 2).map(row => ({ ...row, want: kept, says: undefined }));
  return from(origin, [...rows, ...rows.map(byCookie)]);
};

const rows = [
  ...from('own', [...unary, ...stream, ...sessions.slice(1, 2), ...sessions.map(byCookie), ...both]),
  ...from('allowed', [...sessions, ...sessions.map(byCookie), { as: 'nobody', procedure: 'WhoAmI', want: unary[4].want }, ...both]),
  ...fromForeign('neighbour'),
  ...fromForeign('stranger'),
];

/** The table: each call over both protocols. gRPC-Web answers everything with 200 that it answers. */
export const cases = rows.flatMap(row =>
  ['connect', 'grpc-web'].map(over => ({
    message: '{}', bearer: true, cookies: [], ...row, over,
    want: over === 'connect' || row.want.http === 0 ? row.want : { ...row.want, http: 200 },
  })),
);

/** Asks the whole table; every origin that a case names has a page to call from, and world knows the demo. */
export const askAll = async ({ world, origins, check }) => {
  for (const [origin, page] of Object.entries(origins)) {
    for (const of of cases.filter(each => each.origin === origin)) {
      const end = of.want === kept ? 'no answer is told' : of.want.reason || of.want.code;
      await check(`${of.origin} origin, ${of.by}, ${of.over}: ${of.procedure} as ${of.as}: ${end}`, async () => {
        const { as, over, message, bearer, cookies } = of;
        await world.setCookies(cookies);
        const before = world.log.end;
        const question = { procedure: invoicing + of.procedure, over, message, credential: bearer ? world.credential(as) : '', credentials: 'include' };
        agree(of, await world.ask(page, question));
        if (of.want === kept) deepEqual(await world.decided(before), [], 'what the guard decided');
      });
    }
  }
};

const agree = ({ want, says, metadata }, got) => {
  const { code, reason, http } = got;
  deepEqual({ code, reason, http }, { code: want.code, reason: want.reason, http: want.http });
  if (want.answers === undefined) equal(got.answers.length > 1, true, `a stream of ${got.answers.length}`);
  else equal(got.answers.length, want.answers, 'the number of answers');
  if (says) deepEqual(got.answers, [says]);
  for (const [name, value] of Object.entries(metadata ?? {})) equal(got.metadata[name], value, `metadata ${name}`);
  if (code === 'unauthenticated') match(got.challenge, /^Bearer/, 'the script reads www-authenticate');
};
