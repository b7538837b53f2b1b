'use strict';

// What is to be called when a signal is raised, by signal.
const callbacks = new WeakMap();

// Calls `callback` when the signal, if there is one, is raised; the function that it returns takes that back. Many
// calls may share a signal, which has one listener for all: more than ten look like a leak to Node.js.
function onAbort(signal, callback) {
  if (!signal) return () => {};
  let entry = callbacks.get(signal);
  if (!entry) {
    const some = new Set();
    entry = { some, raise: () => [...some].forEach((each) => each()) };
    callbacks.set(signal, entry);
    signal.addEventListener('abort', entry.raise);
  }
  // The same function may be here twice.
  const own = () => callback();
  entry.some.add(own);
  return () => {
    entry.some.delete(own);
    if (entry.some.size > 0 || callbacks.get(signal) !== entry) return;
    callbacks.delete(signal);
    signal.removeEventListener('abort', entry.raise);
  };
}

module.exports = { onAbort };
