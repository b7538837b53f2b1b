'use strict';

// What went wrong, with the server's reason and what can be done about it.

const { status: Code } = require('@grpc/grpc-js');
const { decodeRpc, millisecondsOf } = require('./proto.js');

const HINT_OF_REASON = {
  INVALID_FIELD: 'correct the field that the message names',
  LIMIT_EXCEEDED: "stay within the bound that the message names, or raise it in nmqd's configuration",
  NAMESPACE_NOT_FOUND: "declare the namespace in nmqd's configuration",
  QUEUE_NOT_FOUND: "declare the queue in nmqd's configuration, or allow automatic_queues",
  EVENT_NOT_FOUND: "use an event that the queue declares, or declare it in nmqd's configuration",
  CLIENT_NOT_FOUND: "the client has left; list the namespace's clients",
  SESSION_UNKNOWN: 'connect again',
  SESSION_EXPIRED: 'connect again, and more often than the lease',
  OTHER_NAMESPACE: 'leave `namespace` out, or connect to that namespace',
  SEQUENCE_MISMATCH: 'somebody was faster: read what came meanwhile, then expect metadata.bound',
  NOBODY_LISTENS: 'start somebody who answers, then ask again',
  QUESTION_ABANDONED: 'ask again when the server is back',
  QUESTION_NOT_FOUND: 'too late: nobody waits for this answer any more',
  ALREADY_ANSWERED: 'answer each question once',
  POSITION_NOT_REACHED: 'start from a position that the queue has given out',
  REVISION_NOT_HELD: "list again, then watch from the list's revision",
  REVISION_NOT_REACHED: "list again, then watch from the list's revision",
  SLOW_SUBSCRIBER: 'read faster, or choose another overflow policy',
  NOT_SENT:
    'nothing was carried out; check that nmqd runs at this address, with TLS if and only if the client uses it, then try again',
  DRAINING: 'try again in a moment: the server restarts',
};
const HINT_OF_CODE = {
  UNAVAILABLE: 'check that nmqd runs at this address, with TLS if and only if the client uses it, then try again',
  DEADLINE_EXCEEDED: 'the call may have been carried out all the same; check, or allow more time',
  UNIMPLEMENTED: 'the server is older than this client, or no nmqd',
  UNAUTHENTICATED: 'connect with credentials',
};

// code: "NOT_FOUND" and so on. reason: an UPPER_SNAKE word for programs, empty if the server named none. metadata: its
// facts. retryAfter: milliseconds to wait before trying again; undefined if waiting does not help. hint: what to do.
class NmqError extends Error {
  constructor(code, details, { reason = '', metadata = {}, retryAfter } = {}) {
    const hint = HINT_OF_REASON[reason] ?? HINT_OF_CODE[code] ?? '';
    super(`${details} (${code}${reason && `, ${reason}`})${hint && `; ${hint}`}`);
    this.name = 'NmqError';
    this.code = code;
    this.details = details;
    this.reason = reason;
    this.metadata = metadata;
    this.retryAfter = retryAfter;
    this.hint = hint;
  }
}

// What the google.rpc.Any of a status say.
function factsOf(anys) {
  const facts = {};
  for (const any of anys) {
    if (any.type_url.endsWith('/google.rpc.ErrorInfo')) {
      const info = decodeRpc('ErrorInfo', any.value);
      if (info?.domain === 'nmq') Object.assign(facts, { reason: info.reason, metadata: { ...info.metadata } });
    } else if (any.type_url.endsWith('/google.rpc.RetryInfo')) {
      const delay = decodeRpc('RetryInfo', any.value)?.retryDelay;
      if (delay) facts.retryAfter = millisecondsOf(delay);
    }
  }
  return facts;
}

function fromGrpc(error) {
  if (error instanceof NmqError || !(error.code in Code)) return error;
  const bytes = error.metadata?.get('grpc-status-details-bin')[0];
  const status = bytes && decodeRpc('Status', bytes);
  return new NmqError(Code[error.code], error.details ?? error.message, factsOf(status?.details ?? []));
}

// The error in a google.rpc.Status; undefined if it is OK.
function fromStatus(status) {
  if (!status?.code) return undefined;
  return new NmqError(Code[status.code] ?? 'UNKNOWN', status.message, factsOf(status.details ?? []));
}

const closed = () => new NmqError('CANCELLED', 'the client is closed');

// Of a call that needs a connection while there is none.
const notSent = (details) => new NmqError('UNAVAILABLE', `${details}; the call was not sent`, { reason: 'NOT_SENT' });

// What gRPC says of a call for which it found no connection.
const isUnconnected = (error) =>
  error.code === 'UNAVAILABLE' && /^(No connection established|Name resolution failed)/.test(error.details);


// Whether to connect anew, once. What was shown of who calls may be over, too, and a newer token at hand.
const isSessionLost = ({ code, reason }) =>
  (code === 'NOT_FOUND' && ['SESSION_UNKNOWN', 'SESSION_EXPIRED'].includes(reason)) ||
  (code === 'UNAUTHENTICATED' && ['CREDENTIALS_EXPIRED', 'CREDENTIALS_REVOKED'].includes(reason));

// The server's own refusal, after which nothing has been carried out.
const isRefusedForNow = (error) =>
  error.code === 'UNAVAILABLE' && !['', 'NOBODY_LISTENS', 'QUESTION_ABANDONED'].includes(error.reason);

// Whether the call was certainly not carried out, and may be when the server is back.
const isNotCarriedOut = (error) =>
  error.code === 'UNAVAILABLE' && (error.reason === 'NOT_SENT' || isRefusedForNow(error));

// Whether a stream that ended so is worth another try.
function isPassing(error) {
  if (['UNAVAILABLE', 'ABORTED'].includes(error.code)) return true;
  if (error.code === 'RESOURCE_EXHAUSTED') return error.reason !== 'SLOW_SUBSCRIBER' && error.retryAfter > 0;
  // Proxies and torn connections end calls so; the server itself would name a reason.
  return ['CANCELLED', 'DEADLINE_EXCEEDED', 'INTERNAL', 'UNKNOWN'].includes(error.code) && error.reason === '';
}

module.exports = {
  Code,
  NmqError,
  closed,
  fromGrpc,
  fromStatus,
  isNotCarriedOut,
  isPassing,
  isRefusedForNow,
  isSessionLost,
  isUnconnected,
  notSent,
};
