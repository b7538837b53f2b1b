'use strict';

const groups = require('./groups.js');
const { check, listOfNames } = require('./options.js');
const { durationOf, plain } = require('./proto.js');
const { startOf } = require('./start.js');

const retentionOf = ({ age, ...bounds }) => ({ ...bounds, ...(age !== undefined && { age: durationOf(age) }) });

// See index.d.ts.
class Admin {
  #session;

  constructor(session) {
    this.#session = session;
  }

  async createNamespace(name, options = {}) {
    check('Admin.createNamespace', name, options);
    const { automaticQueues, signal } = options;
    return this.#call('CreateNamespace', { name, automaticQueues }, { signal });
  }

  async updateNamespace(name, options = {}) {
    check('Admin.updateNamespace', name, options);
    const { automaticQueues, signal } = options;
    return (await this.#call('UpdateNamespace', { name, automaticQueues }, { signal })).namespace;
  }

  async deleteNamespace(name, options = {}) {
    check('Admin.deleteNamespace', name, options);
    await this.#call('DeleteNamespace', { name }, options);
  }

  async createQueue(name, options = {}) {
    check('Admin.createQueue', name, options);
    const { durability, events, retention } = options;
    const request = { name, durability, events: listOfNames(events), ...(retention && { retention: retentionOf(retention) }) };
    return this.#call('CreateQueue', request, options);
  }

  async updateQueue(name, options = {}) {
    check('Admin.updateQueue', name, options);
    const { events, retention } = options;
    const request = { name, ...(retention && { retention: retentionOf(retention) }) };
    if (events !== undefined) request.events = { names: listOfNames(events) };
    return (await this.#call('UpdateQueue', request, options)).queue;
  }

  async deleteQueue(name, options = {}) {
    check('Admin.deleteQueue', name, options);
    return (await this.#call('DeleteQueue', { name }, options)).messages;
  }

  async purgeQueue(name, options = {}) {
    check('Admin.purgeQueue', name, options);
    const { upToSequence } = options;
    return (await this.#call('PurgeQueue', { name, upToSequence }, options)).messages;
  }

  async createGroup(queue, group, options = {}) {
    check('Admin.createGroup', queue, group, options);
    const { events, start } = options;
    const { creditMessages, creditBytes, ...kept } = groups.optionsOf(group);
    const request = { queue, options: kept, events: listOfNames(events), start: startOf(start) };
    return (await this.#call('CreateGroup', request, options)).group;
  }

  async deleteGroup(queue, group, options = {}) {
    check('Admin.deleteGroup', queue, group, options);
    await this.#call('DeleteGroup', { queue, group }, options);
  }

  async pauseGroup(queue, group, options = {}) {
    check('Admin.pauseGroup', queue, group, options);
    return (await this.#call('PauseGroup', { queue, group }, options)).group;
  }

  async resumeGroup(queue, group, options = {}) {
    check('Admin.resumeGroup', queue, group, options);
    return (await this.#call('ResumeGroup', { queue, group }, options)).group;
  }

  async seekGroup(queue, group, start, options = {}) {
    check('Admin.seekGroup', queue, group, start, options);
    return (await this.#call('SeekGroup', { queue, group, start: startOf(start) }, options)).group;
  }

  async redriveDeadLetters(queue, options = {}) {
    check('Admin.redriveDeadLetters', queue, options);
    const { messagesMax } = options;
    return this.#call('RedriveDeadLetters', { queue, messagesMax }, options);
  }

  async moveClients(options) {
    check('Admin.moveClients', options);
    const { all, join, leave, namespace, signal, ...filter } = options;
    const request = { filter, all, join: listOfNames(join), leave: listOfNames(leave) };
    return this.#call('MoveClients', request, { namespace, signal });
  }

  async disconnectClients(options) {
    check('Admin.disconnectClients', options);
    const { all, reason, namespace, signal, ...filter } = options;
    return (await this.#call('DisconnectClients', { filter, all, reason }, { namespace, signal })).clients;
  }

  // Nothing is repeated that may have been carried out.
  async #call(method, request, { namespace = this.#session.options.namespace, signal }) {
    const how = { stub: this.#session.admin, repeatable: false, withSession: false, signal };
    return plain(`${method}Response`, await this.#session.call(method, () => ({ namespace, ...request }), how));
  }
}

module.exports = { Admin };
