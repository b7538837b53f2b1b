// The Node client against an nmqd that asks who calls.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { Nmqd } from './nmqd.mjs';

const nmq = createRequire(import.meta.url)('../../../client/node');

const RIGHTS = 'right: RIGHT_CONNECT right: RIGHT_PUBLISH right: RIGHT_SUBSCRIBE';
const folder = mkdtempSync(path.join(tmpdir(), 'token'));
const secret = 's'.repeat(32);
const token = `nmq_abcdefgh_${secret}`;
const access = path.join(folder, 'access.textproto');
let server;

// With these tokens for the identity, by their IDs.
function writeAccess(...ids) {
  const hash = createHash('sha256').update(`salt${secret}`).digest('hex');
  const tokens = ids.map((id) => `token: '${id}.salt.${hash}'`).join(' ');
  writeFileSync(
    `${access}.new`,
    `identity { name: 'api' ${tokens} } grant { identity: 'api' namespace: 'default' ${RIGHTS} }`,
  );
  renameSync(`${access}.new`, access);
}

before(async () => {
  writeAccess('abcdefgh');
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

test('a subscription that has shown a token that is taken back begins again with the newer one', async () => {
  writeAccess('abcdefgh', 'second');
  let present = token;
  const client = await nmq.connect(server.address, { token: () => present });
  const subscription = await client.subscribe({ queue: 'DB' });
  await setTimeout(4000);
  present = `nmq_second_${secret}`;
  writeAccess('second');
  await setTimeout(4000);
  const other = await nmq.connect(server.address, { token: present });
  await other.publish({ queue: 'DB', event: 'CREATE', payload: 'after' });
  assert.equal((await subscription.next()).value.payload.toString(), 'after');
  await Promise.all([other.close(), client.close()]);
});
