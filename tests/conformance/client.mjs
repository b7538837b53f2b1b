// Runs the cases with Node's client made from the .proto files: client.mjs ADDRESS. Prints a line a case, "ok NAME" or
// "failed NAME: why". Over TLS with NMQ_TLS_CA and NMQ_TOKEN.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(new URL('../../client/node/index.js', import.meta.url));
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');
const { fromGrpc } = require('./lib/errors.js');

const SECONDS = 60;
const root = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const definition = loader.loadSync(['nmq/v1/message_queue.proto', 'nmq/v1/registry.proto'], {
  includeDirs: [root('proto'), root('third_party/googleapis')],
  keepCase: true,
  longs: String,
  enums: String,
  bytes: String,
});
const { MessageQueue, Registry } = grpc.loadPackageDefinition(definition).nmq.v1;

class Mismatch extends Error {}

// Over TLS, Node.js 20 spins for ever if a stream is cancelled in the turn in which it was read.
const cancel = (call) => setImmediate(() => call.cancel());

function fill(value, variables) {
  if (Array.isArray(value)) return value.map((entry) => fill(entry, variables));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, fill(entry, variables)]));
  }
  if (typeof value !== 'string') return value;
  const large = /^\$\{bytes:(\d+)\}$/.exec(value);
  if (large) return Buffer.from({ length: Number(large[1]) }, (_, i) => i % 256).toString('base64');
  return value.replace(/\$\{(\w+)\}/g, (_, name) => variables[name]);
}

// The cases write durations as protobuf's JSON does; proto-loader has no such form.
function durations(value) {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => {
      if (!['timeout', 'lease'].includes(key)) return [key, durations(entry)];
      const seconds = Math.floor(parseFloat(entry));
      return [key, { seconds, nanos: Math.round((parseFloat(entry) - seconds) * 1e9) }];
    }),
  );
}

const isDefault = (value) => [undefined, null, false, '', '0'].includes(value) || value?.length === 0;

// What is expected must be there; a default may be left out.
function check(expected, actual, where = '') {
  const fail = (what) => {
    throw new Mismatch(`${where} is ${JSON.stringify(actual)?.slice(0, 80)}, not ${what}`);
  };
  if (Array.isArray(expected) && expected.length > 0) {
    if (actual?.length !== expected.length) fail(`${expected.length} entries`);
    expected.forEach((value, index) => check(value, actual[index], `${where}[${index}]`));
  } else if (isDefault(expected)) {
    if (!isDefault(actual)) fail(JSON.stringify(expected));
  } else if (typeof expected === 'object') {
    if (typeof actual !== 'object' || actual === null) fail('there');
    Object.entries(expected).forEach(([key, value]) => check(value, actual[key], `${where}.${key}`));
  } else if (/^\d+s$/.test(expected) && typeof actual === 'object') {
    if (`${actual.seconds}s` !== expected) fail(expected);
  } else if (actual !== expected) {
    fail(JSON.stringify(expected).slice(0, 80));
  }
}

class Case {
  #streams = {};
  #stubs;
  #variables;

  constructor(stubs, name) {
    this.#stubs = stubs;
    this.#variables = { n: name };
  }

  async run(steps) {
    try {
      for (const step of steps) await this.#step(fill(step, this.#variables));
    } finally {
      Object.values(this.#streams).forEach(({ call }) => cancel(call));
    }
  }

  async #step(step) {
    if (step.call) await this.#call(step);
    else if (step.open) this.#open(step);
    else if (step.frame) check(step.expect, await this.#frame(step.frame));
    else if (step.messages) {
      const { pending } = this.#streams[step.messages];
      while (pending.length < step.expect.length) {
        const frame = await this.#frame(step.messages);
        check({ batch: {} }, frame);
        pending.push(...frame.batch.messages);
      }
      check(step.expect, pending);
    } else if (step.cancel) cancel(this.#streams[step.cancel].call);
    else await this.#expectError(step.error, this.#frame(step.end));
  }

  #open({ open, method, request }) {
    const stub = this.#stubs.find((one) => one[method]);
    const call = stub[method](durations(request), { deadline: Date.now() + SECONDS * 1000 });
    this.#streams[open] = { call, frames: call[Symbol.asyncIterator](), pending: [] };
  }

  async #frame(stream) {
    const { done, value } = await this.#streams[stream].frames.next();
    if (done) throw new Mismatch('the stream is over');
    return value;
  }

  #invoke({ call, request, deadline = SECONDS }) {
    const stub = this.#stubs.find((one) => one[call]);
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + deadline * 1000 };
      stub[call](durations(request), options, (error, response) => (error ? reject(error) : resolve(response)));
    });
  }

  async #call(step) {
    if (step.error) return this.#expectError(step.error, this.#invoke(step));
    for (let tries = 0; ; ++tries) {
      const response = await this.#invoke(step);
      try {
        check(step.expect ?? {}, response);
      } catch (error) {
        if (!step.until || tries === 10000) throw error;
        continue;
      }
      for (const [variable, field] of Object.entries(step.save ?? {})) this.#variables[variable] = response[field];
      return undefined;
    }
  }

  async #expectError(expected, promise) {
    const failed = await promise.then(
      () => {
        throw new Mismatch(`no error, but ${expected} was expected`);
      },
      (error) => fromGrpc(error),
    );
    check(expected, [failed.code, failed.reason], 'error');
  }
}

function credentials() {
  const { NMQ_TLS_CA: ca, NMQ_TOKEN: token } = process.env;
  if (ca === undefined) return grpc.credentials.createInsecure();
  const bearer = grpc.credentials.createFromMetadataGenerator((_, callback) => {
    const metadata = new grpc.Metadata();
    metadata.set('authorization', `Bearer ${token}`);
    callback(null, metadata);
  });
  return grpc.credentials.combineChannelCredentials(grpc.credentials.createSsl(readFileSync(ca)), bearer);
}

const options = { 'grpc.max_receive_message_length': -1 };
const stubs = [MessageQueue, Registry].map(
  (Stub) => new Stub(process.argv[2], credentials(), options),
);
const cases = JSON.parse(readFileSync(new URL('cases.json', import.meta.url)));
for (const [number, { name, steps }] of cases.entries()) {
  try {
    await new Case(stubs, `node-${number}`).run(steps);
    console.log(`ok ${name}`);
  } catch (error) {
    console.log(`failed ${name}: ${error.message}`);
  }
}
stubs.forEach((stub) => stub.close());
