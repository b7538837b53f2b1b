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
