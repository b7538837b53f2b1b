'use strict';

const grpc = require('@grpc/grpc-js');
const errors = require('./errors.js');
const { check } = require('./options.js');
const { plain } = require('./proto.js');
const { onAbort } = require('./signals.js');

// See index.d.ts.
class Registry {
  #session;

  constructor(session) {
    this.#session = session;
  }

  namespaces(options = {}) {
    check('Registry.namespaces', options);
    return this.#pages('ListNamespaces', 'namespaces', {}, options);
  }

  queues(options = {}) {
    check('Registry.queues', options);
    const { queue, ...page } = options;
    return this.#pages('ListQueues', 'queues', { queue }, page);
  }

  rooms(options = {}) {
    check('Registry.rooms', options);
    const { room, ...page } = options;
    return this.#pages('ListRooms', 'rooms', { room }, page);
  }

  clients(options = {}) {
    check('Registry.clients', options);
    const { room, queue, event, labels, name, ...page } = options;
    return this.#pages('ListClients', 'clients', { filter: { room, queue, event, labels, name } }, page);
  }

  subscriptions(options = {}) {
    check('Registry.subscriptions', options);
    const { clientId, queue, event, ...page } = options;
    return this.#pages('ListSubscriptions', 'subscriptions', { clientId, queue, event }, page);
  }

  groups(options = {}) {
    check('Registry.groups', options);
    const { queue, ...page } = options;
    return this.#pages('ListGroups', 'groups', { queue }, page);
  }

  async client(clientId, options = {}) {
    check('Registry.client', clientId, options);
    const { namespace = this.#session.options.namespace, signal } = options;
    return (await this.#call('GetClient', { namespace, clientId }, signal)).client;
  }

  async countClients(options = {}) {
    check('Registry.countClients', options);
    const { namespace = this.#session.options.namespace, signal, ...filter } = options;
    return (await this.#call('CountClients', { namespace, filter }, signal)).count;
  }

  async explain(options = {}) {
    check('Registry.explain', options);
    const { namespace = this.#session.options.namespace, right, queue, room, identity, signal } = options;
    return this.#call('Explain', { namespace, right, queue, room, identity }, signal);
  }

  watch(options = {}) {
    check('Registry.watch', options);
    return this.#watch(options);
  }

  async *#watch({ namespace = this.#session.options.namespace, afterRevision, signal }) {
    signal?.throwIfAborted();
    const call = this.#session.registry.Watch({ namespace, afterRevision });
    let over = false;
    call.on('error', () => (over = true));
    call.on('end', () => (over = true));
    // Not at once, as in lib/frames.js.
    const stop = () => setImmediate(() => over || call.cancel());
    const off = [onAbort(signal, stop), onAbort(this.#session.signal, stop)];
    try {
      for await (const response of call) yield plain('WatchResponse', response);
    } catch (error) {
      signal?.throwIfAborted();
      throw errors.fromGrpc(error);
    } finally {
      stop();
      off.forEach((each) => each());
    }
  }

  async #call(method, request, signal) {
    const options = { stub: this.#session.registry, repeatable: true, withSession: false, signal };
    return plain(`${method}Response`, await this.#session.call(method, () => request, options));
  }

  async *#pages(method, field, filter, { namespace = this.#session.options.namespace, pageSize = 0, signal } = {}) {
    const request = { namespace, pageSize, pageToken: '', ...filter };
    do {
      const page = await this.#call(method, request, signal);
      yield* page[field];
      request.pageToken = page.nextPageToken;
    } while (request.pageToken !== '');
  }
}

module.exports = { Registry };
