// Run with: node --test tests/unit/bench/plot_test.mjs
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { panelsOf, systemsOf } from '../../bench/plot_panels.mjs';

const PLOT = fileURLToPath(new URL('../../bench/plot.mjs', import.meta.url));
let folder;
before(() => (folder = mkdtempSync(join(tmpdir(), 'plot-'))));
after(() => rmSync(folder, { recursive: true }));

const record = (workload, system, figure, median) => {
  return { workload, system, figure, unit: '', median, min: median * 0.9, max: median * 1.1, rounds: 3 };
};

function plot(run) {
  const [input, output] = [join(folder, 'figures.json'), join(folder, 'chart.svg')];
  rmSync(output, { force: true });
  writeFileSync(input, JSON.stringify(run));
  const { status, stderr } = spawnSync(process.execPath, [PLOT, input, output], { encoding: 'utf8' });
  return { status, stderr, svg: status === 0 ? readFileSync(output, 'utf8') : '' };
}

const ALL = ['nmq', 'redis', 'another'].flatMap((system) => [
  record('W1/1/128', system, 'deliveries', 1234567),
  record('W1/10/128', system, 'deliveries', 2e6),
  record('W1/10/128', system, 'server CPU per delivery', 0.25),
  record('W2/2000x10', system, 'latency p50', 0.11),
  record('W2/2000x10', system, 'latency p99', 0.42),
  record('W3/1000', system, 'server CPU per delivery', 4),
  record('W3/1000/own', system, 'server CPU per delivery', 8.1),
  record('W3/paced', system, 'server CPU per delivery', 5),
  record('W4/events', system, 'server CPU per message', 8),
  record('W4/events/own', system, 'server CPU per message', 16.2),
  record('W5/unary/16', system, 'published', 45600),
  record('W5/stream/100', system, 'published', 789000),
  record('W6/100', system, 'memory per idle subscription', 3072),
  record('W7/without', system, 'latency p99', 1.1),
  record('W7/stalled', system, 'latency p99', 1800),
  record('D1/one', system, 'stored', 876),
  record('D1/64', system, 'stored', 23400),
  record('D2/4', system, 'acknowledged', 345000),
  record('D3/earliest', system, 'read', 678000),
]);

test('every panel is drawn with its values', () => {
  const { status, stderr, svg } = plot({ machine: 'a machine', date: 'today', commit: 'abc', records: ALL });
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '');
  for (const text of ['nmq, Redis and another on one machine', 'a machine · today · nmq abc', 'Medians of 3 rounds']) {
    assert.ok(svg.includes(text), text);
  }
  // Per second of CPU: the inverse of 4 and 8 microseconds. Memory: KiB.
  for (const value of ['0.11 – 0.42', '1.1 – 1,800', '250k', '123k', '125k', '61.7k', '45.6k', '789k', '>3<', '876', '23.4k', '345k', '678k']) {
    assert.ok(svg.includes(value), value);
  }
  assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
});

test('panels without figures are left out', () => {
  const { status, stderr, svg } = plot({ records: [record('W5/unary/1', 'nmq', 'published', 10)] });
  assert.equal(status, 0, stderr);
  assert.ok(svg.includes('Publishing one by one'));
  assert.ok(!svg.includes('Latency'));
});

test('what is nothing is left out', () => {
  const records = [record('W1/1/128', 'nmq', 'deliveries', 0), record('W3/10', 'nmq', 'server CPU per delivery', 0)];
  assert.deepEqual(panelsOf(records, systemsOf(records)), []);
});

test('nothing to draw is an error', () => {
  const { status, stderr } = plot({ records: [record('W9', 'nmq', 'deliveries', 1)] });
  assert.equal(status, 1);
  assert.match(stderr, /^error: no figures to draw/);
});

test('nmq comes first, unknown systems last', () => {
  const records = ['another', 'socketio', 'nmq', 'redis'].map((system) => record('W1/1/128', system, 'deliveries', 1));
  assert.deepEqual(
    systemsOf(records).map(({ name }) => name),
    ['nmq', 'Redis', 'Socket.IO', 'another'],
  );
});
