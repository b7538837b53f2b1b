#!/usr/bin/python3
"""How pages are read, and what counts as printed."""

import unittest

import pages

_PAGE = """# Title

```python first.py
print(1)
```

```console
$ python3 first.py \\
>   --twice
1
$ true
```
"""


class Pages(unittest.TestCase):
    def test_a_block_with_a_name_is_a_file(self):
        first, second = pages.blocks(_PAGE)
        self.assertEqual((first.language, first.file, first.text), ("python", "first.py", "print(1)\n"))
        self.assertEqual((second.language, second.file), ("console", ""))

    def test_a_command_has_its_lines_and_what_it_prints(self):
        first, second = pages.commands(pages.blocks(_PAGE)[1])
        self.assertEqual((first.text, first.expected), ("python3 first.py \\\n  --twice", ["1"]))
        self.assertEqual((second.text, second.expected, second.line), ("true", [], 11))

    def test_a_block_that_is_not_run_says_why(self):
        page = "<!-- not run: installs packages -->\n\n```console\n$ a\n```\n\n```console\n$ b\n```\n"
        self.assertEqual([block.not_run for block in pages.blocks(page)], ["installs packages", ""])

    def test_an_excuse_is_for_the_next_block_only_and_needs_a_reason(self):
        for before in ("<!-- not run: why -->\ntext\n", "<!-- not run: -->\n"):
            (block,) = pages.blocks(before + "```console\n$ a\n```\n")
            self.assertEqual(block.not_run, "")

    def test_a_command_in_a_comment_is_run(self):
        (block,) = pages.blocks("<!-- $ until nmqd; do true; done -->\n")
        (command,) = pages.commands(block)
        self.assertEqual((command.text, command.line, command.expected), ("until nmqd; do true; done", 1, []))

    def test_another_terminal_has_a_name_and_may_show_what_it_printed_later(self):
        first, later = pages.blocks("```console other\n$ a\n```\n```console other\nprinted\n```\n")
        self.assertEqual((first.file, later.file), ("other", "other"))
        (command,) = pages.commands(later)
        self.assertEqual((command.text, command.expected), ("", ["printed"]))

    def test_a_command_that_prints_an_error_is_to_fail(self):
        page = "```console\n$ a\nnmq: no\n$ b\nfine\nnmq: in the background\n$ ! c\nnmqd: no\n```\n"
        fails = [command.fails for command in pages.commands(pages.blocks(page)[0])]
        self.assertEqual(fails, [True, False, False])

    def test_commands_that_nobody_tries_are_found(self):
        self.assertEqual(pages.untried("text\n\n    run.sh\n"), [3])
        self.assertEqual(pages.untried("```\n$ run.sh\n```\n"), [1])
        self.assertEqual(pages.untried("<!-- not run: why -->\n```sh\n$ run.sh\n```\n"), [])
        self.assertEqual(pages.untried(_PAGE), [])

    def test_numbers_ids_and_widths_may_differ(self):
        self.assertEqual(pages.match(["DB  17  c-bd7vooy6sf3ti"], ["DB    4,000 c-aaaaaaaaaaaaa"]), (None, 1))

    def test_words_may_not(self):
        self.assertEqual(pages.match(["1 message"], ["1 massage"]), ("1 message", 0))

    def test_the_order_counts_and_lines_between_do_not(self):
        self.assertEqual(pages.match(["a", "b"], ["a", "x", "b", "c"]), (None, 3))
        self.assertEqual(pages.match(["a", "b"], ["b", "a"]), ("b", 2))

    def test_dots_are_anything(self):
        self.assertEqual(pages.match(["no ... way"], ["no such way"]), (None, 1))


if __name__ == "__main__":
    unittest.main()
