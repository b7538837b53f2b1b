#!/usr/bin/python3
"""Facts about rooms.py: what it must find in a tree that is made for it."""

import pathlib
import tempfile
import unittest

import rooms


class Rooms(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.file("base/clock.h", "")
        self.file("base/BUILD", 'cc_library(name = "clock", hdrs = ["clock.h"])\n')
        self.file("server/log/ring.h", '#include "base/clock.h"\n')
        self.file("server/log/BUILD", 'cc_library(name = "ring", hdrs = ["ring.h"], deps = ["//base:clock"])\n')
        self.file("server/queue/queue.h", '#include "server/log/ring.h"\n')
        self.file("server/queue/BUILD", 'cc_library(name = "queue", hdrs = ["queue.h"], deps = ["//server/log:ring"])\n')
        self.file("server/ARCHITECTURE.md", "# How it works\n<!-- rooms -->\n<!-- /rooms -->\nEnd\n")
        for room in ("log", "queue"):
            self.file(f"server/{room}/README.md", f"# server/{room}\n")
        self.file("base/README.md", "# base\n")
        rooms.check(self.root, write=True)

    def file(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def faults(self):
        return "\n".join(rooms.check(self.root, write=False))

    def test_what_it_wrote_is_right(self):
        self.assertEqual("", self.faults())
        self.assertIn("Uses: base.\nUsed by: queue.\n", (self.root / "server/log/README.md").read_text())

    def test_finds_an_include_whose_target_is_not_in_deps(self):
        self.file("server/queue/queue.h", '#include "server/log/ring.h"\n#include "base/clock.h"\n')
        self.assertIn("//server/queue:queue does not name //base:clock", self.faults())

    def test_finds_a_circle_between_folders(self):
        self.file("server/log/ring.h", '#include "server/queue/queue.h"\n')
        self.file("server/log/BUILD", 'cc_library(name = "ring", hdrs = ["ring.h"], deps = ["//server/queue"])\n')
        self.assertIn("circle: log -> queue -> log", self.faults())

    def test_finds_an_arrow_that_the_readmes_lack(self):
        self.file("server/queue/queue.h", '#include "server/log/ring.h"\n#include "base/clock.h"\n')
        self.file(
            "server/queue/BUILD",
            'cc_library(name = "queue", hdrs = ["queue.h"], deps = ["//server/log:ring", "//base:clock"])\n',
        )
        faults = self.faults()
        self.assertIn("server/queue/README.md: the sources say\nUses: base, log.", faults)
        self.assertIn("base/README.md: the sources say\nUses: nothing.\nUsed by: log, queue.", faults)

    def test_draws_the_floors(self):
        page = (self.root / "server/ARCHITECTURE.md").read_text()
        self.assertIn("<!-- rooms -->\n\n    2  queue\n    1  log\n    0  base\n\n<!-- /rooms -->\nEnd\n", page)

    def test_finds_a_room_that_has_another_floor(self):
        self.file("server/queue/queue.h", '#include "base/clock.h"\n')
        self.file("server/queue/BUILD", 'cc_library(name = "queue", hdrs = ["queue.h"], deps = ["//base:clock"])\n')
        self.assertIn("server/ARCHITECTURE.md: the sources say\n\n    1  log, queue\n    0  base\n", self.faults())

    def test_finds_a_source_in_no_target_and_one_in_two(self):
        self.file("server/queue/lost.cc", "")
        self.assertIn("server/queue/lost.cc: in no target", self.faults())
        self.file(
            "server/queue/BUILD",
            'cc_library(name = "queue", hdrs = ["queue.h"], deps = ["//server/log:ring"])\n'
            'cc_library(name = "a", srcs = ["lost.cc"])\ncc_library(name = "b", srcs = ["lost.cc"])\n',
        )
        self.assertIn("in //server/queue:a and in //server/queue:b", self.faults())


if __name__ == "__main__":
    unittest.main()
