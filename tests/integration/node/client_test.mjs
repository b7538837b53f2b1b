// The Node client against a real nmqd.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { Nmqd } from './nmqd.mjs';

const nmq = createRequire(import.meta.url)('../../../client/node');

const CONFIG = `
  limits { payload_bytes: 65536 page_default: 2 page_max: 3 }
  namespace { name: "shop" queue { name: "DB" event: "CREATE" event: "DELETE" } }
  namespace { name: "default" queue { name: "log" durability: DURABILITY_DURABLE } }
`;
// Longer than anything takes; a test that needs it fails.
const LONG = 60000;

let server;
let clients = [];

async function connect(options) {
  const client = await nmq.connect(server.address, options);
  clients.push(client);
  return client;
}

afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  clients = [];
});

async function payloads(subscription, count) {
  const heard = [];
  while (heard.length < count) heard.push((await subscription.next()).value.payload.toString());
  return heard;
}

async function all(list) {
  const entries = [];
  for await (const entry of list) entries.push(entry);
  return entries;
}

const refusal = (code, reason) => (error) =>
  error instanceof nmq.NmqError && error.code === code && error.reason === reason;

describe('one server', { timeout: LONG }, () => {
  before(async () => {
    server = await Nmqd.start(CONFIG);
  });
  after(() => server.close());

  test('a client has an id, a session and limits', async () => {
    const client = await connect({ name: 'tester' });
    assert.ok(client.clientId && client.session);
    assert.equal(client.limits.payloadBytes, 65536);
  });

  test('a session inside its lease is the same client with its rooms', async () => {
    const first = await connect({ lease: 60000 });
    await first.join('lobby');
    await first.close({ leave: false });
    const second = await connect({ session: first.session });
    assert.ok(second.resumed);
    assert.equal(second.clientId, first.clientId);
    assert.deepEqual(second.rooms, ['lobby']);
  });

  test('closing leaves the namespace, and a closed client is of no more use', async () => {
    const watcher = await connect();
    const client = await connect();
    const { clientId } = client;
    await client.close();
    await client.close();
    await assert.rejects(watcher.registry.client(clientId), refusal('NOT_FOUND', 'CLIENT_NOT_FOUND'));
    await assert.rejects(client.publish({ queue: 'x', event: 'E' }), refusal('CANCELLED', ''));
  });

  test('a server that is not there is unavailable, and the error says what to do', async () => {
    const gone = await Nmqd.start();
    await gone.close();
    await assert.rejects(nmq.connect(gone.address, { waitForServer: 0 }), /UNAVAILABLE.*check that nmqd runs/);
  });

  test('waiting for a server that is not there ends with what was wrong at first', async () => {
    const gone = await Nmqd.start();
    await gone.close();
    const impatient = { waitForServer: 500, connectTimeout: 500 };
    await assert.rejects(nmq.connect(gone.address, impatient), /no answer from .* in 500 ms, and at first: .*REFUSED/);
  });

  test('an undeclared namespace is refused with its reason', async () => {
    await assert.rejects(connect({ namespace: 'nowhere' }), refusal('NOT_FOUND', 'NAMESPACE_NOT_FOUND'));
  });

  test('join and leave answer with the members', async () => {
    const [one, other] = [await connect(), await connect()];
    assert.deepEqual(await one.join(['a', 'b']), { a: 1, b: 1 });
    assert.deepEqual(await other.join('a'), { a: 2 });
    assert.deepEqual(await one.leave('a'), { a: 1 });
    assert.deepEqual(one.rooms, ['b']);
  });

  test('rooms, clients and exceptions choose who hears', async () => {
    const [one, two, me] = [await connect(), await connect(), await connect()];
    const atOne = await one.subscribe({ queue: 'who', rooms: ['r'] });
    const atTwo = await two.subscribe({ queue: 'who', rooms: ['quiet'] });
    const atMe = await me.subscribe({ queue: 'who' });
    const say = (payload, audience) => me.publish({ queue: 'who', event: 'E', payload, ...audience });
    await say('room', { rooms: ['r'] });
    await say('not in quiet', { exceptRooms: ['quiet'] });
    await say('not one', { exceptClients: [one.clientId] });
    await say('not me', { exceptPublisher: true });
    await say('only two', { clients: [two.clientId] });
    await say('end');
    assert.deepEqual(await payloads(atOne, 4), ['room', 'not in quiet', 'not me', 'end']);
    assert.deepEqual(await payloads(atTwo, 4), ['not one', 'not me', 'only two', 'end']);
    assert.deepEqual(await payloads(atMe, 3), ['not in quiet', 'not one', 'end']);
  });

  test('everything that a publisher says arrives', async () => {
    const client = await connect();
    const messages = await client.subscribe({ queue: 'full' });
    const payload = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const said = { queue: 'full', event: 'E', key: 'k', contentType: 'a/b', headers: { h: 'v' } };
    const { matched, id, epoch, sequence } = await client.publish({ ...said, payload }, { countMatches: true });
    const { value } = await messages.next();
    assert.equal(matched, 1);
    assert.deepEqual(value.payload, payload);
    for (const [name, what] of Object.entries({ ...said, id, epoch, sequence, publisher: client.clientId })) {
      assert.deepEqual(value[name], what);
    }
  });

  test('a client that only publishes need not enter the namespace', async () => {
    const publisher = new nmq.Client(server.address, { publishWithSession: false });
    await publisher.publish({ queue: 'anonymous', event: 'E' });
    assert.equal(publisher.clientId, '');
    await publisher.close();
  });

  test('the same request id is taken once', async () => {
    const client = await connect();
    const first = await client.publish({ queue: 'once', event: 'E', requestId: '1' });
    const again = await client.publish({ queue: 'once', event: 'E', requestId: '1' });
    assert.deepEqual([first.duplicate, again.duplicate, again.sequence], [false, true, first.sequence]);
  });

  test('an expected last sequence that is not the last is refused', async () => {
    const client = await connect();
    const publish = () => client.publish({ queue: 'chain', event: 'E' }, { expectedLastSequence: 0 });
    await publish();
    await assert.rejects(publish(), (error) => error.reason === 'SEQUENCE_MISMATCH' && error.metadata.bound === '1');
  });

  test('a payload at the limit is taken, and one above is refused', async () => {
    const client = await connect();
    const publish = (bytes) => client.publish({ queue: 'large', event: 'E', payload: Buffer.alloc(bytes) });
    await publish(65536);
    await assert.rejects(publish(65537), refusal('RESOURCE_EXHAUSTED', 'LIMIT_EXCEEDED'));
  });

  test('an event that is not declared is refused with what to do', async () => {
    const client = await connect({ namespace: 'shop' });
    await assert.rejects(client.publish({ queue: 'DB', event: 'UPDATE' }), /EVENT_NOT_FOUND\); .*declare it/);
  });

  test('answers come back, also those that are errors', async () => {
    const [asker, answerer] = [await connect(), await connect()];
    const questions = await answerer.subscribe({ queue: 'ask' });
    const ask = (event) => asker.request({ queue: 'ask', event, payload: 'hello' }, { timeout: LONG });
    const answer = async (make) => {
      const { value } = await questions.next();
      await answerer.reply(value, make(value));
    };
    const [heard] = await Promise.all([ask('Q'), answer((q) => ({ payload: q.payload.toString().toUpperCase() }))]);
    assert.ok(heard.complete);
    assert.equal(heard.answers[0].payload.toString(), 'HELLO');
    const [failed] = await Promise.all([ask('Q'), answer(() => ({ error: 'no such record' }))]);
    assert.match(failed.answers[0].error.message, /no such record/);
    questions.close();
    await assert.rejects(asker.request({ queue: 'silence', event: 'Q' }), refusal('UNAVAILABLE', 'NOBODY_LISTENS'));
  });

  test('lists go on from page to page', async () => {
    const labels = { kind: 'many' };
    const many = [];
    for (let i = 0; i < 7; ++i) many.push(await connect({ labels }));
    const listed = await all(many[0].registry.clients({ labels }));
    assert.deepEqual(listed.map(({ id }) => id).sort(), many.map(({ clientId }) => clientId).sort());
    assert.equal(await many[0].registry.countClients({ labels }), 7);
  });

  test('rooms, queues, namespaces and subscriptions are listed', async () => {
    const client = await connect();
    await client.join(['l.1', 'l.2', 'l.3', 'other']);
    const subscription = await client.subscribe({ queue: 'listed' });
    const names = async (list) => (await all(list)).map(({ name, id }) => name ?? id);
    assert.deepEqual(await names(client.registry.rooms({ room: 'l.*', pageSize: 1 })), ['l.1', 'l.2', 'l.3']);
    assert.deepEqual(await names(client.registry.subscriptions({ clientId: client.clientId })), [subscription.id]);
    assert.deepEqual(await names(client.registry.namespaces()), ['default', 'shop']);
    assert.deepEqual(await names(client.registry.queues({ namespace: 'shop' })), ['DB']);
  });

  test('a watch tells of who comes', async () => {
    const client = await connect();
    const watch = client.registry.watch();
    assert.deepEqual((await watch.next()).value.changes, []);
    const other = await connect();
    assert.equal((await watch.next()).value.changes[0].clientId, other.clientId);
    await watch.return();
  });

  test('subscriptions start where they are told', async () => {
    const client = await connect();
    for (let i = 1; i <= 5; ++i) await client.publish({ queue: 'start', event: 'E', payload: `${i}` });
    for (const [start, heard] of [
      ['earliest', ['1', '2', '3', '4', '5']],
      [{ last: 2 }, ['4', '5']],
      [{ sequence: 4 }, ['4', '5']],
      [{ time: new Date(0) }, ['1', '2', '3', '4', '5']],
    ]) {
      const messages = await client.subscribe({ queue: 'start', start });
      assert.deepEqual(await payloads(messages, heard.length), heard);
      messages.close();
    }
    const first = await client.subscribe({ queue: 'start', start: 'earliest' });
    await payloads(first, 2);
    const next = await client.subscribe({ queue: 'start', start: { after: first.positions } });
    assert.deepEqual(await payloads(next, 3), ['3', '4', '5']);
    await assert.rejects(
      client.subscribe({ queue: 'start', start: { sequence: 9 } }),
      refusal('OUT_OF_RANGE', 'POSITION_NOT_REACHED'),
    );
  });

  test('several patterns are one subscription', async () => {
    const client = await connect();
    const messages = await client.subscribe({ patterns: [{ queue: 'p.*', event: 'A' }, { queue: 'q', event: 'B' }] });
    for (const [queue, event, payload] of [['p.1', 'A', '1'], ['p.1', 'B', '2'], ['q', 'B', '3']]) {
      await client.publish({ queue, event, payload });
    }
    assert.deepEqual(await payloads(messages, 2), ['1', '3']);
  });

  test('headers choose what is heard', async () => {
    const client = await connect();
    const headers = [{ name: 'kind', value: 'a' }, { name: 'more' }];
    const messages = await client.subscribe({ queue: 'filtered', headers });
    for (const [payload, kind, more] of [['1', 'b', ''], ['2', 'a', undefined], ['3', 'a', 'x']]) {
      const given = more === undefined ? { kind } : { kind, more };
      await client.publish({ queue: 'filtered', event: 'E', payload, headers: given });
    }
    assert.deepEqual(await payloads(messages, 1), ['3']);
  });

  test('a message can wait for its time', async () => {
    const client = await connect();
    const messages = await client.subscribe({ queue: 'later' });
    const [deliverAt, expireAt] = [1000, LONG].map((milliseconds) => new Date(Date.now() + milliseconds));
    const late = await client.publish({ queue: 'later', event: 'E', payload: 'late', deliverAt, expireAt });
    assert.equal(late.sequence, 0);
    await client.publish({ queue: 'later', event: 'E', payload: 'first' });
    assert.deepEqual(await payloads(messages, 2), ['first', 'late']);
  });

  test('leaving the loop ends the subscription', async () => {
    const client = await connect();
    const messages = await client.subscribe({ queue: 'loop' });
    const changes = client.registry.watch();
    await changes.next();
    await client.publish({ queue: 'loop', event: 'E' });
    for await (const message of messages) if (message.event === 'E') break;
    for await (const { changes: some } of changes) {
      if (some.some(({ kind }) => kind === 'CHANGE_KIND_SUBSCRIPTION_ENDED')) break;
    }
    assert.ok((await messages.next()).done);
  });

  test('a signal ends a loop that waits, and a call', async () => {
    const client = await connect();
    const controller = new AbortController();
    const { signal } = controller;
    const messages = await client.subscribe({ queue: 'aborted', signal });
    const waiting = messages.next();
    const questions = await client.subscribe({ queue: 'unanswered' });
    const asking = client.request({ queue: 'unanswered', event: 'Q' }, { timeout: LONG, signal });
    await questions.next();
    controller.abort();
    await assert.rejects(waiting, { name: 'AbortError' });
    await assert.rejects(asking, { name: 'AbortError' });
    await assert.rejects(client.subscribe({ queue: 'x', signal }), { name: 'AbortError' });
  });

  test('closing the client ends a loop that waits', async () => {
    const client = await connect();
    const messages = await client.subscribe({ queue: 'waiting' });
    const waiting = messages.next();
    await client.close();
    assert.ok((await waiting).done);
  });
});

test('a program that blocks for longer than the server is ever silent keeps its subscription', { timeout: LONG }, async () => {
  server = await Nmqd.start('limits { heartbeat { seconds: 1 } }');
  const client = await connect();
  const states = [];
  const messages = await client.subscribe({ queue: 'blocked', onState: (state) => states.push(state) });
  const waiting = messages.next();
  // Three heartbeats that are missed mean a dead stream.
  const until = performance.now() + 4000;
  // The last read was just before.
  await new Promise(setImmediate);
  while (performance.now() < until);
  await client.publish({ queue: 'blocked', event: 'E' });
  assert.equal((await waiting).value.event, 'E');
  assert.deepEqual(states, ['connected']);
  await client.close();
  await server.close();
});

describe('a server that restarts', { timeout: 2 * LONG }, () => {
  let gaps;
  let states;
  const patient = { waitForServer: LONG, timeout: LONG };
  const told = { onGap: (gap) => gaps.push(gap), onState: (state) => states.push(state) };

  beforeEach(async () => {
    server = await Nmqd.start(CONFIG);
    gaps = [];
    states = [];
  });
  afterEach(() => server.close());

  async function restart(end = 'kill') {
    await server[end]();
    await server.start();
  }

  test('a durable queue loses and doubles nothing when the server is killed', async () => {
    const client = await connect(patient);
    const messages = await client.subscribe({ queue: 'log', ...told });
    const publish = async (from, to) => {
      for (let i = from; i < to; ++i) await client.publish({ queue: 'log', event: 'E', payload: `${i}` });
    };
    await publish(0, 200);
    const heard = await payloads(messages, 100);
    await restart();
    await publish(200, 400);
    heard.push(...(await payloads(messages, 300)));
    assert.deepEqual(heard, Array.from({ length: 400 }, (_, i) => `${i}`));
    assert.deepEqual(gaps, []);
    assert.deepEqual(states, ['connected', 'reconnecting', 'connected']);
  });

  test('a live queue tells of the gap when the server is killed', async () => {
    const client = await connect(patient);
    const messages = await client.subscribe({ queue: 'live', ...told });
    const first = await client.publish({ queue: 'live', event: 'E', payload: 'before' });
    assert.deepEqual(await payloads(messages, 1), ['before']);
    await restart();
    await client.publish({ queue: 'live', event: 'E', payload: 'after' });
    assert.deepEqual(await payloads(messages, 1), ['after']);
    const reason = 'GAP_REASON_EPOCH_CHANGED';
    assert.deepEqual(gaps, [{ queue: 'live', epoch: first.epoch, first: first.sequence + 1, last: 0, reason }]);
  });

  test('rooms are joined again after a restart', async () => {
    const [client, publisher] = [await connect(patient), await connect(patient)];
    await client.join('joined');
    const messages = await client.subscribe({ queue: 'log', rooms: ['asked'], ...told });
    const { clientId } = client;
    await restart();
    await publisher.publish({ queue: 'log', event: 'E', payload: 'end' });
    assert.deepEqual(await payloads(messages, 1), ['end']);
    assert.notEqual(client.clientId, clientId);
    await publisher.publish({ queue: 'log', event: 'E', payload: '1', rooms: ['joined'] });
    await publisher.publish({ queue: 'log', event: 'E', payload: '2', rooms: ['asked'] });
    assert.deepEqual(await payloads(messages, 2), ['1', '2']);
  });

  test('a subscription moves on when the server drains', async () => {
    const client = await connect(patient);
    const messages = await client.subscribe({ queue: 'log', ...told });
    await client.publish({ queue: 'log', event: 'E', payload: 'before' });
    const heard = payloads(messages, 2);
    await restart('stop');
    await client.publish({ queue: 'log', event: 'E', payload: 'after' });
    assert.deepEqual(await heard, ['before', 'after']);
    assert.deepEqual(gaps, []);
  });

  test('closing does not wait for a server that is gone', async () => {
    const client = await connect(patient);
    const messages = await client.subscribe({ queue: 'log', ...told });
    const waiting = messages.next();
    await server.kill();
    await client.close();
    assert.ok((await waiting).done);
  });
});
