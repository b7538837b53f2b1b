'use strict';

const { check, listOfNames } = require('./options.js');

// Any text as a name: what names may not hold is ~ and two hexadecimal digits for each byte.
const nameOf = (text) =>
  [...Buffer.from(String(text))]
    .map((byte) => String.fromCharCode(byte))
    .map((char) => (/[A-Za-z0-9._-]/.test(char) ? char : `~${char.charCodeAt(0).toString(16).padStart(2, '0')}`))
    .join('');
const textOf = (name) => decodeURIComponent(name.replace(/~(..)/g, '%$1'));

// What Socket.IO's `to`, `except`, `volatile`, `timeout` and `broadcast` make: emits go to `audience`. See
// socketio.d.ts.
class Broadcast {
  #socket;
  #how;

  // `socket` is {send(event, args, how), ask(event, args, how)}; `how` is {audience, many, volatile, timeout}.
  constructor(socket, how = { audience: {} }) {
    this.#socket = socket;
    this.#how = how;
  }

  to(rooms) {
    check('Broadcast.to', rooms);
    return this.#narrow('rooms', rooms);
  }

  in(rooms) {
    check('Broadcast.in', rooms);
    return this.#narrow('rooms', rooms);
  }

  except(rooms) {
    check('Broadcast.except', rooms);
    return this.#narrow('exceptRooms', rooms);
  }

  get broadcast() {
    return this.#with({ many: true });
  }

  get volatile() {
    return this.#with({ volatile: true });
  }

  timeout(milliseconds) {
    check('Broadcast.timeout', milliseconds);
    return this.#with({ timeout: milliseconds });
  }

  emit(event, ...args) {
    check('Broadcast.emit', event, ...args);
    const callback = args.at(-1);
    if (this.#how.timeout === undefined || typeof callback !== 'function') this.#socket.send(event, args, this.#how);
    else this.#askAndTell(event, args.slice(0, -1), callback);
    return true;
  }

  async emitWithAck(event, ...args) {
    check('Broadcast.emitWithAck', event, ...args);
    const answers = await this.#socket.ask(event, args, this.#how);
    return this.#how.many ? answers.map(([first]) => first) : answers[0][0];
  }

  #askAndTell(event, args, callback) {
    const firsts = (answers) => answers.map(([first]) => first);
    this.#socket.ask(event, args, this.#how).then(
      (answers) => (this.#how.many ? callback(null, firsts(answers)) : callback(null, ...answers[0])),
      (error) => (this.#how.many ? callback(error, firsts(error.answers ?? [])) : callback(error)),
    );
  }

  #with(more) {
    return new Broadcast(this.#socket, { ...this.#how, ...more });
  }

  #narrow(field, rooms) {
    const { audience } = this.#how;
    const names = [...(audience[field] ?? []), ...listOfNames(rooms).map(nameOf)];
    return this.#with({ many: true, audience: { ...audience, [field]: names } });
  }
}

module.exports = { Broadcast, nameOf, textOf };
