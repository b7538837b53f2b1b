'use strict';

const EPOCH_CHANGED = 'GAP_REASON_EPOCH_CHANGED';

// How far a subscription has come in each queue: follows the frames over all its streams, tells what was there before,
// and says where to go on.
class Positions {
  #entries = new Map();

  #move(queue, epoch, sequence) {
    this.#entries.set(queue, { epoch, sequence, over: false, following: undefined });
  }

  // A `ready` of the first stream, which was asked to begin at `start`.
  onFirstReady(ready, start = {}) {
    for (const { queue, epoch, sequence } of ready.positions) {
      // The server may begin later than asked and say so with a gap, which may never arrive.
      this.#move(queue, epoch, start.sequence > 0 ? Math.min(sequence, start.sequence - 1) : sequence);
    }
    for (const { queue, epoch, sequence } of start.resume?.positions ?? []) {
      const entry = this.#entries.get(queue);
      this.#move(queue, String(epoch), sequence);
      if (entry && entry.epoch !== String(epoch)) this.#entries.get(queue).following = entry;
    }
  }

  // A `ready` of a stream that was asked to go on at resume(). Moves nothing that was asked for: the gap or message
  // that tells of it has yet to come, and the stream may break before.
  onResumedReady(ready) {
    for (const { queue, epoch, sequence } of ready.positions) {
      const entry = this.#entries.get(queue);
      if (!entry) this.#move(queue, epoch, sequence);
      else if (entry.epoch !== epoch) entry.following = { epoch, sequence };
    }
  }

  // A message or a heartbeat's position: is it new, and the gap before it that no gap announced.
  onPosition({ queue, epoch, sequence }) {
    const entry = this.#entries.get(queue);
    if (entry?.epoch === epoch) {
      if (sequence <= entry.sequence) return { fresh: false };
      entry.sequence = sequence;
      return { fresh: true };
    }
    this.#move(queue, epoch, sequence);
    if (!entry || entry.over) return { fresh: true };
    return {
      fresh: true,
      lost: { queue, epoch: entry.epoch, first: entry.sequence + 1, last: 0, reason: EPOCH_CHANGED },
    };
  }

  // False if the gap was handed on before.
  onGap({ queue, epoch, last, reason }) {
    const entry = this.#entries.get(queue);
    if (!entry) {
      if (last > 0) this.#move(queue, epoch, last);
      return true;
    }
    if (reason === EPOCH_CHANGED) {
      if (epoch !== entry.epoch) return true;
      const known = entry.over;
      entry.over = true;
      if (entry.following) this.#move(queue, entry.following.epoch, entry.following.sequence);
      return !known;
    }
    if (epoch !== entry.epoch) {
      this.#move(queue, epoch, last);
      return true;
    }
    if (last > 0 && last <= entry.sequence) return false;
    entry.sequence = Math.max(entry.sequence, last);
    return true;
  }

  list() {
    return [...this.#entries]
      .map(([queue, { epoch, sequence }]) => ({ queue, epoch, sequence }))
      .sort((a, b) => (a.queue < b.queue ? -1 : 1));
  }

  // Where to go on; also without any position, for what is not listed is heard from its beginning.
  resume() {
    return { resume: { positions: this.list() } };
  }
}

module.exports = { Positions };
