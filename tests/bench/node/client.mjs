// One process of a benchmark: node client.mjs MODULE ROLE ADDRESS COUNT [RATE]. Prints a line of JSON when it is ready,
// begins when it is given a line, and prints what it saw.

import { readSync } from 'node:fs';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '../socketio/stamp.mjs';

const [module, role, address, countText, rateText] = process.argv.slice(2);
const { hear, publish } = await import(module);
const [count, rate] = [Number(countText), Number(rateText)];
const PAYLOAD_BYTES = 128;
const tell = (said) => console.log(JSON.stringify(said));

const seconds = (nanos) => nanos / 1e9;

function measure() {
  const [start, cpu] = [now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return { seconds: seconds(now() - start), cpu: (user + system) / 1e6 };
  };
}

// The program blocks until it is told to go, so that everything waits for it, and then reads.
async function hearAll() {
  let wrong = 0;
  const { all } = await hear(address, count, (payload) => (wrong += payload.length !== PAYLOAD_BYTES));
  tell({ ready: true });
  readSync(0, Buffer.alloc(16));
  const measured = measure();
  await all();
  if (wrong > 0) throw new Error(`${wrong} payloads are not of ${PAYLOAD_BYTES} bytes`);
  tell(measured());
}

async function putAll(publisher) {
  const payload = Buffer.alloc(PAYLOAD_BYTES);
  for (let i = 0; i < count; ++i) {
    const full = publisher.put(payload);
    if (full) await full;
  }
  await publisher.flush();
}

// For those who hear it.
async function load() {
  const publisher = await publish(address);
  tell({ ready: true });
  await once(process.stdin, 'data');
  await putAll(publisher);
  tell({});
  await publisher.close();
}

// What is measured is the second time, when the code is compiled.
async function publishAll() {
  const publisher = await publish(address);
  tell({ ready: true });
  await once(process.stdin, 'data');
  await putAll(publisher);
  const measured = measure();
  await putAll(publisher);
  tell(measured());
  await publisher.close();
}

// Each millisecond those that are due, stamped with when each was due.
async function pace() {
  const publisher = await publish(address);
  tell({ ready: true });
  await once(process.stdin, 'data');
  const start = now();
  for (let sent = 0; sent < count; ) {
    for (const due = Math.min(count, (now() - start) * (rate / 1e9)); sent < due; ++sent) {
      const payload = Buffer.alloc(PAYLOAD_BYTES);
      payload.writeDoubleLE(start + (sent * 1e9) / rate);
      publisher.put(payload);
    }
    await sleep(1);
  }
  await publisher.flush();
  tell({});
  await publisher.close();
}

// The first part is not counted: the code is not compiled yet.
const COLD = 0.4;

async function hearAges() {
  const cold = Math.floor(count * COLD);
  const ages = new Float64Array(count - cold);
  let heard = -cold;
  const { all } = await hear(address, count, (payload) => {
    const view = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    const age = seconds(now() - view.readDoubleLE());
    if (heard >= 0) ages[heard] = age;
    ++heard;
  });
  tell({ ready: true });
  const cpu = process.cpuUsage();
  await all();
  const { user, system } = process.cpuUsage(cpu);
  ages.sort();
  const at = (part) => ages[Math.floor((ages.length - 1) * part)];
  tell({ p50: at(0.5), p99: at(0.99), cpu: (user + system) / 1e6 });
}

await { hear: hearAll, publish: publishAll, load, pace, ages: hearAges }[role]();
process.exit(0);
