// Groups of the Node client against a real nmqd.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { Nmqd } from './nmqd.mjs';

const nmq = createRequire(import.meta.url)('../../../client/node');

const CONFIG = 'namespace { name: "default" queue { name: "ORDERS" durability: DURABILITY_DURABLE } }';
// Longer than anything takes; a test that needs it fails.
const LONG = 60000;
// The longest ackDeadline: nothing is taken back before a test is over.
const FOREVER = 12 * 3600 * 1000;

// One server for each test: the queue is empty at first.
describe('a group', { timeout: 5 * LONG }, () => {
  let server;
  let client;
  let clients;

  async function connect() {
    const made = await nmq.connect(server.address, { backoff: { initial: 10, max: 100 }, waitForServer: LONG });
    clients.push(made);
    return made;
  }
  const join = (options, by = client) =>
    by.subscribe({ queue: 'ORDERS', group: { name: 'billing', ackDeadline: FOREVER, ...options } });
  async function publish(...payloads) {
    const sequences = [];
    for (const payload of payloads) {
      sequences.push((await client.publish({ queue: 'ORDERS', event: 'E', payload })).sequence);
    }
    return sequences;
  }
  const receive = async (messages) => (await messages.next()).value;

  beforeEach(async () => {
    clients = [];
    server = await Nmqd.start(CONFIG);
    client = await connect();
  });
  afterEach(async () => {
    await Promise.all(clients.map((one) => one.close()));
    await server.close();
  });

  test('gives each message to one member', async () => {
    const members = [await join({ creditMessages: 1 }), await join({ creditMessages: 1 })];
    await publish('1', '2');
    const heard = await Promise.all(members.map(receive));
    assert.deepEqual(heard.map(({ payload }) => payload.toString()).sort(), ['1', '2']);
  });

  test('does not give again what is done', async () => {
    (await join()).close();
    await publish('1', '2', '3');
    const messages = await join();
    const [first, second] = [await receive(messages), await receive(messages)];
    assert.equal(await messages.done(first, second), 2);
    assert.equal(await messages.done(first), 0, 'it was done before');
    messages.close();
    assert.equal((await receive(await join({}, await connect()))).payload.toString(), '3');
  });

  test('can be just a name', async () => {
    const messages = await client.subscribe({ queue: 'ORDERS', group: 'plain' });
    await publish('1');
    const message = await receive(messages);
    assert.equal(message.attempt, 0);
    assert.equal(await messages.done(message), 1);
  });

  test('gives again what is to be tried again', async () => {
    const messages = await join();
    await publish('1');
    await messages.retryAfter(await receive(messages));
    const again = await receive(messages);
    assert.deepEqual([again.payload.toString(), again.attempt], ['1', 2]);
  });

  test('makes a dead letter of what nobody can do', async () => {
    const messages = await join();
    const dead = await client.subscribe({ queue: 'ORDERS.dead', start: 'earliest' });
    const [sequence] = await publish('1');
    assert.equal(await messages.terminate(await receive(messages), 'no such order'), 1);
    const letter = await receive(dead);
    assert.equal(letter.payload.toString(), '1');
    assert.equal(letter.deadLetter.reason, 'no such order');
    assert.deepEqual([letter.deadLetter.queue, letter.deadLetter.sequence], ['ORDERS', sequence]);
  });

  test('waits for who needs longer', async () => {
    const messages = await join({ ackDeadline: 3000 });
    await publish('1', '2');
    const first = await receive(messages);
    assert.equal(await messages.extend(first, FOREVER), 1);
    assert.equal((await receive(messages)).payload.toString(), '2');
    // Its time is over, that of the first is not.
    const again = await receive(messages);
    assert.deepEqual([again.payload.toString(), again.attempt], ['2', 2]);
    assert.equal(await messages.done(first), 1);
  });

  test('takes many acknowledgements at once', async () => {
    const messages = await join();
    const [one, two, three, four] = await publish('1', '2', '3', '4');
    const deliveries = new Set();
    for (let i = 0; i < 4; ++i) deliveries.add((await receive(messages)).delivery);
    const [delivery] = deliveries;
    assert.equal(deliveries.size, 1);
    const result = await client.acknowledge('ORDERS', 'billing', [
      { first: one, last: two, delivery, done: true },
      { first: three, delivery, extend: 5000 },
      { first: four + 1, delivery, done: true },
    ]);
    assert.deepEqual(result, { noted: 3, notPending: 1 });
  });

  test('gives to another what a member that left had not done', async () => {
    const one = await join({ creditMessages: 1 });
    const two = await join({ creditMessages: 1 }, await connect());
    await publish('1', '2');
    const kept = await receive(one);
    await two.done(await receive(two));
    one.close();
    const again = await receive(two);
    assert.deepEqual([again.payload.toString(), again.attempt], [kept.payload.toString(), 2]);
  });

  test('goes on after the server was killed', async () => {
    const messages = await join();
    await publish('1', '2');
    await messages.done(await receive(messages));
    await receive(messages);
    await server.kill();
    await server.start();
    await publish('3');
    const heard = [await receive(messages), await receive(messages)].map(({ payload }) => payload.toString());
    assert.deepEqual(heard.sort(), ['2', '3']);
  });

  // What a live worker did, and what became a dead letter, of `count` jobs.
  async function work(options, count, job) {
    const messages = await client.subscribe({ queue: 'ORDERS', group: { name: 'billing', ackDeadline: 1000, ...options } });
    const payloads = Array.from({ length: count }, (_, i) => String(i));
    await Promise.all(payloads.map((payload) => publish(payload)));
    const done = [];
    for (;;) {
      // Longer than the deadline nothing may come again once everything is done.
      const next = messages.next();
      const quiet = done.length >= count ? setTimeout(() => messages.close(), 1500) : undefined;
      const { value } = await next;
      clearTimeout(quiet);
      if (!value) break;
      await job(messages, value);
      done.push(value.payload.toString());
    }
    let dead = 0;
    for await (const { name, lastSequence } of client.registry.queues()) if (name === 'ORDERS.dead') dead = lastSequence;
    assert.deepEqual([done.sort(), dead], [payloads.sort(), 0]);
  }
  const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  function block(milliseconds) {
    for (const until = performance.now() + milliseconds; performance.now() < until; );
  }

  test('does each job once, with the defaults, however many wait', async () => {
    await work({}, 60, async (messages, message) => {
      await sleep(50);
      await messages.done(message);
    });
  });

  test('does each job once of as many as it fetches', async () => {
    await work({ creditMessages: 100 }, 60, async (messages, message) => {
      await sleep(50);
      await messages.done(message);
    });
  });

  test('has the whole deadline for each job, also of those that block the program', async () => {
    await work({}, 6, async (messages, message) => {
      block(850);
      await messages.done(message);
    });
  });

  test('does each job once if nobody waits for the acknowledgements', async () => {
    await work({ creditMessages: 100 }, 30, (messages, message) => {
      block(50);
      messages.done(message);
    });
  });

  test('is what there is to acknowledge to', async () => {
    const messages = await client.subscribe({ queue: 'ORDERS' });
    await publish('1');
    await assert.rejects(messages.done(await receive(messages)), TypeError);
  });

  test('that is another one is refused', async () => {
    await join({ attemptsMax: 3 });
    await assert.rejects(join({ attemptsMax: 4 }), { code: 'FAILED_PRECONDITION', reason: 'OTHER_GROUP' });
  });
});
