'use strict';

const grpc = require('@grpc/grpc-js');

// "http://host:port/namespace", or "host:port", as options of a Client. https stands for TLS.
function parseAddress(url) {
  const { protocol, hostname, port, pathname } = new URL(/^[a-z]+:\/\//i.test(url) ? url : `http://${url}`);
  const secure = protocol === 'https:' || protocol === 'wss:';
  return {
    server: `${hostname}:${port || (secure ? 443 : 80)}`,
    namespace: decodeURIComponent(pathname.slice(1)),
    credentials: secure ? grpc.credentials.createSsl() : undefined,
  };
}

// What a message carries: the value of JSON, text, bytes, or undefined if it carries nothing.
function valueOf({ payload, contentType }) {
  if (contentType === 'application/json') return JSON.parse(payload.toString());
  if (payload.length === 0) return undefined;
  const text = payload.toString();
  return Buffer.from(text).equals(payload) ? text : payload;
}

// The other way round, as fields of a message.
function payloadOf(value) {
  if (value === undefined) return {};
  return value instanceof Uint8Array ? { payload: value, contentType: 'application/octet-stream' } : { json: value };
}

module.exports = { parseAddress, payloadOf, valueOf };
