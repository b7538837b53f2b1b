// The probes of deploy/kubernetes and deploy/helm, as kubelet makes them (probe.go, or the command in the container), of a
// real nmqd with the manifests' configuration, over each transport, in plain text and with TLS.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { BIN, Nmqd } from '../integration/node/nmqd.mjs';
import { helm, insecure, kustomize, secured, serviceOf } from './manifests.mjs';

const require = createRequire(new URL('../../client/node/index.js', import.meta.url));
const grpc = require('@grpc/grpc-js');
const { MessageQueue } = require('./lib/proto.js').v1;

const folder = mkdtempSync(path.join(tmpdir(), 'probes'));
after(() => rmSync(folder, { recursive: true }));
const PROBE = path.join(folder, 'probe');
execFileSync('go', ['build', '-o', PROBE, fileURLToPath(new URL('probe.go', import.meta.url))], {
  env: { ...process.env, GO111MODULE: 'off', GOFLAGS: '', GOPATH: '/usr/share/gocode' },
});

// A server's files, as flags.
function makeCertificate(into) {
  for (const what of ['ca', 'server']) execFileSync(path.join(BIN, 'client/cli/nmq'), ['cert', what, '--dir', into]);
  return { tls_certificate: path.join(into, 'server.pem'), tls_key: path.join(into, 'server.key') };
}

// {startup, readiness, liveness} of the pod, and its nmqd's configuration.
function podOf(manifests) {
  const only = (kind) => manifests.find((manifest) => manifest.kind === kind);
  const [container] = only('StatefulSet').spec.template.spec.containers;
  const { startupProbe: startup, readinessProbe: readiness, livenessProbe: liveness } = container;
  return { probes: { startup, readiness, liveness }, config: Object.values(only('ConfigMap').data)[0] };
}

// Which probes succeed, by name. Kubelet makes each in its timeout, those that are commands in the container of nmqd, with
// its environment.
async function outcomes(probes, address, environment = {}) {
  const succeeds = (probe) => {
    const [program, ...args] = probe.exec?.command ?? [PROBE, address, serviceOf(probe), `${probe.timeoutSeconds}s`];
    const options = {
      env: { ...process.env, ...environment, NMQ_LISTEN: address }, timeout: probe.timeoutSeconds * 1000,
    };
    return new Promise((resolve) => {
      execFile(program.replace('/usr/local/bin', path.join(BIN, 'server')), args, options, (error) => resolve(error === null));
    });
  };
  const names = Object.keys(probes);
  const results = await Promise.all(names.map((name) => succeeds(probes[name])));
  return Object.fromEntries(names.map((name, i) => [name, results[i]]));
}

const ALL = { startup: true, readiness: true, liveness: true };
const NONE = { startup: false, readiness: false, liveness: false };
const NOT_READY = { ...ALL, readiness: false };

async function waitForOutcomes(probes, address, expected) {
  let seen;
  for (let i = 0; i < 50; ++i) {
    seen = await outcomes(probes, address);
    if (JSON.stringify(seen) === JSON.stringify(expected)) break;
  }
  assert.deepEqual(seen, expected);
}

const call = (client, method, request) =>
  new Promise((resolve, reject) => {
    client[method](request, (error, response) => (error ? reject(error) : resolve(response)));
  });

// A subscriber that stays when it is asked to leave.
async function subscribe(client) {
  const { session } = await call(client, 'Connect', {});
  const stream = client.Subscribe({ session, patterns: [{ queue: '**' }] });
  stream.on('error', () => {});
  await once(stream, 'data');
  stream.resume();
  return stream;
}

const { probes, config } = podOf(kustomize('base'));

test('all manifests have the same probes', () => {
  assert.deepEqual(podOf(helm(insecure)).probes, probes);
  assert.deepEqual(podOf(helm(secured)).probes, podOf(kustomize('production')).probes);
});

test('probes over TLS', async () => {
  const { probes: commands, config: declared } = podOf(kustomize('production'));
  const files = makeCertificate(folder);
  const server = await Nmqd.start(declared, files);
  const environment = { NMQ_TLS_CERTIFICATE: files.tls_certificate, NMQ_TLS_KEY: files.tls_key };
  try {
    assert.deepEqual(await outcomes(commands, server.address, environment), ALL, 'it serves');
    assert.deepEqual(await outcomes(commands, server.address), NONE, 'it is asked in plain text');
    await server.kill();
    assert.deepEqual(await outcomes(commands, server.address, environment), NONE, 'it does not listen');
  } finally {
    await server.close();
  }
});

for (const transport of ['http2', 'grpc']) {
  test(`probes over ${transport}`, async () => {
    const broken = path.join(folder, `broken-${transport}`);
    const environment = { LD_PRELOAD: path.join(BIN, 'tests/fault/libbroken_disk.so'), NMQ_TEST_BROKEN_DISK: broken };
    const server = await Nmqd.start(config, { transport, drain_grace: '8s' }, environment);
    const client = new MessageQueue(server.address, grpc.credentials.createInsecure());
    try {
      assert.deepEqual(await outcomes(probes, server.address), ALL, 'it serves');

      await subscribe(client);
      const stopped = server.stop();
      await waitForOutcomes(probes, server.address, NOT_READY);
      await server.kill();
      await stopped;
      assert.deepEqual(await outcomes(probes, server.address), NONE, 'it does not listen, as before its store is open');

      await server.start();
      assert.deepEqual(await outcomes(probes, server.address), ALL, 'it serves again');
      writeFileSync(broken, '');
      const message = { queue: 'ORDERS', event: 'E' };
      await assert.rejects(call(client, 'Publish', { message }), { code: grpc.status.UNAVAILABLE });
      await waitForOutcomes(probes, server.address, NOT_READY);
    } finally {
      client.close();
      await server.close();
    }
  });
}
