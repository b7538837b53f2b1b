'use strict';

const grpc = require('@grpc/grpc-js');
const errors = require('./errors.js');
const { plain } = require('./proto.js');

// See index.d.ts.
class Registry {
  #session;

  constructor(session) {
    this.#session = session;
  }

  namespaces(options) {
    return this.#pages('ListNamespaces', 'namespaces', {}, options);
  }

  queues({ queue, ...options } = {}) {
    return this.#pages('ListQueues', 'queues', { queue }, options);
  }

  rooms({ room, ...options } = {}) {
    return this.#pages('ListRooms', 'rooms', { room }, options);
  }

  clients({ room, queue, event, labels, name, ...options } = {}) {
    return this.#pages('ListClients', 'clients', { filter: { room, queue, event, labels, name } }, options);
  }

  subscriptions({ clientId, queue, event, ...options } = {}) {
    return this.#pages('ListSubscriptions', 'subscriptions', { clientId, queue, event }, options);
  }

  async client(clientId, { namespace = this.#session.options.namespace, signal } = {}) {
    return (await this.#call('GetClient', { namespace, clientId }, signal)).client;
  }

  async countClients({ namespace = this.#session.options.namespace, signal, ...filter } = {}) {
    return (await this.#call('CountClients', { namespace, filter }, signal)).count;
  }

  async *watch({ namespace = this.#session.options.namespace, afterRevision, signal } = {}) {
    signal?.throwIfAborted();
    const call = this.#session.registry.Watch({ namespace, afterRevision });
    const stop = () => call.cancel();
    signal?.addEventListener('abort', stop);
    this.#session.signal.addEventListener('abort', stop);
    try {
      for await (const response of call) yield plain('WatchResponse', response);
    } catch (error) {
      signal?.throwIfAborted();
      throw errors.fromGrpc(error);
    } finally {
      call.on('error', () => {});
      call.cancel();
      signal?.removeEventListener('abort', stop);
      this.#session.signal.removeEventListener('abort', stop);
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
