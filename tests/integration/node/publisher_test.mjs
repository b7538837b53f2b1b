// Publishing in batches that make themselves, against a real nmqd.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { afterEach, beforeEach, test } from 'node:test';
import { Nmqd } from './nmqd.mjs';

const nmq = createRequire(import.meta.url)('../../../client/node');

const CONFIG = `namespace {
  name: "default"
  queue { name: "log" durability: DURABILITY_DURABLE event: "E" event: "F" }
  queue { name: "other" durability: DURABILITY_DURABLE }
}`;
const timeout = 60000;
const message = (payload) => ({ queue: 'log', event: 'E', payload: String(payload) });

let server;
let client;

beforeEach(async () => {
  server = await Nmqd.start(CONFIG);
  client = await nmq.connect(server.address, { backoff: { initial: 10, max: 100 } });
});
afterEach(async () => {
  await client.close();
  await server.close();
});

async function heard(count, queue = 'log') {
  const messages = [];
  for await (const one of await client.subscribe({ queue, start: 'earliest' })) {
    messages.push(one);
    if (messages.length === count) return messages;
  }
  return messages;
}
const texts = (messages) => messages.map(({ payload }) => payload.toString());

test('many messages arrive in order, and flush tells how many', { timeout }, async () => {
  const publisher = client.publisher();
  const count = 50000;
  for (let i = 0; i < count; ++i) if (!publisher.add(message(i))) await publisher.room();
  assert.deepEqual(await publisher.flush(), { accepted: count, refused: 0, unknown: 0, error: undefined });
  assert.deepEqual(texts(await heard(count)), Array.from({ length: count }, (_, i) => String(i)));
  assert.deepEqual(await publisher.close(), { accepted: 0, refused: 0, unknown: 0, error: undefined });
});

test('publish resolves to where the message is, with all that it has', { timeout }, async () => {
  await using(client.publisher(), async (publisher) => {
    const sent = { ...message(1), key: 'k', headers: { a: 'b' }, rooms: ['room'], contentType: 'text/plain' };
    const [first, second, third] = await Promise.all([
      publisher.publish({ ...message(0), requestId: 'r' }),
      publisher.publish({ queue: 'other', event: 'X', json: { a: 1 } }),
      publisher.publish(sent),
    ]);
    assert.deepEqual([first.queue, first.sequence, first.duplicate, first.storage], ['log', 1, false, 'STORAGE_SYNCED']);
    assert.deepEqual([second.queue, second.sequence, third.sequence], ['other', 1, 2]);
    const again = await publisher.publish({ ...message(0), requestId: 'r' });
    assert.deepEqual([again.sequence, again.duplicate, again.epoch], [1, true, first.epoch]);
    const later = await publisher.publish({ ...message(9), deliverAt: new Date(Date.now() + 3600000) });
    assert.equal(later.sequence, 0);
    await client.join('room');
    const [, read] = await heard(2);
    for (const [name, value] of Object.entries({ ...sent, payload: Buffer.from('1') })) assert.deepEqual(read[name], value);
    assert.deepEqual(JSON.parse((await heard(1, 'other'))[0].payload), { a: 1 });
  });
});

// As `await using` does.
async function using(made, use) {
  await use(made);
  await made[Symbol.asyncDispose]();
}

test('what is refused is told, by each message and by flush', { timeout }, async () => {
  const publisher = client.publisher();
  const wrong = { queue: 'log', event: 'NO', payload: '' };
  await assert.rejects(publisher.publish(wrong), { code: 'NOT_FOUND', reason: 'EVENT_NOT_FOUND' });
  const told = await publisher.flush();
  assert.deepEqual([told.accepted, told.refused, told.error.reason], [0, 1, 'EVENT_NOT_FOUND']);
  publisher.add(wrong);
  await assert.rejects(publisher[Symbol.asyncDispose](), { reason: 'EVENT_NOT_FOUND' });
  assert.throws(() => publisher.add(message(1)), { code: 'CANCELLED', reason: 'NOT_SENT' });
});

test('options are checked', { timeout }, async () => {
  const publisher = client.publisher();
  assert.throws(() => publisher.add({ queue: 'log', event: 'E', room: 'a' }), /add: room is unknown/);
  assert.throws(() => publisher.add({ queue: 'log', event: 1, payload: '' }), /add: event is 1/);
  await assert.rejects(publisher.publish({ event: 'E' }), /publish: queue is missing/);
  assert.throws(() => client.publisher({ window: 1 }), /publisher: window is unknown/);
  await publisher.close();
});

test('what was not sent is sent when the server is back; what was, is unknown or there', { timeout }, async () => {
  const publisher = client.publisher();
  const fates = [];
  const put = (i) => publisher.publish(message(i)).then(() => fates.push([i, 'accepted']), (error) => fates.push([i, error]));
  await put(0);
  await server.kill();
  const during = Array.from({ length: 20 }, (_, i) => put(i + 1));
  await server.start();
  const after = put(21);
  await Promise.all([...during, after]);
  const accepted = fates.filter(([, fate]) => fate === 'accepted').map(([i]) => i);
  for (const [, fate] of fates.filter(([, one]) => one !== 'accepted')) {
    assert.deepEqual([fate.code, fate.reason], ['UNAVAILABLE', ''], fate);
    assert.match(fate.message, /may have been taken or not/);
  }
  assert.ok(accepted.includes(0) && accepted.includes(21));
  assert.deepEqual(texts(await heard(accepted.length)), accepted.map(String));
  await publisher.close();
});

test('without a server it says in time that nothing was sent', { timeout }, async () => {
  await server.kill();
  const lonely = new nmq.Client(server.address, { waitForServer: 200, connectTimeout: 200, publishWithSession: false });
  const publisher = lonely.publisher({ giveUpAfter: 500 });
  const started = performance.now();
  await assert.rejects(publisher.publish(message(1)), { code: 'UNAVAILABLE', reason: 'NOT_SENT' });
  assert.ok(performance.now() - started < 5000);
  assert.equal((await publisher.close()).refused, 1);
  await lonely.close();
});

test('a session that the server forgot is no loss', { timeout }, async () => {
  const publisher = client.publisher();
  await publisher.publish(message(0));
  const other = await nmq.connect(server.address);
  await other.admin.disconnectClients({ all: true });
  const results = await Promise.all([1, 2, 3].map((i) => publisher.publish(message(i))));
  assert.deepEqual(results.map(({ sequence }) => sequence), [2, 3, 4]);
  await publisher.close();
  await other.close();
});

test('closing the client ends a publisher, and says what became of its messages', { timeout }, async () => {
  const publisher = client.publisher();
  await publisher.publish(message(0));
  server.pause();
  const [unanswered] = [assert.rejects(publisher.publish(message(1)), /may have been taken or not/)];
  await new Promise((resolve) => setTimeout(resolve, 100));
  const closing = client.close();
  await unanswered;
  await closing;
  assert.throws(() => publisher.add(message(2)), { reason: 'NOT_SENT' });
});
