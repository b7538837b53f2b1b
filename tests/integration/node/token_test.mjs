// The Node client against an nmqd that asks who calls.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Nmqd } from './nmqd.mjs';

const nmq = createRequire(import.meta.url)('../../../client/node');

const folder = mkdtempSync(path.join(tmpdir(), 'token'));
const secret = 's'.repeat(32);
const token = `nmq_abcdefgh_${secret}`;
let server;

before(async () => {
  const kept = `abcdefgh.salt.${createHash('sha256').update(`salt${secret}`).digest('hex')}`;
  const rights = 'right: RIGHT_CONNECT right: RIGHT_PUBLISH right: RIGHT_SUBSCRIBE';
  const access = path.join(folder, 'access.textproto');
  writeFileSync(
    access,
    `identity { name: 'api' token: '${kept}' } grant { identity: 'api' namespace: 'default' ${rights} }`,
  );
  server = await Nmqd.start('', { access });
});
after(async () => {
  await server?.close();
  rmSync(folder, { recursive: true });
});

async function expectServed(options) {
  const client = await nmq.connect(server.address, options);
  const subscription = await client.subscribe({ queue: 'DB' });
  await client.publish({ queue: 'DB', event: 'CREATE', payload: 'hello' });
  const publisher = client.publisher();
  await publisher.publish({ queue: 'DB', event: 'CREATE', payload: 'again' });
  await publisher.close();
  for (const text of ['hello', 'again']) {
    const { value } = await subscription.next();
    assert.equal(value.payload.toString(), text);
  }
  await assert.rejects(client.registry.queues().next(), { code: 'PERMISSION_DENIED', reason: 'FORBIDDEN' });
  await client.close();
}

test('a client with a token is served as far as it may', () => expectServed({ token }));

test('the token may be in the environment', async () => {
  process.env.NMQ_TOKEN = token;
  try {
    await expectServed({});
  } finally {
    delete process.env.NMQ_TOKEN;
  }
});

test('a token from a file may end with a line end, and one that is none is not shown', async () => {
  await expectServed({ token: `${token}\n` });
  for (const wrong of [`${token} x`, 'nmq_sécret_x', 'nmq_a\nb']) {
    await assert.rejects(nmq.connect(server.address, { token: wrong }), (error) => {
      assert.equal(error.code, 'INVALID_ARGUMENT');
      assert.ok(!error.message.includes('nmq_'), error.message);
      return true;
    });
  }
});

test('others are told why they are not', async () => {
  const refused = (options, reason) =>
    assert.rejects(nmq.connect(server.address, { waitForServer: 0, ...options }), { code: 'UNAUTHENTICATED', reason });
  await refused({}, 'CREDENTIALS_MISSING');
  await refused({ token: `${token}a` }, 'CREDENTIALS_UNKNOWN');
});
