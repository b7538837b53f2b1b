// The package nmq: an iterator, and a publisher.

import { createRequire } from 'node:module';

const nmq = createRequire(import.meta.url)('../../../client/node');

// Calls back with each payload until it has heard `count`; resolves to that, when it listens.
export async function hear(address, count, heard) {
  const client = await nmq.connect(address);
  const messages = await client.subscribe({ queue: 'BENCH' });
  const all = async () => {
    for await (const { payload } of messages) {
      heard(payload);
      if (--count === 0) break;
    }
    await client.close();
  };
  return { all };
}

export async function publish(address) {
  const client = await nmq.connect(address);
  const publisher = client.publisher();
  return {
    // What it returns is awaited if it is something.
    put: (payload) => (publisher.add({ queue: 'BENCH', event: 'E', payload }) ? undefined : publisher.room()),
    async flush() {
      const { error } = await publisher.flush();
      if (error) throw error;
    },
    async close() {
      await publisher.close();
      await client.close();
    },
  };
}
