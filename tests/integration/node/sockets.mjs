// Sockets of nmq/socketio, and the server that they are at, for the tests of one file.

import { createRequire } from 'node:module';
import { after, afterEach, before } from 'node:test';
import { Nmqd } from './nmqd.mjs';

const io = createRequire(import.meta.url)('../../../client/node/socketio.js');

export const on = (socket, event) => new Promise((resolve) => socket.once(event, (...args) => resolve(args)));
export const emit = (target, ...args) => new Promise((resolve) => target.emit(...args, resolve));

// {address, use, make, connect}: sockets that are made by it, or that it is to use, are disconnected after each test.
// `namespace` is theirs if they name none.
export function useSockets(config, namespace = '') {
  let server;
  let sockets = [];

  before(async () => {
    server = await Nmqd.start(config);
  });
  after(() => server.close());
  afterEach(async () => {
    await Promise.all(sockets.map((socket) => socket.disconnect()));
    sockets = [];
  });

  const use = (socket) => {
    sockets.push(socket);
    return socket;
  };
  const make = (options, within = namespace) => use(io(`http://${server.address}/${within}`, options));
  const connect = async (within) => {
    const socket = make({}, within);
    await on(socket, 'connect');
    return socket;
  };
  return { use, make, connect, address: () => server.address };
}
