'use strict';

const grpc = require('@grpc/grpc-js');
const { delays, sleep } = require('./backoff.js');
const errors = require('./errors.js');
const { Frames } = require('./frames.js');
const { Positions } = require('./positions.js');
const groups = require('./groups.js');
const { check, given, listOfNames } = require('./options.js');
const { plain, timestampOf } = require('./proto.js');
const { onAbort } = require('./signals.js');

// Of a server that does not say how long it may be silent, in milliseconds.
const SILENCE_DEFAULT = 45000;
// So many missed heartbeats mean a dead stream.
const HEARTBEATS_MISSED = 3;

// "new", "earliest", {last}, {sequence}, {time: Date} or {after: positions} as the protocol has it.
function startOf(start = 'new') {
  if (start === 'new') return undefined;
  if (start === 'earliest') return { earliest: true };
  if (start.after) return { resume: { positions: start.after } };
  return start.time ? { time: timestampOf(start.time) } : start;
}

function warnOfGap(gap) {
  const count = gap.count ?? 'an unknown number';
  process.emitWarning(`messages of queue ${gap.queue} are missing from ${gap.first} on (${gap.reason}): ${count}`, {
    type: 'NmqGap',
  });
}

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
  #first;
  #generation = 0;
  #live;
  #messages;
  #handed = new Positions();
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
    this.#messages = this.#run();
    // The generator's first step ends at the first frame after `ready`; what it yields is kept for the first reader.
    this.#first = this.#messages.next();
    this.#first.catch(() => {});
    await Promise.race([live, this.#first]);
    signal?.throwIfAborted();
    if (!this.#wasLive) throw errors.closed();
    return this;
  }

  get positions() {
    return this.#handed.list();
  }

  async next() {
    const pending = this.#first ?? this.#messages.next();
    this.#first = undefined;
    const result = await pending;
    if (result.done) this.#options.signal?.throwIfAborted();
    if (this.#stopping.signal.aborted) return { done: true, value: undefined };
    if (!result.done && !this.#request.group) this.#handed.onPosition(result.value);
    return result;
  }

  async return() {
    this.#stop();
    return { done: true, value: undefined };
  }

  close() {
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
  }

  get #stopped() {
    return this.#stopping.signal.aborted;
  }

  // The messages of all streams.
  async *#run() {
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
        error = yield* this.#runStream(handle.session, attempt);
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
  async *#runStream(session, attempt) {
    const started = performance.now();
    const metadata = new grpc.Metadata({ waitForReady: false });
    this.#frames = new Frames(this.#session.stub.Subscribe(this.#makeRequest(session), metadata));
    try {
      for (;;) {
        const wait = Math.min(attempt.silence, attempt.leaveAt - performance.now());
        const { frame, error, silent } = await this.#frames.next(wait);
        if (error) return errors.fromGrpc(error);
        if (silent) return this.#silence(attempt);
        if (!frame) return new errors.NmqError('UNAVAILABLE', 'the server ended the stream');
        yield* this.#onFrame(frame, attempt);
        if (this.#stopped) return undefined;
      }
    } finally {
      this.#frames.cancel();
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

  *#onFrame(frame, attempt) {
    switch (frame.frame) {
      case 'ready':
        this.#onReady(plain('Ready', frame.ready), attempt);
        break;
      case 'batch':
        yield* this.#onMessages(frame.batch.messages);
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

  #onReady(ready, attempt) {
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
    this.#options.onState('connected');
    this.#live();
  }

  *#onMessages(messages) {
    for (const encoded of messages) {
      const message = plain('Message', encoded);
      message.rooms = message.audience?.rooms ?? [];
      delete message.audience;
      // What a group delivers may come again, and out of order.
      if (this.#request.group) {
        yield message;
        if (this.#stopped) return;
        continue;
      }
      const { fresh, lost } = this.#positions.onPosition(message);
      if (lost) this.#reportGap(lost);
      if (fresh) yield message;
      if (this.#stopped) return;
    }
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
