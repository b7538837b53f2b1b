'use strict';

// What each call takes: one table, by which calls are checked before anything is sent. The declarations for TypeScript
// say the same; tests hold them against this table.

const { inspect, types } = require('node:util');
const { NmqError } = require('./errors.js');

// The longest Duration of protobuf, in milliseconds.
const DURATION_MAX = 315576000000000;
// So much of a wrong value is shown.
const SHOWN_MAX = 60;

function refuse(says) {
  throw new NmqError('INVALID_ARGUMENT', says, { reason: 'INVALID_FIELD' });
}

function shown(value) {
  const text = inspect(value, { depth: 1, breakLength: Infinity });
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text;
}

const wrong = (path, value, allowed) => refuse(`${path} is ${shown(value)}; allowed: ${allowed}`);

// A kind of value: `types` as TypeScript has it, the parts of a union sorted; `allowed` for people; fits(value) tells
// whether the value is of this kind as far as its outside shows; check(value, path) looks inside, too.
function kind(typeNames, allowed, fits, look = () => {}) {
  const check = (value, path) => (fits(value) ? look(value, path) : wrong(path, value, allowed));
  return { types: [typeNames].flat().sort(), allowed, fits, check };
}

const typeOf = ({ types: parts }) => parts.join(' | ');
const required = (some) => ({ ...some, required: true });
const rest = (some) => ({ ...some, rest: true });

const isObject = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !types.isDate(value) &&
  !ArrayBuffer.isView(value) && !types.isAnyArrayBuffer(value);
const isNumber = (value, from, to) => typeof value === 'number' && value >= from && value <= to;

const ANY = kind('unknown', 'anything', () => true);
const TEXT = kind('string', 'a string', (value) => typeof value === 'string');
const DIGITS = kind('string', 'a string of digits', (value) => typeof value === 'string' && /^\d+$/.test(value));
const FLAG = kind('boolean', 'true or false', (value) => typeof value === 'boolean');
const TRUE = kind('true', 'true', (value) => value === true);
const COUNT = kind('number', 'a whole number from 0', (value) => Number.isSafeInteger(value) && value >= 0);
const FACTOR = kind('number', 'a number from 1', (value) => isNumber(value, 1, Number.MAX_VALUE));
const TIME = kind('number', 'milliseconds from 0', (value) => isNumber(value, 0, DURATION_MAX));
const PATIENCE = kind('number', 'milliseconds from 0, or Infinity', (value) => TIME.fits(value) || value === Infinity);
const DATE = kind('Date', 'a valid Date', (value) => types.isDate(value) && !Number.isNaN(value.getTime()));
const BYTES = kind('Uint8Array', 'a Buffer or Uint8Array', (value) => value instanceof Uint8Array);
const CALLBACK = kind('function', 'a function', (value) => typeof value === 'function');
const TOKEN_SOURCE = kind('function', 'a function that returns one', (value) => typeof value === 'function');
const SIGNAL = kind('AbortSignal', 'an AbortSignal', (value) => value instanceof AbortSignal);
const ERROR = kind('Error', 'an Error', (value) => value instanceof Error);

function words(...some) {
  const quoted = some.map((word) => `"${word}"`);
  return kind(quoted, quoted.join(', '), (value) => some.includes(value));
}

function listOf(some, { least = 0 } = {}) {
  const type = some.types.length > 1 ? `(${typeOf(some)})[]` : `${typeOf(some)}[]`;
  return kind(type, `a list, each ${some.allowed}`, Array.isArray, (value, path) => {
    if (value.length < least) refuse(`${path} is an empty list; leave it out, or name at least ${least}`);
    // By index, for a hole in a list is no value.
    for (let i = 0; i < value.length; ++i) some.check(value[i], `${path}[${i}]`);
  });
}

function either(...some) {
  const find = (value) => some.find(({ fits }) => fits(value));
  const parts = [...new Set(some.flatMap((one) => one.types))];
  const allowed = some.map((one) => one.allowed).join(', or ');
  return kind(parts, allowed, (value) => find(value) !== undefined, (value, path) => find(value).check(value, path));
}

const TEXTS = kind('Record<string, string>', 'an object of strings', isObject, (value, path) => {
  for (const [name, text] of Object.entries(value)) TEXT.check(text, `${path}.${name}`);
});

// One name is a list of one, wherever names are wanted.
const NAMES = either(TEXT, listOf(TEXT));
// Of an audience: none would be everyone.
const SOME_NAMES = either(TEXT, listOf(TEXT, { least: 1 }));

const fieldsOf = (fields) =>
  Object.entries(fields).map(([name, some]) => `${name}${some.required ? '' : '?'}: ${typeOf(some)}`);

// An object with these `fields`; with exactly one of `one`, if there are such; with others, too, if it is `open`. Of the
// fields in each list of `apart`, only one may be given.
function shape(fields, { one = {}, open = false, apart = [] } = {}) {
  const all = { ...fields, ...one };
  const names = Object.keys(all).join(', ');
  const choices = Object.keys(one);
  const chosen = choices.map((name) => ({ ...fields, [name]: required(one[name]) }));
  const variants = choices.length > 0 ? chosen : [fields];
  const typeNames = variants.map((variant) => `{${fieldsOf(variant).sort().join('; ')}}`);
  const needed = Object.keys(fields).filter((name) => fields[name].required);
  const allowed = choices.length > 0 ? `an object with one of ${choices.join(', ')}` : `an object with ${names}`;
  const made = kind(typeNames, allowed, isObject, (value, path) => {
    const within = (name) => (path === '' ? name : `${path}.${name}`);
    for (const name of Object.keys(value)) {
      if (value[name] === undefined) continue;
      if (Object.hasOwn(all, name)) all[name].check(value[name], within(name));
      else if (!open) refuse(`${within(name)} is unknown (${shown(value[name])}); allowed: ${names}`);
    }
    for (const name of needed) {
      if (value[name] === undefined) refuse(`${within(name)} is missing; allowed: ${fields[name].allowed}`);
    }
    const among = (some) => some.filter((name) => value[name] !== undefined);
    if (choices.length > 0 && among(choices).length !== 1) wrong(path || 'this', value, allowed);
    for (const group of apart) {
      if (among(group).length > 1) refuse(`${among(group).map(within).join(' and ')} are given; allowed: one of them`);
    }
  });
  return { ...made, fields: all, open };
}

const POSITION = { queue: required(TEXT), epoch: required(DIGITS), sequence: required(COUNT) };
const CALL_OPTIONS = { signal: SIGNAL };
const CONTENT = { payload: either(TEXT, BYTES), json: ANY, contentType: TEXT, headers: TEXTS };
const CONTENT_APART = { apart: [['payload', 'json']] };
const OUTGOING_MESSAGE = shape(
  {
    ...CONTENT,
    queue: required(TEXT),
    event: required(TEXT),
    key: TEXT,
    requestId: TEXT,
    deliverAt: DATE,
    expireAt: DATE,
    rooms: SOME_NAMES,
    clients: SOME_NAMES,
    exceptRooms: NAMES,
    exceptClients: NAMES,
    exceptPublisher: FLAG,
  },
  CONTENT_APART,
);
const CLIENT_OPTIONS = {
  namespace: TEXT,
  name: TEXT,
  labels: TEXTS,
  lease: TIME,
  session: TEXT,
  connectTimeout: TIME,
  waitForServer: PATIENCE,
  timeout: PATIENCE,
  backoff: shape({ initial: TIME, max: TIME, factor: FACTOR }),
  tlsCa: TEXT,
  tlsCertificate: TEXT,
  tlsKey: TEXT,
  token: either(TEXT, TOKEN_SOURCE),
  credentials: ANY,
  publishWithSession: FLAG,
  onConnectError: CALLBACK,
};
const PATTERN = { queue: required(TEXT), event: TEXT };
const START = either(
  words('new', 'earliest'),
  shape({}, { one: { last: COUNT, sequence: COUNT, time: DATE, after: listOf(shape(POSITION, { open: true })) } }),
);
const GROUP = shape({
  name: required(TEXT),
  ackDeadline: TIME,
  attemptsMax: COUNT,
  backoff: TIME,
  backoffMax: TIME,
  byKey: FLAG,
  rooms: NAMES,
  deadLetterQueue: TEXT,
  creditMessages: COUNT,
  creditBytes: COUNT,
});
const OVERFLOW = words(
  'OVERFLOW_DROP_OLDEST',
  'OVERFLOW_DISCONNECT',
  'OVERFLOW_DROP_NEWEST',
  'OVERFLOW_KEEP_LATEST',
  'OVERFLOW_HOLD',
);
const SUBSCRIBE_OPTIONS = shape(
  {
    ...CALL_OPTIONS,
    queue: TEXT,
    event: TEXT,
    patterns: listOf(shape(PATTERN), { least: 1 }),
    rooms: NAMES,
    start: START,
    group: either(TEXT, GROUP),
    overflow: OVERFLOW,
    overflowMessages: COUNT,
    headers: listOf(shape({ name: required(TEXT), value: TEXT })),
    onGap: CALLBACK,
    onState: CALLBACK,
    readyTimeout: PATIENCE,
  },
  { apart: [['patterns', 'queue'], ['patterns', 'event']] },
);
const OUTCOME = { one: { done: TRUE, retryAfter: TIME, extend: TIME, terminate: TEXT } };
const ACKNOWLEDGEMENT = shape({ first: required(COUNT), last: COUNT, delivery: required(DIGITS) }, OUTCOME);
const DELIVERED = shape(
  { queue: required(TEXT), sequence: required(COUNT), delivery: required(DIGITS) },
  { open: true },
);
const QUESTION = shape({ replyTo: required(TEXT) }, { open: true });
const NAMESPACE = { ...CALL_OPTIONS, namespace: TEXT };
const LIST_OPTIONS = { ...NAMESPACE, pageSize: COUNT };
const CLIENT_FILTER = { room: TEXT, queue: TEXT, event: TEXT, labels: TEXTS, name: TEXT };
const CONNECT = { server: TEXT, options: shape(CLIENT_OPTIONS) };
const MOVE = { rooms: required(NAMES), options: shape(CALL_OPTIONS) };
const ROOMS = { rooms: required(SOME_NAMES) };
const EVENT = { event: required(TEXT), args: rest(ANY) };
const LISTEN = { event: required(TEXT), listener: required(CALLBACK) };
const UNLISTEN = { event: TEXT, listener: CALLBACK };
const LISTEN_ANY = { listener: required(CALLBACK) };
const WITHIN = { milliseconds: required(TIME) };

const RETENTION = shape({ bytes: COUNT, messages: COUNT, age: TIME });
const RIGHT = words(
  'RIGHT_CONNECT',
  'RIGHT_PUBLISH',
  'RIGHT_SUBSCRIBE',
  'RIGHT_JOIN',
  'RIGHT_INSPECT',
  'RIGHT_ADMIN',
);
const DURABILITY = words('DURABILITY_LIVE', 'DURABILITY_DURABLE', 'DURABILITY_BUFFERED');
const AUTOMATIC = { name: required(TEXT), options: shape({ ...CALL_OPTIONS, automaticQueues: FLAG }) };
const KEPT = { ...NAMESPACE, events: NAMES, retention: RETENTION };
const OF_GROUP = { queue: required(TEXT), group: required(TEXT), options: shape(NAMESPACE) };
const CLIENTS = { ...NAMESPACE, ...CLIENT_FILTER, all: FLAG };

// The parameters of each call, in order.
const CALLS = {
  connect: CONNECT,
  'new Client': CONNECT,
  'Client.connect': {},
  'Client.join': MOVE,
  'Client.leave': MOVE,
  'Client.publish': {
    message: required(OUTGOING_MESSAGE),
    options: shape({ ...CALL_OPTIONS, expectedLastSequence: COUNT, countMatches: FLAG, timeout: PATIENCE }),
  },
  'Client.request': {
    message: required(OUTGOING_MESSAGE),
    options: shape({ ...CALL_OPTIONS, timeout: TIME, repliesMax: COUNT }),
  },
  'Client.reply': {
    question: required(QUESTION),
    answer: shape({ ...CONTENT, error: either(TEXT, ERROR) }, CONTENT_APART),
    options: shape(CALL_OPTIONS),
  },
  'Client.subscribe': { options: SUBSCRIBE_OPTIONS },
  'Client.acknowledge': {
    queue: required(TEXT),
    group: required(TEXT),
    acknowledgements: required(listOf(ACKNOWLEDGEMENT)),
    options: shape(CALL_OPTIONS),
  },
  'Client.publisher': { options: shape({ giveUpAfter: TIME }) },
  'Publisher.add': { message: required(OUTGOING_MESSAGE) },
  'Publisher.publish': { message: required(OUTGOING_MESSAGE) },
  'Publisher.room': {},
  'Publisher.flush': {},
  'Publisher.close': { options: shape({ timeout: TIME }) },
  'Client.close': { options: shape({ leave: FLAG }) },
  'Subscription.done': { messages: rest(DELIVERED) },
  'Subscription.retryAfter': { message: required(DELIVERED), milliseconds: TIME },
  'Subscription.extend': { message: required(DELIVERED), milliseconds: required(TIME) },
  'Subscription.terminate': { message: required(DELIVERED), reason: required(TEXT) },
  'Subscription.close': {},
  'Registry.namespaces': { options: shape(LIST_OPTIONS) },
  'Registry.queues': { options: shape({ ...LIST_OPTIONS, queue: TEXT }) },
  'Registry.rooms': { options: shape({ ...LIST_OPTIONS, room: TEXT }) },
  'Registry.clients': { options: shape({ ...LIST_OPTIONS, ...CLIENT_FILTER }) },
  'Registry.subscriptions': { options: shape({ ...LIST_OPTIONS, clientId: TEXT, queue: TEXT, event: TEXT }) },
  'Registry.groups': { options: shape({ ...LIST_OPTIONS, queue: TEXT }) },
  'Registry.client': { clientId: required(TEXT), options: shape(NAMESPACE) },
  'Registry.countClients': { options: shape({ ...NAMESPACE, ...CLIENT_FILTER }) },
  'Registry.explain': { options: shape({ ...NAMESPACE, right: RIGHT, queue: TEXT, room: TEXT, identity: TEXT }) },
  'Registry.watch': { options: shape({ ...NAMESPACE, afterRevision: COUNT }) },
  'Admin.createNamespace': AUTOMATIC,
  'Admin.updateNamespace': AUTOMATIC,
  'Admin.deleteNamespace': { name: required(TEXT), options: shape(CALL_OPTIONS) },
  'Admin.createQueue': { name: required(TEXT), options: shape({ ...KEPT, durability: DURABILITY }) },
  'Admin.updateQueue': { name: required(TEXT), options: shape(KEPT) },
  'Admin.deleteQueue': { name: required(TEXT), options: shape(NAMESPACE) },
  'Admin.purgeQueue': { name: required(TEXT), options: shape({ ...NAMESPACE, upToSequence: COUNT }) },
  'Admin.createGroup': {
    queue: required(TEXT),
    group: required(either(TEXT, GROUP)),
    options: shape({ ...NAMESPACE, events: NAMES, start: START }),
  },
  'Admin.deleteGroup': OF_GROUP,
  'Admin.pauseGroup': OF_GROUP,
  'Admin.resumeGroup': OF_GROUP,
  'Admin.seekGroup': { queue: required(TEXT), group: required(TEXT), start: required(START), options: shape(NAMESPACE) },
  'Admin.redriveDeadLetters': { queue: required(TEXT), options: shape({ ...NAMESPACE, messagesMax: COUNT }) },
  'Admin.moveClients': { options: required(shape({ ...CLIENTS, join: NAMES, leave: NAMES })) },
  'Admin.disconnectClients': { options: required(shape({ ...CLIENTS, reason: TEXT })) },

  'new Q': { queue: required(TEXT) },
  'Q.subscribe': { event: required(TEXT), callback: required(CALLBACK) },
  'Q.subscriptions': {},
  'Q.unsubscribe': { event: required(TEXT) },
  'Q.disconnect': {},
  'Q.publish': { queue: required(TEXT), event: required(TEXT), payload: ANY },

  io: { url: required(TEXT), options: shape({ ...CLIENT_OPTIONS, autoConnect: FLAG }) },
  'Socket.connect': {},
  'Socket.open': {},
  'Socket.disconnect': {},
  'Socket.close': {},
  'Socket.on': LISTEN,
  'Socket.addListener': LISTEN,
  'Socket.once': LISTEN,
  'Socket.off': UNLISTEN,
  'Socket.removeListener': UNLISTEN,
  'Socket.removeAllListeners': { event: TEXT },
  'Socket.listeners': { event: required(TEXT) },
  'Socket.hasListeners': { event: required(TEXT) },
  'Socket.onAny': LISTEN_ANY,
  'Socket.prependAny': LISTEN_ANY,
  'Socket.offAny': { listener: CALLBACK },
  'Socket.listenersAny': {},
  'Socket.send': { args: rest(ANY) },
};
for (const emitter of ['Socket', 'Broadcast']) {
  Object.assign(CALLS, {
    [`${emitter}.to`]: ROOMS,
    [`${emitter}.in`]: ROOMS,
    [`${emitter}.except`]: { rooms: required(NAMES) },
    [`${emitter}.timeout`]: WITHIN,
    [`${emitter}.emit`]: EVENT,
    [`${emitter}.emitWithAck`]: EVENT,
  });
}

// Of events that are calls, by which sockets enter and leave rooms.
const EVENTS = { join: ROOMS, leave: ROOMS };

// Throws an NmqError that names the parameter or option, its value, and what is allowed.
function check(call, ...args) {
  let i = 0;
  try {
    for (const [name, some] of Object.entries(CALLS[call] ?? EVENTS[call])) {
      // Options are named without their object.
      const path = isObject(args[i]) ? '' : name;
      if (some.rest) args.slice(i).forEach((arg) => some.check(arg, isObject(arg) ? '' : name));
      else if (args[i] !== undefined) some.check(args[i], path);
      else if (some.required) refuse(`${name} is missing; allowed: ${some.allowed}`);
      ++i;
    }
  } catch (error) {
    if (!(error instanceof NmqError)) throw error;
    return refuse(`${call.replace(/^\w+\./, '')}: ${error.details}`);
  }
}

// The names in one, or a list of them.
const listOfNames = (names) => (names === undefined ? undefined : [names].flat());

// An option that is undefined is not given.
const given = (options = {}) => Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

module.exports = { CALLS, check, given, listOfNames, refuse, shown, typeOf };
