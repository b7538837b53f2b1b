'use strict';

const errors = require('./errors.js');

// What may wait, in calls and in bytes of their payloads.
const CALLS_MAX = 10000;
const BYTES_MAX = 64 * 1024 * 1024;

// Calls one after the other, in order. One that cannot have been carried out waits until the connection is back, and
// those behind it; beyond the bound new ones are given up.
class Outbox {
  #calls = 0;
  #bytes = 0;
  #last = Promise.resolve();
  #pause;
  #bounds;

  // `pause` is awaited, with the error, before a call is tried again; it rejects to give the call up.
  constructor(pause, { callsMax = CALLS_MAX, bytesMax = BYTES_MAX } = {}) {
    this.#pause = pause;
    this.#bounds = { callsMax, bytesMax };
  }

  // Resolves to what call() resolves to. `what` names it in errors, which say whether it may have been carried out.
  add(what, bytes, call) {
    const { callsMax, bytesMax } = this.#bounds;
    if (this.#calls >= callsMax || this.#bytes + bytes > bytesMax) {
      const waiting = `${this.#calls} calls with ${this.#bytes} bytes wait already (at most ${callsMax}, ${bytesMax})`;
      const details = `${what} was not sent: ${waiting}`;
      return Promise.reject(new errors.NmqError('RESOURCE_EXHAUSTED', details, { reason: 'NOT_SENT' }));
    }
    ++this.#calls;
    this.#bytes += bytes;
    const result = this.#last.then(() => this.#run(what, call)).finally(() => {
      --this.#calls;
      this.#bytes -= bytes;
    });
    this.#last = result.catch(() => {});
    return result;
  }

  get empty() {
    return this.#calls === 0;
  }

  // Resolves when what was added until now is over.
  get settled() {
    return this.#last;
  }

  async #run(what, call) {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof errors.NmqError)) throw error;
        if (!errors.isNotCarriedOut(error)) throw named(what, error);
        await this.#wait(what, error);
      }
    }
  }

  async #wait(what, error) {
    try {
      await this.#pause(error);
    } catch (reason) {
      throw named(what, reason, 'NOT_SENT');
    }
  }
}

function named(what, { code, details, reason, metadata, retryAfter }, instead) {
  const known = { reason: instead ?? reason, metadata, retryAfter };
  if (known.reason === 'NOT_SENT') return new errors.NmqError(code, `${what} was not sent: ${details}`, known);
  const lost = ['UNAVAILABLE', 'DEADLINE_EXCEEDED'].includes(code) && reason === '';
  return new errors.NmqError(code, `${what}: ${details}${lost ? '; it may have been carried out' : ''}`, known);
}

module.exports = { Outbox };
