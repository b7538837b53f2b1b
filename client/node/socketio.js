'use strict';

// Socket.IO's client calls on nmqd. README.md lists the differences.

const { parseAddress } = require('./lib/address.js');
const { sleep } = require('./lib/backoff.js');
const { Client } = require('./lib/client.js');
const { contentOf, valueOf, warnOfSkipped } = require('./lib/content.js');
const { Broadcast, nameOf, textOf } = require('./lib/emitter.js');
const { NmqError } = require('./lib/errors.js');
const { Listeners } = require('./lib/listeners.js');
const { check } = require('./lib/options.js');
const { Outbox } = require('./lib/outbox.js');

// The queue that the events of a namespace are in.
const QUEUE = 'socket.io';
const RESERVED = new Set(['connect', 'connect_error', 'disconnect', 'gap', 'skipped']);
// For answers, in milliseconds: without timeout(), and what the server's own may come later.
const ANSWER_TIMEOUT = 5000;
const ANSWER_GRACE = 1000;
// Between two tries of what could not be sent.
const PAUSE = 100;
// How long disconnect() lets what was emitted before it be sent.
const FLUSH_TIMEOUT = 2000;
// What Socket.IO has and this has not.
const UNSUPPORTED_PROPERTIES = ['io', 'auth', 'recovered', 'nsp'];
const UNSUPPORTED_METHODS = [
  'compress', 'use', 'onAnyOutgoing', 'prependAnyOutgoing', 'offAnyOutgoing', 'listenersAnyOutgoing',
];

const unsupported = (name) => new Error(`${name} of Socket.IO is not supported by nmq/socketio`);

// {promise, resolve, reject}; nobody needs to wait for it.
function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  made.promise.catch(() => {});
  return made;
}

function contentOfArgs(args) {
  const [first] = args;
  const alone = args.length === 1 && (ArrayBuffer.isView(first) || first instanceof ArrayBuffer);
  return contentOf(alone ? first : args);
}

function argsOf(message) {
  const value = valueOf(message);
  return Array.isArray(value) ? value : [value];
}

// The event and the arguments in a message. Throws if there are none.
function heardIn(message) {
  const event = textOf(message.event);
  if (RESERVED.has(event)) throw new Error(`"${event}" is a reserved event name`);
  return { event, args: argsOf(message) };
}

const disconnected = () => new NmqError('CANCELLED', 'the socket is disconnected', { reason: 'NOT_SENT' });

function timedOut(answers = []) {
  return Object.assign(new NmqError('DEADLINE_EXCEEDED', 'operation has timed out'), { answers });
}

// The arguments of each answer.
function answersIn({ answers, complete }, { many }) {
  const failed = answers.find(({ error }) => error);
  if (failed) throw failed.error;
  const heard = answers.map(argsOf);
  if (many ? !complete : heard.length === 0) throw timedOut(heard);
  return heard;
}

// See socketio.d.ts.
class Socket {
  connected = false;
  #active = false;
  #listeners = new Listeners();
  #makeClient;
  #client;
  // Whose calls are given up.
  #closed = new WeakSet();
  // Resolves to the client when its subscription is live.
  #opened = deferred();
  #outbox = new Outbox(() => sleep(PAUSE));
  #emitter = new Broadcast({
    send: (event, args, how) => this.#send(event, args, how),
    ask: (event, args, how) => this.#ask(event, args, how),
  });

  constructor(url, options = {}) {
    check('io', url, options);
    const { autoConnect = true, onConnectError = () => {}, ...rest } = options;
    const { server, ...address } = parseAddress(url);
    const tell = (error) => {
      onConnectError(error);
      this.#listeners.tell('connect_error', error);
    };
    // As Socket.IO, this waits for a server that is not there yet.
    const defaults = { ...address, waitForServer: Infinity };
    this.#makeClient = () => new Client(server, { ...defaults, ...rest, onConnectError: tell });
    if (autoConnect) this.connect();
  }

  get id() {
    return (this.connected && this.#client?.clientId) || undefined;
  }

  get active() {
    return this.#active;
  }

  get disconnected() {
    return !this.connected;
  }

  connect() {
    if (this.#active) return this;
    const before = this.#client;
    this.#client = this.#makeClient();
    this.#active = true;
    // What was emitted before the first connect(), or after disconnect(), waits for this one.
    if (before) this.#opened = deferred();
    if (before) this.#closed.add(before);
    before?.close();
    this.#open(this.#client, this.#opened);
    return this;
  }

  open() {
    return this.connect();
  }

  async disconnect() {
    const client = this.#client;
    if (!client) return this;
    const was = this.connected;
    this.#client = undefined;
    this.#active = false;
    this.connected = false;
    // Without a connection, what waits is given up; what is emitted from now on waits for connect().
    if (was) this.#opened.resolve(client);
    else this.#opened.reject(disconnected());
    this.#opened = deferred();
    const over = new AbortController();
    if (was) await Promise.race([this.#outbox.settled, sleep(FLUSH_TIMEOUT, over.signal)]);
    over.abort();
    this.#closed.add(client);
    await client.close();
    if (was) this.#listeners.tell('disconnect', 'io client disconnect');
    return this;
  }

  close() {
    return this.disconnect();
  }

  on(event, listener) {
    check('Socket.on', event, listener);
    this.#listeners.on(event, listener);
    return this;
  }

  addListener(event, listener) {
    return this.on(event, listener);
  }

  once(event, listener) {
    check('Socket.once', event, listener);
    this.#listeners.once(event, listener);
    return this;
  }

  off(event, listener) {
    check('Socket.off', event, listener);
    this.#listeners.off(event, listener);
    return this;
  }

  removeListener(event, listener) {
    return this.off(event, listener);
  }

  removeAllListeners(event) {
    return this.off(event);
  }

  listeners(event) {
    check('Socket.listeners', event);
    return this.#listeners.of(event);
  }

  hasListeners(event) {
    return this.listeners(event).length > 0;
  }

  onAny(listener) {
    check('Socket.onAny', listener);
    this.#listeners.onAny(listener, false);
    return this;
  }

  prependAny(listener) {
    check('Socket.prependAny', listener);
    this.#listeners.onAny(listener, true);
    return this;
  }

  offAny(listener) {
    check('Socket.offAny', listener);
    this.#listeners.offAny(listener);
    return this;
  }

  listenersAny() {
    return this.#listeners.any;
  }

  to(rooms) {
    return this.#emitter.to(rooms);
  }

  in(rooms) {
    return this.#emitter.in(rooms);
  }

  except(rooms) {
    return this.#emitter.except(rooms);
  }

  get broadcast() {
    return this.#emitter.broadcast;
  }

  get volatile() {
    return this.#emitter.volatile;
  }

  timeout(milliseconds) {
    return this.#emitter.timeout(milliseconds);
  }

  emit(event, ...args) {
    if (event === 'join' || event === 'leave') this.#move(event, ...args);
    else this.#emitter.emit(event, ...args);
    return this;
  }

  emitWithAck(event, ...args) {
    return this.#emitter.emitWithAck(event, ...args);
  }

  send(...args) {
    return this.emit('message', ...args);
  }

  async #open(client, opened) {
    let subscription;
    try {
      subscription = await client.subscribe({
        queue: QUEUE,
        onGap: (gap) => this.#listeners.tell('gap', gap),
        onState: (state, error) => this.#onState(client, state, error),
      });
      opened.resolve(client);
    } catch (error) {
      if (client !== this.#client) return;
      this.#active = false;
      opened.reject(error);
      this.#listeners.tell('connect_error', error);
      return;
    }
    this.#hear(client, subscription).catch((error) => {
      if (client !== this.#client) return;
      this.connected = false;
      this.#active = false;
      this.#listeners.tell('disconnect', 'io server disconnect', error);
    });
  }

  #onState(client, state, error) {
    if (client !== this.#client) return;
    this.connected = state === 'connected';
    const news = this.connected ? ['connect'] : ['disconnect', 'transport close', error];
    // Not inside the subscription's own work.
    queueMicrotask(() => this.#listeners.tell(...news));
  }

  async #hear(client, subscription) {
    for await (const message of subscription) {
      // disconnect() lets what was emitted before be sent, and hears no more.
      if (client !== this.#client) return;
      let heard;
      try {
        heard = heardIn(message);
      } catch (error) {
        queueMicrotask(() => this.#listeners.tell('skipped', error, message) || warnOfSkipped(error, message));
        continue;
      }
      const { event, args } = heard;
      if (message.replyTo) args.push(this.#answerTo(client, message));
      queueMicrotask(() => this.#listeners.hear(event, ...args));
    }
  }

  // The last argument of a listener, to answer with. As in Socket.IO, only the first answer counts.
  #answerTo(client, question) {
    let answered = false;
    return (...values) => {
      if (answered) return;
      answered = true;
      const told = (error) => this.#listeners.tell('connect_error', error);
      client.reply({ replyTo: question.replyTo }, contentOfArgs(values)).catch(told);
    };
  }

  #move(event, rooms, callback) {
    const [move, answer] = event === 'join' ? ['join', 'Joined'] : ['leave', 'Left'];
    check(event, rooms);
    const names = [rooms].flat();
    const what = `${event} of ${names.join(', ')}`;
    const tell = callback && ((error) => callback(error ?? `${answer} ${names.join(', ')}`));
    this.#queue(what, 0, (client) => client[move](names.map(nameOf)), tell);
  }

  #messageOf(event, args, { audience }) {
    if (RESERVED.has(event)) throw new Error(`"${event}" is a reserved event name`);
    return { queue: QUEUE, event: nameOf(event), exceptPublisher: true, ...audience, ...contentOfArgs(args) };
  }

  #send(event, args, how) {
    const callback = typeof args.at(-1) === 'function' ? args.at(-1) : undefined;
    const message = this.#messageOf(event, callback ? args.slice(0, -1) : args, how);
    if (how.volatile && !this.connected) return;
    this.#queue(`emit of "${event}"`, message.payload.length, (client) => client.publish(message), callback);
  }

  async #ask(event, args, how) {
    const message = this.#messageOf(event, args, how);
    const timeout = how.timeout ?? ANSWER_TIMEOUT;
    const until = performance.now() + timeout;
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(timedOut()), timeout + ANSWER_GRACE);
    const ask = async (client) => {
      const left = until - performance.now();
      if (left <= 0) throw timedOut();
      const options = { timeout: Math.ceil(left), repliesMax: how.many ? 0 : 1, signal: over.signal };
      const asking = client.request(message, options);
      asking.catch(() => {});
      // What is emitted next does not wait for the answer.
      return { asking };
    };
    const unsent = deferred();
    const late = setTimeout(() => unsent.reject(timedOut()), timeout);
    try {
      const added = this.#add(`emit of "${event}"`, message.payload.length, ask);
      added.catch(() => {});
      const { asking } = await Promise.race([added, unsent.promise]);
      return answersIn(await asking, how);
    } finally {
      clearTimeout(timer);
      clearTimeout(late);
    }
  }

  #queue(what, bytes, call, callback) {
    this.#add(what, bytes, call).then(
      () => callback?.(),
      (error) => (callback ? callback(error) : this.#listeners.tell('connect_error', error)),
    );
  }

  // Calls one after the other, the first when the subscription is live, so that they arrive in this order.
  #add(what, bytes, call) {
    const opened = this.#opened.promise;
    return this.#outbox.add(what, bytes, async () => {
      const client = await opened;
      if (this.#closed.has(client)) throw disconnected();
      return call(client);
    });
  }
}

for (const name of UNSUPPORTED_PROPERTIES) {
  Object.defineProperty(Socket.prototype, name, {
    get() {
      throw unsupported(`socket.${name}`);
    },
  });
}
for (const name of UNSUPPORTED_METHODS) {
  Socket.prototype[name] = () => {
    throw unsupported(`socket.${name}()`);
  };
}

const connect = (url, options) => new Socket(url, options);

function Manager() {
  throw unsupported('Manager');
}

module.exports = connect;
// By name, so that programs in ESM find them.
module.exports.connect = connect;
module.exports.io = connect;
module.exports.Socket = Socket;
module.exports.Manager = Manager;
