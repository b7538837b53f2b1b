// That the checks find what they are there for.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { kustomize, problemsOf } from './manifests.mjs';
import { schemaProblems } from './models.mjs';
import { strictProblems } from './strict_walk.mjs';

const good = kustomize('base');
const find = (manifests, kind, name = 'nmq') =>
  manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name.startsWith(name));
const containerOf = (manifests) => find(manifests, 'StatefulSet').spec.template.spec.containers[0];

// name, what is made wrong, what is said
const mistakes = [
  ['an unknown field', (m) => (containerOf(m).readynessProbe = {}), /containers\[0\]\.readynessProbe: .* no such field/],
  ['a field one level too high', (m) => (find(m, 'StatefulSet').spec.containers = []), /spec\.containers: .* no such field/],
  ['a text for a number', (m) => (find(m, 'StatefulSet').spec.replicas = '1'), /spec\.replicas: "1" is not a number/],
  ['a number for a text', (m) => (containerOf(m).env[2].value = 1), /value: 1 is not a string/],
  ['half a replica', (m) => (find(m, 'StatefulSet').spec.replicas = 0.5), /0\.5 is not a whole number/],
  ['a missing required field', (m) => delete containerOf(m).name, /name/],
  ['a missing selector', (m) => delete find(m, 'StatefulSet').spec.selector, /selector/],
  ['a dead API version', (m) => (find(m, 'PodDisruptionBudget').apiVersion = 'policy/v1beta1'), /no .*policy\/v1beta1/],
  ['a dead API group', (m) => (find(m, 'NetworkPolicy').apiVersion = 'extensions/v1'), /no .*extensions\/v1/],
  ['a Service without pods', (m) => (find(m, 'Service').spec.selector = { app: 'nmq' }), /Service nmq: it selects no pod/],
  ['a budget without pods', (m) => (find(m, 'PodDisruptionBudget').spec.selector.matchLabels = { app: 'x' }), /no pod/],
  ['a policy without pods', (m) => (find(m, 'NetworkPolicy').spec.podSelector.matchLabels = { app: 'x' }), /no pod/],
  ['a policy for all pods', (m) => (find(m, 'NetworkPolicy').spec.podSelector = {}), /every pod/],
  ['a set without its pods', (m) => (find(m, 'StatefulSet').spec.template.metadata.labels = { app: 'x' }), /no pod/],
  ['a pod in another namespace', (m) => (find(m, 'Service').metadata.namespace = 'other'), /no pod/],
  ['a Service port without a port', (m) => (find(m, 'Service').spec.ports[0].targetPort = 'http'), /no port http/],
  ['a probe of another port', (m) => (containerOf(m).livenessProbe.grpc.port = 8080), /livenessProbe asks port 8080/],
  ['a mount of no volume', (m) => (containerOf(m).volumeMounts[0].name = 'date'), /mounts date/],
  ['no configuration', (m) => m.splice(m.indexOf(find(m, 'ConfigMap')), 1), /no ConfigMap nmq/],
  ['no account', (m) => m.splice(m.indexOf(find(m, 'ServiceAccount')), 1), /no ServiceAccount nmq/],
  ['a headless Service with an address', (m) => delete find(m, 'Service', 'nmq-h').spec.clusterIP, /no headless Service/],
];

for (const [name, spoil, said] of mistakes) {
  test(`${name} is found`, async () => {
    const manifests = structuredClone(good);
    spoil(manifests);
    assert.match((await problemsOf(manifests)).join('\n'), said);
  });
}

test('each of the two schema checks finds what the other does not', async () => {
  const unknown = structuredClone(find(good, 'ConfigMap'));
  unknown.datas = {};
  assert.equal(strictProblems(unknown).length, 1);
  const missing = structuredClone(find(good, 'StatefulSet'));
  delete missing.spec.selector;
  assert.deepEqual(strictProblems(missing), []);
  assert.equal((await schemaProblems(missing)).length, 1);
});
