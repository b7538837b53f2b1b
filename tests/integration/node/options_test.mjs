// What the calls of the Node clients take: checked at once, and declared for TypeScript as it is checked.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Nmqd } from './nmqd.mjs';

const require = createRequire(import.meta.url);
const PACKAGE = fileURLToPath(new URL('../../../client/node/', import.meta.url));
const nmq = require(PACKAGE);
const Q = require(`${PACKAGE}q.js`);
const io = require(`${PACKAGE}socketio.js`);
const { CALLS, typeOf } = require(`${PACKAGE}lib/options.js`);
// Longer than anything takes; a test that needs it fails.
const LONG = 60000;

const names = (...parts) => (error) => {
  assert.ok(error instanceof nmq.NmqError, `${error}`);
  assert.equal(error.code, 'INVALID_ARGUMENT');
  for (const part of parts) assert.ok(error.message.includes(part), `"${error.message}" lacks "${part}"`);
  return true;
};

describe('a wrong option', { timeout: LONG }, () => {
  let server;
  let client;

  before(async () => {
    server = await Nmqd.start();
    client = await nmq.connect(server.address);
  });
  after(async () => {
    await client.close();
    await server.close();
  });

  const message = { queue: 'DB', event: 'E' };

  for (const [options, ...parts] of [
    ['DB', 'options', "'DB'", 'queue, event, patterns'],
    [{ queue: 'DB', start: 'latest' }, 'start', "'latest'", '"new", "earliest"'],
    [{ start: { lasts: 1 } }, 'start.lasts', 'last, sequence, time, after'],
    [{ start: { last: 1, sequence: 2 } }, 'start', 'one of last, sequence, time, after'],
    [{ start: { last: '1' } }, 'start.last', "'1'", 'a whole number from 0'],
    [{ start: { time: 'now' } }, 'start.time', "'now'", 'Date'],
    [{ start: { time: new Date(NaN) } }, 'start.time', 'valid Date'],
    [{ start: { after: [{ queue: 'DB', sequence: 1 }] } }, 'start.after[0].epoch', 'missing'],
    [{ headers: { a: 'b' } }, 'headers', "{ a: 'b' }", 'a list, each an object with name, value'],
    [{ headers: [{ key: 'a' }] }, 'headers[0].key', 'name, value'],
    [{ patterns: 'DB' }, 'patterns', "'DB'", 'a list, each an object with queue, event'],
    [{ patterns: [] }, 'patterns', 'empty'],
    [{ patterns: [{ queue: 'a' }], queue: 'b' }, 'patterns and queue', 'one of them'],
    [{ room: 'kitchen' }, 'room', "'kitchen'", 'rooms'],
    [{ rooms: 7 }, 'rooms', '7', 'a list, each a string'],
    [{ rooms: ['a', undefined] }, 'rooms[1]', 'undefined', 'a string'],
    [{ rooms: null }, 'rooms', 'null', 'a string'],
    [{ overflow: 'drop-oldest' }, 'overflow', "'drop-oldest'", '"OVERFLOW_DROP_OLDEST"'],
    [{ overflowMessages: -1 }, 'overflowMessages', '-1', 'a whole number'],
    [{ group: { ackDeadline: 5 } }, 'group.name', 'missing'],
    [{ group: { name: 'g', ackDeadline: '5s' } }, 'group.ackDeadline', "'5s'", 'milliseconds'],
    [{ group: { name: 'g', attempts: 5 } }, 'group.attempts', 'attemptsMax'],
    [{ onGap: 'log' }, 'onGap', "'log'", 'a function'],
    [{ signal: 1 }, 'signal', '1', 'an AbortSignal'],
  ]) {
    test(`of subscribe is refused by its name: ${JSON.stringify(options)}`, async () => {
      await assert.rejects(client.subscribe(options), names('subscribe', ...parts));
    });
  }

  for (const [fields, ...parts] of [
    [{ room: 'kitchen' }, 'room', "'kitchen'", 'rooms'],
    [{ rooms: [] }, 'rooms', 'empty list'],
    [{ clients: [] }, 'clients', 'empty list'],
    [{ rooms: ['a'], clients: [] }, 'clients', 'empty list'],
    [{ queue: undefined }, 'queue', 'missing', 'a string'],
    [{ event: 7 }, 'event', '7', 'a string'],
    [{ payload: { id: 1 } }, 'payload', '{ id: 1 }', 'a Buffer or Uint8Array'],
    [{ payload: 'a', json: 1 }, 'payload and json', 'one of them'],
    [{ json: () => {} }, 'json', 'function'],
    [{ json: 1n }, 'json', 'BigInt'],
    [{ headers: { a: 1 } }, 'headers.a', '1', 'a string'],
    [{ headers: [{ name: 'a' }] }, 'headers', 'an object of strings'],
    [{ deliverAt: 1000 }, 'deliverAt', '1000', 'Date'],
    [{ exceptPublisher: 'yes' }, 'exceptPublisher', "'yes'", 'true or false'],
  ]) {
    test(`of a message is refused by its name: ${Object.keys(fields)} ${parts[1]}`, async () => {
      await assert.rejects(client.publish({ ...message, ...fields }), names(...parts));
      await assert.rejects(client.request({ ...message, ...fields }), names(...parts));
    });
  }

  test('of any other call is refused by its name', async () => {
    await assert.rejects(client.publish(message, { expectLast: 1 }), names('publish', 'expectLast', 'countMatches'));
    await assert.rejects(client.request(message, { timeout: '5s' }), names('request', 'timeout', "'5s'"));
    await assert.rejects(client.reply({}, {}), names('reply', 'replyTo', 'missing'));
    await assert.rejects(client.join(), names('join', 'rooms', 'missing'));
    await assert.rejects(client.join([1]), names('join', 'rooms[0]', '1'));
    await assert.rejects(client.leave('a', { sginal: 1 }), names('leave', 'sginal', 'signal'));
    await assert.rejects(client.close({ leaves: false }), names('close', 'leaves', 'leave'));
    await assert.rejects(client.acknowledge('q', 'g', [{ first: 1, delivery: '1' }]), names('acknowledgements[0]', 'done'));
    assert.throws(() => client.registry.rooms({ name: 'a' }), names('name', 'room'));
    assert.throws(() => client.registry.watch({ since: 1 }), names('since', 'afterRevision'));
    await assert.rejects(client.registry.client(7), names('clientId', '7'));
    await assert.rejects(client.registry.countClients({ rooms: 'a' }), names('rooms', 'room'));
    assert.throws(() => new nmq.Client('', { nmaespace: 'a' }), names('nmaespace', 'namespace'));
    assert.throws(() => new nmq.Client('', { backoff: { factor: 0 } }), names('backoff.factor', '0', 'from 1'));
    await assert.rejects(nmq.connect(50051), names('server', '50051', 'a string'));
    const messages = await client.subscribe({ queue: 'DB' });
    await assert.rejects(messages.extend({ queue: 'DB', sequence: 1, delivery: '1' }), names('milliseconds', 'missing'));
  });

  test('of nmq/q and nmq/socketio is refused by its name', async () => {
    assert.throws(() => new Q(), names('queue', 'missing'));
    assert.throws(() => new Q('q').subscribe('E'), names('callback', 'missing'));
    await assert.rejects(Q.publish('q'), names('event', 'missing'));
    assert.throws(() => io('127.0.0.1:1', { transports: ['websocket'] }), names('transports', 'autoConnect'));
    const socket = io('127.0.0.1:1', { autoConnect: false });
    assert.throws(() => socket.on('x'), names('listener', 'missing'));
    assert.throws(() => socket.emit(), names('event', 'missing'));
    for (const narrow of ['to', 'in']) {
      assert.throws(() => socket[narrow]([]), names('rooms', 'empty list'));
      assert.throws(() => socket.to('a')[narrow]([]), names('rooms', 'empty list'));
      assert.throws(() => socket[narrow](undefined), names('rooms', 'missing'));
    }
  });

  // What a call needs besides the wrong value.
  const samples = {
    sequence: 1,
    delivery: '1',
    replyTo: 'r',
    rooms: 'r',
    queue: 'q',
    group: 'g',
    acknowledgements: [],
    clientId: 'c',
    name: 'n',
    start: 'new',
    event: 'e',
    listener: () => {},
    callback: () => {},
    milliseconds: 1,
    reason: 'r',
    url: '127.0.0.1:1',
  };

  function sampleOf(name, kind) {
    if (!kind.fields) return samples[name];
    const needed = Object.entries(kind.fields).filter(([, { required }]) => required);
    return Object.fromEntries(needed.map(([field, some]) => [field, sampleOf(field, some)]));
  }

  // [wrong value of a parameter, what the error names].
  function* wrongValues(name, kind) {
    if (typeOf(kind) === 'unknown') return;
    yield [Symbol('wrong'), name, 'Symbol(wrong)', kind.allowed];
    if (!kind.fields) return;
    const sample = sampleOf(name, kind);
    if (!kind.open) yield [{ ...sample, nonesuch: 1 }, 'nonesuch', ...Object.keys(kind.fields)];
    for (const [field, { allowed, types }] of Object.entries(kind.fields)) {
      if (types[0] !== 'unknown') yield [{ ...sample, [field]: Symbol('wrong') }, field, 'Symbol(wrong)', allowed];
      if (types[0] !== 'unknown') yield [{ ...sample, [field]: null }, field, 'null', allowed];
    }
  }

  test('in any place of any call in the table is refused by its name', async () => {
    const messages = await client.subscribe({ queue: 'DB' });
    const socket = io('127.0.0.1:1', { autoConnect: false });
    const q = new Q('q');
    const target = { Client: client, Subscription: messages, Registry: client.registry, Admin: client.admin, Socket: socket };
    target.Publisher = client.publisher();
    const call = (name, args) => {
      const [owner, method] = name.split('.');
      if (name === 'connect') return nmq.connect(...args);
      if (name === 'io') return io(...args);
      if (name === 'new Client') return new nmq.Client(...args);
      if (name === 'new Q') return new Q(...args);
      if (name === 'Q.publish') return Q.publish(...args);
      return { ...target, Q: q, Broadcast: socket.to('r') }[owner][method](...args);
    };
    let tried = 0;
    for (const [name, parameters] of Object.entries(CALLS)) {
      const before = [];
      for (const [parameter, kind] of Object.entries(parameters)) {
        for (const [value, ...parts] of wrongValues(parameter, kind)) {
          await assert.rejects(async () => call(name, [...before, value]), names(...parts), `${name} ${parts[0]}`);
          ++tried;
        }
        before.push(sampleOf(parameter, kind));
      }
    }
    assert.ok(tried > 300, `${tried}`);
  });

  test('one name is a list of one', async () => {
    const messages = await client.subscribe({ queue: 'names', rooms: 'kitchen' });
    assert.deepEqual(client.rooms, ['kitchen']);
    const say = (payload, audience) => client.publish({ queue: 'names', event: 'E', payload, ...audience });
    await say('1', { rooms: 'k' });
    await say('2', { exceptRooms: 'kitchen' });
    await say('3', { clients: client.clientId });
    await say('4', { rooms: 'kitchen', exceptRooms: [] });
    const heard = [];
    while (heard.length < 2) heard.push((await messages.next()).value.payload.toString());
    assert.deepEqual(heard, ['3', '4']);
  });

  test('that is undefined is not given', async () => {
    const options = { queue: 'undefined', onGap: undefined, rooms: undefined, start: undefined };
    const messages = await client.subscribe(options);
    await client.publish({ queue: 'undefined', event: 'E', rooms: undefined }, { timeout: undefined });
    assert.equal((await messages.next()).value.queue, 'undefined');
  });
});
