// The package socket.io-client, over WebSocket.

import { io } from 'socket.io-client';

function connect(address) {
  const socket = io(`http://${address}`, { transports: ['websocket'] });
  return new Promise((resolve) => socket.on('connect', () => resolve(socket)));
}
const emit = (socket, ...args) => new Promise((resolve) => socket.emit(...args, resolve));

export async function hear(address, count, heard) {
  const socket = await connect(address);
  let all;
  const done = new Promise((resolve) => (all = resolve));
  socket.on('message', (payload) => {
    heard(payload);
    if (--count === 0) all();
  });
  await emit(socket, 'join', ['BENCH/E']);
  return { all: () => done.then(() => socket.close()) };
}

// As with nats.
const FLUSH_EVERY = 1000;

export async function publish(address) {
  const socket = await connect(address);
  let unflushed = 0;
  return {
    put(payload) {
      socket.emit('publish', 'BENCH', 'E', '', payload);
      if (++unflushed < FLUSH_EVERY) return undefined;
      unflushed = 0;
      return emit(socket, 'flush');
    },
    flush: () => emit(socket, 'flush'),
    close: () => socket.close(),
  };
}
