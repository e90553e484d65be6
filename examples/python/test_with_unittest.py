"""Tests of the sync without pytest: a server for the class, a sandbox for each test."""

from __future__ import annotations

import unittest
from datetime import date

from mockserver.testing import MockServer

from followups import Deal, sync
from vambe_requests import RequestsVambe


class FollowUps(unittest.TestCase):
    """The sync, on a server that runs in a thread of the tests' own process."""

    server: MockServer

    @classmethod
    def setUpClass(cls) -> None:
        cls.server = MockServer().start()
        cls.addClassCleanup(cls.server.stop)

    def setUp(self) -> None:
        self.mock = self.server.sandbox()
        self.addCleanup(self.mock.close)
        self.vambe = RequestsVambe(self.mock.base_url, self.mock.api_key)
        self.addCleanup(self.vambe.close)
        self.deal = Deal(4711, "Viña Quebrada", self.mock.users[0]["id"], date(2025, 12, 1))
        self.pauses: list[float] = []

    def test_a_deal_gets_a_task(self) -> None:
        sync(self.vambe, [self.deal])
        (task,) = self.mock.tasks
        self.assertEqual(task["title"], "Follow up with Viña Quebrada")

    def test_a_lost_answer_makes_one_task_and_not_two(self) -> None:
        self.mock.drop("createTask", when="after")
        sync(self.vambe, [self.deal], self.pauses.append)
        self.assertEqual(len(self.mock.tasks), 1)
        self.mock.verify("createTask", times=1)


if __name__ == "__main__":
    unittest.main()
