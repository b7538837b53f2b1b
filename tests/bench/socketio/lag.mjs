// Deliveries that may be on their way, even if a publisher's bound allows for more: they wait in the server's memory,
// and its pings wait behind them, which must be answered within 20 seconds. So many are work for about two.
const MAX_DELIVERIES = 100_000;

// Keeps publishers of a queue from running away from its subscribers, as Throttle of harness/throttle.h does.
export class Lag {
  #published = 0;
  // How many may be published before the subscribers are asked again.
  #limit = 0;
  // By subscriber set: messages that were published before it heard any.
  #sets = new Map();

  // A stalled set holds nobody up.
  add(set) {
    if (set.stalled) return;
    this.#sets.set(set, this.#published);
    this.#limit = 0;
  }

  remove(set) {
    this.#sets.delete(set);
  }

  // Whether so many more may be published now; if so, they count as published. `bound` 0: always.
  admit(messages, bound, destinations) {
    if (bound > 0 && this.#published >= this.#limit) {
      this.#limit = this.#limitNow(bound, destinations);
      if (this.#published >= this.#limit) return false;
    }
    this.#published += messages;
    return true;
  }

  #limitNow(bound, destinations) {
    let heard = Infinity;
    let deliveries = 0;
    for (const [set, before] of this.#sets) {
      const fanOut = set.fanOut(destinations);
      if (fanOut === 0) continue;
      const { messages, slowest } = set.totals();
      // Of what goes to some only, each hears another part.
      heard = Math.min(heard, before + (set.selective ? messages / fanOut : slowest));
      deliveries += fanOut;
    }
    return heard + Math.min(bound, Math.ceil(MAX_DELIVERIES / deliveries));
  }
}
