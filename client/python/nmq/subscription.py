"""A live subscription, as Client.subscribe() returns it."""

import collections
import enum
import logging
import math
import random
import threading
import time

import grpc

from . import arguments, errors, groups
from ._stubs import message_pb2, message_queue_pb2 as pb
from .holds import CREDIT_MESSAGES
from .member import Member
from .positions import Positions

_log = logging.getLogger("nmq")

# Frames that wait for the program; beyond that the stream is not read, and the server's policy for slow subscribers
# applies.
_FRAMES_MAX = 8
# Of a server that does not say how long it may be silent, in seconds.
_SILENCE_DEFAULT = 45.0
# So many missed heartbeats mean a dead stream.
_HEARTBEATS_MISSED = 3


class State(enum.Enum):
    """What on_state hears of: live; the stream is gone, for the error given, and is made anew."""

    CONNECTED = 1
    RECONNECTING = 2


def _log_gap(gap):
    _log.warning(
        "messages of queue %s are missing from %d on (%s): %s",
        gap.queue,
        gap.first,
        pb.GapReason.Name(gap.reason),
        gap.count if gap.HasField("count") else "an unknown number",
    )


class Subscription:
    """An iterator of the messages. A lost connection is no end: the subscription reconnects with backoff and resumes
    after the last position of each queue, so that every message or a gap arrives, and none twice. Iterating ends after
    close(), and raises errors.Error when the server refuses to go on.

    A thread reads ahead, a few frames. on_gap and on_state are called by the thread that iterates, in their place
    between the messages.

    A member of a group says of each message what became of it, with done() and the like; messages may come again then,
    and out of order, for it is the group that remembers. The time for each, the group's ack_deadline, begins when the
    program is given it: what waits here is extended, and what was taken back all the same is not handed out.

    For one iterating thread; close() and what acknowledges may be called by any, also inside a callback. A context
    manager: leaving it closes.
    """

    def __init__(self, session, request, ready_timeout, on_gap, on_state):
        self._session = session
        self._request = request
        self._ready_timeout = ready_timeout
        self._on_gap = on_gap or _log_gap
        self._on_state = on_state or (lambda state, error: None)
        self._reached = Positions()  # by the reading thread
        self._handed = Positions()  # to the program
        self._messages = collections.deque()  # of the frame that is being handed out
        self._changed = threading.Condition()
        self._frames = collections.deque()
        self._was_live = False
        self._reconnecting = False
        self._stopped = False
        self._ended = False
        self._end = None
        self._call = None
        self._id = ""
        self._member = None
        if self._in_group:
            request.group.credit_messages = request.group.credit_messages or CREDIT_MESSAGES
            self._member = Member(session, request)
        self._thread = threading.Thread(target=self._run, name="nmq subscription", daemon=True)

    def start(self):
        """Returns when the subscription is live; raises the server's refusal."""
        self._give_up_first_at = time.monotonic() + self._session.options.wait_for_server
        self._session.attach(self)
        if self._member is not None:
            self._session.add_member(self._member)
        self._thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._was_live or self._ended)
            if not self._was_live:
                raise self._end or errors.closed()
        return self

    @property
    def id(self):
        """The id that the Registry shows, of the present stream."""
        self._session.check_process()
        with self._changed:
            return self._id

    @property
    def positions(self):
        """The last position of each queue that the program was given, for start_after() in another run."""
        return self._handed.list()

    def done(self, *messages):
        """The work on these is done. How many of them the group still waited for."""
        return self._acknowledge(messages, groups.done)

    def retry_after(self, message, seconds=0):
        """Not done: to be delivered again, to any member, after this time at the earliest. As done() otherwise."""
        return self._acknowledge([message], lambda each: groups.retry_after(each, seconds))

    def extend(self, message, seconds):
        """Still at work: the group waits for this long, from now. As done() otherwise."""
        return self._acknowledge([message], lambda each: groups.extend(each, seconds))

    def terminate(self, message, reason):
        """Nobody can do it: a dead letter, with this reason. As done() otherwise."""
        return self._acknowledge([message], lambda each: groups.terminate(each, reason))

    def __iter__(self):
        return self

    def __next__(self):
        message = self._next(None)
        if message is None:
            raise StopIteration
        return message

    @arguments.checked(timeout=arguments.number(0))
    def receive(self, timeout=None):
        """The next message. TimeoutError if none comes for `timeout` seconds, Cancelled after close()."""
        message = self._next(timeout)
        if message is None:
            raise errors.Cancelled(grpc.StatusCode.CANCELLED, "the subscription is closed")
        return message

    def close(self):
        """Ends the subscription and waits for its thread."""
        self.stop()
        if self._session.is_inherited:
            return
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()
        if self._member is not None:
            self._member.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def stop(self):
        """As close(), without waiting."""
        if self._session.is_inherited:
            return
        with self._changed:
            self._stopped = True
            call = self._call
            self._changed.notify_all()
        if call is not None:
            call.cancel()
        if self._member is not None:
            self._member.stop()
        self._session.wake()

    def _acknowledge(self, messages, make):
        if not self._in_group:
            raise ValueError("the subscription is no member of a group: subscribe(group=...)")
        if not messages:
            return 0
        acknowledgements = [make(message) for message in messages]
        return self._session.acknowledge(messages[0].queue, self._request.group.name, acknowledgements).noted

    @property
    def _in_group(self):
        return self._request.HasField("group")

    # What the program's thread does.

    def _next(self, timeout):
        self._session.check_process()
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            if self._stopped:
                return None
            if self._messages:
                message = self._messages.popleft()
                if self._member is None:
                    self._handed.on_position(message.queue, message.epoch, message.sequence)
                elif not self._member.hand_out(message):
                    continue
                return message
            kind, *what = self._pop(deadline)
            if kind == "end":
                if what[0] is not None:
                    raise what[0]
                return None
            self._hand_out(kind, *what)

    def _hand_out(self, kind, *what):
        if kind == "messages":
            self._messages.extend(what[0])
        elif kind == "gap":
            if not self._in_group:
                self._handed.on_gap(what[0])
            self._on_gap(what[0])
        elif kind == "positions":
            for position in what[0]:
                self._handed.on_position(position.queue, position.epoch, position.sequence)
        elif kind == "ready":
            ready, start = what
            if start is not None:
                self._handed.on_first_ready(ready, start)
            else:
                self._handed.on_resumed_ready(ready)
            self._on_state(State.CONNECTED, None)
        elif kind == "reconnecting":
            self._on_state(State.RECONNECTING, what[0])

    def _pop(self, deadline):
        with self._changed:
            while not self._frames:
                if self._ended or self._stopped:
                    return "end", None if self._stopped else self._end
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError("no message came")
                self._changed.wait(None if left == math.inf else left)
            frame = self._frames.popleft()
            self._changed.notify_all()
            return frame

    # What the reading thread does.

    def _push(self, *frame):
        with self._changed:
            # What a group delivers is bounded by the member's credit, and the time of each runs.
            self._changed.wait_for(lambda: len(self._frames) < _FRAMES_MAX or self._in_group or self._stopped)
            self._frames.append(frame)
            self._changed.notify_all()

    def _run(self):
        end = None
        try:
            self._run_until_end()
        except errors.Error as error:
            end = error
        except Exception as error:  # A mistake of this library must not leave the program waiting.
            end = errors.make(grpc.StatusCode.INTERNAL, f"the subscription failed: {error!r}")
        self._session.detach(self)
        if self._member is not None:
            self._member.stop()
            self._session.remove_member(self._member)
        with self._changed:
            self._ended = True
            self._end = end
            self._changed.notify_all()

    def _run_until_end(self):
        generation = 0
        renewed = False
        attempts = 0
        delays = self._session.options.backoff.delays()
        session, generation = self._session.ensure()
        while not self._stopped:
            attempt = _Attempt()
            try:
                if attempts > 0:
                    session, generation = self._session.renew(generation)
                self._run_stream(session, attempt)
                error = errors.make(grpc.StatusCode.UNAVAILABLE, "the server ended the stream")
            except errors.Error as failed:
                error = failed
            attempts += 1
            if self._stopped:
                return
            if attempt.live:
                renewed = False
            if attempt.lived > self._session.options.backoff.max:
                delays = self._session.options.backoff.delays()
            # A session that is lost again and again, without a live stream between, is no accident.
            if errors.is_session_lost(error) and not renewed:
                renewed = True
                self._report_reconnecting(error)
                continue
            self._wait_to_retry(error, attempt, delays)

    def _wait_to_retry(self, error, attempt, delays):
        if not errors.is_passing(error):
            raise error
        delay = 0 if attempt.left else max(next(delays), error.retry_after or 0)
        if not self._was_live:
            left = self._give_up_first_at - time.monotonic()
            if left <= 0:
                raise error
            delay = min(delay, left)
        self._report_reconnecting(error)
        self._session.sleep(delay, lambda: self._stopped)

    def _report_reconnecting(self, error):
        if self._was_live and not self._reconnecting:
            self._reconnecting = True
            self._push("reconnecting", error)

    def _run_stream(self, session, attempt):
        request = pb.SubscribeRequest()
        request.CopyFrom(self._request)
        request.session = session
        if self._was_live:
            # Only rooms that nobody left since.
            rooms = set(self._session.rooms).intersection(request.rooms)
            del request.rooms[:]
            request.rooms.extend(sorted(rooms))
            if not self._in_group:
                request.start.CopyFrom(self._reached.resume())
        call = None
        started = time.monotonic()
        try:
            call = self._session.stub.Subscribe(request)
            with self._changed:
                self._call = call
            if self._stopped:
                call.cancel()
            with self._session.watch(call.cancel) as watch:
                self._read_frames(call, watch, attempt)
        except grpc.RpcError as error:
            raise self._why(error, watch, attempt) from None
        except ValueError:
            raise errors.closed() from None  # What grpc says of a closed channel.
        finally:
            with self._changed:
                self._call = None
            if call is not None:
                call.cancel()
            if self._member is not None:
                self._member.on_stream_end()
            if attempt.live:
                self._session.add_live_streams(-1)
                attempt.lived = time.monotonic() - started

    def _why(self, error, watch, attempt):
        if not watch.expired:
            return errors.from_grpc(error)
        if attempt.leave_at < math.inf and time.monotonic() >= attempt.leave_at:
            attempt.left = True
            return errors.make(grpc.StatusCode.UNAVAILABLE, "the server asked the stream to leave")
        return errors.make(grpc.StatusCode.UNAVAILABLE, f"nothing came for {attempt.silence:g} s")

    def _read_frames(self, call, watch, attempt):
        attempt.silence = self._ready_timeout
        frames = iter(call)
        while True:
            watch.deadline = min(time.monotonic() + attempt.silence, attempt.leave_at)
            if not attempt.live or attempt.leave_at < math.inf:
                self._session.wake()
            frame = next(frames, None)
            # A program that is slow to take frames is no silence of the server.
            watch.deadline = math.inf
            if frame is None:
                return
            self._on_frame(frame, attempt)

    def _on_frame(self, frame, attempt):
        kind = frame.WhichOneof("frame")
        if kind == "ready":
            self._on_ready(frame.ready, attempt)
        elif kind == "batch":
            self._on_messages(frame.batch.messages)
        elif kind == "gap":
            if self._in_group or self._reached.on_gap(frame.gap):
                self._push("gap", frame.gap)
        elif kind == "heartbeat":
            if not self._in_group:
                self._on_heartbeat(frame.heartbeat.positions)
        elif kind == "drain":
            attempt.leave_at = time.monotonic() + frame.drain.jitter.ToTimedelta().total_seconds() * random.random()

    def _on_ready(self, ready, attempt):
        heartbeat = ready.heartbeat.ToTimedelta().total_seconds()
        attempt.silence = _HEARTBEATS_MISSED * heartbeat or _SILENCE_DEFAULT
        if not attempt.live:
            attempt.live = True
            self._session.add_live_streams(1)
        first = not self._was_live
        if first:
            self._reached.on_first_ready(ready, self._request.start)
            self._session.add_rooms(self._request.rooms)
        else:
            self._reached.on_resumed_ready(ready)
        if self._member is not None:
            self._member.on_ready()
        self._reconnecting = False
        self._push("ready", ready, self._request.start if first else None)
        with self._changed:
            self._id = ready.subscription_id
            self._was_live = True
            self._changed.notify_all()

    def _on_messages(self, messages):
        if self._member is not None:
            self._member.on_messages(messages)
            self._push("messages", messages)
            return
        fresh = []
        for message in messages:
            new, lost = self._reached.on_position(message.queue, message.epoch, message.sequence)
            if lost is not None:
                if fresh:
                    self._push("messages", fresh)
                fresh = []
                self._push("gap", lost)
            if new:
                fresh.append(message)
        if fresh:
            self._push("messages", fresh)

    def _on_heartbeat(self, positions):
        for position in positions:
            _, lost = self._reached.on_position(position.queue, position.epoch, position.sequence)
            if lost is not None:
                self._push("gap", lost)
        if positions:
            self._push("positions", positions)


class _Attempt:
    """What became of one stream."""

    def __init__(self):
        self.live = False
        self.lived = 0.0
        # Left because the server asked for it.
        self.left = False
        self.leave_at = math.inf
        self.silence = 0.0


def start_new():
    """With what is published from now on."""
    return pb.StartPosition()


def start_earliest():
    """From the oldest message that each queue holds."""
    return pb.StartPosition(earliest=True)


@arguments.checked(messages=arguments.whole(1, 1_000_000))
def start_last(messages):
    """With the last messages, so many of each queue."""
    return pb.StartPosition(last=messages)


@arguments.checked(sequence=arguments.whole(1))
def start_at_sequence(sequence):
    """From this sequence on, in each queue's present epoch."""
    return pb.StartPosition(sequence=sequence)


@arguments.checked(time=arguments.moment)
def start_at_time(time):
    """With what was published at this datetime.datetime or later; naive ones are taken for UTC."""
    start = pb.StartPosition()
    start.time.FromDatetime(time)
    return start


def start_after(positions):
    """After a subscription's `positions`: message_pb2.QueuePosition or (queue, epoch, sequence)."""
    resume = pb.Resume()
    for index, position in enumerate(positions):
        resume.positions.append(_position(f"positions[{index}]", position))
    return pb.StartPosition(resume=resume)


def _position(name, value):
    if isinstance(value, message_pb2.QueuePosition):
        return value
    if not isinstance(value, (tuple, list)) or len(value) != 3:
        wanted = "a QueuePosition or (queue, epoch, sequence)"
        raise TypeError(f"{name}: {arguments.shown(value)} is a {type(value).__name__}, not {wanted}")
    return message_pb2.QueuePosition(
        queue=arguments.text(f"{name} queue", value[0]),
        epoch=arguments.whole()(f"{name} epoch", value[1]),
        sequence=arguments.whole()(f"{name} sequence", value[2]),
    )
