// Calls a function at an even pace. A call that comes late is made up for at once.
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { now } from './stamp.mjs';

// What the two threads share: whether it is over, how many calls are due, and whether the one that makes them was
// woken.
const [STOPPED, DUE, WOKEN] = [0, 1, 2];

// Timers of the event loop are whole milliseconds, so a thread of its own sleeps.
if (!isMainThread && workerData?.paceNanos) {
  const { paceNanos, start, shared } = workerData;
  for (let call = 0; Atomics.load(shared, STOPPED) === 0; ++call) {
    const left = start + call * paceNanos - now();
    if (left > 0) Atomics.wait(shared, STOPPED, 0, left / 1e6);
    Atomics.add(shared, DUE, 1);
    if (Atomics.exchange(shared, WOKEN, 1) === 0) parentPort.postMessage(null);
  }
}

export class Pacer {
  #worker;
  #shared = new Int32Array(new SharedArrayBuffer(12));

  constructor(perSecond, call) {
    this.#worker = new Worker(fileURLToPath(import.meta.url), {
      workerData: { paceNanos: 1e9 / perSecond, start: now(), shared: this.#shared },
    });
    this.#worker.on('message', () => {
      Atomics.store(this.#shared, WOKEN, 0);
      for (let due = Atomics.exchange(this.#shared, DUE, 0); due > 0; --due) {
        if (Atomics.load(this.#shared, STOPPED) === 0) call();
      }
    });
  }

  // Makes no call any more.
  stop() {
    Atomics.store(this.#shared, STOPPED, 1);
    Atomics.notify(this.#shared, STOPPED);
  }
}
