'use strict';

const defaults = { initial: 100, max: 5000, factor: 2 };

// Endless delays in milliseconds: a random time below initial * factor^attempts, at most max.
function* delays({ initial, max, factor }, random = Math.random) {
  for (let bound = Math.min(max, initial); ; bound = Math.min(max, bound * factor)) yield bound * random();
}

// Resolves to false if the signal was raised meanwhile.
function sleep(milliseconds, signal) {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve(false);
    const finish = (result) => () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
      resolve(result);
    };
    const aborted = finish(false);
    const timer = setTimeout(finish(true), milliseconds);
    signal?.addEventListener('abort', aborted, { once: true });
  });
}

module.exports = { defaults, delays, sleep };
