// The real server, in a process of its own, that tests start, kill and start again.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const READY = /^nmqd ready grpc=(\S+)/;
export const BIN = process.env.NMQ_BIN ?? fileURLToPath(new URL('../../../bazel-bin', import.meta.url));

// Atomics.wait on it waits for its time and nothing else.
const NOTHING = new Int32Array(new SharedArrayBuffer(4));

// Whether all of its threads are.
function isStopped(pid) {
  const state = (thread) => /\) (\w)/.exec(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8'))[1];
  return readdirSync(`/proc/${pid}/task`).every((thread) => state(thread) === 'T');
}

// On a free port; keeps its port and its data when it is started again.
export class Nmqd {
  address = '127.0.0.1:0';
  #folder = mkdtempSync(path.join(tmpdir(), 'nmqd'));
  #process;
  #flags;
  #environment;

  // `flags` are {name: value}, besides those that it needs itself; so is `environment`, besides the test's.
  static async start(config = '', flags = {}, environment = {}) {
    const server = new Nmqd();
    server.#flags = flags;
    server.#environment = environment;
    writeFileSync(path.join(server.#folder, 'nmqd.textproto'), config);
    await server.start();
    return server;
  }

  async start() {
    const flags = {
      listen: this.address,
      config: path.join(this.#folder, 'nmqd.textproto'),
      data_dir: path.join(this.#folder, 'data'),
      drain_grace: '1s',
      ...this.#flags,
    };
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    this.#process = spawn(path.join(BIN, 'server/nmqd'), args, {
      env: { ...process.env, ...this.#environment },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const lines = createInterface({ input: this.#process.stdout });
    const [line] = await Promise.race([once(lines, 'line'), once(lines, 'close')]);
    this.address = READY.exec(line ?? '')?.[1];
    if (!this.address) throw new Error(`nmqd is not ready: ${line}`);
  }

  // As kill -9.
  kill() {
    return this.#end('SIGKILL');
  }

  // From when this returns until it is killed, it neither reads nor writes: the signal alone stops it some time later.
  pause() {
    this.#process.kill('SIGSTOP');
    while (!isStopped(this.#process.pid)) Atomics.wait(NOTHING, 0, 0, 1);
  }

  // Lets it drain.
  stop() {
    return this.#end('SIGTERM');
  }

  async close() {
    await this.kill();
    rmSync(this.#folder, { recursive: true });
  }

  async #end(signal) {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill(signal);
    await ended;
  }
}
