// The original's own examples and calls, on nmqd.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Nmqd } from './nmqd.mjs';

const require = createRequire(import.meta.url);
const Q = require('../../../client/node/q.js');
const PACKAGE = fileURLToPath(new URL('../../../client/node/', import.meta.url));

const DATABASE_LOGGER = `
const Q = require('nmq/q');

const db = new Q('database');

db.subscribe('delete', (payload) => {
  console.log('delete happened', payload);
});

db.subscribe('create', (payload) => {
  console.log('create happened', payload);
});
`;
const NETWORK_LOGGER = `
const Q = require('nmq/q');

const network = new Q('network');

network.subscribe('attack', (payload) => {
  console.log('Shields Up!', payload);
});
`;
const PUBLISHER = `
const Q = require('nmq/q');

Q.publish('database', 'delete', {id:77});
Q.publish('database', 'create', {id:99,name:'John'});
Q.publish('network', 'attack', {type: 'DDOS',source:'Russia'});
`;

let server;

before(async () => {
  server = await Nmqd.start();
  process.env.Q_SERVER = `http://${server.address}`;
});
after(() => server.close());

// A program, run in the package's folder, where it finds the package by its name.
function run(program) {
  const child = spawn(process.execPath, ['-e', program], { cwd: PACKAGE, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (count) => {
    const some = [];
    while (some.length < count) some.push((await lines.next()).value);
    return some;
  };
  return { child, next };
}

const heard = (q, event) => new Promise((resolve) => q.subscribe(event, resolve));

test("the original README's examples run, and the publisher's program ends", { timeout: 60000 }, async () => {
  const database = run(DATABASE_LOGGER);
  const network = run(NETWORK_LOGGER);
  const subscribed = [...(await database.next(2)), ...(await network.next(1))];
  assert.deepEqual(subscribed.map((line) => line.replace(/ \.\.\. .*/, '')).sort(), [
    'Subscribed to attack in network',
    'Subscribed to create in database',
    'Subscribed to delete in database',
  ]);
  const [code] = await once(run(PUBLISHER).child, 'exit');
  assert.equal(code, 0);
  assert.deepEqual((await database.next(2)).sort(), [
    "create happened { id: 99, name: 'John' }",
    'delete happened { id: 77 }',
  ]);
  assert.deepEqual(await network.next(1), ["Shields Up! { type: 'DDOS', source: 'Russia' }"]);
  database.child.kill();
  network.child.kill();
});

// Publishes until the subscription is live: the original's subscribe() does not say when.
async function publishUntil(promise, ...message) {
  let done = false;
  promise.finally(() => (done = true));
  while (!done) await Q.publish(...message);
  return promise;
}

test('payloads of any kind arrive', { timeout: 60000 }, async () => {
  for (const payload of ['text', [1, 2], { a: { b: null } }, true, 7, null, undefined]) {
    const q = new Q('kinds');
    assert.deepEqual(await publishUntil(heard(q, 'E'), 'kinds', 'E', payload), payload);
    await q.disconnect();
  }
});

test('unsubscribe and disconnect work', { timeout: 60000 }, async () => {
  const q = new Q('ending');
  const counts = { a: 0, b: 0 };
  const first = Promise.all(
    ['a', 'b'].map((event) => new Promise((resolve) => q.subscribe(event, () => resolve(++counts[event])))),
  );
  let live = false;
  first.then(() => (live = true));
  while (!live) await Promise.all([Q.publish('ending', 'a'), Q.publish('ending', 'b')]);
  assert.deepEqual(q.subscriptions(), ['a', 'b']);

  await q.unsubscribe('a');
  assert.deepEqual(q.subscriptions(), ['b']);
  const before = { ...counts };
  await Q.publish('ending', 'a', 'not heard');
  const other = new Q('ending');
  await publishUntil(heard(other, 'b'), 'ending', 'b');
  await other.disconnect();
  assert.equal(counts.a, before.a);
  assert.ok(counts.b > before.b);

  await q.disconnect();
  assert.deepEqual(q.subscriptions(), []);
});

test('messages published one after the other arrive in order', { timeout: 60000 }, async () => {
  const q = new Q('ordered');
  const numbers = [];
  const done = new Promise((resolve) => {
    q.subscribe('E', (number) => {
      if (number >= 0) numbers.push(number);
      if (number === 49) resolve();
    });
  });
  await publishUntil(heard(q, 'ready'), 'ordered', 'ready');
  await publishUntil(heard(q, 'E'), 'ordered', 'E', -1);
  for (let i = 0; i < 50; ++i) Q.publish('ordered', 'E', i);
  await done;
  assert.deepEqual(numbers, Array.from({ length: 50 }, (_, i) => i));
  await q.disconnect();
});
