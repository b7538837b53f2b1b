// Calls while there is no server: what was not sent says so, or waits until the server is back.

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { afterEach, beforeEach, test } from 'node:test';
import { Nmqd } from './nmqd.mjs';

const require = createRequire(import.meta.url);
const nmq = require('../../../client/node');
const Q = require('../../../client/node/q.js');
const io = require('../../../client/node/socketio.js');
const { Outbox } = require('../../../client/node/lib/outbox.js');

const CONFIG = 'namespace { name: "default" queue { name: "log" durability: DURABILITY_DURABLE } automatic_queues: true }';
const timeout = 60000;
const message = { queue: 'log', event: 'E' };

let server;
let clients;

beforeEach(async () => {
  clients = [];
  server = await Nmqd.start(CONFIG);
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await server.close();
});

function use(client) {
  clients.push(client);
  return client;
}

const notSent = (error) => {
  assert.equal(error.code, 'UNAVAILABLE');
  assert.equal(error.reason, 'NOT_SENT');
  assert.match(error.message, /REFUSED.*not sent.*nothing was carried out; check that nmqd runs/);
  return true;
};

for (const publishWithSession of [true, false]) {
  const how = publishWithSession ? 'with' : 'without';

  test(`a publish ${how} a session says within the connect time-out that it was not sent`, { timeout }, async () => {
    await server.kill();
    const client = use(new nmq.Client(server.address, { publishWithSession, connectTimeout: 500, waitForServer: 500 }));
    const started = performance.now();
    await assert.rejects(client.publish(message), notSent);
    assert.ok(performance.now() - started < 1500);
  });

  test(`a publish ${how} a session says so, too, when the server is gone that there was`, { timeout }, async () => {
    const client = use(new nmq.Client(server.address, { publishWithSession, connectTimeout: 500, waitForServer: 500 }));
    await client.publish(message);
    await server.kill();
    // It is not sent once the client has seen that the connection is lost; until then it may have been carried out.
    const lost = await client.publish(message).catch((error) => error);
    assert.ok(['', 'NOT_SENT'].includes(lost.reason));
    const started = performance.now();
    await assert.rejects(client.publish(message), notSent);
    assert.ok(performance.now() - started < 1500);
  });

  test(`a publish ${how} a session is sent when the server is back in time`, { timeout }, async () => {
    const options = { publishWithSession, waitForServer: timeout, timeout };
    const client = use(new nmq.Client(server.address, { ...options, backoff: { max: 100 } }));
    await client.publish(message);
    await server.kill();
    // What was on its way when the connection was lost is repeated by its id.
    const publishing = client.publish({ ...message, requestId: '2' });
    await server.start();
    assert.equal((await publishing).sequence, 2);
  });
}

test('a wait for the server ends with the signal, and with the client', { timeout }, async () => {
  await server.kill();
  const client = new nmq.Client(server.address, { publishWithSession: false, waitForServer: timeout, timeout });
  const controller = new AbortController();
  const aborted = client.publish(message, { signal: controller.signal });
  controller.abort();
  await assert.rejects(aborted, { name: 'AbortError' });
  const ended = client.publish(message);
  await client.close();
  await assert.rejects(ended, { code: 'CANCELLED', reason: 'NOT_SENT' });
});

test('many calls at a time, and with one signal, warn of no leak', { timeout }, async () => {
  const heard = [];
  const listener = (warning) => heard.push(warning);
  process.on('warning', listener);
  const client = use(await nmq.connect(server.address));
  const { signal } = new AbortController();
  const publish = () => client.publish(message, { signal });
  await Promise.all(Array.from({ length: 50 }, publish));
  await Promise.all(Array.from({ length: 20 }, () => client.subscribe({ queue: 'log', signal })));
  await Promise.all(Array.from({ length: 20 }, () => client.registry.countClients({ signal })));
  const watches = Array.from({ length: 20 }, () => client.registry.watch({ signal }));
  await Promise.all(watches.map((watch) => watch.next()));
  await server.kill();
  const waiting = Array.from({ length: 20 }, publish);
  await Promise.all(waiting.map((one) => assert.rejects(one)));
  await Promise.all(watches.map((watch) => watch.return()));
  process.off('warning', listener);
  assert.deepEqual(heard.filter(({ name }) => name === 'MaxListenersExceededWarning'), []);
});

async function payloads(count) {
  const client = use(await nmq.connect(server.address));
  const heard = [];
  for await (const { payload } of await client.subscribe({ queue: 'log', start: 'earliest' })) {
    heard.push(JSON.parse(payload));
    if (heard.length === count) return heard;
  }
}

// Longer than a call waits: such a wait is what lost one of them each time.
const OUTAGE = 11000;

test('Q.publish waits for the server, and loses and reorders nothing', { timeout }, async () => {
  process.env.Q_SERVER = `http://${server.address}`;
  const told = [];
  const { error } = console;
  console.error = (text) => told.push(text);
  await Q.publish('log', 'E', 0);
  await server.kill();
  // Its client was closed, for nothing waited; this makes another, which finds nobody.
  const publishing = Array.from({ length: 20 }, (_, i) => Q.publish('log', 'E', i + 1));
  await new Promise((resolve) => setTimeout(resolve, OUTAGE));
  await server.start();
  await Promise.all(publishing);
  console.error = error;
  assert.deepEqual(await payloads(21), Array.from({ length: 21 }, (_, i) => i));
  assert.equal(told.length, 1);
  assert.match(told[0], /messages wait until they can be sent: .*REFUSED/);
});

test('a subscription of nmq/q says once that it waits for the server', { timeout }, async () => {
  process.env.Q_SERVER = `http://${server.address}`;
  await server.kill();
  const told = [];
  const { error, log } = console;
  const live = new Promise((resolve) => (console.log = resolve));
  console.error = (text) => told.push(text);
  const q = new Q('log');
  q.subscribe('E', () => {});
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await server.start();
  assert.match(await live, /Subscribed to E in log/);
  Object.assign(console, { error, log });
  await q.disconnect();
  assert.equal(told.length, 1);
  assert.match(told[0], /waiting for the server: .*REFUSED/);
});

test('emits wait for the server, and none is lost or out of order', { timeout }, async () => {
  const [sender, receiver] = [0, 0].map(() => io(`http://${server.address}`));
  await Promise.all([sender, receiver].map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
  const failed = [];
  const gone = new Promise((resolve) => sender.once('disconnect', resolve));
  await server.kill();
  await gone;
  for (let i = 1; i <= 20; ++i) sender.emit('x', i, (error) => error && failed.push(error));
  await new Promise((resolve) => setTimeout(resolve, OUTAGE));
  const back = new Promise((resolve) => receiver.once('connect', resolve));
  const numbers = [];
  const all = new Promise((resolve) => receiver.on('x', (i) => numbers.push(i) && i === 20 && resolve()));
  await server.start();
  await back;
  await all;
  assert.deepEqual(failed, []);
  assert.deepEqual(numbers, Array.from({ length: 20 }, (_, i) => i + 1));
  await Promise.all([sender.disconnect(), receiver.disconnect()]);
});

test('what a socket gives up says which one, and that it was not sent', { timeout }, async () => {
  const socket = io(`http://${server.address}`);
  await new Promise((resolve) => socket.once('connect', resolve));
  const gone = new Promise((resolve) => socket.once('disconnect', resolve));
  await server.kill();
  await gone;
  const errors = ['a', 'b'].map((event) => new Promise((resolve) => socket.emit(event, 1, resolve)));
  const left = new Promise((resolve) => socket.emit('join', 'room', resolve));
  await socket.disconnect();
  for (const [i, name] of ['a', 'b'].entries()) {
    const error = await errors[i];
    assert.match(error.message, new RegExp(`^emit of "${name}" was not sent: .*nothing was carried out`));
    assert.equal(error.reason, 'NOT_SENT');
  }
  assert.match((await left).message, /^join of room was not sent/);
});

test('what waits is bounded, and what is beyond says which one, and that it was not sent', async () => {
  const outbox = new Outbox(() => {}, { callsMax: 2, bytesMax: 10 });
  let go;
  const gate = new Promise((resolve) => (go = resolve));
  const first = outbox.add('first', 4, () => gate);
  await assert.rejects(outbox.add('large', 7, () => {}), /^NmqError: large was not sent: 1 calls with 4 bytes wait/);
  const second = outbox.add('second', 4, () => 2);
  const refused = { code: 'RESOURCE_EXHAUSTED', reason: 'NOT_SENT' };
  await assert.rejects(outbox.add('third', 0, () => {}), refused);
  go(1);
  assert.deepEqual([await first, await second], [1, 2]);
  assert.ok(outbox.empty);
  assert.equal(await outbox.add('third', 10, () => 3), 3);
});

test('a call that may have been carried out is not made again, and says so', async () => {
  const outbox = new Outbox(() => {});
  let calls = 0;
  const lost = () => {
    ++calls;
    throw new nmq.NmqError('UNAVAILABLE', 'connection dropped');
  };
  await assert.rejects(outbox.add('emit', 0, lost), /emit: connection dropped; it may have been carried out/);
  assert.equal(calls, 1);
});

test('nobody at the port is a connect_error within 2 s, and the socket goes on', { timeout }, async () => {
  await server.kill();
  const socket = io(`http://${server.address}`);
  const started = performance.now();
  const error = await new Promise((resolve) => socket.once('connect_error', resolve));
  assert.ok(performance.now() - started < 2000);
  assert.match(error.message, /REFUSED/);
  assert.ok(socket.active && socket.disconnected);
  const connected = new Promise((resolve) => socket.once('connect', resolve));
  await server.start();
  await connected;
  await socket.disconnect();
});

test('somebody at the port who is no nmqd is a connect_error, too', { timeout }, async () => {
  const connections = [];
  const silent = createServer((connection) => connections.push(connection)).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const socket = io(`http://127.0.0.1:${silent.address().port}`, { connectTimeout: 300 });
  const error = await new Promise((resolve) => socket.once('connect_error', resolve));
  assert.equal(error.code, 'UNAVAILABLE');
  await socket.disconnect();
  connections.forEach((connection) => connection.destroy());
  silent.close();
});

test('what was emitted right before disconnect() is sent', { timeout }, async () => {
  const [sender, receiver] = [io(`http://${server.address}`), io(`http://${server.address}`)];
  await Promise.all([sender, receiver].map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
  const heard = [];
  const last = new Promise((resolve) => receiver.on('x', (i) => heard.push(i) === 100 && resolve()));
  const failed = [];
  for (let i = 0; i < 100; ++i) sender.emit('x', i, (error) => error && failed.push(error));
  await sender.disconnect();
  await last;
  assert.deepEqual([heard, failed], [Array.from({ length: 100 }, (_, i) => i), []]);
  await receiver.disconnect();
});

test('disconnect() ends in time, whatever waits', { timeout }, async () => {
  const socket = io(`http://${server.address}`, { timeout: 30000 });
  await new Promise((resolve) => socket.once('connect', resolve));
  server.pause();
  const told = Array.from({ length: 10 }, (_, i) => new Promise((resolve) => socket.emit('x', i, resolve)));
  const started = performance.now();
  await socket.disconnect();
  assert.ok(performance.now() - started < 5000);
  const [first, ...others] = await Promise.all(told);
  assert.match(first.message, /emit of "x".*may have been carried out/);
  for (const error of others) assert.equal(error.reason, 'NOT_SENT');
});
