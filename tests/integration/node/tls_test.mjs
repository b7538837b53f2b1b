// The Node client against an nmqd that serves TLS.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { Nmqd } from './nmqd.mjs';

const nmq = createRequire(import.meta.url)('../../../client/node');

const folder = mkdtempSync(path.join(tmpdir(), 'tls'));
const file = (name) => path.join(folder, name);
let server;

// NAME.pem and NAME.key.
function openssl(name, ...args) {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc'];
  const made = ['-keyout', file(`${name}.key`), '-out', file(`${name}.pem`), '-days', '1'];
  execFileSync('openssl', ['req', '-x509', ...key, ...made, ...args], { stdio: 'ignore' });
}

before(() => {
  openssl('ca', '-subj', '/CN=tests');
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
  openssl('own', '-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-subj', '/CN=localhost', '-addext', names);
});
after(() => rmSync(folder, { recursive: true }));
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function serve(flags = {}) {
  const files = { tls_certificate: file('own.pem'), tls_key: file('own.key') };
  server = await Nmqd.start('', { transport: 'http2', ...files, ...flags });
}

async function expectServed(options) {
  const client = await nmq.connect(server.address, options);
  const subscription = await client.subscribe({ queue: 'DB' });
  await client.publish({ queue: 'DB', event: 'CREATE', payload: Buffer.alloc(100_000, 'x') });
  const { value } = await subscription.next();
  assert.equal(value.payload.length, 100_000);
  await client.close();
}

const refused = (options) =>
  assert.rejects(nmq.connect(server.address, { waitForServer: 0, ...options }), { code: 'UNAVAILABLE' });

test('a client with the CA publishes and hears', async () => {
  await serve();
  await expectServed({ tlsCa: file('ca.pem') });
});

test('a client in plain text is refused', async () => {
  await serve();
  await refused({});
});

test('a client has a certificate if the server asks for one', async () => {
  await serve({ tls_client_ca: file('ca.pem') });
  await refused({ tlsCa: file('ca.pem') });
  await expectServed({ tlsCa: file('ca.pem'), tlsCertificate: file('own.pem'), tlsKey: file('own.key') });
});

test('a file of no use is said at once', async () => {
  const [ca, own, caKey, ownKey] = ['ca.pem', 'own.pem', 'ca.key', 'own.key'].map(file);
  for (const [files, why] of [
    [{ tlsCa: caKey }, `tlsCa: ${caKey}: has no certificate; name a PEM file with certificates`],
    [{ tlsCa: file('none.pem') }, `tlsCa: ${file('none.pem')}: ENOENT; name a PEM file`],
    [
      { tlsCertificate: own, tlsKey: caKey },
      `tlsKey: ${caKey}: is not the key of the first certificate in ${own}; name the pair`,
    ],
    [{ tlsCertificate: ownKey, tlsKey: ownKey }, `tlsCertificate: ${ownKey}: has no certificate`],
    [{ tlsCertificate: own, tlsKey: ca }, `tlsKey: ${ca}: has no private key`],
    [{ tlsCertificate: own }, 'tlsCertificate needs tlsKey'],
  ]) {
    // No server is there.
    await assert.rejects(nmq.connect('127.0.0.1:1', { waitForServer: 0, ...files }), (error) => {
      assert.equal(error.code, 'INVALID_ARGUMENT');
      assert.ok(error.message.startsWith(why), error.message);
      return true;
    });
  }
});
