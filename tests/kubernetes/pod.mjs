// Prints what `podman play kube` can run of deploy/kubernetes/base: its pod, with the configuration and a volume. podman knows
// no StatefulSet, so the pod stands alone; and it probes with commands only, not with gRPC.
//
//   node pod.mjs IMAGE NAME PORT           PORT of this machine's loopback address leads to the pod
//   node pod.mjs IMAGE NAME PORT --again   with the volume that is there

import { kustomize } from './manifests.mjs';

const [image, name, port, again] = process.argv.slice(2);
const manifests = kustomize('base');
const set = manifests.find(({ kind }) => kind === 'StatefulSet');
const { metadata, spec } = structuredClone(set.spec.template);
const [container] = spec.containers;
container.image = image;
container.ports[0].hostPort = Number(port);
container.ports[0].hostIP = '127.0.0.1';
for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe']) delete container[probe];
delete spec.serviceAccountName;
const [claim] = set.spec.volumeClaimTemplates;
spec.volumes.push({ name: claim.metadata.name, persistentVolumeClaim: { claimName: name } });
// podman makes a volume of this name.
const configuration = manifests.find(({ kind }) => kind === 'ConfigMap');
configuration.metadata.name = `${name}-configuration`;
spec.volumes.find(({ configMap }) => configMap).configMap.name = configuration.metadata.name;
const documents = [
  configuration,
  { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name }, spec },
];
if (again === undefined) {
  documents.unshift({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name }, spec: claim.spec });
}
console.log(documents.map((document) => JSON.stringify(document)).join('\n---\n'));
