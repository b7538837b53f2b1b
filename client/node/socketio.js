'use strict';

// Socket.IO's client calls on nmqd. README.md lists the differences.

const { EventEmitter } = require('node:events');
const { parseAddress, payloadOf, valueOf } = require('./lib/address.js');
const { Client } = require('./lib/client.js');

// The queue that the events of a namespace are in.
const QUEUE = 'socket.io';
const RESERVED = new Set(['connect', 'connect_error', 'disconnect', 'gap']);

// Any text as a name: what names may not hold is ~ and two hexadecimal digits for each byte.
const nameOf = (text) =>
  [...Buffer.from(String(text))]
    .map((byte) => String.fromCharCode(byte))
    .map((char) => (/[A-Za-z0-9._-]/.test(char) ? char : `~${char.charCodeAt(0).toString(16).padStart(2, '0')}`))
    .join('');
const textOf = (name) => decodeURIComponent(name.replace(/~(..)/g, '%$1'));

// A list of rooms to send to. See socketio.d.ts.
class Broadcast {
  #send;
  #audience;

  constructor(send, audience) {
    this.#send = send;
    this.#audience = audience;
  }

  to(rooms) {
    return this.#with('rooms', rooms);
  }

  in(rooms) {
    return this.to(rooms);
  }

  except(rooms) {
    return this.#with('exceptRooms', rooms);
  }

  emit(event, ...args) {
    this.#send(event, args, this.#audience);
    return true;
  }

  #with(field, rooms) {
    const names = [...(this.#audience[field] ?? []), ...[rooms].flat().map(nameOf)];
    return new Broadcast(this.#send, { ...this.#audience, [field]: names });
  }
}

// See socketio.d.ts.
class Socket {
  connected = false;
  #listeners = new EventEmitter();
  #client;
  // Calls one after the other, the first when the subscription is live, so that they arrive in this order.
  #done;

  constructor(url, options) {
    const { server, ...address } = parseAddress(url);
    // As Socket.IO, this waits for a server that is not there yet.
    this.#client = new Client(server, { ...address, waitForServer: Infinity, ...options });
    this.#done = this.#open();
    // connect_error tells of it.
    this.#done.catch(() => {});
  }

  get id() {
    return this.#client.clientId || undefined;
  }

  on(event, listener) {
    this.#listeners.on(this.#key(event), listener);
    return this;
  }

  once(event, listener) {
    this.#listeners.once(this.#key(event), listener);
    return this;
  }

  off(event, listener) {
    if (listener) this.#listeners.off(this.#key(event), listener);
    else this.#listeners.removeAllListeners(event && this.#key(event));
    return this;
  }

  to(rooms) {
    return this.#broadcast().to(rooms);
  }

  in(rooms) {
    return this.to(rooms);
  }

  except(rooms) {
    return this.#broadcast().except(rooms);
  }

  emit(event, ...args) {
    if (event === 'join' || event === 'leave') this.#move(event, ...args);
    else this.#send(event, args, {});
    return this;
  }

  async disconnect() {
    const was = this.connected;
    this.connected = false;
    await this.#client.close();
    if (was) this.#tell('disconnect', 'io client disconnect');
    return this;
  }

  close() {
    return this.disconnect();
  }

  // EventEmitter treats "error" apart.
  #key(event) {
    return `.${String(event)}`;
  }

  #tell(event, ...args) {
    this.#listeners.emit(this.#key(event), ...args);
  }

  #broadcast() {
    return new Broadcast((...args) => this.#send(...args), {});
  }

  async #open() {
    let subscription;
    try {
      subscription = await this.#client.subscribe({
        queue: QUEUE,
        onGap: (gap) => this.#tell('gap', gap),
        onState: (state, error) => this.#onState(state, error),
      });
    } catch (error) {
      if (error.code !== 'CANCELLED') this.#tell('connect_error', error);
      throw error;
    }
    this.#hear(subscription).catch((error) => {
      this.connected = false;
      this.#tell('disconnect', 'io server disconnect', error);
    });
  }

  #onState(state, error) {
    this.connected = state === 'connected';
    const news = this.connected ? ['connect'] : ['disconnect', 'transport close', error];
    // Not inside the subscription's own work.
    queueMicrotask(() => this.#tell(...news));
  }

  async #hear(subscription) {
    for await (const message of subscription) {
      const event = textOf(message.event);
      const value = valueOf(message);
      if (RESERVED.has(event)) continue;
      queueMicrotask(() => this.#tell(event, ...(Array.isArray(value) ? value : [value])));
    }
  }

  #move(event, room, callback) {
    const [move, answer] = event === 'join' ? ['join', 'Joined'] : ['leave', 'Left'];
    const tell = callback && ((error) => callback(error ?? `${answer} ${room}`));
    this.#queue(() => this.#client[move](nameOf(room)), tell);
  }

  #send(event, args, audience) {
    if (RESERVED.has(event)) throw new Error(`"${event}" is a reserved event name`);
    const callback = typeof args.at(-1) === 'function' ? args.at(-1) : undefined;
    const values = callback ? args.slice(0, -1) : args;
    const [first] = values;
    const payload = values.length === 1 && first instanceof Uint8Array ? payloadOf(first) : payloadOf(values);
    const message = { queue: QUEUE, event: nameOf(event), exceptPublisher: true, ...audience, ...payload };
    this.#queue(() => this.#client.publish(message), callback);
  }

  #queue(call, callback) {
    const result = this.#done.then(call);
    this.#done = result.catch(() => {});
    result.then(
      () => callback?.(),
      (error) => (callback ? callback(error) : this.#tell('connect_error', error)),
    );
  }
}

const connect = (url, options) => new Socket(url, options);

module.exports = Object.assign(connect, { connect, io: connect, Socket });
