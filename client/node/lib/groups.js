'use strict';

const { listOfNames } = require('./options.js');
const { durationOf, plain } = require('./proto.js');

// A name, or options with times in milliseconds, as the protocol has them.
function optionsOf(group) {
  if (typeof group === 'string') return { name: group };
  const { ackDeadline, backoff, backoffMax, rooms, ...options } = group;
  const times = Object.entries({ ackDeadline, backoff, backoffMax }).filter(([, time]) => time !== undefined);
  const durations = Object.fromEntries(times.map(([name, time]) => [name, durationOf(time)]));
  return { ...options, rooms: listOfNames(rooms), ...durations };
}

function encode({ first, last, delivery, done, retryAfter, extend, terminate }) {
  const named = { first, last, delivery };
  if (done !== undefined) return { ...named, done };
  if (retryAfter !== undefined) return { ...named, retryAfter: durationOf(retryAfter) };
  return { ...named, ...(extend === undefined ? { terminate } : { extend: durationOf(extend) }) };
}

// To say it twice does no harm.
async function acknowledge(session, queue, group, acknowledgements, { signal } = {}) {
  const encoded = acknowledgements.map(encode);
  const request = (handle) => ({ session: handle, queue, group, acknowledgements: encoded });
  return plain('AcknowledgeResponse', await session.call('Acknowledge', request, { repeatable: true, signal }));
}

module.exports = { acknowledge, optionsOf };
