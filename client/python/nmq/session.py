"""The connection of a client, and its place in the namespace, which it keeps or takes anew."""

import contextlib
import math
import threading
import time

import grpc

from . import errors, tls
from ._stubs import admin_pb2_grpc, message_queue_pb2 as pb, message_queue_pb2_grpc, registry_pb2_grpc
from .forks import OfOneProcess

# How long leaving may take, in seconds.
_DISCONNECT_TIMEOUT = 1.0


def _channel(options):
    milliseconds = {
        "grpc.initial_reconnect_backoff_ms": options.backoff.initial,
        # Despite its name the bound of one attempt to connect.
        "grpc.min_reconnect_backoff_ms": options.connect_timeout,
        "grpc.max_reconnect_backoff_ms": options.backoff.max,
        # Servers refuse clients that ping more often than every 10 s.
        "grpc.keepalive_time_ms": 20.0,
        "grpc.keepalive_timeout_ms": 10.0,
    }
    arguments = [(name, int(seconds * 1000)) for name, seconds in milliseconds.items()]
    # One connection for each client, an idle stream is pinged as long as it lives, and the server decides how large
    # messages are.
    arguments += [
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
    ]
    credentials = options.credentials or tls.credentials(options)
    if credentials is None:
        return grpc.insecure_channel(options.server, arguments)
    return grpc.secure_channel(options.server, credentials, arguments)


class Watch:
    """Calls `cancel` when `deadline` is over. Only a deadline that comes nearer needs Session.wake()."""

    def __init__(self, cancel):
        self.cancel = cancel
        self.deadline = math.inf
        self.expired = False


class Session(OfOneProcess):
    """Thread-safe. A thread of its own connects, so that several callers that lost the session connect once, and keeps
    the lease while no stream does."""

    def __init__(self, options):
        super().__init__()
        self.options = options
        self._channel = _channel(options)
        self.stub = message_queue_pb2_grpc.MessageQueueStub(self._channel)
        self.registry = registry_pb2_grpc.RegistryStub(self._channel)
        self.admin = admin_pb2_grpc.AdminStub(self._channel)
        self._changed = threading.Condition()
        self._connected = pb.ConnectResponse(session=options.session)
        # How many sessions there were; 0 before the first.
        self._generation = 0
        self._attempts = 0
        self._last_error = None
        # What gRPC said of an attempt that did not wait for the connection.
        self._unreached = ""
        self._wanted = False
        # A new client has taken the place of the old one, and has yet to join its rooms.
        self._fresh = False
        self._rejoin = False
        self._stopped = False
        self._rooms = set()
        self._live_streams = 0
        self._watches = set()
        self._attached = set()
        self._members = set()
        self._thread = threading.Thread(target=self._keep_connected, name="nmq session", daemon=True)

    @property
    def connected(self):
        """The last answer to Connect; empty before."""
        self.check_process()
        with self._changed:
            return self._connected

    @property
    def rooms(self):
        self.check_process()
        with self._changed:
            return sorted(self._rooms)

    @property
    def stopped(self):
        return self._stopped

    def ensure(self, deadline=math.inf):
        """(session, generation), connecting if nobody has; tries for options.wait_for_server."""
        until = min(deadline, time.monotonic() + self.options.wait_for_server)
        for delay in self.options.backoff.delays():
            try:
                return self.renew(0, deadline)
            except errors.Unavailable:
                left = until - time.monotonic()
                if left <= 0 or not self.sleep(min(delay, left)):
                    raise

    def renew(self, seen, deadline=math.inf):
        """(session, generation) of a later generation than `seen`: connects unless another caller has meanwhile."""
        self.check_process()
        with self._changed:
            if not self._stopped and self._generation <= seen:
                self._wanted = True
                if not self._thread.is_alive():
                    self._thread.start()
                self._changed.notify_all()
            attempts = self._attempts
            while True:
                if self._stopped:
                    raise errors.closed()
                if self._generation > seen:
                    return self._connected.session, self._generation
                if self._attempts > attempts:
                    raise self._last_error
                left = deadline - time.monotonic()
                if left <= 0:
                    raise errors.make(grpc.StatusCode.DEADLINE_EXCEEDED, f"no answer from {self.options.server}")
                self._changed.wait(None if left == math.inf else left)

    def invoke(self, rpc, request, timeout, wait_for_ready=False):
        """One attempt."""
        self.check_process()
        try:
            return rpc(request, timeout=timeout, wait_for_ready=wait_for_ready)
        except grpc.RpcError as error:
            if self._stopped:
                raise errors.closed() from None
            raise errors.from_grpc(error) from None
        except ValueError:
            # What grpc says of a closed channel.
            raise errors.closed() from None

    def acknowledge(self, queue, group, acknowledgements):
        """What the program says; the members of the group hear of it first."""
        self.check_process()
        with self._changed:
            members = [each for each in self._members if (each.queue, each.group) == (queue, group)]
        for member in members:
            member.settle(acknowledgements)
        return self.say(queue, group, acknowledgements, self.options.timeout)

    def say(self, queue, group, acknowledgements, timeout):
        """To say it twice does no harm."""

        def request(session):
            return pb.AcknowledgeRequest(session=session, queue=queue, group=group, acknowledgements=acknowledgements)

        return self.call(self.stub.Acknowledge, request, timeout, repeatable=True)

    def call(self, rpc, make_request, timeout, repeatable, with_session=True):
        """Calls rpc(make_request(session)), anew after the server's own refusal (draining, session forgotten), and if
        `repeatable` also when it is not known whether the call was carried out."""
        deadline = time.monotonic() + timeout
        renewed = False
        delays = self.options.backoff.delays()
        while True:
            session, generation = self.ensure(deadline) if with_session else ("", 0)
            try:
                left = max(deadline - time.monotonic(), 0.001)
                return self.invoke(rpc, make_request(session), left, wait_for_ready=True)
            except errors.Error as error:
                if errors.is_session_lost(error) and with_session and not renewed:
                    renewed = True
                    self.renew(generation, deadline)
                    continue
                again = errors.is_refused_for_now(error) or repeatable and isinstance(error, errors.Unavailable)
                delay = max(next(delays), error.retry_after or 0)
                if not again or time.monotonic() + delay >= deadline or not self.sleep(delay):
                    raise

    def sleep(self, seconds, until=lambda: False):
        """False if the session was stopped or `until()` meanwhile; wake() makes it look."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or until(), seconds)
            return not self._stopped and not until()

    def wake(self):
        with self._changed:
            self._changed.notify_all()

    @contextlib.contextmanager
    def watch(self, cancel):
        """A Watch for as long as the block runs."""
        watch = Watch(cancel)
        with self._changed:
            self._watches.add(watch)
        try:
            yield watch
        finally:
            with self._changed:
                self._watches.discard(watch)

    def add_rooms(self, rooms):
        with self._changed:
            self._rooms.update(rooms)

    def remove_rooms(self, rooms):
        self.check_process()
        with self._changed:
            self._rooms.difference_update(rooms)

    def add_live_streams(self, count):
        with self._changed:
            self._live_streams += count

    def attach(self, subscription):
        """Its stop() is called when the session stops; until detach()."""
        self.check_process()
        with self._changed:
            if not self._stopped:
                self._attached.add(subscription)
                return
        subscription.stop()

    def detach(self, subscription):
        with self._changed:
            self._attached.discard(subscription)

    def add_member(self, member):
        with self._changed:
            self._members.add(member)

    def remove_member(self, member):
        with self._changed:
            self._members.discard(member)

    def stop(self, leave):
        """Ends everything; leaves the namespace if asked. The second call does nothing, nor does one in a
        forked child: the client is the parent's."""
        if self.is_inherited:
            return
        with self._changed:
            if self._stopped:
                return
            self._stopped = True
            attached = list(self._attached)
            session = self._connected.session if self._generation > 0 else ""
            self._changed.notify_all()
        for subscription in attached:
            subscription.stop()
        if leave and session:
            with contextlib.suppress(grpc.RpcError):
                self.stub.Disconnect(pb.DisconnectRequest(session=session), timeout=_DISCONNECT_TIMEOUT)
        self._channel.close()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _keep_connected(self):
        while self._wait_for_work():
            error = None
            try:
                self._connect()
            except errors.Error as failed:
                error = failed
            with self._changed:
                self._attempts += 1
                if error is None and (self._wanted or self._fresh):
                    self._generation += 1
                    self._fresh = False
                self._wanted = False
                self._last_error = error
                self._changed.notify_all()

    def _wait_for_work(self):
        """True when it is time to connect, False when the session is stopped. Looks after the watches meanwhile."""
        started = time.monotonic()
        while True:
            with self._changed:
                now = time.monotonic()
                renew_at = started + self._renew_after()
                wake_at = min([renew_at] + [watch.deadline for watch in self._watches])
                if not self._stopped and not self._wanted and now < wake_at:
                    self._changed.wait(None if wake_at == math.inf else wake_at - now)
                if self._stopped:
                    return False
                now = time.monotonic()
                expired = [watch for watch in self._watches if watch.deadline <= now]
                for watch in expired:
                    watch.deadline = math.inf
                    watch.expired = True
                if self._wanted or now >= renew_at and self._live_streams == 0:
                    return True
                if now >= renew_at:
                    started = now
            for watch in expired:
                watch.cancel()

    def _renew_after(self):
        if self._generation == 0:
            return math.inf
        third = self._connected.lease.ToTimedelta().total_seconds() / 3
        return third if self._last_error is None else min(third, self.options.backoff.max)

    def _connect(self):
        options = self.options
        with self._changed:
            request = pb.ConnectRequest(
                namespace=options.namespace, name=options.name, labels=options.labels, session=self._connected.session
            )
        if options.lease is not None:
            request.lease.FromNanoseconds(round(options.lease * 1e9))
        try:
            # The first attempt tells at once that nobody is there. The later ones wait for the connection: gRPC only
            # makes one while somebody waits for it.
            wait_for_ready = self._attempts > 0
            response = self.invoke(self.stub.Connect, request, options.connect_timeout, wait_for_ready)
        except errors.Unavailable as error:
            self._unreached = "" if error.reason else error.message
            raise
        except errors.DeadlineExceeded as error:
            # An attempt that waits for the connection is not told why there is none.
            why = f", and at first: {self._unreached}" if self._unreached else ""
            raise errors.make(
                grpc.StatusCode.UNAVAILABLE, f"no answer from {options.server} in {options.connect_timeout} s{why}"
            ) from error
        with self._changed:
            self._unreached = ""
            self._connected = response
            if not response.resumed:
                self._fresh = True
                self._rejoin = bool(self._rooms)
            elif not self._rejoin:
                # An operator may have moved the client meanwhile.
                self._rooms = set(response.rooms)
            if not self._rejoin:
                return
            join = pb.JoinRequest(session=response.session, rooms=sorted(self._rooms))
        self.invoke(self.stub.Join, join, options.connect_timeout)
        with self._changed:
            self._rejoin = False
