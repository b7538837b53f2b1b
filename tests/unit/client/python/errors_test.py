"""What programs and people learn of an error, and which errors are worth another try."""

import unittest

import grpc

from nmq import backoff, errors
from nmq._stubs import error_details_pb2, status_pb2


def _status(reason: str, retry: float = 0.0, domain: str = "nmq") -> status_pb2.Status:
    status = status_pb2.Status()
    status.details.add().Pack(error_details_pb2.ErrorInfo(domain=domain, reason=reason, metadata={"bound": "5"}))
    if retry:
        info = error_details_pb2.RetryInfo()
        info.retry_delay.FromNanoseconds(int(retry * 1e9))
        status.details.add().Pack(info)
    return status


class ErrorsTest(unittest.TestCase):
    def test_an_error_says_what_why_and_what_to_do(self) -> None:
        error = errors.make(grpc.StatusCode.UNAVAILABLE, "the server is shutting down", _status("DRAINING", 0.5))
        self.assertIsInstance(error, errors.Unavailable)
        self.assertEqual((error.reason, error.retry_after, error.metadata), ("DRAINING", 0.5, {"bound": "5"}))
        self.assertEqual(
            str(error),
            "the server is shutting down (UNAVAILABLE, DRAINING); try again in a moment: the server restarts",
        )

    def test_reasons_of_other_domains_are_not_ours(self) -> None:
        self.assertEqual(errors.make(grpc.StatusCode.NOT_FOUND, "", _status("X", domain="proxy")).reason, "")

    def test_what_is_worth_another_try(self) -> None:
        code = grpc.StatusCode
        for expected, error in (
            (True, errors.make(code.UNAVAILABLE, "")),
            (True, errors.make(code.INTERNAL, "a torn connection")),
            (False, errors.make(code.INTERNAL, "", _status("BROKEN"))),
            (False, errors.make(code.RESOURCE_EXHAUSTED, "", _status("SLOW_SUBSCRIBER", 1))),
            (True, errors.make(code.RESOURCE_EXHAUSTED, "", _status("LIMIT_EXCEEDED", 1))),
            (False, errors.make(code.RESOURCE_EXHAUSTED, "", _status("LIMIT_EXCEEDED"))),
            (False, errors.make(code.NOT_FOUND, "", _status("QUEUE_NOT_FOUND"))),
        ):
            self.assertEqual(errors.is_passing(error), expected, str(error))

    def test_a_question_that_nobody_hears_is_not_asked_again(self) -> None:
        refused = errors.make(grpc.StatusCode.UNAVAILABLE, "", _status("NOBODY_LISTENS"))
        self.assertFalse(errors.is_refused_for_now(refused))
        draining = errors.make(grpc.StatusCode.UNAVAILABLE, "", _status("DRAINING"))
        self.assertTrue(errors.is_refused_for_now(draining))
        self.assertFalse(errors.is_refused_for_now(errors.make(grpc.StatusCode.UNAVAILABLE, "broken pipe")))


class BackoffTest(unittest.TestCase):
    def test_delays_grow_to_their_bound_and_are_random_below(self) -> None:
        delays = backoff.Backoff(initial=1, max=5, factor=2).delays(lambda: 1)
        self.assertEqual([next(delays) for _ in range(5)], [1, 2, 4, 5, 5])
        halves = backoff.Backoff(initial=1, max=5, factor=2).delays(lambda: 0.5)
        self.assertEqual([next(halves) for _ in range(3)], [0.5, 1, 2])


if __name__ == "__main__":
    unittest.main()
