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

module.exports = { parseAddress };
