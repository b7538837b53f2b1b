// Messages that are encoded and decoded by hand are what protobufjs makes of them.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';

const require = createRequire(import.meta.url);
const { types } = require('../../../../client/node/lib/proto.js');
const wire = require('../../../../client/node/lib/wire.js');

const Message = types.lookupType('nmq.v1.Message');
const Response = types.lookupType('nmq.v1.SubscribeResponse');
const Request = types.lookupType('nmq.v1.PublishStreamRequest');

const time = { seconds: 1796054160, nanos: 435220999 };
const PLAIN = {
  queue: 'DB', event: 'CREATE', payload: Buffer.from([0, 255, 128]), id: 'a-1', epoch: '18446744073709551615',
  sequence: 2 ** 53 - 1, publishTime: time, publisher: 'c-1',
};
const MESSAGES = [
  PLAIN,
  { ...PLAIN, payload: Buffer.alloc(0), epoch: '1', sequence: 1, publisher: '' },
  { ...PLAIN, queue: 'größe', contentType: 'application/json', key: 'ключ', requestId: 'r', replyTo: 't'.repeat(300) },
  { ...PLAIN, attempt: 3, delivery: '9007199254740993', payload: Buffer.alloc(70000, 1) },
  { ...PLAIN, headers: { a: 'b', c: '' }, audience: { rooms: ['x', 'y'], exceptPublisher: true } },
  { ...PLAIN, deadLetter: { queue: 'Q', epoch: '7', sequence: '8', group: 'g', attempts: 5, reason: 'r', time } },
  { ...PLAIN, publishTime: { seconds: 0, nanos: 0 }, deliverAt: time, expireAt: time },
  { queue: 'Q' },
];
const encoded = MESSAGES.map((message) => Message.encode(Message.fromObject(message)).finish());

test('what is read by hand is what protobufjs reads', () => {
  const reader = new wire.MessageReader();
  for (const [i, bytes] of [...encoded, ...encoded].entries()) {
    const place = Buffer.concat([Buffer.from([1, 2]), bytes, Buffer.from([3])]);
    const read = reader.read(place, 2, 2 + bytes.length);
    assert.deepEqual(read, wire.readRare(bytes), `message ${i % MESSAGES.length}`);
  }
  const first = reader.read(encoded[0], 0, encoded[0].length);
  assert.deepEqual(
    { ...PLAIN, publishTime: new Date(1796054160435) },
    Object.fromEntries(Object.keys(PLAIN).map((name) => [name, first[name]])),
  );
});

test('the messages of a frame are read one by one', () => {
  const frame = Buffer.from(Response.encode(Response.fromObject({ batch: { messages: MESSAGES } })).finish());
  assert.ok(wire.isBatch(frame));
  assert.deepEqual(new wire.Batch(frame, new wire.MessageReader()).rest(), encoded.map((bytes) => wire.readRare(bytes)));
  const other = Response.encode(Response.fromObject({ heartbeat: { time } })).finish();
  assert.equal(wire.isBatch(Buffer.from(other)), false);
});

test('what is cut off is refused, wherever', () => {
  for (const bytes of encoded.slice(0, 3)) {
    for (let length = 1; length < bytes.length; ++length) {
      // What ends between two fields is a message, too.
      try {
        new wire.MessageReader().read(bytes.subarray(0, length), 0, length);
      } catch (error) {
        assert.ok(error instanceof RangeError, error.stack);
      }
    }
  }
});

test('what is written by hand is what protobufjs reads', () => {
  const writer = new wire.MessageWriter();
  const written = [];
  const add = (queue, event, contentType, payload, fields) => {
    writer.add(queue, event, contentType, payload, fields ? wire.encodeRest(fields) : Buffer.alloc(0));
    written.push({ queue, event, ...(contentType && { contentType }), payload: Buffer.from(payload), ...fields });
  };
  add('DB', 'CREATE', '', 'text: größe', undefined);
  for (const length of [0, 1, 127, 128, 16383, 16384, 200000, 2100000]) add('DB', 'CREATE', '', Buffer.alloc(length, 7));
  add('DB', 'DELETE', 'application/json', '{}', { key: 'k', headers: { a: 'b' }, audience: { rooms: ['r'] } });
  add('FS', 'DELETE', 'application/json', new Uint8Array([1, 2]), { requestId: 'r' });
  const read = Request.decode(writer.bytes()).messages;
  assert.equal(read.length, written.length);
  for (const [i, message] of written.entries()) {
    assert.deepEqual(Message.toObject(read[i]), Message.toObject(Message.fromObject(message)), `message ${i}`);
  }
});
