'use strict';

// The original @nmq/q/client on nmqd: the same calls, and unsubscribe and disconnect that work.

const { setTimeout: sleep } = require('node:timers/promises');
const { parseAddress } = require('./lib/address.js');
const { Client } = require('./lib/client.js');
const { contentOf, valueOf, warnOfSkipped } = require('./lib/content.js');
const { check } = require('./lib/options.js');
const { Outbox } = require('./lib/outbox.js');

// Between two tries of a message that could not be sent, in milliseconds.
const PAUSE = 100;

function newClient(options) {
  const url = process.env.Q_SERVER || process.env.REACT_APP_Q_SERVER || 'http://127.0.0.1:50051';
  const { server, ...address } = parseAddress(url);
  return new Client(server, { ...address, ...options });
}

const report = (error) => console.error(error.message);

// See q.d.ts.
class Q {
  static #publisher;
  static #waiting = false;
  static #outbox = new Outbox((error) => Q.#pause(error));
  // Promises of the subscriptions to each event.
  #subscriptions = new Map();
  #client;
  #unreached = false;

  constructor(queue) {
    check('new Q', queue);
    this.q = queue;
  }

  subscribe(event, callback) {
    check('Q.subscribe', event, callback);
    // As the original, this waits for a server that is not there yet.
    this.#client ??= newClient({ waitForServer: Infinity, onConnectError: (error) => this.#tellOnce(error) });
    const subscription = this.#client.subscribe({
      queue: this.q,
      event,
      onState: (state) => (this.#unreached &&= state !== 'connected'),
      onGap: (gap) => console.error(`messages of ${gap.queue} were missed from ${gap.first} on (${gap.reason})`),
    });
    this.#subscriptions.set(event, [...(this.#subscriptions.get(event) ?? []), subscription]);
    this.#listen(event, subscription, callback).catch((error) => {
      if (error.code !== 'CANCELLED') report(error);
      this.#forget(event, subscription);
    });
  }

  subscriptions() {
    return [...this.#subscriptions.keys()];
  }

  async unsubscribe(event) {
    check('Q.unsubscribe', event);
    const subscriptions = this.#subscriptions.get(event) ?? [];
    this.#subscriptions.delete(event);
    for (const subscription of subscriptions) {
      await subscription.then((live) => live.close()).catch(() => {});
    }
    if (this.#subscriptions.size === 0) await this.#close();
  }

  async disconnect() {
    this.#subscriptions.clear();
    await this.#close();
  }

  static publish(queue, event, payload) {
    const result = Q.#send(queue, event, payload);
    // Also what nobody waits for is told.
    result.catch(report);
    return result;
  }

  static async #send(queue, event, payload) {
    check('Q.publish', queue, event, payload);
    const message = { queue, event, ...contentOf(payload) };
    const what = `Q.publish to ${queue}, event ${event},`;
    try {
      // One after the other, so that they arrive in this order.
      await Q.#outbox.add(what, message.payload?.length ?? 0, async () => {
        Q.#publisher ??= newClient({ publishWithSession: false });
        await Q.#publisher.publish(message);
        Q.#waiting = false;
      });
    } finally {
      // The last one lets the program end.
      if (Q.#outbox.empty) Q.#closePublisher();
    }
  }

  static async #pause(error) {
    if (!Q.#waiting) console.error(`messages wait until they can be sent: ${error.message}`);
    Q.#waiting = true;
    await sleep(PAUSE);
  }

  static #closePublisher() {
    Q.#publisher?.close();
    Q.#publisher = undefined;
  }

  async #listen(event, promise, callback) {
    const subscription = await promise;
    if (!this.#subscriptions.get(event)?.includes(promise)) return;
    console.log(`Subscribed to ${event} in ${this.q} ... ${subscription.id}`);
    for await (const message of subscription) {
      let value;
      try {
        value = valueOf(message);
      } catch (error) {
        warnOfSkipped(error, message);
        continue;
      }
      // What the callback throws is the program's, not this loop's.
      queueMicrotask(() => callback(value));
    }
  }

  // That there is no server, once until there is one.
  #tellOnce(error) {
    if (!this.#unreached) console.error(`waiting for the server: ${error.message}`);
    this.#unreached = true;
  }

  #forget(event, subscription) {
    const rest = (this.#subscriptions.get(event) ?? []).filter((other) => other !== subscription);
    if (rest.length > 0) this.#subscriptions.set(event, rest);
    else this.#subscriptions.delete(event);
  }

  async #close() {
    const client = this.#client;
    this.#client = undefined;
    await client?.close();
  }
}

module.exports = Q;
