// Socket.IO's clients of one measurement: subscribers and publishers of one server, in this process.
//
//   node load.mjs HOST:PORT
//
// Reads requests from standard input, a line of JSON each: {"id": 1, "op": "totals", "target": 7, ...}. Writes an
// answer for each to standard output: {"id": 1, ...}, with "error" if it could not be done. Ends with its input.
import { createInterface } from 'node:readline';
import { Lag } from './lag.mjs';
import { Publisher } from './publishers.mjs';
import { SubscriberSet } from './subscribers.mjs';

const url = `ws://${process.argv[2]}`;
// Subscriber sets and publishers, by the id of the request that made them.
const targets = new Map();
// By queue.
const lags = new Map();

function lagOf(queue) {
  if (!lags.has(queue)) lags.set(queue, new Lag());
  return lags.get(queue);
}

const OPERATIONS = {
  async subscribe({ id, spec }) {
    const set = new SubscriberSet(spec);
    await set.open(url);
    lagOf(set.queue).add(set);
    targets.set(id, set);
    return { pingInterval: set.pingInterval };
  },
  async publish({ id, spec }) {
    const publisher = new Publisher(spec, lagOf(spec.queue));
    await publisher.open(url);
    targets.set(id, publisher);
    return {};
  },

  totals: (_, set) => set.totals(),
  recordLatency: ({ from, to }, set) => set.recordLatency(from, to),
  stop({ target }, set) {
    targets.delete(target);
    lagOf(set.queue).remove(set);
    return { latency: set.stop() };
  },

  state: (_, publisher) => publisher.state(),
  recordAnswers: (_, publisher) => publisher.recordAnswers(),
  finish({ target }, publisher) {
    targets.delete(target);
    return publisher.finish();
  },
};

async function answer(request) {
  try {
    return await OPERATIONS[request.op](request, targets.get(request.target));
  } catch (error) {
    return { error: error.message };
  }
}

const lines = createInterface({ input: process.stdin });
lines.on('line', async (line) => {
  const request = JSON.parse(line);
  process.stdout.write(JSON.stringify({ id: request.id, ...(await answer(request)) }) + '\n');
});
lines.on('close', () => process.exit(0));
