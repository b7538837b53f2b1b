// The package nats: a callback.

import { connect } from 'nats';

export { publish } from './nats.mjs';

export async function hear(address, count, heard) {
  const connection = await connect({ servers: address });
  let all;
  const done = new Promise((resolve) => (all = resolve));
  const callback = (error, { data }) => {
    if (error) throw error;
    heard(data);
    if (--count === 0) all();
  };
  connection.subscribe('BENCH', { callback });
  await connection.flush();
  return { all: () => done.then(() => connection.close()) };
}
