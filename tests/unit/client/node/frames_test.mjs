// How frames of a stream are read.

import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { test } from 'node:test';

const require = createRequire(import.meta.url);
const { Frames } = require('../../../../client/node/lib/frames.js');

class Call extends EventEmitter {
  cancelled = 0;
  pause() {}
  isPaused() {
    return false;
  }
  cancel() {
    ++this.cancelled;
  }
}

test('a call under way is cancelled once, and one that has ended is not', async () => {
  for (const [end, cancelled] of [[undefined, 1], ['end', 0], ['error', 0]]) {
    const call = new Call();
    const frames = new Frames(call);
    if (end) call.emit(end, new Error('over'));
    frames.cancel();
    await new Promise(setImmediate);
    frames.cancel();
    await new Promise(setImmediate);
    assert.equal(call.cancelled, cancelled, end);
  }
});

test('silence is told after its time', async () => {
  const frames = new Frames(new Call());
  assert.deepEqual(await frames.next(1), { silent: true });
});
