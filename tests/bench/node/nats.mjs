// The package nats: an iterator.

import { connect } from 'nats';

export async function hear(address, count, heard) {
  const connection = await connect({ servers: address });
  const messages = connection.subscribe('BENCH', { max: count });
  await connection.flush();
  const all = async () => {
    for await (const { data } of messages) heard(data);
    await connection.close();
  };
  return { all };
}

// What waits to be written is in memory, without a bound; every so many the program lets it go out.
const FLUSH_EVERY = 10000;

export async function publish(address) {
  const connection = await connect({ servers: address });
  let unflushed = 0;
  return {
    put(payload) {
      connection.publish('BENCH', payload);
      if (++unflushed < FLUSH_EVERY) return undefined;
      unflushed = 0;
      return connection.flush();
    },
    flush: () => connection.flush(),
    close: () => connection.close(),
  };
}
