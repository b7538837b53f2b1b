'use strict';

// The original @nmq/q/client on nmqd: the same calls, and unsubscribe and disconnect that work.

const { parseAddress, payloadOf, valueOf } = require('./lib/address.js');
const { Client } = require('./lib/client.js');

function newClient(options) {
  const url = process.env.Q_SERVER || process.env.REACT_APP_Q_SERVER || 'http://127.0.0.1:50051';
  const { server, ...address } = parseAddress(url);
  return new Client(server, { ...address, ...options });
}

const report = (error) => console.error(error.message);

// See q.d.ts.
class Q {
  static #publisher;
  static #published = Promise.resolve();
  static #publishing = 0;
  // Promises of the subscriptions to each event.
  #subscriptions = new Map();
  #client;

  constructor(q) {
    this.q = q;
  }

  subscribe(event, callback) {
    // As the original, this waits for a server that is not there yet.
    this.#client ??= newClient({ waitForServer: Infinity });
    const subscription = this.#client.subscribe({
      queue: this.q,
      event,
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
    Q.#publisher ??= newClient({ publishWithSession: false });
    const publisher = Q.#publisher;
    ++Q.#publishing;
    const result = Q.#published.then(() => publisher.publish({ queue, event, ...payloadOf(payload) })).then(() => {});
    // One after the other, so that they arrive in this order. The last one lets the program end.
    Q.#published = result.catch(report).finally(() => {
      if (--Q.#publishing > 0) return;
      Q.#publisher = undefined;
      publisher.close();
    });
    return result;
  }

  async #listen(event, promise, callback) {
    const subscription = await promise;
    if (!this.#subscriptions.get(event)?.includes(promise)) return;
    console.log(`Subscribed to ${event} in ${this.q} ... ${subscription.id}`);
    for await (const message of subscription) {
      // What the callback throws is the program's, not this loop's.
      queueMicrotask(() => callback(valueOf(message)));
    }
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
