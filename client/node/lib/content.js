'use strict';

// Values of programs as what messages carry, for nmq/q and nmq/socketio.

const { types } = require('node:util');
const { refuse } = require('./options.js');

const JSON_TYPE = 'application/json';
const BYTES_TYPE = 'application/octet-stream';
// JSON in which {"$bytes": base64} are bytes; an object that has such a key by itself is inside {"$object": it}.
const MIXED_TYPE = 'application/json; bytes=base64';
const KEYS = ['$bytes', '$object'];

// `value` as a Buffer on the same memory; undefined if it is no bytes.
function bytesOf(value) {
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return types.isAnyArrayBuffer(value) ? Buffer.from(value) : undefined;
}

const hasKey = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && KEYS.some((key) => Object.hasOwn(value, key));

// Text for JSON, and whether there are bytes in it.
function stringify(value) {
  let mixed = false;
  const wrapped = new WeakSet();
  const replace = (escape) =>
    function (key, made) {
      // A Buffer has become another object by its own toJSON.
      const bytes = bytesOf(this[key]);
      if (bytes) {
        mixed = true;
        return { $bytes: bytes.toString('base64') };
      }
      if (!escape || !hasKey(made) || wrapped.has(this)) return made;
      const wrapper = { $object: made };
      wrapped.add(wrapper);
      return wrapper;
    };
  let text = JSON.stringify(value, replace(false));
  if (mixed) text = JSON.stringify(value, replace(true));
  return { text, mixed };
}

function restore(value) {
  if (typeof value !== 'object' || value === null) return value;
  if (Object.hasOwn(value, '$bytes')) return Buffer.from(value.$bytes, 'base64');
  const object = Object.hasOwn(value, '$object') ? value.$object : value;
  for (const key of Object.keys(object)) object[key] = restore(object[key]);
  return object;
}

// What a message carries: the value of JSON, text, bytes, or undefined if it carries nothing. Throws if it is not what
// its contentType says.
function valueOf({ payload, contentType }) {
  const [type, ...parameters] = contentType.split(';').map((part) => part.trim().toLowerCase());
  if (type === BYTES_TYPE) return payload;
  if (type === JSON_TYPE) {
    const value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
    return parameters.includes('bytes=base64') ? restore(value) : value;
  }
  if (payload.length === 0) return undefined;
  const text = payload.toString();
  return Buffer.from(text).equals(payload) ? text : payload;
}

function textOf(value) {
  let made;
  try {
    made = stringify(value);
  } catch (error) {
    refuse(`the payload is no value for JSON: ${error.message}`);
  }
  if (made.text === undefined) refuse(`the payload is no value for JSON: a ${typeof value}`);
  return made;
}

// The other way round, as fields of a message.
function contentOf(value) {
  if (value === undefined) return {};
  const bytes = bytesOf(value);
  // The program may use its memory again before this is sent.
  if (bytes) return { payload: Buffer.from(bytes), contentType: BYTES_TYPE };
  const { text, mixed } = textOf(value);
  return { payload: text, contentType: mixed ? MIXED_TYPE : JSON_TYPE };
}

// How to skip a message that cannot be read.
function warnOfSkipped(error, { queue, event, epoch, sequence }) {
  const which = `message ${sequence} of epoch ${epoch} of queue ${queue}, event ${event},`;
  process.emitWarning(`${which} is skipped: ${error.message}`, { type: 'NmqSkipped' });
}

module.exports = { contentOf, valueOf, warnOfSkipped };
