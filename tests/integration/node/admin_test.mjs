// Changing and looking at what the server keeps, against a real nmqd.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { Nmqd } from './nmqd.mjs';

const nmq = createRequire(import.meta.url)('../../../client/node');

const timeout = 60000;
let server;
let client;

before(async () => {
  server = await Nmqd.start('namespace { name: "default" queue { name: "declared" } }');
  client = await nmq.connect(server.address);
});
after(async () => {
  await client.close();
  await server.close();
});

async function listed(entries, name) {
  for await (const entry of entries) if ((entry.name ?? entry.options.name) === name) return entry;
  return undefined;
}

test('namespaces are made, changed and deleted', { timeout }, async () => {
  const { namespace, kept } = await client.admin.createNamespace('shop', { automaticQueues: true });
  assert.deepEqual([namespace.name, namespace.automaticQueues, kept], ['shop', true, true]);
  assert.equal((await client.admin.updateNamespace('shop', { automaticQueues: false })).automaticQueues, false);
  await client.admin.deleteNamespace('shop');
  assert.equal(await listed(client.registry.namespaces(), 'shop'), undefined);
});

test('queues are made, changed, purged and deleted', { timeout }, async () => {
  const retention = { messages: 5000, age: 3600000 };
  const how = { durability: 'DURABILITY_DURABLE', events: ['A', 'B'], retention };
  const { queue } = await client.admin.createQueue('jobs', how);
  assert.deepEqual([queue.name, queue.durability, queue.events], ['jobs', 'DURABILITY_DURABLE', ['A', 'B']]);
  assert.deepEqual([queue.retention.messages, queue.retention.age], [5000, 3600000]);
  assert.deepEqual((await client.admin.updateQueue('jobs', { events: [] })).events, []);
  for (let i = 0; i < 3; ++i) await client.publish({ queue: 'jobs', event: 'C' });
  assert.equal(await client.admin.purgeQueue('jobs', { upToSequence: 2 }), 2);
  assert.equal(await client.admin.deleteQueue('jobs'), 1);
  await assert.rejects(client.admin.deleteQueue('jobs'), { code: 'NOT_FOUND', reason: 'QUEUE_NOT_FOUND' });
  await assert.rejects(client.admin.deleteQueue('declared'), { code: 'FAILED_PRECONDITION', reason: 'DECLARED' });
});

test('groups are made, paused, set to another place and deleted', { timeout }, async () => {
  await client.admin.createQueue('work', { durability: 'DURABILITY_DURABLE' });
  for (let i = 0; i < 3; ++i) await client.publish({ queue: 'work', event: 'E', payload: String(i) });
  const group = await client.admin.createGroup('work', { name: 'g', ackDeadline: 5000 }, { start: 'earliest' });
  assert.deepEqual([group.options.ackDeadline, group.lagMessages], [5000, 3]);
  assert.equal((await client.admin.pauseGroup('work', 'g')).paused, true);
  assert.equal((await client.admin.resumeGroup('work', 'g')).paused, false);
  assert.equal((await client.admin.seekGroup('work', 'g', { sequence: 3 })).lagMessages, 1);
  const messages = await client.subscribe({ queue: 'work', group: 'g' });
  const { value } = await messages.next();
  assert.equal(value.payload.toString(), '2');
  await messages.terminate(value, 'no');
  await messages[Symbol.asyncDispose]();
  assert.equal((await listed(client.registry.groups({ queue: 'work' }), 'g')).deadMessages, 1);
  const redriven = await client.admin.redriveDeadLetters('work.dead');
  assert.deepEqual(redriven, { messages: 1, stoppedAtSequence: 0, stoppedBecause: '' });
  await client.admin.deleteGroup('work', 'g');
  assert.equal(await listed(client.registry.groups({ queue: 'work' }), 'g'), undefined);
});

test('clients are moved and disconnected', { timeout }, async () => {
  const other = await nmq.connect(server.address, { name: 'other' });
  assert.deepEqual(await client.admin.moveClients({ name: 'other', join: 'hall' }), { clients: 1, refused: 0 });
  assert.equal(await client.registry.countClients({ room: 'hall' }), 1);
  const may = await client.registry.explain({ right: 'RIGHT_PUBLISH', queue: 'DB' });
  assert.equal(may.allowed, true);
  assert.equal(may.identity, '');
  await assert.rejects(client.admin.disconnectClients({}), { code: 'INVALID_ARGUMENT' });
  assert.equal(await client.admin.disconnectClients({ room: 'hall', reason: 'closing time' }), 1);
  assert.equal(await client.registry.countClients({ room: 'hall' }), 0);
  await other.close();
});

test('options are checked', { timeout }, async () => {
  await assert.rejects(client.admin.createQueue('q', { durability: 'durable' }), /durability is 'durable'; allowed: "DURAB/);
  await assert.rejects(client.admin.moveClients(), /moveClients: options is missing/);
  await assert.rejects(client.admin.seekGroup('q', 'g', 'latest'), /start is 'latest'/);
});
