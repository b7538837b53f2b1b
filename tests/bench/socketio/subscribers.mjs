// Subscribers: each counts what it hears, and looks at its order and latency.
import { ask, connectAll, disconnectAll, forEachOf, webSocketOf } from './sockets.mjs';
import { Histogram, OrderCheck, now, stampNumber, stampPublisher, stampTime } from './stamp.mjs';

// One of so many messages is looked at for its latency, unless every one shall be.
const LATENCY_EVERY = 64;

// The room of an event, and that of a room.
const eventRoom = (queue, event) => `${queue}/${event}`;
const roomRoom = (queue, room) => `${queue}/room/${room}`;

export class SubscriberSet {
  #spec;
  #sockets = [];
  // By socket: messages heard.
  #counts;
  #disorder = 0;
  #heartbeats = 0;
  #error = '';
  #stopped = false;
  // Latencies of messages that were published in this window; null: none.
  #window = null;
  #latency = new Histogram();
  // How many subscribers are in a room.
  #members = new Map();
  // By array of destinations.
  #fanOuts = new WeakMap();

  // spec: {queue, subscribers, sockets, interests, everyLatency, stalled}. `interests`: [{events, rooms}] by subscriber;
  // null: everything. With fewer sockets than subscribers, a subscriber is a room of its own.
  constructor(spec) {
    this.#spec = spec;
    this.#counts = new Float64Array(spec.sockets);
  }

  get queue() {
    return this.#spec.queue;
  }
  get selective() {
    return this.#spec.interests !== null;
  }
  get stalled() {
    return this.#spec.stalled;
  }

  async open(url) {
    this.#sockets = await connectAll(url, this.#spec.sockets, (reason) => this.#fail(`a subscriber lost: ${reason}`));
    this.#sockets.forEach((socket, i) => {
      socket.on('message', this.#listener(i));
      socket.io.on('ping', () => ++this.#heartbeats);
    });
    try {
      await forEachOf(this.#spec.subscribers, (i) => this.#join(i));
    } catch (error) {
      this.#stopped = true;
      disconnectAll(this.#sockets);
      throw new Error(`a subscriber cannot join: ${error.message}`);
    }
    if (this.#spec.stalled) for (const socket of this.#sockets) webSocketOf(socket).pause();
  }

  totals() {
    let messages = 0;
    let slowest = Infinity;
    for (const count of this.#counts) {
      messages += count;
      if (count < slowest) slowest = count;
    }
    return { messages, slowest, disorder: this.#disorder, heartbeats: this.#heartbeats, failure: this.#error };
  }

  // The longest silence between two pings of the server, in milliseconds.
  get pingInterval() {
    return this.#sockets[0].pingInterval ?? 0;
  }

  // How many subscribers a message goes to, on average over these destinations: always of the same array.
  fanOut(destinations) {
    if (!this.#fanOuts.has(destinations)) {
      const members = destinations.reduce((sum, { event, room }) => sum + this.#membersOf(event, room), 0);
      this.#fanOuts.set(destinations, members / destinations.length);
    }
    return this.#fanOuts.get(destinations);
  }

  recordLatency(from, to) {
    this.#window = { from, to };
  }

  // Ends all subscriptions; what was recorded.
  stop() {
    this.#stopped = true;
    for (const socket of this.#sockets) {
      const webSocket = webSocketOf(socket);
      socket.disconnect();
      if (this.#spec.stalled) webSocket?.terminate();
    }
    return this.#latency.buckets();
  }

  #membersOf(event, room) {
    const { queue } = this.#spec;
    return this.#members.get(room ? roomRoom(queue, room) : eventRoom(queue, event)) ?? 0;
  }

  #fail(error) {
    if (!this.#stopped) this.#error ||= error;
  }

  #roomsOf(i) {
    const { queue, subscribers, sockets, interests } = this.#spec;
    if (sockets < subscribers) return [`${queue}/subscriber/${i}`];
    const { events, rooms } = interests?.[i] ?? { events: [], rooms: [] };
    const heard = events.length > 0 ? events : ['tick'];
    return [...heard.map((event) => eventRoom(queue, event)), ...rooms.map((room) => roomRoom(queue, room))];
  }

  async #join(i) {
    const rooms = this.#roomsOf(i);
    await ask(this.#sockets[i % this.#sockets.length], 'join', rooms);
    for (const room of rooms) this.#members.set(room, (this.#members.get(room) ?? 0) + 1);
  }

  #listener(i) {
    const order = new OrderCheck(!this.selective);
    const every = this.#spec.everyLatency ? 1 : LATENCY_EVERY;
    return (payload) => {
      const count = ++this.#counts[i];
      if (!order.heard(stampPublisher(payload), stampNumber(payload))) ++this.#disorder;
      if (this.#window && count % every === 0) this.#addLatency(stampTime(payload));
    };
  }

  #addLatency(published) {
    if (published >= this.#window.from && published < this.#window.to) this.#latency.add(now() - published);
  }
}
