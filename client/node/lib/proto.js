'use strict';

// What the .proto files say, and plain values in place of what travels: sequences and counts are numbers, epochs
// and names of deliveries are strings (they take 64 bits), times are Dates, durations are milliseconds.

const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');
const protobuf = require('protobufjs');
// Made by generate.mjs.
const descriptors = require('./descriptors.json');

const definition = loader.fromJSON(descriptors, { longs: String, enums: String, defaults: true, oneofs: true });
const { v1 } = grpc.loadPackageDefinition(definition).nmq;

const millisecondsOf = (duration) => Number(duration.seconds) * 1000 + duration.nanos / 1e6;

// What a field's value becomes. Descriptors name types as the .proto files do: nmq's own without their package.
function plainField(field, value) {
  if (value === null || value === undefined) return undefined;
  if (field.type === 'TYPE_UINT64') return /epoch$|^delivery$/i.test(field.name) ? value : Number(value);
  if (field.type !== 'TYPE_MESSAGE') return value;
  const type = field.typeName.replace(/^\./, '');
  if (type === 'google.protobuf.Timestamp') return new Date(Math.floor(millisecondsOf(value)));
  if (type === 'google.protobuf.Duration') return millisecondsOf(value);
  return definition[`nmq.v1.${type}`] === undefined ? value : plain(type, value);
}

// `value` of message `type` as plain values.
function plain(type, value) {
  const result = {};
  for (const field of definition[`nmq.v1.${type}`].type.field) {
    const { name } = field;
    const repeated = field.label === 'LABEL_REPEATED' && Array.isArray(value[name]);
    const made = repeated ? value[name].map((entry) => plainField(field, entry)) : plainField(field, value[name]);
    if (made !== undefined) result[name] = made;
  }
  return result;
}

function durationOf(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds, nanos: Math.round((milliseconds - seconds * 1000) * 1e6) };
}

const timestampOf = (date) => durationOf(date.getTime());

// google.rpc.Status and its details travel inside metadata, which no method's own code reads.
const types = protobuf.Root.fromJSON(descriptors);

// `bytes` as a google.rpc type; undefined if they are none.
function decodeRpc(type, bytes) {
  try {
    return types.lookupType(`google.rpc.${type}`).decode(bytes);
  } catch {
    return undefined;
  }
}

module.exports = { types, v1, plain, durationOf, timestampOf, millisecondsOf, decodeRpc };
