'use strict';

// What is asked for, in deadlines: enough that a program that blocks for one finds everything where it was.
const EXTENSION = 2;
// Where an extension is due, in deadlines that are left.
const EXTEND_BELOW = 1.5;
// So much of the deadline is there when a message is handed out; the rest is its way from the server.
const WHOLE = 0.99;
const TICKS_PER_DEADLINE = 10;
// The longest extension, in milliseconds.
const EXTENSION_MAX = 12 * 3600 * 1000;

// Messages of a group that wait in the client, while their deadline runs: it is moved on, so that each has all of it
// when it is handed out, and at most twice that. What the group took back meanwhile is dropped.
class Held {
  #deadline;
  #extend;
  #now;
  // {message, until, final}: mine until then, for all that is known; final if that could not be moved on.
  #waiting = [];
  #readers = [];
  #stopped = false;
  #timer;
  #lastTick;
  // How long ago what is read now may have been delivered: the program blocked for so long.
  #behind = 0;

  // extend(messages, milliseconds) resolves to how many of them the group still waited for.
  constructor(deadline, extend, now = () => performance.now()) {
    this.#deadline = deadline;
    this.#extend = extend;
    this.#now = now;
    this.#lastTick = now();
    this.#arm();
  }

  add(messages) {
    const until = this.#now() - this.#behind + this.#deadline;
    for (const message of messages) this.#waiting.push({ message, until, final: false });
    this.#wake();
  }

  // The stream is gone, and with it these: the group gives them to a member again.
  clear() {
    this.#waiting = [];
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#wake();
  }

  // Resolves to undefined after stop(). One call at a time.
  async next() {
    for (;;) {
      if (this.#stopped) return undefined;
      const [first] = this.#waiting;
      const left = first ? first.until - this.#now() : 0;
      if (!first) await new Promise((resolve) => this.#readers.push(resolve));
      else if (left >= this.#deadline * WHOLE || (first.final && left > 0)) return this.#waiting.shift().message;
      else if (first.final) this.#waiting.shift();
      else await this.#moveOn([...this.#waiting]);
    }
  }

  #wake() {
    this.#readers.splice(0).forEach((resolve) => resolve());
  }

  #arm() {
    this.#timer = setTimeout(() => this.#tick(), this.#deadline / TICKS_PER_DEADLINE);
    // Not what keeps a program alive.
    this.#timer.unref?.();
  }

  #tick() {
    const since = this.#now() - this.#lastTick;
    this.#lastTick += since;
    this.#behind = since > (this.#deadline / TICKS_PER_DEADLINE) * 2 ? since : 0;
    const due = this.#waiting.filter(({ until }) => until - this.#lastTick < this.#deadline * EXTEND_BELOW);
    if (due.length > 0) this.#moveOn(due);
    this.#arm();
  }

  async #moveOn(entries) {
    const milliseconds = Math.min(this.#deadline * EXTENSION, EXTENSION_MAX);
    const started = this.#now();
    try {
      const alive = new Set(await this.#alive(entries, milliseconds));
      for (const entry of alive) Object.assign(entry, { until: started + milliseconds, final: false });
      const dead = new Set(entries.filter((entry) => !alive.has(entry)));
      if (dead.size > 0) this.#waiting = this.#waiting.filter((entry) => !dead.has(entry));
    } catch {
      // Whether they are this member's is known as long as their time runs.
      const now = this.#now();
      const known = new Set(entries);
      this.#waiting = this.#waiting.filter((entry) => !known.has(entry) || entry.until > now);
      for (const entry of entries) entry.final = true;
    }
  }

  // Those that the group still waits for. The server tells how many, so halves find them.
  async #alive(entries, milliseconds) {
    const noted = await this.#extend(entries.map(({ message }) => message), milliseconds);
    if (noted >= entries.length) return entries;
    if (noted === 0) return [];
    const middle = Math.ceil(entries.length / 2);
    const halves = [entries.slice(0, middle), entries.slice(middle)];
    return (await Promise.all(halves.map((half) => this.#alive(half, milliseconds)))).flat();
  }
}

module.exports = { Held };
