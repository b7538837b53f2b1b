// What no schema says: whether the names and labels in one manifest are there in another.
const namespaceOf = (manifest) => manifest.metadata.namespace ?? '';
const matches = (selector, labels) => Object.entries(selector ?? {}).every(([name, value]) => labels?.[name] === value);
const isEmpty = (selector) => Object.keys(selector ?? {}).length === 0;

// How each kind that selects pods does it.
const selectorOf = {
  Service: (spec) => spec.selector,
  NetworkPolicy: (spec) => spec.podSelector?.matchLabels,
  PodDisruptionBudget: (spec) => spec.selector?.matchLabels,
  StatefulSet: (spec) => spec.selector?.matchLabels,
  Deployment: (spec) => spec.selector?.matchLabels,
};

const portsOf = (workload) => workload.spec.template.spec.containers.flatMap((container) => container.ports ?? []);
const hasPort = (workload, port) => portsOf(workload).some((p) => p.name === port || p.containerPort === port);

function portsUsed(manifest) {
  if (manifest.kind === 'Service') return manifest.spec.ports.map((port) => port.targetPort ?? port.port);
  if (manifest.kind === 'NetworkPolicy') {
    return (manifest.spec.ingress ?? []).flatMap((rule) => rule.ports ?? []).map((port) => port.port);
  }
  return [];
}

function selectionProblems(manifest, workloads) {
  if (!(manifest.kind in selectorOf)) return [];
  const selector = selectorOf[manifest.kind](manifest.spec);
  if (isEmpty(selector)) return ['it selects every pod'];
  const own = ['StatefulSet', 'Deployment'].includes(manifest.kind) ? [manifest] : workloads;
  const selected = own.filter(
    (w) => namespaceOf(w) === namespaceOf(manifest) && matches(selector, w.spec.template.metadata?.labels));
  if (selected.length === 0) return [`it selects no pod: ${JSON.stringify(selector)}`];
  return portsUsed(manifest)
    .filter((port) => !selected.some((w) => hasPort(w, port)))
    .map((port) => `the pods that it selects have no port ${port}`);
}

function podProblems(workload, find) {
  const pod = workload.spec.template.spec;
  const problems = [];
  const volumes = new Set([
    ...(pod.volumes ?? []).map((volume) => volume.name),
    ...(workload.spec.volumeClaimTemplates ?? []).map((claim) => claim.metadata.name),
  ]);
  for (const container of pod.containers) {
    for (const mount of container.volumeMounts ?? []) {
      if (!volumes.has(mount.name)) problems.push(`${container.name} mounts ${mount.name}, which is no volume`);
    }
    for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
      const port = container[probe]?.grpc?.port;
      if (port !== undefined && !hasPort(workload, port)) problems.push(`${probe} asks port ${port}, which is none of its`);
    }
  }
  for (const volume of pod.volumes ?? []) {
    if (volume.configMap && !find('ConfigMap', volume.configMap.name)) {
      problems.push(`there is no ConfigMap ${volume.configMap.name}`);
    }
  }
  if (pod.serviceAccountName && !find('ServiceAccount', pod.serviceAccountName)) {
    problems.push(`there is no ServiceAccount ${pod.serviceAccountName}`);
  }
  if (workload.kind === 'StatefulSet' && find('Service', workload.spec.serviceName)?.spec.clusterIP !== 'None') {
    problems.push(`there is no headless Service ${workload.spec.serviceName}`);
  }
  return problems;
}

export function referenceProblems(manifests) {
  const workloads = manifests.filter((manifest) => ['StatefulSet', 'Deployment'].includes(manifest.kind));
  return manifests.flatMap((manifest) => {
    const find = (kind, name) =>
      manifests.find((m) => m.kind === kind && m.metadata.name === name && namespaceOf(m) === namespaceOf(manifest));
    const problems = selectionProblems(manifest, workloads);
    if (workloads.includes(manifest)) problems.push(...podProblems(manifest, find));
    return problems.map((problem) => `${manifest.kind} ${manifest.metadata.name}: ${problem}`);
  });
}
