// Publishers: a socket each, which stamps and numbers what it emits.
import { setTimeout as sleep } from 'node:timers/promises';
import { Pacer } from './pacer.mjs';
import { connectAll, disconnectAll, webSocketOf } from './sockets.mjs';
import { Histogram, MAX_PUBLISHERS, STAMP_BYTES, now, writeStamp } from './stamp.mjs';

// Messages of all sockets between two looks at the event loop.
const BURST = 100;
// What waits for the server at a fixed pace: messages, or bytes of a socket. More is a failure.
const MAX_UNANSWERED = 100_000;
const OVERFLOW = 64 * 1024 * 1024;
const PAUSE_MS = 1;
const ANSWER_PATIENCE_MS = 45_000;

let publishers = 0;

export class Publisher {
  #spec;
  #lag;
  #feeds = [];
  #template;
  #handed = 0;
  #accepted = 0;
  #unanswered = 0;
  #onAnswered = null;
  #error = '';
  #stopped = false;
  #recording = false;
  #answers = new Histogram();
  #pacer = null;
  #turn = 0;

  // spec: {queue, destinations: [{event, room}], payloadBytes, unary, sockets, batch, window, maxMessages, lag,
  // perSecond}. perSecond 0: as fast as `lag` and the server allow. Every message of `unary`, else the last one of each
  // batch, has an acknowledgement, and `window` of each socket's may be waited for: kernels keep so many messages that
  // nobody would know how fast the server takes them.
  constructor(spec, lag) {
    this.#spec = spec;
    this.#lag = lag;
    this.#template = Buffer.alloc(Math.max(spec.payloadBytes, STAMP_BYTES), 'x');
  }

  async open(url) {
    const { sockets, perSecond, unary, window } = this.#spec;
    if (publishers + sockets > MAX_PUBLISHERS) throw new Error(`more than ${MAX_PUBLISHERS} publishers`);
    const connected = await connectAll(url, sockets, (reason) => this.#fail(`a publisher lost: ${reason}`));
    // Of its messages 0, 1, 2, ... those below `asked` are asked for, and those below `confirmed` the server has got.
    this.#feeds = connected.map((socket) => {
      return { socket, publisher: publishers++, number: 0, asked: 0, confirmed: 0, waiting: 0 };
    });
    if (perSecond > 0) {
      this.#pacer = new Pacer(perSecond, () => this.#emitPaced());
    } else if (unary) {
      for (const feed of this.#feeds) for (let i = 0; i < window; ++i) this.#call(feed);
    } else {
      this.#stream();
    }
  }

  state() {
    const { maxMessages, perSecond, unary } = this.#spec;
    // At a pace, nobody asks before the end.
    const accepted = perSecond > 0 && !unary ? this.#handed : this.#accepted;
    const done = this.#error !== '' || (maxMessages > 0 && accepted >= maxMessages);
    return { accepted, done, failure: this.#error };
  }

  recordAnswers() {
    this.#recording = true;
  }

  // Stops, and waits until the server has got everything.
  async finish() {
    this.#stopped = true;
    this.#pacer?.stop();
    this.#askAll();
    await this.#answered();
    disconnectAll(this.#feeds.map((feed) => feed.socket));
    return { ...this.state(), answers: this.#answers.buckets() };
  }

  #fail(error) {
    this.#error ||= error;
    this.#onAnswered?.();
  }

  // All answers are there, or there is an error.
  async #answered() {
    if (this.#unanswered === 0 || this.#error !== '') return;
    const timer = setTimeout(() => this.#fail(`${this.#unanswered} answers are missing`), ANSWER_PATIENCE_MS);
    await new Promise((resolve) => (this.#onAnswered = resolve));
    clearTimeout(timer);
  }

  get #left() {
    const { maxMessages } = this.#spec;
    if (this.#stopped || this.#error !== '') return 0;
    return maxMessages > 0 ? maxMessages - this.#handed : Infinity;
  }

  #admit(messages) {
    return this.#lag.admit(messages, this.#spec.lag ?? 0, this.#spec.destinations);
  }

  // With an acknowledgement, the server says with it that it has got all messages up to this one.
  #emit(feed, acknowledged, onAnswer) {
    const { queue, destinations } = this.#spec;
    const { event, room } = destinations[feed.number % destinations.length];
    const payload = Buffer.from(this.#template);
    const time = now();
    writeStamp(payload, time, feed.publisher, feed.number++);
    ++this.#handed;
    const words = ['publish', queue, event, room, payload];
    if (acknowledged) {
      const answered = this.#awaitAnswer(feed);
      words.push(() => {
        answered();
        if (this.#recording) this.#answers.add(now() - time);
        onAnswer?.();
      });
    }
    feed.socket.emit(...words);
  }

  // What is to be called with the answer for all messages so far.
  #awaitAnswer(feed) {
    const { number } = feed;
    feed.asked = number;
    ++feed.waiting;
    ++this.#unanswered;
    return () => {
      this.#accepted += number - feed.confirmed;
      feed.confirmed = number;
      --feed.waiting;
      if (--this.#unanswered === 0) this.#onAnswered?.();
    };
  }

  #stream() {
    const { batch, window } = this.#spec;
    const share = Math.ceil(BURST / this.#feeds.length);
    const before = this.#handed;
    for (let i = 0; i < this.#feeds.length; ++i) {
      const feed = this.#nextFeed();
      const allowed = (window - feed.waiting) * batch - (feed.number - feed.asked);
      const burst = Math.min(share, allowed, this.#left);
      if (burst <= 0 || !this.#admit(burst)) continue;
      for (let j = 0; j < burst; ++j) this.#emit(feed, (feed.number + 1) % batch === 0);
    }
    if (this.#left <= 0) {
      this.#askAll();
    } else if (this.#handed > before) {
      setImmediate(() => this.#stream());
    } else {
      setTimeout(() => this.#stream(), PAUSE_MS);
    }
  }

  // One caller, who waits for each answer.
  async #call(feed) {
    while (this.#left > 0) {
      if (!this.#admit(1)) {
        await sleep(PAUSE_MS);
      } else {
        await new Promise((resolve) => this.#emit(feed, true, resolve));
      }
    }
  }

  #emitPaced() {
    if (this.#left <= 0) return this.#pacer.stop();
    const feed = this.#nextFeed();
    this.#admit(1);
    this.#emit(feed, this.#spec.unary);
    if (this.#unanswered > MAX_UNANSWERED || webSocketOf(feed.socket).bufferedAmount > OVERFLOW) {
      this.#fail('the server does not keep pace');
    }
  }

  #nextFeed() {
    return this.#feeds[this.#turn++ % this.#feeds.length];
  }

  // Asks whether the server has got everything.
  #askAll() {
    for (const feed of this.#feeds) {
      if (this.#error === '' && feed.number > feed.asked) feed.socket.emit('flush', this.#awaitAnswer(feed));
    }
  }
}
