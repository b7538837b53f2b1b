// Which errors are worth another try, and how long to wait before it.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';

const require = createRequire(import.meta.url);
const { NmqError, isPassing, isRefusedForNow } = require('../../../../client/node/lib/errors.js');
const { delays, sleep } = require('../../../../client/node/lib/backoff.js');

test('an error says what, why and what to do', () => {
  const { message } = new NmqError('UNAVAILABLE', 'the server is shutting down', { reason: 'DRAINING' });
  assert.equal(
    message,
    'the server is shutting down (UNAVAILABLE, DRAINING); try again in a moment: the server restarts',
  );
});

test('what is worth another try', () => {
  for (const [expected, code, facts] of [
    [true, 'UNAVAILABLE', {}],
    [true, 'INTERNAL', {}],
    [false, 'INTERNAL', { reason: 'BROKEN' }],
    [false, 'RESOURCE_EXHAUSTED', { reason: 'SLOW_SUBSCRIBER', retryAfter: 1 }],
    [true, 'RESOURCE_EXHAUSTED', { reason: 'LIMIT_EXCEEDED', retryAfter: 1 }],
    [false, 'RESOURCE_EXHAUSTED', { reason: 'LIMIT_EXCEEDED' }],
    [false, 'NOT_FOUND', { reason: 'QUEUE_NOT_FOUND' }],
  ]) {
    assert.equal(isPassing(new NmqError(code, '', facts)), expected, `${code} ${JSON.stringify(facts)}`);
  }
});

test('only what was certainly not carried out is refused for now', () => {
  const refused = (reason) => isRefusedForNow(new NmqError('UNAVAILABLE', '', { reason }));
  assert.deepEqual(['DRAINING', 'NOBODY_LISTENS', ''].map(refused), [true, false, false]);
});

test('delays grow to their bound and are random below', () => {
  const some = (random) => {
    const waits = delays({ initial: 1, max: 5, factor: 2 }, () => random);
    return Array.from({ length: 5 }, () => waits.next().value);
  };
  assert.deepEqual(some(1), [1, 2, 4, 5, 5]);
  assert.deepEqual(some(0.5), [0.5, 1, 2, 2.5, 2.5]);
});

test('a sleep ends early when its signal is raised', async () => {
  const controller = new AbortController();
  const sleeping = sleep(2 ** 30, controller.signal);
  controller.abort();
  assert.equal(await sleeping, false);
});
