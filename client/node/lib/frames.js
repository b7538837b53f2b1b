'use strict';

// Frames of a stream that wait for the program; beyond that the stream is not read, and the server's policy for slow
// subscribers applies.
const FRAMES_MAX = 8;

// Reads a gRPC stream one frame at a time, with a bound on the wait.
class Frames {
  #call;
  #frames = [];
  #end;
  #cancelled = false;
  #wake;

  constructor(call) {
    this.#call = call;
    call.on('data', (frame) => {
      this.#frames.push(frame);
      if (this.#frames.length >= FRAMES_MAX) call.pause();
      this.#wake?.();
    });
    call.on('error', (error) => this.#finish({ error }));
    call.on('end', () => this.#finish({}));
  }

  #finish(end) {
    // An error also comes after the end.
    this.#end = end.error || !this.#end ? end : this.#end;
    this.#wake?.();
  }

  // {frame}, {error}, {silent: true} after `milliseconds`, or {} at the end.
  async next(milliseconds) {
    if (this.#frames.length === 0 && !this.#end) {
      await new Promise((resolve) => {
        let immediate;
        // A program that blocked the event loop for so long finds its timers due before what came meanwhile is read.
        const due = () => (immediate = setImmediate(resolve));
        const timer = setTimeout(due, Math.min(Math.max(milliseconds, 0), 0x7fffffff));
        this.#wake = () => {
          clearTimeout(timer);
          clearImmediate(immediate);
          resolve();
        };
      });
      this.#wake = undefined;
    }
    if (this.#frames.length > 0) {
      const frame = this.#frames.shift();
      if (this.#call.isPaused() && this.#frames.length < FRAMES_MAX / 2) this.#call.resume();
      return { frame };
    }
    return this.#end ?? { silent: true };
  }

  // Not at once: inside its own callbacks, Node.js's HTTP/2 may not come back from it, nor for a call that has ended.
  cancel() {
    if (this.#cancelled) return;
    this.#cancelled = true;
    setImmediate(() => this.#end ?? this.#call.cancel());
  }
}

module.exports = { Frames };
