// The package as npm would publish it, installed in an empty folder without a network, and used as people do.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Nmqd } from './nmqd.mjs';

const PACKAGE = fileURLToPath(new URL('../../../client/node', import.meta.url));
const timeout = 120000;
const run = promisify(execFile);

let server;
let folder;
let files;

// The folders of all that the package needs besides, from where it is installed already.
function dependencies() {
  const found = new Set();
  const add = (from) => {
    const made = JSON.parse(readFileSync(path.join(from, 'package.json')));
    for (const name of Object.keys({ ...made.dependencies, ...made.peerDependencies })) {
      const place = path.join(PACKAGE, 'node_modules', name);
      if (found.has(place)) continue;
      found.add(place);
      add(place);
    }
  };
  add(PACKAGE);
  return [...found];
}

before(async () => {
  server = await Nmqd.start();
  folder = mkdtempSync(path.join(tmpdir(), 'nmq-package-'));
  const pack = (arguments_) => run('npm', ['pack', '--json', '--pack-destination', folder, ...arguments_], { cwd: PACKAGE });
  // What a script prints comes before.
  const [packed] = JSON.parse((await pack([])).stdout.replace(/^[^[]*/, ''));
  files = packed.files.map((file) => file.path);
  const others = JSON.parse((await pack(['--ignore-scripts', ...dependencies()])).stdout);
  writeFileSync(path.join(folder, 'package.json'), '{"name": "empty", "version": "1.0.0"}');
  const tarballs = [packed, ...others].map(({ filename }) => `./${filename.replace(/^@/, '').replace('/', '-')}`);
  await run('npm', ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', ...tarballs], { cwd: folder });
}, { timeout });
after(async () => {
  await server?.close();
  rmSync(folder, { recursive: true });
});

async function node(name, text) {
  writeFileSync(path.join(folder, name), text);
  const environment = { ...process.env, NMQ_SERVER: server.address };
  return (await run(process.execPath, [name], { cwd: folder, env: environment, timeout })).stdout;
}

const USE = `
  const client = await nmq.connect();
  const messages = await client.subscribe({ queue: 'DB' });
  const publisher = client.publisher();
  publisher.add({ queue: 'DB', event: 'CREATE', json: { id: 17 } });
  const { accepted } = await publisher.close();
  const { value } = await messages.next();
  console.log(accepted, value.event, value.payload.toString(), typeof io, typeof Q);
  await client.close();
`;
const PRINTED = '1 CREATE {"id":17} function function\n';

test('holds what programs need, and no more', { timeout }, () => {
  assert.deepEqual(
    ['README.md', 'LICENSE', 'index.js', 'index.d.ts', 'q.d.ts', 'socketio.d.ts', 'lib/descriptors.json'].filter(
      (name) => !files.includes(name),
    ),
    [],
  );
  assert.deepEqual(files.filter((name) => /test|node_modules|generate|tgz|\.proto$/.test(name)), []);
});

test('says what it needs', () => {
  const made = JSON.parse(readFileSync(path.join(PACKAGE, 'package.json')));
  assert.equal(made.private, undefined);
  assert.deepEqual(Object.keys(made.peerDependencies), ['@grpc/grpc-js']);
  assert.ok(made.engines.node);
});

test('is as the .proto files say', { timeout }, async () => {
  await run(process.execPath, ['generate.mjs', '--check'], { cwd: PACKAGE });
});

test('is used from ESM', { timeout }, async () => {
  const imports = `import nmq, { connect } from 'nmq'; import Q from 'nmq/q'; import { io } from 'nmq/socketio';`;
  assert.equal(await node('a.mjs', `${imports} if (connect !== nmq.connect) throw 1; ${USE}`), PRINTED);
});

test('is used from CommonJS', { timeout }, async () => {
  const imports = `const nmq = require('nmq'); const Q = require('nmq/q'); const { io } = require('nmq/socketio');`;
  assert.equal(await node('a.cjs', `${imports} (async () => {${USE}})();`), PRINTED);
});

test('is used from TypeScript, in both kinds of modules', { timeout }, async () => {
  const typed = USE.replace('const { value }', 'const { value }: { value: nmq.Message }');
  const modern = `import nmq from 'nmq'; import Q from 'nmq/q'; import { io, Socket } from 'nmq/socketio';
    async function dispose() { await using client = await nmq.connect(); const socket: Socket = io('a'); return [client, socket]; }
    export { dispose };`;
  writeFileSync(path.join(folder, 'b.mts'), `${modern} ${USE}`);
  const classic = `import nmq = require('nmq'); import Q = require('nmq/q'); import { io } from 'nmq/socketio';`;
  writeFileSync(path.join(folder, 'b.cts'), `${classic} (async () => {${typed}})();`);
  const options = ['--strict', '--target', 'es2022', '--module', 'node16', '--lib', 'es2022,esnext.disposable'];
  const types = ['--typeRoots', path.join(PACKAGE, 'node_modules/@types'), '--types', 'node'];
  const tsc = path.join(PACKAGE, 'node_modules/typescript/bin/tsc');
  await run(process.execPath, [tsc, ...options, ...types, 'b.mts', 'b.cts'], { cwd: folder }).catch((error) =>
    assert.fail(error.stdout),
  );
  for (const name of ['b.mjs', 'b.cjs']) {
    assert.equal(await node(name, readFileSync(path.join(folder, name))), PRINTED, name);
  }
});

test('is bundled into one file that needs nothing beside it', { timeout }, async () => {
  const imports = `import nmq from 'nmq'; import Q from 'nmq/q'; import { io } from 'nmq/socketio';`;
  writeFileSync(path.join(folder, 'c.mjs'), `${imports} (async () => {${USE}})();`);
  const esbuild = path.join(PACKAGE, 'node_modules/esbuild/bin/esbuild');
  const alone = mkdtempSync(path.join(tmpdir(), 'nmq-bundle-'));
  const bundle = path.join(alone, 'bundle.cjs');
  await run(esbuild, ['c.mjs', '--bundle', '--platform=node', '--log-level=error', `--outfile=${bundle}`], { cwd: folder });
  const environment = { ...process.env, NMQ_SERVER: server.address };
  assert.equal((await run(process.execPath, [bundle], { cwd: alone, env: environment, timeout })).stdout, PRINTED);
  rmSync(alone, { recursive: true });
});
