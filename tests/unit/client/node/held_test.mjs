// How messages of a group wait in the client.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';

const require = createRequire(import.meta.url);
const { Held } = require('../../../../client/node/lib/held.js');

const DEADLINE = 1000000;
const messages = Array.from({ length: 8 }, (_, sequence) => ({ sequence }));

// A group that waits for `alive`, by a clock that stands still.
function holdOf(alive) {
  const group = { alive: new Set(alive), now: 0, calls: [] };
  const extend = async (some, milliseconds) => {
    group.calls.push([some.map(({ sequence }) => sequence), milliseconds]);
    if (!group.alive) throw new Error('gone');
    return some.filter(({ sequence }) => group.alive.has(sequence)).length;
  };
  group.held = new Held(DEADLINE, extend, () => group.now);
  group.next = async () => (await group.held.next()).sequence;
  return group;
}

test('what has just come is handed out as it is', async () => {
  const group = holdOf([]);
  group.held.add(messages.slice(0, 1));
  assert.equal(await group.next(), 0);
  assert.deepEqual(group.calls, []);
});

test('what waited gets its whole deadline, all at once', async () => {
  const group = holdOf([0, 1, 2]);
  group.held.add(messages.slice(0, 3));
  group.now = DEADLINE / 2;
  assert.deepEqual([await group.next(), await group.next()], [0, 1]);
  group.now += DEADLINE;
  assert.equal(await group.next(), 2);
  assert.deepEqual(group.calls, [[[0, 1, 2], 2 * DEADLINE]]);
});

test('what was taken back is dropped', async () => {
  const group = holdOf([2, 5]);
  group.held.add(messages);
  group.now = 2 * DEADLINE;
  assert.deepEqual([await group.next(), await group.next()], [2, 5]);
  const pending = group.held.next();
  group.held.add([{ sequence: 9 }]);
  assert.equal((await pending).sequence, 9);
});

test('what cannot be moved on is handed out as long as its time runs', async () => {
  const group = holdOf([]);
  group.alive = undefined;
  group.held.add(messages.slice(0, 2));
  group.now = DEADLINE / 2;
  assert.equal(await group.next(), 0);
  group.now = DEADLINE;
  const pending = group.held.next();
  group.held.add([{ sequence: 9 }]);
  assert.equal((await pending).sequence, 9);
});

test('what a lost stream brought is not handed out', async () => {
  const group = holdOf([0, 9]);
  group.held.add(messages.slice(0, 1));
  group.held.clear();
  const pending = group.held.next();
  group.held.add([{ sequence: 9 }]);
  assert.equal((await pending).sequence, 9);
});

test('a reader that waits ends with it', async () => {
  const { held } = holdOf([]);
  const pending = held.next();
  held.stop();
  assert.equal(await pending, undefined);
});
