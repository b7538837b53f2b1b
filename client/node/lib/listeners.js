'use strict';

const { EventEmitter } = require('node:events');

// EventEmitter treats "error" apart.
const keyOf = (event) => `.${event}`;

// The listeners of a socket: to one event, or to all that others emit.
class Listeners {
  #events = new EventEmitter().setMaxListeners(0);
  #any = [];

  on(event, listener) {
    this.#events.on(keyOf(event), listener);
  }

  once(event, listener) {
    this.#events.once(keyOf(event), listener);
  }

  off(event, listener) {
    if (listener) this.#events.off(keyOf(event), listener);
    else if (event === undefined) this.#events.removeAllListeners();
    else this.#events.removeAllListeners(keyOf(event));
  }

  of(event) {
    return this.#events.listeners(keyOf(event));
  }

  get any() {
    return [...this.#any];
  }

  onAny(listener, first) {
    this.#any = first ? [listener, ...this.#any] : [...this.#any, listener];
  }

  offAny(listener) {
    const index = this.#any.indexOf(listener);
    this.#any = listener ? this.#any.filter((_, i) => i !== index) : [];
  }

  // Of the socket itself.
  tell(event, ...args) {
    return this.#events.emit(keyOf(event), ...args);
  }

  // What others emitted.
  hear(event, ...args) {
    for (const listener of this.#any) listener(event, ...args);
    this.tell(event, ...args);
  }
}

module.exports = { Listeners };
