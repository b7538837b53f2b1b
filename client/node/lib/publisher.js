'use strict';

const grpc = require('@grpc/grpc-js');
const { delays, sleep } = require('./backoff.js');
const errors = require('./errors.js');
const { check } = require('./options.js');
const { onAbort } = require('./signals.js');
const { v1 } = require('./proto.js');
const { MessageWriter } = require('./wire.js');

const { path, requestSerialize, responseDeserialize } = v1.MessageQueue.service.PublishStream;
const EMPTY = Buffer.alloc(0);
// Batches that are on their way at a time. While there is room what comes is sent at once, else it gathers.
const WINDOW = 16;
// Full batches that wait; then add() says that it is enough.
const SEALED_MAX = 8;
// What may wait, in bytes; beyond that messages are refused.
const WAITING_MAX = 64 * 1024 * 1024;
// What one batch holds, if the server allows it.
const BATCH_MESSAGES = 1000;
const BATCH_BYTES = 256 * 1024;
// What a request has besides its messages.
const REQUEST_BYTES = 1024;

const TAKEN_OR_NOT = 'it may have been taken or not, and is not sent again';
const NOT_SENT = 'it was not sent';

// Messages that travel together.
class Batch {
  // As large as the one before was.
  constructor(bytes = 0) {
    this.writer = new MessageWriter(bytes);
  }

  count = 0;
  // Of each message whose publisher waits for its answer: {index, resolve, reject}.
  waiting = [];
  queues = [];
  // Those that are delivered later, by their index.
  later = new Set();
  // It was refused once, for the session was lost.
  again = false;
}

function withContext(error, said) {
  const { code, details, metadata, retryAfter } = error;
  const reason = error.reason || (said === NOT_SENT ? 'NOT_SENT' : '');
  return new errors.NmqError(code, `${details}; the message: ${said}`, { reason, metadata, retryAfter });
}

// Where each message of an accepted batch went.
function* positionsIn({ queues, later }, { ranges, duplicates, storage }) {
  const known = new Map(duplicates.map(({ index, position }) => [index, position]));
  const ranged = new Map(ranges.map((range) => [range.queue, { ...range, next: Number(range.first) }]));
  for (const [queue, range] of ranged) {
    const fresh = queues.map((name, index) => index).filter((i) => queues[i] === queue && !known.has(i));
    const atOnce = fresh.filter((index) => !later.has(index));
    const taken = Number(range.last) - Number(range.first) + 1;
    // A deliverAt that was past is none; if only some were, it is not told which.
    range.told = new Set(fresh.length === taken ? fresh : atOnce.length === taken ? atOnce : []);
  }
  for (const [index, queue] of queues.entries()) {
    const range = ranged.get(queue);
    const before = known.get(index);
    const sequence = before ? Number(before.sequence) : range?.told.has(index) ? range.next++ : 0;
    yield { queue, epoch: (before ?? range)?.epoch ?? '0', sequence, duplicate: before !== undefined, storage };
  }
}

// See index.d.ts.
class Publisher {
  #session;
  #encode;
  #giveUpAfter;
  #batchMessages = BATCH_MESSAGES;
  #batchBytes = BATCH_BYTES;
  #gathering = new Batch();
  #sealed = [];
  #sealedBytes = 0;
  #inFlight = [];
  // To be sent before all others, by the next stream.
  #repeated = [];
  #call;
  // What the first request of a stream has besides.
  #first;
  #sessionLost = false;
  #generation = 0;
  #running = false;
  #scheduled = false;
  #answers = 0;
  #stopping = new AbortController();
  #since = { accepted: 0, refused: 0, unknown: 0, error: undefined };
  // What waits for a change.
  #watchers = [];

  // encode(call, message) is {queue, event, contentType, payload, rest, later} of one.
  constructor(session, encode, { giveUpAfter = session.options.timeout } = {}) {
    this.#session = session;
    this.#encode = encode;
    this.#giveUpAfter = giveUpAfter;
    onAbort(session.signal, () => this.#stop());
  }

  add(message) {
    this.#put('Publisher.add', message);
    return this.#sealed.length < SEALED_MAX;
  }

  publish(message) {
    return new Promise((resolve, reject) => this.#put('Publisher.publish', message, resolve, reject));
  }

  async room() {
    await this.#until(() => this.#sealed.length < SEALED_MAX);
  }

  async flush() {
    const last = this.#last();
    await this.#until(() => !last || this.#isSettled(last));
    const told = this.#since;
    this.#since = { accepted: 0, refused: 0, unknown: 0, error: undefined };
    return told;
  }

  async close(options = {}) {
    check('Publisher.close', options);
    const { timeout = 10000 } = options;
    const timer = setTimeout(() => this.#stop(), timeout);
    const result = await this.flush();
    clearTimeout(timer);
    this.#stop();
    return result;
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    const { error } = await this.close();
    if (error) throw error;
  }

  #put(call, message, resolve, reject) {
    if (this.#stopping.signal.aborted) {
      throw new errors.NmqError('CANCELLED', 'the publisher is closed', { reason: 'NOT_SENT' });
    }
    const { queue, event, contentType, payload, rest, later } = this.#encode(call, message);
    const { writer } = this.#gathering;
    const size = MessageWriter.bound(payload, rest);
    if (this.#sealedBytes + writer.length + size > WAITING_MAX && this.#sealed.length > 0) {
      const waits = `${this.#sealedBytes + writer.length} bytes wait already (at most ${WAITING_MAX})`;
      throw new errors.NmqError('RESOURCE_EXHAUSTED', `a message was not sent: ${waits}; await room()`, {
        reason: 'NOT_SENT',
      });
    }
    const full = this.#gathering.count >= this.#batchMessages || writer.length + size > this.#batchBytes;
    if (full && this.#gathering.count > 0) this.#seal();
    const batch = this.#gathering;
    batch.writer.add(queue, event, contentType, payload, rest);
    if (later) batch.later.add(batch.count);
    if (resolve) batch.waiting.push({ index: batch.count, resolve, reject });
    batch.queues.push(queue);
    ++batch.count;
    this.#schedule();
  }

  #seal() {
    this.#sealed.push(this.#gathering);
    this.#sealedBytes += this.#gathering.writer.length;
    this.#gathering = new Batch(this.#gathering.writer.length);
  }

  // What a program publishes in one go travels together.
  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (this.#call) this.#send();
      else if (!this.#running && this.#hasUnsent()) this.#run();
    });
  }

  #hasUnsent() {
    return this.#sealed.length > 0 || this.#gathering.count > 0;
  }

  // The batch with the message that was added last; undefined if all are settled.
  #last() {
    if (this.#gathering.count > 0) return this.#gathering;
    return this.#sealed.at(-1) ?? this.#inFlight.at(-1) ?? this.#repeated.at(-1);
  }

  #isSettled(batch) {
    return batch !== this.#gathering && ![this.#sealed, this.#inFlight, this.#repeated].some((some) => some.includes(batch));
  }

  #send() {
    while (this.#inFlight.length < WINDOW && !this.#sessionLost) {
      if (this.#sealed.length === 0) {
        if (this.#gathering.count === 0) break;
        this.#seal();
      }
      const batch = this.#sealed.shift();
      this.#sealedBytes -= batch.writer.length;
      this.#inFlight.push(batch);
      const messages = batch.writer.bytes();
      this.#call.write(this.#first ? Buffer.concat([this.#first, messages]) : messages);
      this.#first = undefined;
    }
    this.#changed();
  }

  // Keeps a stream while there is something to send; a broken one is opened again.
  async #run() {
    this.#running = true;
    const { backoff } = this.#session.options;
    let waits = delays(backoff);
    let giveUpAt = performance.now() + this.#giveUpAfter;
    let lost = 0;
    while (this.#hasUnsent() && !this.#stopping.signal.aborted) {
      this.#answers = 0;
      const error = await this.#stream(giveUpAt);
      if (this.#answers > 0) [giveUpAt, waits, lost] = [performance.now() + this.#giveUpAfter, delays(backoff), 0];
      if (!this.#hasUnsent()) break;
      if (this.#sessionLost && ++lost === 1) continue;
      const left = giveUpAt - performance.now();
      if (!errors.isPassing(error) || left <= 0) this.#refuseUnsent(error);
      else await sleep(Math.min(Math.max(waits.next().value, error.retryAfter ?? 0), left), this.#stopping.signal);
    }
    this.#running = false;
    if (this.#stopping.signal.aborted) this.#refuseUnsent(new errors.NmqError('CANCELLED', 'the publisher is closed'));
    this.#changed();
  }

  // One stream; resolves to why it ended.
  async #stream(deadline) {
    const { namespace, publishWithSession } = this.#session.options;
    let session;
    try {
      session = await this.#session.enter(deadline, publishWithSession, this.#generation, this.#stopping.signal);
    } catch (error) {
      return error instanceof errors.NmqError ? error : errors.closed();
    }
    this.#generation = session.generation;
    const { batchMessages, batchBytes } = this.#session.connected.limits;
    this.#batchMessages = Math.min(BATCH_MESSAGES, batchMessages || BATCH_MESSAGES);
    this.#batchBytes = Math.min(BATCH_BYTES, (batchBytes || Infinity) - REQUEST_BYTES);
    this.#first = requestSerialize({ session: session.session, namespace });
    this.#sessionLost = false;
    const error = await new Promise((resolve) => {
      const metadata = new grpc.Metadata({ waitForReady: false });
      const { stub } = this.#session;
      this.#call = stub.makeBidiStreamRequest(path, (bytes) => bytes, responseDeserialize, metadata);
      this.#call.on('data', (response) => this.#onAnswer(response));
      this.#call.on('error', (failed) => resolve(errors.fromGrpc(failed)));
      this.#call.on('end', () => resolve(new errors.NmqError('UNAVAILABLE', 'the server ended the stream')));
      this.#send();
    });
    this.#call = undefined;
    this.#onBroken(error);
    return error;
  }

  #onAnswer(response) {
    ++this.#answers;
    const batch = this.#inFlight.shift();
    if (response.result === 'accepted') {
      this.#accept(batch, response.accepted);
    } else {
      const error = errors.fromStatus(response.refused);
      if (errors.isSessionLost(error)) this.#sessionLost = true;
      if (errors.isSessionLost(error) && !batch.again) this.#repeat([batch]);
      else this.#fail(batch, error, 'refused');
    }
    // Those behind it are answered alike; then another stream takes them, in the same order.
    if (this.#sessionLost && this.#inFlight.length === 0) this.#end();
    else this.#send();
  }

  #repeat(batches) {
    for (const batch of batches) batch.again = true;
    this.#repeated.push(...batches);
  }

  #end() {
    const call = this.#call;
    setImmediate(() => this.#call === call && call?.end());
  }

  #onBroken(error) {
    const batches = this.#inFlight.splice(0);
    // Of a lost session the server took none of these.
    const again = errors.isSessionLost(error) ? batches.filter((batch) => !batch.again) : [];
    if (again.length > 0) this.#sessionLost = true;
    this.#repeat(again);
    const refused = error.reason !== '' && !errors.isPassing(error);
    for (const batch of batches.filter((one) => !again.includes(one))) {
      this.#fail(batch, refused ? error : withContext(error, TAKEN_OR_NOT), refused ? 'refused' : 'unknown');
    }
    for (const batch of this.#repeated) this.#sealedBytes += batch.writer.length;
    this.#sealed.unshift(...this.#repeated.splice(0));
    this.#changed();
  }

  #refuseUnsent(error) {
    if (this.#gathering.count > 0) this.#seal();
    this.#sealedBytes = 0;
    for (const batch of this.#sealed.splice(0)) this.#fail(batch, withContext(error, NOT_SENT), 'refused');
    this.#changed();
  }

  #accept(batch, accepted) {
    this.#since.accepted += batch.count;
    if (batch.waiting.length === 0) return;
    const places = [...positionsIn(batch, accepted)];
    for (const { index, resolve } of batch.waiting) resolve(places[index]);
  }

  #fail(batch, error, kind) {
    this.#since[kind] += batch.count;
    this.#since.error ??= error;
    for (const { reject } of batch.waiting) reject(error);
  }

  async #until(done) {
    while (!done()) await new Promise((resolve) => this.#watchers.push(resolve));
  }

  #changed() {
    if (this.#watchers.length > 0) this.#watchers.splice(0).forEach((resolve) => resolve());
  }

  #stop() {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    const call = this.#call;
    // Not at once, as in lib/frames.js.
    if (call && this.#inFlight.length > 0) setImmediate(() => this.#call === call && call.cancel());
    else this.#end();
    if (!this.#running) this.#refuseUnsent(new errors.NmqError('CANCELLED', 'the publisher is closed'));
  }
}

module.exports = { Publisher };
