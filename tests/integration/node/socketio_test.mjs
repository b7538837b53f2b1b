// Socket.IO's calls, on nmqd.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { Nmqd } from './nmqd.mjs';
import { emit, on, useSockets } from './sockets.mjs';

const io = createRequire(import.meta.url)('../../../client/node/socketio.js');

const timeout = 60000;
const { use, make, connect } = useSockets('namespace { name: "chat" automatic_queues: true }', 'chat');

// What a socket hears until "end".
function listen(socket, event) {
  const heard = [];
  socket.on(event, (data) => heard.push(data));
  return on(socket, 'end').then(() => heard);
}

test('joining is answered', { timeout }, async () => {
  const socket = await connect();
  assert.equal(await emit(socket, 'join', 'lobby'), 'Joined lobby');
  assert.equal(await emit(socket, 'leave', 'lobby'), 'Left lobby');
  assert.ok(socket.id);
});

test('a room hears what is for it, but for those in the excepted one and the sender', { timeout }, async () => {
  const [sender, member, both, outside] = [await connect(), await connect(), await connect(), await connect()];
  for (const socket of [sender, member, both]) await emit(socket, 'join', 'the room');
  await emit(both, 'join', 'other');
  const heard = [sender, member, both, outside].map((socket) => listen(socket, 'news'));
  sender.to('the room').except('other').emit('news', { n: 1 });
  sender.to('the room').emit('news', { n: 2 });
  sender.emit('news', { n: 3 });
  await emit(sender, 'end');  // so that the next one, which another client publishes, is behind it
  outside.to('the room').emit('end');
  assert.deepEqual(await Promise.all(heard), [[], [{ n: 1 }, { n: 2 }, { n: 3 }], [{ n: 2 }, { n: 3 }], [{ n: 3 }]]);
});

test('event names, several arguments and bytes arrive as they were', { timeout }, async () => {
  const [sender, receiver] = [await connect(), await connect()];
  const texts = on(receiver, 'größe / 1 ~ %');
  await emit(sender, 'größe / 1 ~ %', 1, 'two', [3]);
  assert.deepEqual(await texts, [1, 'two', [3]]);
  const bytes = on(receiver, 'bytes');
  await emit(sender, 'bytes', Buffer.from([0, 255]));
  assert.deepEqual(await bytes, [Buffer.from([0, 255])]);
});

test('namespaces are apart', { timeout }, async () => {
  const [sender, other, same] = [await connect('chat'), await connect(''), await connect('chat')];
  const heard = listen(other, 'x');
  const arrived = on(same, 'x');
  sender.emit('x', 1);
  await arrived;
  const [another] = [await connect('')];
  another.emit('end');
  assert.deepEqual(await heard, []);
});

test('an unknown namespace is a connect_error', { timeout }, async () => {
  const socket = make({}, 'nowhere');
  const [error] = await on(socket, 'connect_error');
  assert.equal(error.reason, 'NAMESPACE_NOT_FOUND');
});

test('a killed server is a disconnect, its return a connect, and what was lost a gap', { timeout }, async () => {
  const mortal = await Nmqd.start();
  const [one, two] = [0, 0].map(() => use(io.connect(`http://${mortal.address}`)));
  await Promise.all([on(one, 'connect'), on(two, 'connect')]);
  const first = on(two, 'x');
  one.emit('x', 1);
  await first;
  const gone = on(two, 'disconnect');
  const back = on(two, 'connect');
  const gap = on(two, 'gap');
  const again = on(two, 'x');
  await mortal.kill();
  assert.equal((await gone)[0], 'transport close');
  await mortal.start();
  await back;
  one.emit('x', 2);
  assert.deepEqual(await again, [2]);
  assert.equal((await gap)[0].reason, 'GAP_REASON_EPOCH_CHANGED');
  await Promise.all([one.disconnect(), two.disconnect()]);
  await mortal.close();
});
