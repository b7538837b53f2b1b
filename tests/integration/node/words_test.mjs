// Socket.IO's words, on nmqd: what programs written for it use besides on and emit.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { emit, on, useSockets } from './sockets.mjs';

const PACKAGE = fileURLToPath(new URL('../../../client/node/', import.meta.url));
const require = createRequire(import.meta.url);
const nmq = require(PACKAGE);
const io = require(`${PACKAGE}socketio.js`);

const timeout = 60000;
const { address, make, connect } = useSockets();

const connected = (count) => Promise.all(Array.from({ length: count }, connect));

test('emitWithAck resolves to the answer of a listener', { timeout }, async () => {
  const [asker, answerer] = await connected(2);
  answerer.on('add', (a, b, callback) => callback(a + b, 'second'));
  assert.equal(await asker.emitWithAck('add', 1, 2), 3);
  answerer.on('echo', (value, callback) => callback(value));
  for (const value of [Buffer.from([0, 255]), { bytes: Buffer.alloc(0) }, 'text', [1], null]) {
    assert.deepEqual(await asker.emitWithAck('echo', value), value);
  }
  answerer.on('nothing', (callback) => callback());
  assert.equal(await asker.emitWithAck('nothing'), undefined);
});

test('only the first answer counts', { timeout }, async () => {
  const [asker, answerer] = await connected(2);
  const errors = [];
  answerer.on('connect_error', (error) => errors.push(error));
  answerer.on('twice', (callback) => [1, 2].forEach((value) => callback(value)));
  assert.equal(await asker.emitWithAck('twice'), 1);
  assert.equal(await asker.emitWithAck('twice'), 1);
  assert.deepEqual(errors, []);
});

test('timeout tells of an error or the answers', { timeout }, async () => {
  const [asker, answerer] = await connected(2);
  answerer.on('add', (a, b, callback) => callback(a + b, 'second'));
  answerer.on('silence', () => {});
  assert.deepEqual(await emit(asker.timeout(30000), 'add', 1, 2).then((...args) => args), [null]);
  const args = await new Promise((resolve) => asker.timeout(30000).emit('add', 1, 2, (...all) => resolve(all)));
  assert.deepEqual(args, [null, 3, 'second']);
  const started = performance.now();
  const error = await emit(asker.timeout(300), 'silence');
  assert.match(error.message, /operation has timed out/);
  assert.ok(performance.now() - started < 5000);
  await assert.rejects(asker.timeout(300).emitWithAck('silence'), /operation has timed out/);
});

test('a room that is asked gives a list of answers, also when some are missing', { timeout }, async () => {
  const [asker, one, two, outside] = await connected(4);
  for (const socket of [one, two]) await emit(socket, 'join', 'room');
  [one, two].forEach((socket, i) => socket.on('who', (callback) => callback(i)));
  outside.on('who', (callback) => callback('outside'));
  assert.deepEqual((await asker.to('room').emitWithAck('who')).sort(), [0, 1]);
  one.off('who');
  const [error, answers] = await new Promise((resolve) => {
    asker.timeout(500).to('room').emit('who', (...args) => resolve(args));
  });
  assert.match(error.message, /operation has timed out/);
  assert.deepEqual(answers, [1]);
});

test('nobody to ask is an error at once', { timeout }, async () => {
  const asker = await connect();
  await assert.rejects(asker.to('nobody').emitWithAck('x'), { reason: 'NOBODY_LISTENS' });
});

test('once, off, removeListener and listeners', { timeout }, async () => {
  const [sender, receiver] = await connected(2);
  const heard = [];
  const [kept, taken, also] = ['kept', 'taken', 'also'].map((name) => () => heard.push(name));
  receiver.on('x', kept).on('x', taken).on('x', also).once('x', () => heard.push('once'));
  assert.equal(receiver.listeners('x').length, 4);
  receiver.off('x', taken).removeListener('x', also);
  assert.deepEqual(receiver.listeners('x').slice(0, 1), [kept]);
  for (let i = 0; i < 2; ++i) {
    const arrived = on(receiver, 'end');
    sender.emit('x').emit('end');
    await arrived;
  }
  assert.deepEqual(heard, ['kept', 'once', 'kept']);
  receiver.removeAllListeners('x');
  assert.ok(!receiver.hasListeners('x'));
  receiver.off();
  assert.deepEqual(receiver.listeners('end'), []);
});

test('onAny hears every event of others with its name, and offAny ends it', { timeout }, async () => {
  const [sender, receiver] = await connected(2);
  const heard = [];
  const any = (...args) => heard.push(args);
  receiver.onAny(any).prependAny((event) => heard.push(`first ${event}`));
  assert.equal(receiver.listenersAny().length, 2);
  const arrived = on(receiver, 'end');
  sender.emit('x', 1, 2);
  sender.emit('end');
  await arrived;
  assert.deepEqual(heard, ['first x', ['x', 1, 2], 'first end', ['end']]);
  receiver.offAny(any);
  assert.equal(receiver.listenersAny().length, 1);
  receiver.offAny();
  assert.deepEqual(receiver.listenersAny(), []);
});

test('send is the event "message", and broadcast is everyone else', { timeout }, async () => {
  const [sender, receiver] = await connected(2);
  const messages = on(receiver, 'message');
  const news = on(receiver, 'news');
  sender.on('news', () => assert.fail('heard by the sender'));
  sender.send('a', 1);
  sender.broadcast.emit('news', 2);
  assert.deepEqual(await messages, ['a', 1]);
  assert.deepEqual(await news, [2]);
});

test('volatile is dropped while there is no connection, and only then', { timeout }, async () => {
  const [sender, receiver] = [make({ autoConnect: false }), await connect()];
  const heard = [];
  receiver.onAny((...args) => heard.push(args));
  const arrived = on(receiver, 'end');
  sender.volatile.emit('dropped');
  sender.emit('kept');
  sender.connect();
  await on(sender, 'connect');
  sender.volatile.emit('sent', 1);
  sender.emit('end');
  await arrived;
  assert.deepEqual(heard, [['kept'], ['sent', 1], ['end']]);
});

test('autoConnect: false waits for connect(), which also comes after disconnect()', { timeout }, async () => {
  const receiver = await connect();
  const socket = make({ autoConnect: false });
  assert.deepEqual([socket.active, socket.connected, socket.disconnected, socket.id], [false, false, true, undefined]);
  for (let i = 0; i < 2; ++i) {
    const heard = on(receiver, 'x');
    socket.emit('x', i);
    const live = on(socket, 'connect');
    assert.equal(socket.connect(), socket);
    assert.ok(socket.active);
    await live;
    assert.deepEqual([socket.connected, socket.disconnected, typeof socket.id], [true, false, 'string']);
    assert.deepEqual(await heard, [i]);
    const gone = on(socket, 'disconnect');
    await socket.disconnect();
    assert.deepEqual(await gone, ['io client disconnect']);
    assert.deepEqual([socket.active, socket.connected, socket.id], [false, false, undefined]);
  }
});

test('a socket that was refused is not active, and can connect again', { timeout }, async () => {
  const socket = make({}, 'nowhere');
  await on(socket, 'connect_error');
  assert.ok(!socket.active);
  assert.match((await emit(socket, 'x', 1)).message, /NAMESPACE_NOT_FOUND/);
  const again = on(socket, 'connect_error');
  socket.connect();
  assert.equal((await again)[0].reason, 'NAMESPACE_NOT_FOUND');
});

test('join and leave take a list, and say what is wrong with anything else', { timeout }, async () => {
  const [sender, member] = await connected(2);
  assert.equal(await emit(member, 'join', ['a', 'b']), 'Joined a, b');
  const heard = [];
  member.on('x', (value) => heard.push(value));
  const arrived = on(member, 'end');
  sender.to('a').emit('x', 1);
  sender.to(['b', 'c']).emit('x', 2);
  sender.emit('end');
  await arrived;
  assert.deepEqual(heard, [1, 2]);
  assert.equal(await emit(member, 'leave', ['a', 'b']), 'Left a, b');
  for (const event of ['join', 'leave']) {
    for (const rooms of [undefined, [], [undefined], 7, null]) {
      assert.throws(() => member.emit(event, rooms), new RegExp(`${event}: rooms`));
    }
  }
});

test('what is not supported throws with its name', { timeout }, async () => {
  const socket = make({ autoConnect: false });
  for (const name of ['io', 'auth', 'recovered', 'nsp']) {
    assert.throws(() => socket[name], new RegExp(`socket\\.${name} of Socket.IO is not supported`));
  }
  for (const name of ['compress', 'use', 'onAnyOutgoing', 'offAnyOutgoing']) {
    assert.throws(() => socket[name](() => {}), new RegExp(`socket\\.${name}\\(\\) of Socket.IO is not supported`));
  }
  assert.throws(() => new io.Manager('http://localhost'), /Manager of Socket.IO is not supported/);
  assert.throws(() => io('localhost', { reconnectionDelay: 1 }), /reconnectionDelay is unknown.*allowed: .*autoConnect/);
});

test('modules import it by name', { timeout }, async () => {
  const program = "import { io, connect, Socket } from 'nmq/socketio'; console.log(typeof io, io === connect, Socket.name)";
  const args = ['--input-type=module', '-e', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: PACKAGE });
  assert.equal(stdout, 'function true Socket\n');
});

test('another client of nmq answers, too', { timeout }, async () => {
  const asker = await connect();
  const client = await nmq.connect(address());
  const questions = await client.subscribe({ queue: 'socket.io', event: 'q' });
  const answer = async (content) => client.reply((await questions.next()).value, content);
  const [text] = await Promise.all([asker.emitWithAck('q', 1), answer({ payload: 'text' })]);
  assert.equal(text, 'text');
  await Promise.all([
    assert.rejects(asker.emitWithAck('q', 1), /no such record/),
    answer({ error: 'no such record' }),
  ]);
  await client.close();
});
