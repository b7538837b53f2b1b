// What the types promise; compiled, never run.

import nmq = require('../../../client/node');
import Q = require('../../../client/node/q');
import io = require('../../../client/node/socketio');
import { io as byName, Socket } from '../../../client/node/socketio';

export async function everything(signal: AbortSignal): Promise<void> {
  const client: nmq.Client = await nmq.connect('127.0.0.1:50051', { namespace: 'shop', lease: 60_000 });
  const members: number = (await client.join(['a'], { signal })).a;
  const { sequence, storage } = await client.publish(
    { queue: 'DB', event: 'CREATE', json: { members }, rooms: ['a'] },
    { expectedLastSequence: 0 },
  );
  const messages = await client.subscribe({
    queue: 'DB',
    start: { after: [{ queue: 'DB', epoch: '1', sequence }] },
    onGap: ({ first, count }) => console.log(first, count, storage),
    signal,
  });
  for await (const message of messages) await client.reply(message, { payload: message.payload });
  for await (const { name, members: count } of client.registry.rooms({ room: 'a.*' })) console.log(name, count);
  const jobs = await client.subscribe({ queue: 'ORDERS', group: { name: 'billing', ackDeadline: 5000, byKey: true } });
  for await (const job of jobs) {
    const noted: number = job.attempt > 3 ? await jobs.terminate(job, 'too often') : await jobs.done(job);
    if (noted === 0) await jobs.extend(job, 1000);
  }
  await client.acknowledge('ORDERS', 'billing', [
    { first: 1, last: 9, delivery: '7', done: true },
    { first: 10, delivery: '7', retryAfter: 50 },
  ]);
  // @ts-expect-error An acknowledgement says what became of the message.
  await client.acknowledge('ORDERS', 'billing', [{ first: 1, delivery: '7' }]);
  // @ts-expect-error A message has a queue.
  await client.publish({ event: 'CREATE' });
  // @ts-expect-error There is no such option.
  await client.publish({ queue: 'DB', event: 'CREATE', room: 'a' });
  await client.subscribe({ queue: 'DB', rooms: 'a' });
  // @ts-expect-error There is no such start.
  await client.subscribe({ start: 'latest' });

  const publisher: nmq.Publisher = client.publisher({ giveUpAfter: 1000 });
  if (!publisher.add({ queue: 'DB', event: 'CREATE', payload: 'x' })) await publisher.room();
  const { epoch, duplicate }: nmq.Published = await publisher.publish({ queue: 'DB', event: 'CREATE', json: 1 });
  const { unknown, error } = await publisher.close({ timeout: 1000 });
  console.log(epoch, duplicate, unknown, error?.reason);
  // @ts-expect-error There is no such option.
  publisher.add({ queue: 'DB', event: 'CREATE', room: 'a' });
  const { queue, kept } = await client.admin.createQueue('JOBS', { durability: 'DURABILITY_DURABLE', events: ['NEW'] });
  for await (const group of client.registry.groups({ queue: queue.name })) console.log(group.options.name, kept);
  // @ts-expect-error There is no such durability.
  await client.admin.createQueue('JOBS', { durability: 'durable' });

  const q = new Q('database');
  q.subscribe('create', (payload) => console.log(payload));
  await Q.publish('database', 'create', { id: 1 });
  const socket: Socket = byName('127.0.0.1:50051', { autoConnect: false }).connect().on('x', (value, answer) => answer(value));
  socket.timeout(5000).emit('x', 1, (error: Error | null, answer?: number) => console.log(error, answer));
  console.log(await socket.to(['a', 'b']).emitWithAck('x', 1), socket.active, socket.volatile.emit('y'));
  // @ts-expect-error There is no such option.
  io('127.0.0.1:50051', { transports: ['websocket'] });
  io.connect('http://127.0.0.1:50051/shop').to('a').except('b').emit('news', q.subscriptions());
}
