// What messages carry to nmq/q and nmq/socketio: bytes stay bytes, and what cannot be read ends nothing.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, afterEach, before, test } from 'node:test';
import { Nmqd } from './nmqd.mjs';

const require = createRequire(import.meta.url);
const nmq = require('../../../client/node');
const Q = require('../../../client/node/q.js');
const io = require('../../../client/node/socketio.js');

const timeout = 60000;
const JSON_TYPE = 'application/json';
const BAD = [
  { event: 'bad', payload: 'no JSON', contentType: JSON_TYPE },
  { event: 'bad', payload: '', contentType: JSON_TYPE },
  { event: 'bad', payload: Buffer.from([0x22, 0xff, 0x22]), contentType: JSON_TYPE },
  { event: 'bad', payload: '{"$bytes":7}', contentType: 'application/json; bytes=base64' },
];
const BAD_EVENTS = [{ event: 'a~zz' }, { event: '~ff' }, { event: 'connect' }, { event: 'skipped' }];

let server;
let publisher;
let closing = [];

before(async () => {
  server = await Nmqd.start();
  process.env.Q_SERVER = `http://${server.address}`;
  publisher = await nmq.connect(server.address);
});
after(async () => {
  await publisher.close();
  await server.close();
});
afterEach(async () => {
  await Promise.all(closing.map((one) => one.disconnect()));
  closing = [];
});

// Warnings of the process, from now on.
function warnings(type) {
  const heard = [];
  const listener = (warning) => warning.name === type && heard.push(warning.message);
  process.on('warning', listener);
  return { heard, stop: () => process.off('warning', listener) };
}

async function socket() {
  const made = io(`http://${server.address}`);
  closing.push(made);
  await new Promise((resolve) => made.once('connect', resolve));
  return made;
}

test('nmq/q skips it, warns of it, and hears the next one', { timeout }, async () => {
  const q = new Q('bad');
  closing.push(q);
  const skipped = warnings('NmqSkipped');
  const ready = new Promise((resolve) => q.subscribe('ready', resolve));
  const good = new Promise((resolve) => q.subscribe('bad', (value) => value === 'good' && resolve()));
  let live = false;
  ready.then(() => (live = true));
  while (!live) await Promise.all([Q.publish('bad', 'ready'), Q.publish('bad', 'bad')]);
  for (const bad of BAD) await publisher.publish({ queue: 'bad', ...bad });
  await Q.publish('bad', 'bad', 'good');
  await good;
  await new Promise(setImmediate);
  skipped.stop();
  assert.equal(skipped.heard.length, BAD.length);
  assert.match(skipped.heard[0], /message \d+ of epoch \d+ of queue bad, event bad, is skipped: .*JSON/);
});

test('nmq/socketio skips it, tells of it, and hears the next one', { timeout }, async () => {
  const receiver = await socket();
  const told = [];
  receiver.on('skipped', (error, message) => told.push([error instanceof Error, message.event]));
  const good = new Promise((resolve) => receiver.once('good', resolve));
  const all = [...BAD, ...BAD_EVENTS];
  for (const bad of all) await publisher.publish({ queue: 'socket.io', ...bad });
  await publisher.publish({ queue: 'socket.io', event: 'good', json: [1] });
  assert.equal(await good, 1);
  assert.deepEqual(told, all.map(({ event }) => [true, event]));
  assert.ok(receiver.connected);
});

test('nmq/socketio warns of it where nobody listens', { timeout }, async () => {
  const receiver = await socket();
  const skipped = warnings('NmqSkipped');
  const good = new Promise((resolve) => receiver.once('good', resolve));
  for (const bad of BAD_EVENTS) await publisher.publish({ queue: 'socket.io', ...bad });
  await publisher.publish({ queue: 'socket.io', event: 'good' });
  await good;
  await new Promise(setImmediate);
  skipped.stop();
  assert.equal(skipped.heard.length, BAD_EVENTS.length);
});

const BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const { buffer: arrayBuffer } = new Uint8Array([1, 2, 3]);
// [what is sent, what is heard].
const VALUES = [
  [BYTES, BYTES],
  [Buffer.from('text'), Buffer.from('text')],
  [Buffer.from('{"a":1}'), Buffer.from('{"a":1}')],
  [Buffer.alloc(0), Buffer.alloc(0)],
  [new Uint8Array([1, 2]), Buffer.from([1, 2])],
  [new Uint8Array([1, 2, 3, 4]).subarray(1, 3), Buffer.from([2, 3])],
  [new Uint16Array([1]), Buffer.from([1, 0])],
  [arrayBuffer, Buffer.from([1, 2, 3])],
  [new ArrayBuffer(0), Buffer.alloc(0)],
  [{ a: [BYTES, { b: Buffer.alloc(0) }], c: new Uint8Array([1]) }, { a: [BYTES, { b: Buffer.alloc(0) }], c: Buffer.from([1]) }],
  [
    { a: arrayBuffer, $bytes: 'x', $object: { $bytes: BYTES } },
    { a: Buffer.from([1, 2, 3]), $bytes: 'x', $object: { $bytes: BYTES } },
  ],
  [{ $bytes: 'AQID' }, { $bytes: 'AQID' }],
  [{ $object: { $bytes: 'AQID' } }, { $object: { $bytes: 'AQID' } }],
  [{ type: 'Buffer', data: [1] }, { type: 'Buffer', data: [1] }],
  [[BYTES], [BYTES]],
  ['text', 'text'],
  ['', ''],
  [null, null],
];

test('nmq/q hears bytes as bytes, whatever they are and wherever', { timeout }, async () => {
  const q = new Q('bytes');
  closing.push(q);
  const heard = [];
  let done;
  const all = new Promise((resolve) => (done = resolve));
  q.subscribe('E', (value) => (value === 'end' ? done() : value !== 'probe' && heard.push(value)));
  // Until the subscription is live.
  let live = false;
  q.subscribe('E', () => (live = true));
  while (!live) await Q.publish('bytes', 'E', 'probe');
  for (const [value] of VALUES) await Q.publish('bytes', 'E', value);
  await Q.publish('bytes', 'E', 'end');
  await all;
  assert.deepEqual(heard, VALUES.map(([, value]) => value));
});

test('nmq/socketio hears bytes as bytes, whatever they are and wherever', { timeout }, async () => {
  const [sender, receiver] = [await socket(), await socket()];
  for (const [value, expected] of VALUES) {
    for (const around of [(x) => [x], (x) => ['before', x, 7]]) {
      const heard = new Promise((resolve) => receiver.once('x', (...args) => resolve(args)));
      sender.emit('x', ...around(value));
      assert.deepEqual(await heard, around(expected));
    }
  }
});

test('what is no value for JSON is refused at once', { timeout }, async () => {
  const sender = await socket();
  const circle = {};
  circle.circle = circle;
  for (const value of [1n, circle]) {
    const refused = { code: 'INVALID_ARGUMENT', message: /the payload is no value for JSON/ };
    assert.throws(() => sender.emit('x', value), refused);
    await assert.rejects(Q.publish('q', 'E', value), refused);
  }
  await assert.rejects(Q.publish('q', 'E', () => {}), { code: 'INVALID_ARGUMENT' });
});

test('memory may be used again once it is given away', { timeout }, async () => {
  const [sender, receiver] = [await socket(), await socket()];
  const heard = new Promise((resolve) => receiver.once('x', resolve));
  const bytes = Buffer.from([1, 2, 3]);
  sender.emit('x', bytes);
  bytes.fill(0);
  assert.deepEqual(await heard, Buffer.from([1, 2, 3]));
});
