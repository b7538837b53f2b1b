'use strict';

const { listOfNames } = require('./options.js');
const { Held } = require('./held.js');
const { durationOf, plain } = require('./proto.js');

// Of a group whose own is not known, in milliseconds: the server's default.
const ACK_DEADLINE = 30000;
// What one call may say.
const ACKNOWLEDGEMENTS_MAX = 1000;
// What a member holds: little enough that the other members have work, too.
const CREDIT_MESSAGES = 16;

// A name, or options with times in milliseconds, as the protocol has them.
function optionsOf(group) {
  if (typeof group === 'string') return { name: group, creditMessages: CREDIT_MESSAGES };
  const { ackDeadline, backoff, backoffMax, rooms, ...options } = group;
  const times = Object.entries({ ackDeadline, backoff, backoffMax }).filter(([, time]) => time !== undefined);
  const durations = Object.fromEntries(times.map(([name, time]) => [name, durationOf(time)]));
  return { creditMessages: CREDIT_MESSAGES, ...options, rooms: listOfNames(rooms), ...durations };
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

// The group's deadline, in milliseconds.
async function deadlineOf(session, namespace, queue, group) {
  const request = { namespace, queue, pageToken: '' };
  const how = { stub: session.registry, repeatable: true, withSession: false };
  try {
    do {
      const page = plain('ListGroupsResponse', await session.call('ListGroups', () => request, how));
      const found = page.groups.find(({ options }) => options.name === group);
      if (found) return found.options.ackDeadline;
      request.pageToken = page.nextPageToken;
    } while (request.pageToken !== '');
  } catch {
    // Not everybody may see it.
  }
  return ACK_DEADLINE;
}

// `messages`, in as few entries as possible.
function rangesOf(messages) {
  const ranges = [];
  for (const { sequence, delivery } of messages) {
    const range = ranges.at(-1);
    if (range && range.delivery === delivery && range.last + 1 === sequence) range.last = sequence;
    else ranges.push({ first: sequence, last: sequence, delivery });
  }
  return ranges;
}

// What a member of the group holds of the queue.
async function holdOf(session, namespace, queue, { name, ackDeadline }) {
  const deadline = ackDeadline ?? (await deadlineOf(session, namespace, queue, name));
  return new Held(deadline, async (messages, extend) => {
    const ranges = rangesOf(messages).map((range) => ({ ...range, extend }));
    let noted = 0;
    while (ranges.length > 0) {
      noted += (await acknowledge(session, queue, name, ranges.splice(0, ACKNOWLEDGEMENTS_MAX))).noted;
    }
    return noted;
  });
}

module.exports = { acknowledge, holdOf, optionsOf };
