// Connections to the server: WebSocket from the start, each socket with one of its own.
import { io } from 'socket.io-client';

const PATIENCE_MS = 20_000;
// Sockets that connect at the same time.
const AT_ONCE = 100;

function connect(url, onClosed) {
  return new Promise((resolve, reject) => {
    const socket = io(url, { transports: ['websocket'], forceNew: true, reconnection: false, timeout: PATIENCE_MS });
    // What the server says about its pings comes before anything else.
    socket.io.engine.once('handshake', (data) => (socket.pingInterval = data.pingInterval));
    socket.once('connect', () => resolve(socket));
    socket.once('connect_error', (error) => {
      socket.disconnect();
      reject(new Error(`cannot connect to ${url}: ${error.message}`));
    });
    socket.once('disconnect', (reason) => onClosed(reason));
  });
}

// Calls work(i) for each i below `count`, a few at a time. Ends with the first error.
export async function forEachOf(count, work) {
  let next = 0;
  const lane = async () => {
    while (next < count) await work(next++);
  };
  try {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, lane));
  } finally {
    next = count;
  }
}

// Sockets that are connected, or an error. `onClosed` hears why one was closed that was not disconnected here.
export async function connectAll(url, count, onClosed) {
  const sockets = new Array(count);
  try {
    await forEachOf(count, async (i) => {
      sockets[i] = await connect(url, (reason) => reason !== 'io client disconnect' && onClosed(reason));
    });
  } catch (error) {
    disconnectAll(sockets);
    throw error;
  }
  return sockets;
}

export function disconnectAll(sockets) {
  for (const socket of sockets) socket?.disconnect();
}

// Emits, and waits for the acknowledgement.
export const ask = (socket, ...words) => socket.timeout(PATIENCE_MS).emitWithAck(...words);

// The WebSocket below a socket.
export const webSocketOf = (socket) => socket.io.engine.transport.ws;
