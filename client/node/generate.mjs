// Writes lib/descriptors.json: what the .proto files say, so that the package needs no files beside its code.
//
//   node generate.mjs            writes it
//   node generate.mjs --check    whether it is as the .proto files say

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

const FILES = ['message_queue', 'registry', 'admin'].map((name) => `nmq/v1/${name}.proto`);
const RPC_FILES = ['google/rpc/status.proto', 'google/rpc/error_details.proto'];
const TARGET = fileURLToPath(new URL('lib/descriptors.json', import.meta.url));
const repository = fileURLToPath(new URL('../../', import.meta.url));
const roots = ['proto', 'third_party/googleapis'].map((folder) => path.join(repository, folder));

const root = new protobuf.Root();
root.resolvePath = (_, target) => roots.map((folder) => path.join(folder, target)).find(existsSync) ?? target;
root.loadSync([...FILES, ...RPC_FILES]);
const text = `${JSON.stringify(root.toJSON({ keepComments: false }), null, 1)}\n`;

if (!process.argv.includes('--check')) {
  writeFileSync(TARGET, text);
} else if (readFileSync(TARGET, 'utf8') !== text) {
  console.error('lib/descriptors.json is not what the .proto files say: run node client/node/generate.mjs');
  process.exitCode = 1;
}
