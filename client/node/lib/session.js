'use strict';

const grpc = require('@grpc/grpc-js');
const { delays, sleep } = require('./backoff.js');
const { proxyOf } = require('./address.js');
const errors = require('./errors.js');
const { onAbort } = require('./signals.js');
const { v1, plain, durationOf } = require('./proto.js');
const { credentialsOf } = require('./tls.js');

// How long leaving may take, in milliseconds.
const DISCONNECT_TIMEOUT = 1000;
// How long gRPC may take to say why there is no connection, and how long its state is watched in one go.
const PROBE_TIMEOUT = 100;
const WATCH_MAX = 1000;
const { READY, TRANSIENT_FAILURE } = grpc.connectivityState;
const UNANSWERED = 'the client was closed before the answer came; the call may have been carried out';

function channelOptions({ backoff, proxy }) {
  return {
    'grpc.initial_reconnect_backoff_ms': backoff.initial,
    'grpc.max_reconnect_backoff_ms': backoff.max,
    // Servers refuse clients that ping more often than every 10 s.
    'grpc.keepalive_time_ms': 20000,
    // A program that blocks does not see the answer: longer than a group's deadline, which is to be in charge.
    'grpc.keepalive_timeout_ms': 35000,
    // The server decides how large messages are.
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
    // One connection for each client, not one for all clients of the program.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_http_proxy': proxy ? 1 : 0,
  };
}

// A file has a line end behind it.
const isToken = (text) => /^[!-~]+$/.test(text.trimEnd());

// Shows `given`, a token or what gives one, with each call; nothing without one.
function showing(given) {
  if (typeof given === 'string' && given.trimEnd() && !isToken(given)) {
    const why = 'token: has a space, a line end or another byte that no token has; give what nmq token printed';
    throw new errors.NmqError('INVALID_ARGUMENT', why);
  }
  const show = (options, nextCall) =>
    new grpc.InterceptingCall(nextCall(options), {
      start(metadata, listener, next) {
        const token = typeof given === 'function' ? given() : given;
        // The server says what is missing.
        if (typeof token === 'string' && isToken(token)) metadata.set('authorization', `Bearer ${token.trimEnd()}`);
        next(metadata, listener);
      },
    });
  return given ? { interceptors: [show] } : {};
}

// The connection of a client, and its place in the namespace, which it keeps or takes anew.
class Session {
  connected = { clientId: '', session: '', resumed: false, rooms: [], limits: {} };
  rooms = new Set();
  #stopping = new AbortController();
  // How many sessions there were; 0 before the first.
  #generation = 0;
  #attempts = 0;
  // What gRPC said of an attempt that did not wait for the connection.
  #unreached = '';
  #connecting;
  #rejoin = false;
  #liveStreams = 0;
  #leaseTimer;

  constructor(options) {
    const proxy = proxyOf(options.server);
    this.options = { ...options, proxy, place: proxy ? `${options.server} through the proxy ${proxy}` : options.server };
    const credentials = options.credentials ?? credentialsOf(options);
    const shown = showing(options.token);
    this.stub = new v1.MessageQueue(options.server, credentials, { ...channelOptions(this.options), ...shown });
    const channelOverride = this.stub.getChannel();
    this.registry = new v1.Registry(options.server, credentials, { channelOverride, ...shown });
    this.admin = new v1.Admin(options.server, credentials, { channelOverride, ...shown });
    this.connected.session = options.session;
  }

  // Raised when the session stops.
  get signal() {
    return this.#stopping.signal;
  }

  // Connects if nobody has; tries for options.waitForServer.
  async ensure(deadline = Infinity) {
    const until = Math.min(deadline, performance.now() + this.options.waitForServer);
    for (const delay of delays(this.options.backoff)) {
      try {
        return await this.renew(0);
      } catch (error) {
        const left = until - performance.now();
        if (error.code !== 'UNAVAILABLE' || left <= 0) throw error;
        if (!(await sleep(Math.min(delay, left), this.signal))) throw error;
      }
    }
    throw errors.closed();
  }

  // {session, generation} of a later generation than `seen`: connects unless another caller has meanwhile.
  async renew(seen) {
    if (this.signal.aborted) throw errors.closed();
    if (this.#generation <= seen) {
      this.#connecting ??= this.#connect(true).finally(() => (this.#connecting = undefined));
      await this.#connecting;
    }
    return { session: this.connected.session, generation: this.#generation };
  }

  // One attempt. `signal` ends it.
  invoke(stub, method, request, { timeout, waitForReady = false, signal } = {}) {
    return new Promise((resolve, reject) => {
      if (this.signal.aborted) return reject(errors.closed());
      if (signal?.aborted) return reject(signal.reason);
      const metadata = new grpc.Metadata({ waitForReady });
      let over = false;
      // Not at once, as in lib/frames.js.
      const stop = () => setImmediate(() => over || call.cancel());
      const call = stub[method](request, metadata, { deadline: Date.now() + timeout }, (error, response) => {
        over = true;
        off.forEach((each) => each());
        if (!error) return resolve(response);
        if (signal?.aborted) return reject(signal.reason);
        return reject(this.signal.aborted ? new errors.NmqError('CANCELLED', UNANSWERED) : errors.fromGrpc(error));
      });
      const off = [onAbort(this.signal, stop), onAbort(signal, stop)];
    });
  }

  // Calls with makeRequest(session), anew after the server's own refusal (draining, session forgotten), and if
  // `repeatable` also when it is not known whether the call was carried out.
  async call(method, makeRequest, options = {}) {
    const { stub = this.stub, timeout = this.options.timeout, signal } = options;
    const { repeatable = false, withSession = true } = options;
    const deadline = performance.now() + timeout;
    let renewed = false;
    const waits = delays(this.options.backoff);
    for (;;) {
      signal?.throwIfAborted();
      const { session, generation } = await this.enter(deadline, withSession, 0, signal);
      try {
        const left = Math.max(Math.ceil(deadline - performance.now()), 1);
        return await this.invoke(stub, method, makeRequest(session), { timeout: left, signal });
      } catch (error) {
        if (errors.isUnconnected(error)) continue;
        if (withSession && errors.isSessionLost(error) && !renewed) {
          renewed = true;
          await this.renew(generation);
          continue;
        }
        const again = errors.isRefusedForNow(error) || (repeatable && error.code === 'UNAVAILABLE');
        const delay = Math.max(waits.next().value, error.retryAfter ?? 0);
        if (!again || performance.now() + delay >= deadline || !(await sleep(delay, this.signal))) throw error;
      }
    }
  }

  // {session, generation} of a later generation than `seen`, or without a session, once there is a connection for what
  // is not sent without: else the error says so.
  async enter(deadline, withSession, seen, signal) {
    let entered = { session: '', generation: 0 };
    if (withSession) {
      try {
        entered = seen > 0 ? await this.renew(seen) : await this.ensure(deadline);
      } catch (error) {
        if (error.code !== 'UNAVAILABLE' || error.reason) throw error;
        throw errors.notSent(error.details);
      }
    }
    await this.#reach(deadline, signal);
    return entered;
  }

  // Resolves when there is a connection; tries for options.waitForServer, and until `deadline` at the most.
  async #reach(deadline, signal) {
    const { place, connectTimeout, waitForServer } = this.options;
    const channel = this.stub.getChannel();
    const started = performance.now();
    let why = '';
    for (;;) {
      if (this.signal.aborted) throw new errors.NmqError('CANCELLED', 'the client is closed', { reason: 'NOT_SENT' });
      signal?.throwIfAborted();
      const state = channel.getConnectivityState(false);
      if (state === READY) return;
      channel.getConnectivityState(true);
      const failing = state === TRANSIENT_FAILURE;
      if (failing) why = (await this.#whyUnreached()) || why;
      // One attempt is always made.
      const patience = failing ? waitForServer : Math.max(waitForServer, connectTimeout);
      const left = Math.min(deadline, started + patience) - performance.now();
      if (left <= 0) {
        const waited = Math.round(performance.now() - started);
        throw errors.notSent(`no connection to ${place} in ${waited} ms${why && `: ${why}`}`);
      }
      await this.#stateChange(channel, state, left, signal);
    }
  }

  // What gRPC says of the attempts that failed; empty if there is a connection meanwhile.
  async #whyUnreached() {
    try {
      await this.invoke(this.registry, 'ListNamespaces', { pageSize: 1 }, { timeout: PROBE_TIMEOUT });
      return '';
    } catch (error) {
      return errors.isUnconnected(error) ? error.details : '';
    }
  }

  // Until the channel leaves `state`, the time is over or a signal is raised.
  #stateChange(channel, state, milliseconds, signal) {
    return new Promise((resolve) => {
      if (this.signal.aborted) return resolve();
      const done = () => {
        off.forEach((each) => each());
        resolve();
      };
      const off = [onAbort(this.signal, done), onAbort(signal, done)];
      channel.watchConnectivityState(state, Date.now() + Math.min(milliseconds, WATCH_MAX), done);
    });
  }

  addLiveStreams(count) {
    this.#liveStreams += count;
  }

  // Ends everything; leaves the namespace if asked. The second call does nothing.
  async stop(leave) {
    if (this.signal.aborted) return;
    clearTimeout(this.#leaseTimer);
    const { session } = this.connected;
    this.#stopping.abort();
    if (leave && session && this.#generation > 0) {
      const deadline = Date.now() + DISCONNECT_TIMEOUT;
      // The server forgets the client by itself when its lease is over.
      await new Promise((resolve) => this.stub.Disconnect({ session }, { deadline }, resolve));
    }
    this.stub.close();
  }

  async #connect(wanted) {
    const { namespace, name, labels, lease, connectTimeout } = this.options;
    const request = { namespace, name, labels, session: this.connected.session };
    if (lease) request.lease = durationOf(lease);
    // The first attempt tells at once that nobody is there; the later ones wait for the connection.
    const waitForReady = this.#attempts++ > 0;
    let response;
    try {
      response = await this.invoke(this.stub, 'Connect', request, { timeout: connectTimeout, waitForReady });
    } catch (error) {
      const failure = this.#connectError(error);
      if (failure.code === 'UNAVAILABLE') this.options.onConnectError(failure);
      throw failure;
    }
    this.#unreached = '';
    await this.#adopt(plain('ConnectResponse', response), wanted);
  }

  #connectError(error) {
    if (error.code === 'UNAVAILABLE') this.#unreached = error.reason ? '' : error.details;
    const { place, proxy, connectTimeout } = this.options;
    if (errors.isUnconnected(error) && proxy) return new errors.NmqError(error.code, `${error.details} (${place})`);
    if (error.code !== 'DEADLINE_EXCEEDED') return error;
    // An attempt that waits for the connection is not told why there is none.
    const why = this.#unreached && `, and at first: ${this.#unreached}`;
    return new errors.NmqError('UNAVAILABLE', `no answer from ${place} in ${connectTimeout} ms${why}`);
  }

  async #adopt(connected, wanted) {
    this.connected = connected;
    const { session, resumed } = connected;
    if (!resumed) this.#rejoin = this.rooms.size > 0;
    // An operator may have moved the client meanwhile.
    else if (!this.#rejoin) this.rooms = new Set(connected.rooms);
    if (this.#rejoin) {
      const request = { session, rooms: [...this.rooms] };
      await this.invoke(this.stub, 'Join', request, { timeout: this.options.connectTimeout });
      this.#rejoin = false;
    }
    if (wanted || !resumed) ++this.#generation;
    this.#keepLease(connected.lease / 3);
  }

  // While no stream does.
  #keepLease(milliseconds) {
    clearTimeout(this.#leaseTimer);
    if (this.signal.aborted) return;
    this.#leaseTimer = setTimeout(async () => {
      if (this.#liveStreams > 0 || this.#connecting) return this.#keepLease(milliseconds);
      this.#connecting = this.#connect(false).finally(() => (this.#connecting = undefined));
      await this.#connecting.catch(() => this.#keepLease(Math.min(milliseconds, this.options.backoff.max)));
    }, milliseconds);
    // An idle client does not keep the program alive.
    this.#leaseTimer.unref();
  }
}

module.exports = { Session };
