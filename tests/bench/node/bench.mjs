// Runs the clients for Node.js in turn and prints what they reached: see README.md.
//
//   node bench.mjs --nmqd=PROGRAM [--rounds=5] [--only=hear,publish] [--systems=nmq,nats] [--short] [--table=FILE] [--json=FILE]

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const { values: options } = parseArgs({
  options: {
    nmqd: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: 'hear,publish,latency' },
    systems: { type: 'string', default: 'nmq,nats,nats callback,socket.io' },
    short: { type: 'boolean', default: false },
    table: { type: 'string' },
    json: { type: 'string' },
  },
});
if (!options.nmqd) throw new Error('--nmqd=PROGRAM is missing');
const COUNT = options.short ? 2000 : 200000;
const RATE = 20000;
const LATENCY_SECONDS = options.short ? 0.1 : 5;
const SECONDS_MAX = 120;

// Its lines, one by one.
function linesOf(process_) {
  const lines = createInterface({ input: process_.stdout })[Symbol.asyncIterator]();
  return async () => {
    const over = new Promise((_, reject) => {
      setTimeout(() => reject(new Error(`nothing came for ${SECONDS_MAX} s`)), SECONDS_MAX * 1000).unref();
    });
    const { value, done } = await Promise.race([lines.next(), over]);
    if (done) throw new Error(`${process_.spawnargs.join(' ')} ended`);
    return value;
  };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function answers(port) {
  for (const until = performance.now() + SECONDS_MAX * 1000; performance.now() < until; ) {
    const socket = createConnection(port, '127.0.0.1');
    const connected = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'error').then(() => false)]).catch(() => false);
    socket.destroy();
    if (connected) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`nobody answers at ${port}`);
}

const SERVERS = {
  async nmqd(folder) {
    const server = spawn(options.nmqd, ['--listen=127.0.0.1:0', `--data_dir=${folder}`], { stdio: ['ignore', 'pipe', 'ignore'] });
    return { server, address: /grpc=(\S+)/.exec(await linesOf(server)())[1] };
  },
  async nats() {
    const port = await freePort();
    const server = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
    await answers(port);
    return { server, address: `127.0.0.1:${port}` };
  },
  async socketio() {
    const server = spawn(process.execPath, [here('../socketio/server.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
    return { server, address: /^ready (\S+)/.exec(await linesOf(server)())[1] };
  },
};
const SYSTEMS = {
  nmq: { module: './nmq.mjs', server: 'nmqd', part: 1 },
  nats: { module: './nats.mjs', server: 'nats', part: 1 },
  'nats callback': { module: './nats_callback.mjs', server: 'nats', part: 1 },
  'socket.io': { module: './socketio.mjs', server: 'socketio', part: 0.2 },
};

// A process that is ready; go() starts it, result() is what it saw.
async function start(system, role, address, ...numbers) {
  const args = [here('client.mjs'), SYSTEMS[system].module, role, address, ...numbers.map(String)];
  const made = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const line = linesOf(made);
  await line();
  return { go: () => made.stdin.write('go\n'), result: async () => JSON.parse(await line()), end: () => made.kill() };
}

const CASES = {
  async hear(system, address) {
    const count = COUNT * SYSTEMS[system].part;
    const subscriber = await start(system, 'hear', address, count);
    const publisher = await start(system, 'load', address, count);
    publisher.go();
    await publisher.result();
    subscriber.go();
    const { seconds, cpu } = await subscriber.result();
    return { rate: count / seconds, cpu: (cpu / count) * 1e6 };
  },
  async publish(system, address) {
    const count = COUNT * SYSTEMS[system].part;
    const publisher = await start(system, 'publish', address, count);
    publisher.go();
    const { seconds, cpu } = await publisher.result();
    return { rate: count / seconds, cpu: (cpu / count) * 1e6 };
  },
  async latency(system, address) {
    const count = RATE * LATENCY_SECONDS;
    const subscriber = await start(system, 'ages', address, count);
    const publisher = await start(system, 'pace', address, count, RATE);
    publisher.go();
    const { p50, p99, cpu } = await subscriber.result();
    return { p50: p50 * 1e3, p99: p99 * 1e3, cpu: (cpu / count) * 1e6 };
  },
};

async function run(name, system) {
  const folder = mkdtempSync(path.join(tmpdir(), 'bench-'));
  const { server, address } = await SERVERS[SYSTEMS[system].server](folder);
  try {
    return await CASES[name](system, address);
  } finally {
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}

const UNITS = { rate: '/s', cpu: ' us CPU', p50: ' ms p50', p99: ' ms p99' };
const shown = (value) => (value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3));

const systems = options.systems.split(',');
const rounds = options.short ? 1 : Number(options.rounds);
const figures = {};
const lines = [];
for (const name of options.only.split(',')) {
  const seen = Object.fromEntries(systems.map((system) => [system, []]));
  for (let round = 0; round < rounds; ++round) {
    for (const system of systems) seen[system].push(await run(name, system));
  }
  figures[name] = seen;
  for (const system of systems) {
    const parts = Object.keys(seen[system][0]).map((figure) => {
      const of = (other) => median(seen[other].map((one) => one[figure]));
      const ratio = system === systems[0] ? '' : ` (${systems[0]}: ${(of(systems[0]) / of(system)).toFixed(2)} times)`;
      return `${shown(of(system))}${UNITS[figure]}${ratio}`;
    });
    lines.push(`${name.padEnd(8)} ${system.padEnd(14)} ${parts.join('  ')}`);
    console.log(lines.at(-1));
  }
}
if (options.table) writeFileSync(options.table, `${lines.join('\n')}\n`);
if (options.json) writeFileSync(options.json, JSON.stringify(figures, null, 1));
