'use strict';

const { targetOf } = require('./address.js');
const { Admin } = require('./admin.js');
const backoff = require('./backoff.js');
const errors = require('./errors.js');
const groups = require('./groups.js');
const { check, given, listOfNames, refuse } = require('./options.js');
const { plain, durationOf, timestampOf } = require('./proto.js');
const { Publisher } = require('./publisher.js');
const { Registry } = require('./registry.js');
const { Session } = require('./session.js');
const { Subscription } = require('./subscription.js');
const { encodeRest } = require('./wire.js');

const DEFAULTS = {
  namespace: '',
  name: '',
  labels: {},
  session: '',
  connectTimeout: 3000,
  waitForServer: 3000,
  timeout: 10000,
  publishWithSession: true,
  onConnectError: () => {},
};

const bytesOf = (payload) => (typeof payload === 'string' ? Buffer.from(payload) : Buffer.from(payload ?? ''));

function textOfJson(value) {
  let text;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    refuse(`json is no value for JSON: ${error.message}`);
  }
  return text ?? refuse(`json is no value for JSON: a ${typeof value}`);
}

// {payload, contentType} of either a payload or a value for JSON.
function encode({ payload, json, contentType = '' }) {
  if (json === undefined) return { payload: bytesOf(payload), contentType };
  return { payload: Buffer.from(textOfJson(json)), contentType: contentType || 'application/json' };
}

function encodeMessage(message) {
  const { queue, event, headers, key, requestId, deliverAt, expireAt } = message;
  const { exceptPublisher } = message;
  const lists = [message.rooms, message.clients, message.exceptRooms, message.exceptClients].map(listOfNames);
  const [rooms, clients, exceptRooms, exceptClients] = lists;
  const encoded = { queue, event, headers, key, requestId, ...encode(message) };
  if (deliverAt) encoded.deliverAt = timestampOf(deliverAt);
  if (expireAt) encoded.expireAt = timestampOf(expireAt);
  if (lists.some((names) => names?.length > 0) || exceptPublisher) {
    encoded.audience = { rooms, clients, exceptRooms, exceptClients, exceptPublisher };
  }
  return encoded;
}

const EMPTY = Buffer.alloc(0);
const QUICK = new Set(['queue', 'event', 'payload', 'contentType']);

// Most messages have only these; whether they are what they should be.
function isQuick(message) {
  if (typeof message !== 'object' || message === null) return false;
  for (const name of Object.keys(message)) if (!QUICK.has(name)) return false;
  const { queue, event, payload, contentType = '' } = message;
  if (typeof queue !== 'string' || typeof event !== 'string' || typeof contentType !== 'string') return false;
  return typeof payload === 'string' || payload instanceof Uint8Array;
}

// What a publisher writes of a message.
function encodeForPublisher(call, message) {
  if (isQuick(message)) {
    const { queue, event, payload, contentType = '' } = message;
    return { queue, event, payload, contentType, rest: EMPTY, later: false };
  }
  check(call, message);
  const { queue, event, payload, contentType, ...rest } = encodeMessage(message);
  return { queue, event, payload, contentType, rest: encodeRest(rest), later: message.deliverAt !== undefined };
}

const membersOf = (counts) => Object.fromEntries(counts.map(({ room, members }) => [room, Number(members)]));

// See index.d.ts.
class Client {
  #session;

  constructor(server, options = {}) {
    check('new Client', server, options);
    const { target, secure } = targetOf(server || process.env.NMQ_SERVER || '127.0.0.1:50051');
    this.#session = new Session({
      ...DEFAULTS,
      tlsCa: process.env.NMQ_TLS_CA,
      tlsCertificate: process.env.NMQ_TLS_CERTIFICATE,
      tlsKey: process.env.NMQ_TLS_KEY,
      token: process.env.NMQ_TOKEN,
      ...given({ namespace: process.env.NMQ_NAMESPACE }),
      ...given(options),
      server: target,
      secure,
      backoff: { ...backoff.defaults, ...given(options.backoff) },
    });
    this.registry = new Registry(this.#session);
    this.admin = new Admin(this.#session);
  }

  get clientId() {
    return this.#session.connected.clientId;
  }

  get session() {
    return this.#session.connected.session;
  }

  get resumed() {
    return this.#session.connected.resumed;
  }

  get limits() {
    return this.#session.connected.limits;
  }

  get rooms() {
    return [...this.#session.rooms].sort();
  }

  async connect() {
    await this.#session.ensure();
    return this;
  }

  async join(rooms, options = {}) {
    check('Client.join', rooms, options);
    const { signal } = options;
    const names = listOfNames(rooms);
    const request = (session) => ({ session, rooms: names });
    const response = await this.#session.call('Join', request, { repeatable: true, signal });
    names.forEach((room) => this.#session.rooms.add(room));
    return membersOf(response.rooms);
  }

  async leave(rooms, options = {}) {
    check('Client.leave', rooms, options);
    const { signal } = options;
    const names = listOfNames(rooms);
    names.forEach((room) => this.#session.rooms.delete(room));
    const request = (session) => ({ session, rooms: names });
    return membersOf((await this.#session.call('Leave', request, { repeatable: true, signal })).rooms);
  }

  async publish(message, options = {}) {
    check('Client.publish', message, options);
    const { expectedLastSequence, countMatches, timeout, signal } = options;
    const { namespace, publishWithSession } = this.#session.options;
    const encoded = encodeMessage(message);
    const request = (session) => ({ session, namespace, message: encoded, countMatches, expectedLastSequence });
    const repeatable = Boolean(message.requestId);
    const how = { timeout, repeatable, withSession: publishWithSession, signal };
    const result = plain('PublishResponse', await this.#session.call('Publish', request, how));
    if (!countMatches) delete result.matched;
    return result;
  }

  publisher(options = {}) {
    check('Client.publisher', options);
    return new Publisher(this.#session, encodeForPublisher, given(options));
  }

  async request(message, options = {}) {
    check('Client.request', message, options);
    const { timeout = 5000, repliesMax = 0, signal } = options;
    const { namespace, publishWithSession } = this.#session.options;
    const encoded = encodeMessage(message);
    const request = (session) => ({ session, namespace, message: encoded, timeout: durationOf(timeout), repliesMax });
    // The server answers when the time is over; the call itself may take a little longer.
    const how = { timeout: timeout + this.#session.options.timeout, withSession: publishWithSession, signal };
    const response = await this.#session.call('Request', request, how);
    const answers = response.answers.map((answer) => {
      const error = errors.fromStatus(answer.error);
      return { ...plain('Answer', { ...answer, error: undefined }), ...(error && { error }) };
    });
    return { ...plain('RequestResponse', { ...response, answers: [] }), answers };
  }

  async reply(question, answer = {}, options = {}) {
    check('Client.reply', question, answer, options);
    const { signal } = options;
    const { headers, error } = answer;
    const status = error && { code: errors.Code[error.code] ?? errors.Code.UNKNOWN, message: error.message ?? error };
    const request = (session) => ({
      session,
      replyTo: question.replyTo,
      headers,
      ...encode(answer),
      ...(status && { error: status }),
    });
    await this.#session.call('Reply', request, { signal });
  }

  async subscribe(options = {}) {
    check('Client.subscribe', options);
    return new Subscription(this.#session, options).start();
  }

  async acknowledge(queue, group, acknowledgements, options) {
    check('Client.acknowledge', queue, group, acknowledgements, options);
    return groups.acknowledge(this.#session, queue, group, acknowledgements, options);
  }

  async close(options = {}) {
    check('Client.close', options);
    await this.#session.stop(options.leave ?? true);
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    await this.close();
  }
}

async function connect(server, options) {
  const client = new Client(server, options);
  try {
    return await client.connect();
  } catch (error) {
    await client.close();
    throw error;
  }
}

module.exports = { Client, connect, encode };
