// Time, stamps of payloads as in harness/payload.h, and latencies. Times are doubles: BigInt costs too much here.

const WORD = 2 ** 32;
export const STAMP_BYTES = 16;

// Nanoseconds of CLOCK_MONOTONIC, as Now() of harness/client.h has it.
export function now() {
  const [seconds, nanos] = process.hrtime();
  return seconds * 1e9 + nanos;
}

export function writeStamp(payload, time, publisher, number) {
  payload.writeUInt32LE(time % WORD, 0);
  payload.writeUInt32LE(Math.floor(time / WORD), 4);
  payload.writeUInt32LE(number % WORD, 8);
  payload.writeUInt16LE(Math.floor(number / WORD), 12);
  payload.writeUInt16LE(publisher, 14);
}

export const stampTime = (payload) => payload.readUInt32LE(0) + payload.readUInt32LE(4) * WORD;
export const stampPublisher = (payload) => payload.readUInt16LE(14);
export const stampNumber = (payload) => payload.readUInt32LE(8) + payload.readUInt16LE(12) * WORD;
// Publishers that a stamp can tell apart.
export const MAX_PUBLISHERS = 2 ** 16;

// Sees whether one subscriber hears every publisher's messages in order, as OrderCheck of harness/payload.h does.
export class OrderCheck {
  #whole;
  // By publisher: the number after the last one.
  #next = new Map();

  constructor(whole) {
    this.#whole = whole;
  }

  // False if the message came out of its turn.
  heard(publisher, number) {
    const next = this.#next.get(publisher) ?? 0;
    this.#next.set(publisher, number + 1);
    return this.#whole ? number === next : number >= next;
  }
}

// Counts nanoseconds in buckets that are at most 1/64 of a value wide, which are those of harness/histogram.cc.
export class Histogram {
  // By the bucket's largest value.
  #counts = new Map();
  #max = 0;

  add(nanos) {
    const value = Math.max(0, Math.floor(nanos));
    this.#max = Math.max(this.#max, value);
    let width = 1;
    while (value >= 128 * width) width *= 2;
    const end = (Math.floor(value / width) + 1) * width - 1;
    this.#counts.set(end, (this.#counts.get(end) ?? 0) + 1);
  }

  // [value, count] of each bucket.
  buckets() {
    return [...this.#counts].map(([end, count]) => [Math.min(end, this.#max), count]);
  }
}
