'use strict';

// Messages as bytes of protobuf, by hand: what a client does for each message. What is rare goes through protobufjs.

const { types, plain } = require('./proto.js');

const Message = types.lookupType('nmq.v1.Message');
const CONVERSION = { longs: String, enums: String, defaults: true, oneofs: true, arrays: true, objects: true };
// Fields of nmq.v1.Message, their number and kind of value as on the wire.
const FIELD = { queue: 0x0a, event: 0x12, payload: 0x1a, contentType: 0x52 };
// PublishStreamRequest.messages.
const MESSAGES = 0x22;
// SubscribeResponse.batch and Batch.messages.
const BATCH = 0x12;
const BATCH_MESSAGES = 0x0a;
const VARINT_MAX = 10;
// What a writer has at least, for small messages.
const CAPACITY = 1024;
const EMPTY = Buffer.alloc(0);

function writeVarint(buffer, offset, value) {
  while (value > 0x7f) {
    buffer[offset++] = (value & 0x7f) | 0x80;
    value >>>= 7;
  }
  buffer[offset++] = value;
  return offset;
}

function field(tag, text) {
  const bytes = Buffer.from(text);
  const made = Buffer.allocUnsafe(1 + VARINT_MAX + bytes.length);
  made[0] = tag;
  const offset = writeVarint(made, 1, bytes.length);
  bytes.copy(made, offset);
  return made.subarray(0, offset + bytes.length);
}

// Messages for one request of PublishStream, encoded where they will be sent from.
class MessageWriter {
  #buffer;
  #head = EMPTY;
  #queue;
  #event;
  #contentType;
  length = 0;

  constructor(bytes = 0) {
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(CAPACITY, bytes + CAPACITY));
  }

  // The most that a message can take; `rest` is what else it has, encoded.
  static bound(payload, rest) {
    const bytes = typeof payload === 'string' ? payload.length * 3 : payload.length;
    return bytes + rest.length + 2 * VARINT_MAX + 2;
  }

  // What queue, event and contentType are on the wire; the same for many messages.
  #setHead(queue, event, contentType) {
    if (queue === this.#queue && event === this.#event && contentType === this.#contentType) return;
    const type = contentType ? [field(FIELD.contentType, contentType)] : [];
    this.#head = Buffer.concat([field(FIELD.queue, queue), field(FIELD.event, event), ...type]);
    this.#queue = queue;
    this.#event = event;
    this.#contentType = contentType;
  }

  #reserve(size) {
    if (this.length + size <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#buffer.length, this.length + size));
    this.#buffer.copy(larger, 0, 0, this.length);
    this.#buffer = larger;
  }

  // `payload` is text or bytes.
  add(queue, event, contentType, payload, rest) {
    this.#setHead(queue, event, contentType);
    const text = typeof payload === 'string';
    const bytes = text ? Buffer.byteLength(payload) : payload.length;
    const head = this.#head;
    this.#reserve(head.length + MessageWriter.bound(payload, rest));
    const buffer = this.#buffer;
    const lengthOfLength = bytes < 0x80 ? 1 : bytes < 0x4000 ? 2 : bytes < 0x200000 ? 3 : bytes < 0x10000000 ? 4 : 5;
    let offset = this.length;
    buffer[offset++] = MESSAGES;
    offset = writeVarint(buffer, offset, head.length + 1 + lengthOfLength + bytes + rest.length);
    buffer.set(head, offset);
    offset += head.length;
    buffer[offset++] = FIELD.payload;
    offset = writeVarint(buffer, offset, bytes);
    if (text) buffer.write(payload, offset);
    else buffer.set(payload, offset);
    offset += bytes;
    if (rest.length > 0) buffer.set(rest, offset);
    this.length = offset + rest.length;
  }

  // The memory is this writer's until clear().
  bytes() {
    return this.#buffer.subarray(0, this.length);
  }
}

// Fields of nmq.v1.Message as protobufjs has them.
const encodeRest = (fields) => Message.encode(Message.fromObject(fields)).finish();

// Reads one buffer from its beginning; throws RangeError at what is no protobuf.
class Reader {
  constructor(buffer) {
    this.buffer = buffer;
    this.offset = 0;
  }

  // Up to 53 bits.
  varint() {
    const { buffer } = this;
    let byte = buffer[this.offset++];
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let factor = 128; ; factor *= 128) {
      byte = buffer[this.offset++];
      if (byte === undefined || factor > 2 ** 63) throw new RangeError('a message ends too early');
      if (byte < 0x80) return value + byte * factor;
      value += (byte & 0x7f) * factor;
    }
  }

  // Its digits.
  digits() {
    const { buffer } = this;
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = buffer[this.offset++];
      if (byte === undefined || shift > 63n) throw new RangeError('a message ends too early');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value.toString();
    }
  }

  // Where the value of a field of bytes ends; it begins at offset.
  end() {
    const length = this.varint();
    const end = this.offset + length;
    if (end > this.buffer.length) throw new RangeError('a message ends too early');
    return end;
  }

  skip(tag) {
    const kind = tag & 7;
    if (kind === 0) this.varint();
    else if (kind === 2) this.offset = this.end();
    else if (kind === 1 || kind === 5) this.offset += kind === 1 ? 8 : 4;
    else throw new RangeError(`a field of kind ${kind} in a message`);
  }
}

// A text that many messages have in common, decoded once.
class Repeated {
  #bytes = EMPTY;
  #value = '';

  constructor(decode) {
    this.decode = decode;
  }

  read(buffer, start, end) {
    const known = this.#bytes;
    const length = end - start;
    if (length === known.length) {
      let i = 0;
      while (i < length && known[i] === buffer[start + i]) ++i;
      if (i === length) return this.#value;
    }
    this.#bytes = Buffer.from(buffer.subarray(start, end));
    this.#value = this.decode(this.#bytes);
    return this.#value;
  }
}

// What is the same for most messages of a stream, read by the place where it stands.
class MessageReader {
  #queue = new Repeated((bytes) => bytes.toString());
  #event = new Repeated((bytes) => bytes.toString());
  #publisher = new Repeated((bytes) => bytes.toString());
  #contentType = new Repeated((bytes) => bytes.toString());
  #epoch = new Repeated((bytes) => new Reader(bytes).digits());
  #delivery = new Repeated((bytes) => new Reader(bytes).digits());

  // The message in the bytes from `start` to `end`, as index.d.ts has it.
  read(buffer, start, end) {
    const reader = new Reader(buffer);
    reader.offset = start;
    const message = {
      queue: '', event: '', payload: EMPTY, id: '', epoch: '0', sequence: 0, publishTime: undefined, publisher: '',
      headers: undefined, contentType: '', key: '', requestId: '', replyTo: '', attempt: 0, delivery: '0', rooms: undefined,
    };
    while (reader.offset < end) {
      const tag = reader.varint();
      if (!this.#readField(message, reader, tag, buffer)) return readRare(buffer.subarray(start, end));
    }
    if (reader.offset !== end) throw new RangeError('a message ends too early');
    if (message.publishTime === undefined) return readRare(buffer.subarray(start, end));
    message.headers ??= {};
    message.rooms ??= [];
    return message;
  }

  // False if it is one of the rare ones.
  #readField(message, reader, tag, buffer) {
    const start = reader.offset;
    if (tag === 0x28 || tag === 0x98) {
      reader.varint();
      const end = reader.offset;
      if (tag === 0x28) message.epoch = this.#epoch.read(buffer, start, end);
      else message.delivery = this.#delivery.read(buffer, start, end);
      return true;
    }
    if (tag === 0x30) return (message.sequence = reader.varint()) >= 0;
    if (tag === 0x80) return (message.attempt = reader.varint()) >= 0;
    return (tag & 7) === 2 && this.#readBytes(message, reader, tag, buffer);
  }

  #readBytes(message, reader, tag, buffer) {
    const end = reader.end();
    const start = reader.offset;
    reader.offset = end;
    switch (tag) {
      case FIELD.queue: message.queue = this.#queue.read(buffer, start, end); return true;
      case FIELD.event: message.event = this.#event.read(buffer, start, end); return true;
      case FIELD.payload: message.payload = buffer.subarray(start, end); return true;
      case 0x22: message.id = buffer.latin1Slice(start, end); return true;
      case 0x3a: message.publishTime = readTime(buffer, start, end); return true;
      case 0x42: message.publisher = this.#publisher.read(buffer, start, end); return true;
      case FIELD.contentType: message.contentType = this.#contentType.read(buffer, start, end); return true;
      case 0x5a: message.key = buffer.utf8Slice(start, end); return true;
      case 0x8a: message.replyTo = buffer.utf8Slice(start, end); return true;
      case 0x6a: message.requestId = buffer.utf8Slice(start, end); return true;
      default: return false;
    }
  }
}

function readTime(buffer, start, end) {
  const reader = new Reader(buffer);
  reader.offset = start;
  let [seconds, nanos] = [0, 0];
  while (reader.offset < end) {
    const tag = reader.varint();
    if (tag === 0x08) seconds = reader.varint();
    else if (tag === 0x10) nanos = reader.varint();
    else reader.skip(tag);
  }
  return new Date(seconds * 1000 + Math.floor(nanos / 1e6));
}

function readRare(bytes) {
  const message = plain('Message', Message.toObject(Message.decode(bytes), CONVERSION));
  message.rooms = message.audience?.rooms ?? [];
  delete message.audience;
  return message;
}

// The messages in a frame of a subscription, decoded one by one, when they are asked for.
class Batch {
  #reader;
  #messages;

  constructor(frame, messages) {
    this.#reader = new Reader(frame);
    this.#messages = messages;
    // SubscribeResponse.batch
    this.#reader.varint();
    this.#reader.end();
  }

  // Undefined at the end.
  next() {
    const reader = this.#reader;
    while (reader.offset < reader.buffer.length) {
      const tag = reader.varint();
      if (tag !== BATCH_MESSAGES) {
        reader.skip(tag);
        continue;
      }
      const end = reader.end();
      const start = reader.offset;
      reader.offset = end;
      return this.#messages.read(reader.buffer, start, end);
    }
    return undefined;
  }

  // All that are left.
  rest() {
    const messages = [];
    for (let message = this.next(); message; message = this.next()) messages.push(message);
    return messages;
  }
}

// Whether the bytes of a SubscribeResponse are a batch, and nothing else.
function isBatch(bytes) {
  if (bytes[0] !== BATCH) return false;
  const reader = new Reader(bytes);
  reader.varint();
  return reader.end() === bytes.length;
}

module.exports = { Batch, MessageReader, MessageWriter, encodeRest, isBatch, readRare };
