'use strict';

const grpc = require('@grpc/grpc-js');
const { delays, sleep } = require('./backoff.js');
const errors = require('./errors.js');
const { Frames } = require('./frames.js');
const { Positions } = require('./positions.js');
const groups = require('./groups.js');
const { check, given, listOfNames } = require('./options.js');
const { plain, v1 } = require('./proto.js');
const { onAbort } = require('./signals.js');
const { startOf } = require('./start.js');
const { Batch, MessageReader, isBatch } = require('./wire.js');

// Of a server that does not say how long it may be silent, in milliseconds.
const SILENCE_DEFAULT = 45000;
// So many missed heartbeats mean a dead stream.
const HEARTBEATS_MISSED = 3;

function warnOfGap(gap) {
  const count = gap.count ?? 'an unknown number';
  process.emitWarning(`messages of queue ${gap.queue} are missing from ${gap.first} on (${gap.reason}): ${count}`, {
    type: 'NmqGap',
  });
}

// A frame as the protocol has it, but for messages, which stay encoded until they are asked for.
const { path, requestSerialize, responseDeserialize } = v1.MessageQueue.service.Subscribe;
const frameOf = (bytes) => (isBatch(bytes) ? { frame: 'batch', bytes } : responseDeserialize(bytes));

// See index.d.ts.
class Subscription {
  #session;
  #request;
  #options;
  #stopping = new AbortController();
  #positions = new Positions();
  #wasLive = false;
  #reconnecting = false;
  #frames;
  #generation = 0;
  #live;
  #handed = new Positions();
  // Messages that were read and not yet handed out, in one frame; the next one is read after them.
  #batch;
  #reader = new MessageReader();
  // Calls of next() that wait, and what reads on once a frame is used up and more is asked for.
  #readers = [];
  #emptied = () => {};
  // Set when no more messages come: {error} once, if there is one.
  #end;
  // In place of #batch, for a member of a group.
  #held;
  #taking = Promise.resolve();
  id = '';

  constructor(session, options) {
    const { patterns, queue = '**', event = '', start, group } = options;
    const { overflow = 'OVERFLOW_UNSPECIFIED', overflowMessages, headers } = options;
    this.#session = session;
    this.#request = {
      patterns: patterns ?? [{ queue, event }],
      rooms: listOfNames(options.rooms) ?? [],
      start: startOf(start),
      overflow,
      overflowMessages,
      headers,
      ...(group && { group: groups.optionsOf(group) }),
    };
    this.#options = { readyTimeout: 10000, onGap: warnOfGap, onState: () => {}, ...given(options) };
  }

  // Resolves when the subscription is live; rejects with the server's refusal.
  async start() {
    const { signal } = this.#options;
    signal?.throwIfAborted();
    const stop = () => this.#stop();
    const off = [onAbort(signal, stop), onAbort(this.#session.signal, stop)];
    onAbort(this.#stopping.signal, () => off.forEach((each) => each()));
    const live = new Promise((resolve) => (this.#live = resolve));
    const ended = this.#run().then(() => this.#finish({}), (error) => this.#finish({ error }));
    await Promise.race([live, ended]);
    signal?.throwIfAborted();
    const { error } = this.#end ?? {};
    if (!this.#wasLive) throw error ?? errors.closed();
    return this;
  }

  get positions() {
    return this.#handed.list();
  }

  next() {
    if (this.#request.group) return (this.#taking = this.#taking.catch(() => {}).then(() => this.#nextHeld()));
    const value = this.#take();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#end || this.#stopped) return this.#over();
    this.#emptied();
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  async #nextHeld() {
    if (!this.#held && !this.#end && !this.#stopped) await new Promise((resolve) => this.#readers.push(resolve));
    const value = await this.#held?.next();
    return value === undefined || this.#stopped ? this.#over() : { done: false, value };
  }

  async #over() {
    this.#options.signal?.throwIfAborted();
    const { error } = this.#end ?? {};
    if (this.#end) this.#end = {};
    if (error && !this.#stopped) throw error;
    return { done: true, value: undefined };
  }

  // The next message that was read; undefined if there is none.
  #take() {
    if (!this.#batch || this.#stopped) return undefined;
    for (let message = this.#batch.next(); message; message = this.#batch.next()) {
      const { fresh, lost } = this.#positions.onPosition(message);
      if (lost) this.#reportGap(lost);
      if (!fresh) continue;
      this.#handed.onPosition(message);
      return message;
    }
    this.#batch = undefined;
    return undefined;
  }

  #serve() {
    while (this.#readers.length > 0) {
      const value = this.#take();
      if (value === undefined) return;
      this.#readers.shift()({ done: false, value });
    }
  }

  // Of readers that wait, the first hears of the error.
  #finish(end) {
    this.#end = end;
    this.#held?.stop();
    this.#release();
  }

  #release() {
    for (const resolve of this.#readers.splice(0)) resolve(this.#over());
  }

  async return() {
    this.#stop();
    return { done: true, value: undefined };
  }

  close() {
    this.#stop();
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    this.#stop();
  }

  async done(...messages) {
    check('Subscription.done', ...messages);
    return this.#acknowledge(messages, { done: true });
  }

  async retryAfter(message, milliseconds = 0) {
    check('Subscription.retryAfter', message, milliseconds);
    return this.#acknowledge([message], { retryAfter: milliseconds });
  }

  async extend(message, milliseconds) {
    check('Subscription.extend', message, milliseconds);
    return this.#acknowledge([message], { extend: milliseconds });
  }

  async terminate(message, reason) {
    check('Subscription.terminate', message, reason);
    return this.#acknowledge([message], { terminate: reason });
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  async #acknowledge(messages, outcome) {
    const { group } = this.#request;
    if (!group) throw new TypeError('the subscription is no member of a group: subscribe({ group })');
    if (messages.length === 0) return 0;
    const acknowledgements = messages.map(({ sequence, delivery }) => ({ first: sequence, delivery, ...outcome }));
    return (await groups.acknowledge(this.#session, messages[0].queue, group.name, acknowledgements)).noted;
  }

  #stop() {
    this.#stopping.abort();
    this.#frames?.cancel();
    this.#held?.stop();
    this.#emptied();
    this.#release();
  }

  get #stopped() {
    return this.#stopping.signal.aborted;
  }

  // All streams, one after the other.
  async #run() {
    const giveUpFirstAt = performance.now() + this.#session.options.waitForServer;
    let handle = await this.#session.ensure();
    let renewed = false;
    let waits = delays(this.#session.options.backoff);
    while (!this.#stopped) {
      const attempt = { live: false, lived: 0, left: false, leaveAt: Infinity, silence: this.#options.readyTimeout };
      let error;
      try {
        handle ??= await this.#session.renew(this.#generation);
        this.#generation = handle.generation;
        error = await this.#runStream(handle.session, attempt);
      } catch (failed) {
        error = failed;
      }
      handle = undefined;
      if (this.#stopped) return;
      if (!(error instanceof errors.NmqError)) throw error;
      if (attempt.live) renewed = false;
      if (attempt.lived > this.#session.options.backoff.max) waits = delays(this.#session.options.backoff);
      // A session that is lost again and again, without a live stream between, is no accident.
      if (errors.isSessionLost(error) && !renewed) {
        renewed = true;
        this.#reportReconnecting(error);
      } else {
        await this.#waitToRetry(error, attempt, waits, giveUpFirstAt);
      }
    }
  }

  async #waitToRetry(error, attempt, waits, giveUpFirstAt) {
    if (!errors.isPassing(error)) throw error;
    let delay = attempt.left ? 0 : Math.max(waits.next().value, error.retryAfter ?? 0);
    if (!this.#wasLive) {
      if (performance.now() >= giveUpFirstAt) throw error;
      delay = Math.min(delay, giveUpFirstAt - performance.now());
    }
    this.#reportReconnecting(error);
    await sleep(delay, this.#stopping.signal);
  }

  #reportReconnecting(error) {
    if (!this.#wasLive || this.#reconnecting) return;
    this.#reconnecting = true;
    this.#options.onState('reconnecting', error);
  }

  #makeRequest(session) {
    const request = { ...this.#request, session };
    if (this.#wasLive) {
      // Only rooms that nobody left since.
      request.rooms = request.rooms.filter((room) => this.#session.rooms.has(room));
      // A group knows by itself how far it is.
      if (!request.group) request.start = this.#positions.resume();
    }
    return request;
  }

  // One stream; returns why it ended.
  async #runStream(session, attempt) {
    const started = performance.now();
    const metadata = new grpc.Metadata({ waitForReady: false });
    const request = this.#makeRequest(session);
    const { stub } = this.#session;
    this.#frames = new Frames(stub.makeServerStreamRequest(path, requestSerialize, frameOf, request, metadata));
    try {
      for (;;) {
        const wait = Math.min(attempt.silence, attempt.leaveAt - performance.now());
        const { frame, error, silent } = await this.#frames.next(wait);
        if (error) return errors.fromGrpc(error);
        if (silent) return this.#silence(attempt);
        if (!frame) return new errors.NmqError('UNAVAILABLE', 'the server ended the stream');
        await this.#onFrame(frame, attempt);
        if (this.#stopped) return undefined;
      }
    } finally {
      this.#frames.cancel();
      this.#held?.clear();
      if (attempt.live) {
        this.#session.addLiveStreams(-1);
        attempt.lived = performance.now() - started;
      }
    }
  }

  #silence(attempt) {
    attempt.left = performance.now() >= attempt.leaveAt;
    if (attempt.left) return new errors.NmqError('UNAVAILABLE', 'the server asked the stream to leave');
    return new errors.NmqError('UNAVAILABLE', `nothing came for ${attempt.silence} ms`);
  }

  async #onFrame(frame, attempt) {
    switch (frame.frame) {
      case 'ready':
        await this.#onReady(plain('Ready', frame.ready), attempt);
        break;
      case 'batch':
        await this.#onBatch(new Batch(frame.bytes, this.#reader));
        break;
      case 'gap': {
        const gap = plain('Gap', frame.gap);
        if (frame.gap._count === undefined) delete gap.count;
        if (this.#request.group || this.#positions.onGap(gap)) this.#reportGap(gap);
        break;
      }
      case 'heartbeat':
        if (this.#request.group) break;
        for (const position of plain('Heartbeat', frame.heartbeat).positions) this.#follow(position);
        break;
      case 'drain':
        attempt.leaveAt = performance.now() + plain('Drain', frame.drain).jitter * Math.random();
        break;
      default:
    }
  }

  async #onReady(ready, attempt) {
    attempt.silence = HEARTBEATS_MISSED * ready.heartbeat || SILENCE_DEFAULT;
    attempt.live = true;
    this.#session.addLiveStreams(1);
    for (const positions of [this.#positions, this.#handed]) {
      if (this.#wasLive) positions.onResumedReady(ready);
      else positions.onFirstReady(ready, this.#request.start);
    }
    if (!this.#wasLive) this.#request.rooms.forEach((room) => this.#session.rooms.add(room));
    this.#wasLive = true;
    this.#reconnecting = false;
    this.id = ready.subscriptionId;
    if (this.#request.group && !this.#held) await this.#hold(ready.namespace);
    this.#options.onState('connected');
    this.#live();
  }

  async #hold(namespace) {
    const { patterns, group } = this.#request;
    const { ackDeadline } = typeof this.#options.group === 'string' ? {} : this.#options.group;
    const held = await groups.holdOf(this.#session, namespace, patterns[0].queue, { name: group.name, ackDeadline });
    this.#held = held;
    if (this.#stopped) held.stop();
    this.#release();
  }

  // Resolves when more is asked for; a group's member may hold as many as its credit allows.
  async #onBatch(batch) {
    if (this.#held) return this.#held.add(batch.rest());
    this.#batch = batch;
    this.#serve();
    if (this.#readers.length === 0 && !this.#stopped) await new Promise((resolve) => (this.#emptied = resolve));
    return undefined;
  }

  #follow(position) {
    const { lost } = this.#positions.onPosition(position);
    if (lost) this.#reportGap(lost);
    this.#handed.onPosition(position);
  }

  #reportGap(gap) {
    if (!this.#request.group) this.#handed.onGap(gap);
    this.#options.onGap(gap);
  }
}

module.exports = { Subscription };
