'use strict';

const { X509Certificate, createPrivateKey } = require('node:crypto');
const { readFileSync } = require('node:fs');
const grpc = require('@grpc/grpc-js');
const errors = require('./errors.js');

const wrong = (name, file, why) => new errors.NmqError('INVALID_ARGUMENT', `${name}: ${file}: ${why}`);

function read(name, file) {
  try {
    return readFileSync(file);
  } catch (error) {
    throw wrong(name, file, `${error.code}; name a PEM file that can be read`);
  }
}

function certificateOf(name, file, pem) {
  if (!/-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----/.test(pem.toString('latin1'))) {
    throw wrong(name, file, 'has no certificate; name a PEM file with certificates');
  }
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw wrong(name, file, `a certificate cannot be read: ${error.message}; make the file anew`);
  }
}

function keyOf(file, pem) {
  try {
    return createPrivateKey(pem);
  } catch {
    const why = "has no private key that can be read without a password; name a PEM file with the certificate's key";
    throw wrong('tlsKey', file, why);
  }
}

// gRPC's credentials by the files; plain text if there are none, and the address
// does not ask for TLS. INVALID_ARGUMENT names the file that is of no use, and
// says why.
function credentialsOf({ tlsCa, tlsCertificate, tlsKey, secure }) {
  if (!tlsCa && !tlsCertificate && !tlsKey) {
    return secure ? grpc.credentials.createSsl() : grpc.credentials.createInsecure();
  }
  if (!tlsCertificate !== !tlsKey) {
    throw new errors.NmqError('INVALID_ARGUMENT', 'tlsCertificate needs tlsKey, and tlsKey needs it');
  }
  const ca = tlsCa ? read('tlsCa', tlsCa) : null;
  if (ca) certificateOf('tlsCa', tlsCa, ca);
  if (!tlsKey) return grpc.credentials.createSsl(ca);
  const [chain, key] = [read('tlsCertificate', tlsCertificate), read('tlsKey', tlsKey)];
  const certificate = certificateOf('tlsCertificate', tlsCertificate, chain);
  if (!certificate.checkPrivateKey(keyOf(tlsKey, key))) {
    const why = `is not the key of the first certificate in ${tlsCertificate}; name the pair that belongs together`;
    throw wrong('tlsKey', tlsKey, why);
  }
  return grpc.credentials.createSsl(ca, key, chain);
}

module.exports = { credentialsOf };
