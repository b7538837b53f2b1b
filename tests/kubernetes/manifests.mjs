// The manifests as kubectl and helm make them, and everything that is wrong with some.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { parseAllDocuments } from 'yaml';

import { schemaProblems } from './models.mjs';
import { referenceProblems } from './references.mjs';
import { strictProblems } from './strict_walk.mjs';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const tools = fileURLToPath(new URL('node_modules/.tools/', import.meta.url));

// Runs kubectl or helm in the project's root; throws with what it said if it fails.
export function run(tool, ...args) {
  const home = { HELM_CACHE_HOME: `${tools}cache`, HELM_CONFIG_HOME: `${tools}config`, HELM_DATA_HOME: `${tools}data` };
  return execFileSync(tools + tool, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export function parse(text) {
  return parseAllDocuments(text)
    .map((document) => {
      if (document.errors.length > 0) throw document.errors[0];
      return document.toJS();
    })
    .filter((manifest) => manifest !== null);
}

export const kustomize = (directory) => parse(run('kubectl', 'kustomize', `deploy/kubernetes/${directory}`));

// `settings` are helm's own: --set=name=value.
export const helm = (...settings) =>
  parse(run('helm', 'template', 'nmq', 'deploy/helm', '--namespace=nmq', ...settings));

// The settings without which the chart refuses to be made: one of the two.
export const insecure = '--set=insecureListen=true';
export const secured = '--set=tls.secret=nmq-tls,access.secret=nmq-access,auditLog=stderr';

// The service whose health a probe asks for, empty for the whole: by Kubernetes' own probe, or by nmqd --health_check.
export function serviceOf({ grpc, exec }) {
  if (grpc) return grpc.service ?? '';
  return /^\/usr\/local\/bin\/nmqd --health_check(?: --health_check_service=(\w+))?$/.exec(exec.command.join(' '))[1] ?? '';
}

export async function problemsOf(manifests) {
  const problems = [];
  for (const manifest of manifests) {
    for (const problem of [...strictProblems(manifest), ...(await schemaProblems(manifest))]) {
      problems.push(`${manifest.kind} ${manifest.metadata?.name}: ${problem}`);
    }
  }
  // Only what has the right form can be followed.
  return problems.length > 0 ? problems : referenceProblems(manifests);
}
