// Addresses are understood or refused by name, and no proxy comes between unsaid.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createRequire } from 'node:module';
import { after, afterEach, before, test } from 'node:test';
import { Nmqd } from './nmqd.mjs';

const require = createRequire(import.meta.url);
const nmq = require('../../../client/node');
const io = require('../../../client/node/socketio.js');
const { parseAddress, proxyOf, targetOf } = require('../../../client/node/lib/address.js');

const timeout = 60000;
const VARIABLES = ['grpc_proxy', 'https_proxy', 'http_proxy', 'no_grpc_proxy', 'no_proxy', 'NMQ_SERVER'];
const kept = Object.fromEntries(VARIABLES.map((name) => [name, process.env[name]]));
let server;

before(async () => {
  server = await Nmqd.start();
});
after(() => server.close());
afterEach(() => {
  for (const [name, value] of Object.entries(kept)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

const portOf = (address) => address.split(':').at(-1);

test('what people write is understood', () => {
  for (const [written, target, secure = false] of [
    ['127.0.0.1:7', '127.0.0.1:7'],
    ['127.0.0.1', '127.0.0.1:50051'],
    ['localhost', 'localhost:50051'],
    ['queue.example.com:7', 'queue.example.com:7'],
    ['::1', '[::1]:50051'],
    ['[::1]', '[::1]:50051'],
    ['[fe80::1%eth0]:7', '[fe80::1%eth0]:7'],
    ['http://127.0.0.1:7', '127.0.0.1:7'],
    ['http://127.0.0.1:7/', '127.0.0.1:7'],
    ['http://a.example', 'a.example:80'],
    ['HTTPS://a.example', 'a.example:443', true],
    ['https://[::1]:7', '[::1]:7', true],
    ['unix:/run/nmqd', 'unix:/run/nmqd'],
    ['dns:///a.example:7', 'dns:///a.example:7'],
  ]) {
    assert.deepEqual(targetOf(written), { target, secure }, written);
  }
});

test('what is no address is refused with what is allowed', async () => {
  for (const [written, why] of [
    ['127.0.0.1:99999', /server: '127.0.0.1:99999': '99999' is no port: 1 to 65535 is allowed; write HOST:PORT/],
    ['127.0.0.1:0', /'0' is no port/],
    ['127.0.0.1:', /'' is no port/],
    ['127.0.0.1:http', /'http' is no port/],
    ['a b:7', /no address; write HOST:PORT/],
    [':7', /no address/],
    ['[::g]:7', /no address/],
    ['ftp://a', /ftp:\/\/ is not known here/],
    ['http://a/shop', /more than a host and a port;.*namespace as an option/],
    ['http://user:secret@a', /more than a host and a port/],
  ]) {
    assert.throws(() => new nmq.Client(written), { code: 'INVALID_ARGUMENT', message: why }, written);
    await assert.rejects(nmq.connect(written), { code: 'INVALID_ARGUMENT' });
  }
  for (const written of ['http://127.0.0.1:99999/shop', 'ftp://a', 'http://a/%']) {
    assert.throws(() => io(written), { code: 'INVALID_ARGUMENT' }, written);
  }
  process.env.NMQ_SERVER = '127.0.0.1:port';
  assert.throws(() => new nmq.Client(), /'port' is no port/);
});

test('nmq/q and nmq/socketio name the namespace behind it', () => {
  const plain = (server_, namespace) => ({ server: server_, namespace, credentials: undefined });
  assert.deepEqual(parseAddress('http://127.0.0.1:7/shop'), plain('127.0.0.1:7', 'shop'));
  assert.deepEqual(parseAddress('localhost/a%20b'), plain('localhost:50051', 'a b'));
  assert.deepEqual(parseAddress('ws://[::1]:7'), plain('[::1]:7', ''));
  assert.ok(parseAddress('wss://a.example').credentials);
  assert.deepEqual(parseAddress('unix:/run/nmqd'), { server: 'unix:/run/nmqd' });
});

test('a server is found however it is written', { timeout }, async () => {
  const port = portOf(server.address);
  for (const written of [`http://127.0.0.1:${port}`, `localhost:${port}`, `ipv4:127.0.0.1:${port}`, `[::ffff:127.0.0.1]:${port}`]) {
    const client = await nmq.connect(written);
    assert.ok(client.clientId, written);
    await client.close();
  }
});

test('a proxy is none for this machine', { timeout }, async () => {
  process.env.http_proxy = 'http://127.0.0.1:1';
  for (const written of [server.address, `localhost:${portOf(server.address)}`]) {
    const client = await nmq.connect(written);
    await client.close();
  }
  for (const local of ['127.8.0.1:7', '[::1]:7', 'a.localhost:7', 'unix:/x', 'ipv4:127.0.0.1:7', 'dns:///localhost:7']) {
    assert.equal(proxyOf(local), undefined, local);
  }
});

test('a proxy for others is used, and errors name it', { timeout }, async () => {
  const asked = [];
  const proxy = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (data) => {
      asked.push(data.toString().split('\r\n')[0]);
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    });
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  process.env.http_proxy = `http://user:secret@127.0.0.1:${proxy.address().port}`;
  const error = await nmq.connect('192.0.2.1:7', { waitForServer: 200, connectTimeout: 1000 }).catch((failed) => failed);
  assert.match(error.message, /192\.0\.2\.1:7 through the proxy http:\/\/127\.0\.0\.1:\d+, which http_proxy names/);
  assert.doesNotMatch(error.message, /secret/);
  const client = new nmq.Client('192.0.2.1:7', { waitForServer: 200, connectTimeout: 1000, publishWithSession: false });
  await assert.rejects(client.publish({ queue: 'DB', event: 'E' }), /through the proxy .* which http_proxy names/);
  await client.close();
  assert.match(asked[0], /^CONNECT 192\.0\.2\.1:7/);
  proxy.close();
  process.env.no_proxy = 'example.com, 192.0.2.0/24';
  assert.equal(proxyOf('192.0.2.1:7'), undefined);
  assert.equal(proxyOf('queue.example.com:7'), undefined);
  assert.match(proxyOf('198.51.100.1:7'), /which http_proxy names/);
});
