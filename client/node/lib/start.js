'use strict';

const { timestampOf } = require('./proto.js');

// "new", "earliest", {last}, {sequence}, {time: Date} or {after: positions} as the protocol has it.
function startOf(start = 'new') {
  if (start === 'new') return undefined;
  if (start === 'earliest') return { earliest: true };
  if (start.after) return { resume: { positions: start.after } };
  return start.time ? { time: timestampOf(start.time) } : start;
}

module.exports = { startOf };
