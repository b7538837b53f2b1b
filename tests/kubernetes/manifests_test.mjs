// What deploy/kubernetes and deploy/helm make, and that both make the same.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

import { helm, insecure, kustomize, problemsOf, root, run, secured, serviceOf } from './manifests.mjs';

const variants = {
  'the base': () => kustomize('base'),
  production: () => kustomize('production'),
  'the chart': () => helm(insecure),
  'the chart with Secrets': () => helm(secured),
};
const DRAIN_AND_CUT_SECONDS = 2; // what Server::Stop takes beyond the drain

for (const [name, make] of Object.entries(variants)) {
  const manifests = make();
  const only = (kind) => manifests.find((manifest) => manifest.kind === kind);
  const pod = only('StatefulSet').spec.template.spec;
  const [container] = pod.containers;
  const environment = Object.fromEntries(container.env.map(({ name, value }) => [name, value]));

  test(`${name} is what Kubernetes takes`, async () => {
    assert.deepEqual(await problemsOf(manifests), []);
  });

  test(`${name} keeps to Pod Security "restricted"`, () => {
    assert.equal(pod.securityContext.runAsNonRoot, true);
    assert.equal(pod.securityContext.runAsUser, 65532);
    assert.equal(pod.securityContext.seccompProfile.type, 'RuntimeDefault');
    for (const { securityContext } of pod.containers) {
      assert.equal(securityContext.allowPrivilegeEscalation, false);
      assert.equal(securityContext.readOnlyRootFilesystem, true);
      assert.deepEqual(securityContext.capabilities, { drop: ['ALL'] });
    }
    for (const field of ['hostNetwork', 'hostPID', 'hostIPC']) assert.equal(pod[field], undefined);
    for (const volume of pod.volumes) assert.equal(volume.hostPath, undefined);
  });

  test(`${name} gives the server longer than its drain`, () => {
    const drain = Number(/^(\d+)s$/.exec(environment.NMQ_DRAIN_GRACE)[1]);
    assert.ok(pod.terminationGracePeriodSeconds > drain + DRAIN_AND_CUT_SECONDS);
  });

  test(`${name} restarts nobody who only drains`, () => {
    assert.equal(serviceOf(container.livenessProbe), 'liveness');
    assert.equal(serviceOf(container.startupProbe), 'liveness');
    assert.equal(serviceOf(container.readinessProbe), '');
  });

  test(`${name} bounds memory and processors`, () => {
    for (const kind of ['requests', 'limits']) {
      for (const what of ['cpu', 'memory']) assert.ok(container.resources[kind][what], `${kind} ${what}`);
    }
    assert.equal(container.resources.requests.memory, container.resources.limits.memory);
  });

  test(`${name} serves over TLS and asks its callers who they are, or says in so many words that it does not`, () => {
    const { NMQ_TLS_CERTIFICATE: certificate, NMQ_TLS_KEY: key, NMQ_ACCESS: access } = environment;
    const secure = certificate !== undefined;
    assert.equal(environment.NMQ_INSECURE_LISTEN ?? 'false', String(!secure));
    const ports = manifests.filter(({ kind }) => kind === 'Service').flatMap(({ spec }) => spec.ports);
    for (const { appProtocol } of ports) assert.equal(appProtocol, secure ? 'https' : 'kubernetes.io/h2c');
    if (!secure) return;
    const mounts = container.volumeMounts.map(({ mountPath, name: volume }) => [mountPath, volume]);
    for (const [file, secretName] of [[certificate, 'nmq-tls'], [key, 'nmq-tls'], [access, 'nmq-access']]) {
      const [, volume] = mounts.find(([mountPath]) => file.startsWith(`${mountPath}/`));
      assert.equal(pod.volumes.find((one) => one.name === volume).secret.secretName, secretName);
    }
    // Kubernetes' own probes of gRPC know no TLS.
    for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe']) assert.ok(container[probe].exec);
  });

  test(`${name} says who administered what, in its log, where it knows its callers`, () => {
    assert.equal(environment.NMQ_AUDIT_LOG, environment.NMQ_ACCESS === undefined ? undefined : 'stderr');
  });

  test(`${name} denies what it does not allow`, () => {
    const policies = manifests.filter((manifest) => manifest.kind === 'NetworkPolicy').map(({ spec }) => spec);
    assert.ok(policies.some((p) => p.policyTypes.length === 2 && p.ingress === undefined && p.egress === undefined));
    assert.ok(policies.every((p) => (p.egress ?? []).length === 0));
    for (const rule of policies.flatMap((p) => p.ingress ?? [])) {
      assert.deepEqual(rule.ports.map((port) => port.port), ['grpc']);
      for (const peer of rule.from) assert.ok(peer.podSelector.matchLabels);
    }
  });

  test(`${name} has a configuration that nmqd understands`, () => {
    const text = only('ConfigMap').data[environment.NMQ_CONFIG.replace(/^\/etc\/nmq\//, '')];
    const args = ['-Iproto', '-Ithird_party/googleapis', '--encode=nmq.config.v1.Config', 'proto/nmq/config/v1/config.proto'];
    const encoded = execFileSync('protoc', args, { cwd: root, input: text, stdio: ['pipe', 'pipe', 'pipe'] });
    assert.ok(encoded.length > 0);
  });
}

// Without what only one of them can say: which tool made it, and the hash of kustomize.
const comparable = (manifests) =>
  manifests
    .map((manifest) => {
      const plain = JSON.parse(
        JSON.stringify(manifest)
          .replace(/"nmq-[0-9a-z]{10}"/g, '"nmq"')
          .replaceAll(',"app.kubernetes.io/instance":"nmq"', ''),
      );
      delete plain.metadata.namespace;
      delete plain.spec?.template?.metadata?.annotations;
      for (const object of [plain, plain.spec?.template]) {
        for (const label of ['helm.sh/chart', 'app.kubernetes.io/managed-by', 'app.kubernetes.io/version']) {
          delete object?.metadata?.labels?.[label];
        }
      }
      return plain;
    })
    .sort((a, b) => `${a.kind} ${a.metadata.name}`.localeCompare(`${b.kind} ${b.metadata.name}`));

test('the chart makes what the base makes', () => {
  assert.deepEqual(comparable(helm(insecure)), comparable(kustomize('base')));
});

test('the chart has no faults', () => {
  assert.match(run('helm', 'lint', '--strict', insecure, 'deploy/helm'), /0 chart\(s\) failed/);
});

for (const [what, ...settings] of [
  ['without its options', '--set=networkPolicy.enabled=false', '--set=podDisruptionBudget.enabled=false'],
  ['with a storage class', '--set=storage.className=fast', '--set=storage.size=1Ti'],
  ['with another name', '--set=fullnameOverride=messages'],
  ['with clients of other namespaces', '--set=networkPolicy.clientNamespaceLabels.nmq-clients=yes'],
  ['with certificates of clients', '--set=insecureListen=false', '--set=tls.secret=nmq-tls', '--set=tls.clientCa=true'],
  ['with a digest', `--set=image.digest=sha256:${'0'.repeat(64)}`],
]) {
  test(`the chart ${what} is what Kubernetes takes`, async () => {
    assert.deepEqual(await problemsOf(helm(insecure, ...settings)), []);
  });
}

for (const [setting, said] of [
  ['replicas=3', /replicas/],
  ['image.tga=1', /tga/],
  ['terminationGracePeriodSeconds=5', /terminationGracePeriodSeconds/],
  ['drainGraceSeconds=60', /drainGraceSeconds/],
  ['storage.size=lots', /storage/],
  ['service.type=Nothing', /service/],
  ['threads=many', /threads/],
  ['auditLog=/var/log/nmq/audit.jsonl', /auditLog/],
  ['insecureListen=false', /tls\.secret/],
  ['tls.clientCa=true', /tls\.secret/],
  ['insecureListen=false,tls.secret=nmq-tls', /access\.secret/],
  ['insecureListen=false,access.secret=nmq-access', /tls\.secret/],
  ['networkPolicy.clientPodLabels.nmq-client=null', /clientPodLabels/],
]) {
  test(`the chart refuses ${setting}`, () => {
    assert.throws(() => helm(insecure, `--set=${setting}`), (error) => said.test(error.stderr));
  });
}

test('another configuration rolls the pod over', () => {
  const annotationsOf = (manifests) =>
    JSON.stringify(manifests.find((m) => m.kind === 'StatefulSet').spec.template.metadata.annotations);
  assert.notEqual(annotationsOf(helm(insecure)), annotationsOf(helm(insecure, '--set=configuration=namespace {name: "a"}')));
});
