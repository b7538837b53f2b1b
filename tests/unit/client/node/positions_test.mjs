// Where a subscription goes on, and what it takes for lost.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { beforeEach, test } from 'node:test';

const { Positions } = createRequire(import.meta.url)('../../../../client/node/lib/positions.js');
const CHANGED = 'GAP_REASON_EPOCH_CHANGED';
const at = (queue, epoch, sequence) => ({ queue, epoch, sequence });

let positions;
beforeEach(() => {
  positions = new Positions();
  positions.onFirstReady({ positions: [at('q', '7', 3)] });
});

test('a message is new once', () => {
  assert.deepEqual(positions.onPosition(at('q', '7', 4)), { fresh: true });
  assert.deepEqual(positions.onPosition(at('q', '7', 4)), { fresh: false });
  assert.deepEqual(positions.list(), [at('q', '7', 4)]);
});

test('a queue that was made later is followed', () => {
  assert.deepEqual(positions.onPosition(at('new', '9', 1)), { fresh: true });
  assert.deepEqual(positions.list(), [at('new', '9', 1), at('q', '7', 3)]);
});

test('an epoch that no gap announced is a gap', () => {
  const { fresh, lost } = positions.onPosition(at('q', '8', 1));
  assert.ok(fresh);
  assert.deepEqual(lost, { queue: 'q', epoch: '7', first: 4, last: 0, reason: CHANGED });
});

test('an epoch that a gap announced is no second gap', () => {
  positions.onResumedReady({ positions: [at('q', '8', 0)] });
  assert.deepEqual(positions.list(), [at('q', '7', 3)]);
  assert.ok(positions.onGap({ queue: 'q', epoch: '7', first: 4, last: 0, reason: CHANGED }));
  assert.deepEqual(positions.onPosition(at('q', '8', 1)), { fresh: true });
});

test('a gap is told once', () => {
  const gap = { queue: 'q', epoch: '7', first: 4, last: 6, reason: 'GAP_REASON_NOT_HELD' };
  assert.ok(positions.onGap(gap));
  assert.ok(!positions.onGap(gap));
  assert.deepEqual(positions.onPosition(at('q', '7', 6)), { fresh: false });
});

test('what was asked for stands until it is heard', () => {
  positions = new Positions();
  positions.onFirstReady({ positions: [at('q', '7', 9)] }, { sequence: 3 });
  assert.deepEqual(positions.list(), [at('q', '7', 2)]);
});

test('an asked position of an old epoch stands until its gap', () => {
  positions = new Positions();
  positions.onFirstReady({ positions: [at('q', '7', 0)] }, { resume: { positions: [at('q', '6', 2)] } });
  assert.deepEqual(positions.list(), [at('q', '6', 2)]);
  positions.onGap({ queue: 'q', epoch: '6', first: 3, last: 0, reason: CHANGED });
  assert.deepEqual(positions.list(), [at('q', '7', 0)]);
});

test('nothing known resumes from the beginning all the same', () => {
  assert.deepEqual(new Positions().resume(), { resume: { positions: [] } });
});
