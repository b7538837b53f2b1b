'use strict';

const { BlockList, isIP, isIPv4, isIPv6 } = require('node:net');
const grpc = require('@grpc/grpc-js');
const { refuse, shown } = require('./options.js');

const PORT_DEFAULT = 50051;
const PORT_MAX = 65535;
// What gRPC takes besides HOST:PORT.
const SCHEMES = /^(dns|ipv4|ipv6|unix):/;
const PORT_OF_URL = { 'http:': 80, 'https:': 443 };
const WANTED = 'write HOST:PORT, such as 127.0.0.1:50051 or [::1]:50051';
// In the order in which gRPC looks for them.
const PROXIES = ['grpc_proxy', 'https_proxy', 'http_proxy'];

const no = (server, why) => refuse(`server: ${shown(server)}: ${why}`);

function isHost(host) {
  if (!host.startsWith('[')) return /^[A-Za-z0-9._-]+$/.test(host);
  return host.endsWith(']') && isIPv6(host.slice(1, -1));
}

function hostAndPort(server, text, portDefault) {
  let [host, port] = [text, String(portDefault)];
  const colons = text.split(':').length - 1;
  if (colons > 1 && !text.startsWith('[')) host = `[${text}]`;
  else if (colons > 0 && !text.endsWith(']')) [, host, port] = /^(.*):(.*)$/s.exec(text);
  if (!isHost(host)) no(server, `no address; ${WANTED}`);
  if (!/^\d+$/.test(port) || Number(port) < 1 || Number(port) > PORT_MAX) {
    no(server, `${shown(port)} is no port: 1 to ${PORT_MAX} is allowed; ${WANTED}`);
  }
  return `${host}:${Number(port)}`;
}

// {target, secure}: what gRPC calls the server, and whether the address asks for TLS. INVALID_ARGUMENT if it is none.
function targetOf(server) {
  if (SCHEMES.test(server)) return { target: server, secure: false };
  const url = /^([^:/?#]*:)\/\/([^/?#]*)(.*)$/s.exec(server);
  if (!url) return { target: hostAndPort(server, server, PORT_DEFAULT), secure: false };
  const [, scheme, authority, rest] = url;
  const port = PORT_OF_URL[scheme.toLowerCase()];
  if (!port) no(server, `${scheme}// is not known here; ${WANTED}`);
  if (rest.replaceAll('/', '') || authority.includes('@')) {
    no(server, `more than a host and a port; ${WANTED}, and give the namespace as an option`);
  }
  return { target: hostAndPort(server, authority, port), secure: port === PORT_OF_URL['https:'] };
}

const hostOf = (target) =>
  target.replace(/^(dns|ipv4|ipv6):(\/\/[^/]*\/)?/, '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');

// No proxy can be meant for this.
function isLocal(target) {
  const host = hostOf(target);
  if (target.startsWith('unix:') || /^(.*\.)?localhost$/i.test(host)) return true;
  return isIPv4(host) ? host.startsWith('127.') : isIPv6(host) && loopback.check(host, 'ipv6');
}

const loopback = new BlockList();
loopback.addAddress('::1', 'ipv6');
loopback.addSubnet('::ffff:127.0.0.0', 104, 'ipv6');

function isExcepted(host, entry) {
  const [address, bits] = entry.split('/');
  if (bits === undefined || !isIP(address)) return entry !== '' && host.endsWith(entry);
  const list = new BlockList();
  try {
    list.addSubnet(address, Number(bits), isIPv4(address) ? 'ipv4' : 'ipv6');
  } catch {
    return false;
  }
  return isIP(host) > 0 && list.check(host, isIPv4(host) ? 'ipv4' : 'ipv6');
}

// The proxy for it, and which variable of the environment names it; undefined if there is none.
function proxyOf(target) {
  if (isLocal(target)) return undefined;
  const excepted = process.env.no_grpc_proxy || process.env.no_proxy || '';
  if (excepted.split(',').some((entry) => isExcepted(hostOf(target), entry.trim()))) return undefined;
  const name = PROXIES.find((one) => process.env[one]);
  // Without the password that may be in it.
  return name && `${process.env[name].replace(/\/\/[^@/]*@/, '//')}, which ${name} names`;
}

// What nmq/q and nmq/socketio connect to, "http://host:port/namespace" or "host:port/namespace", as options of a Client.
// https stands for TLS.
function parseAddress(url) {
  const [, scheme, rest] = /^(?:(https?|wss?):\/\/)?(.*)$/is.exec(url);
  const [, authority, path] = /^([^/]*)\/?(.*)$/s.exec(rest);
  const kind = { ws: 'http', wss: 'https' }[scheme?.toLowerCase()] ?? scheme?.toLowerCase();
  if (SCHEMES.test(url)) return { server: url };
  const server = scheme ? `${kind}://${authority}` : authority;
  const { target, secure } = targetOf(server);
  let namespace;
  try {
    namespace = decodeURIComponent(path);
  } catch {
    no(url, 'its path is no name of a namespace');
  }
  return { server: target, namespace, credentials: secure ? grpc.credentials.createSsl() : undefined };
}

module.exports = { parseAddress, proxyOf, targetOf };
