// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Calls a procedure through connect-web, with messages made from descriptors instead of generated code.

import { createFileRegistry, fromBinary, fromJson, toJson } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { codeToString } from '@connectrpc/connect/protocol-connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web';

const domain = 'github.com/admitrpc/admit'; // of the ErrorInfo of every refusal

/** Reads a google.protobuf.FileDescriptorSet. */
export const registryOf = bytes => createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));

/** Finds the method of a procedure, "/package.Service/Method". */
export const methodOf = (registry, procedure) => {
  const [, service, name] = procedure.split('/');
  const found = registry.getService(service)?.methods.find(method => method.name === name);
  if (!found) throw new Error(`no descriptor for ${procedure}`);
  return found;
};

/** Makes the request of a method from JSON text. It throws on what is not the JSON of such a message. */
export const requestOf = (registry, method, text) => fromJson(method.input, JSON.parse(text), { registry });

/**
 * Calls a unary or a server-streaming method. Each answer goes to onMessage, as JSON, when it comes. The outcome has the code, and of a
 * refusal the reason and its metadata; http is the status of the response, 0 where there was none. An outcome is never thrown.
 */
export const call = async ({ registry, baseUrl, over, method, request, credential, credentials = 'same-origin', signal, onMessage }) => {
  const outcome = { code: 'ok', text: '', reason: '', metadata: {}, http: 0, challenge: '' };
  const transport = (over === 'grpc-web' ? createGrpcWebTransport : createConnectTransport)({
    baseUrl,
    fetch: async (input, init) => {
      const response = await fetch(input, { ...init, credentials });
      outcome.http = response.status;
      outcome.challenge = response.headers.get('www-authenticate') ?? '';
      return response;
    },
  });
  const ask = createClient(method.parent, transport)[method.localName];
  const options = { signal, headers: credential ? { authorization: `Bearer ${credential}` } : {} };
  const tell = message => onMessage(toJson(method.output, message, { registry }));
  try {
    if (method.methodKind === 'server_streaming') {
      for await (const message of ask(request, options)) tell(message);
    } else {
      tell(await ask(request, options));
    }
  } catch (thrown) {
    Object.assign(outcome, failure(registry, ConnectError.from(thrown, signal?.aborted ? Code.Canceled : undefined)));
  }
  return outcome;
};

const failure = (registry, error) => {
  const info = error.findDetails(registry.getMessage('google.rpc.ErrorInfo')).find(detail => detail.domain === domain);
  return { code: codeToString(error.code), text: error.rawMessage, reason: info?.reason ?? '', metadata: { ...info?.metadata } };
};
