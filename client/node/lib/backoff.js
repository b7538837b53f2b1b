'use strict';

const { onAbort } = require('./signals.js');

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
      off();
      resolve(result);
    };
    const timer = setTimeout(finish(true), milliseconds);
    const off = onAbort(signal, finish(false));
  });
}

module.exports = { defaults, delays, sleep };
