"""What of a page can be tried: the files that it shows, and the commands with what they print.

A fenced block whose info string names a file ("```python first.py") is that file. In a block of ```console, a line that
begins with "$ " is a command ("> " goes on with it), and the others are what it prints. "```console second terminal" is
another terminal: its command goes on while other blocks are tried, and what it prints may be shown in a later block.

A comment before a block, <!-- not run: WHY -->, keeps its commands from being run; <!-- $ COMMAND --> is run and not
shown.
"""

import dataclasses
import re

_NOT_RUN = re.compile(r"<!-- not run: (\S.*) -->")
_UNSEEN = re.compile(r"<!-- (\$ .*) -->")


@dataclasses.dataclass
class Block:
    line: int
    language: str
    # Of a block of console: the terminal, if it is not the page's own.
    file: str
    text: str
    # Why it is not run, if it is not.
    not_run: str = ""


@dataclasses.dataclass
class Command:
    line: int
    text: str
    expected: list

    @property
    def fails(self):
        """Whether it is to fail: it prints an error first."""
        told = "".join(self.expected[:1]).startswith(("nmq: ", "nmqd: "))
        return told and not self.text.startswith("! ")


def blocks(markdown):
    found, block, not_run = [], None, ""
    for number, line in enumerate(markdown.splitlines(), 1):
        if block is None and line.startswith("```"):
            language, _, file = line[3:].strip().partition(" ")
            block = Block(number, language, file, "", not_run)
            not_run = ""
        elif block is not None and line == "```":
            found.append(block)
            block = None
        elif block is not None:
            block.text += line + "\n"
        elif unseen := _UNSEEN.fullmatch(line):
            found.append(Block(number - 1, "console", "", unseen[1] + "\n"))
        elif line:
            reason = _NOT_RUN.fullmatch(line)
            not_run = reason[1] if reason else ""
    return found


def commands(block):
    """The first has no text if the block begins with what is printed."""
    found = []
    for number, line in enumerate(block.text.splitlines(), block.line + 1):
        if line.startswith("$ "):
            found.append(Command(number, line[2:], []))
        elif line.startswith("> ") and found:
            found[-1].text += "\n" + line[2:]
        else:
            if not found:
                found.append(Command(number, "", []))
            found[-1].expected.append(line)
    return found


def untried(markdown):
    """The lines where commands may be that nobody tries and no comment excuses."""
    lines = markdown.splitlines()
    inside = {
        number
        for block in blocks(markdown)
        for number in range(block.line, block.line + len(block.text.splitlines()) + 2)
    }
    indented = [
        number
        for number, line in enumerate(lines, 1)
        if line.startswith("    ") and number not in inside and not (number > 1 and lines[number - 2].strip())
    ]
    fenced = [
        block.line
        for block in blocks(markdown)
        if block.language != "console" and not block.not_run and re.search(r"^\$ ", block.text, re.MULTILINE)
    ]
    return sorted(indented + fenced)


def _pattern(expected):
    """Ids and numbers differ from run to run, and with them the width of columns; "..." stands for anything."""
    line = re.sub(r"\s+", " ", expected.strip())
    line = re.sub(r"\b[a-z]-[a-z2-7]{13}\b|\b[a-z2-7]{10}-[a-z0-9]+\b", "\0", line)
    line = re.sub(r"\d[\d,.:]*", "\1", line)
    line = re.escape(line).replace("\0", r"[a-z0-9-]+").replace("\1", r"\d[\d,.:]*").replace(r"\.\.\.", ".*")
    return re.compile(line)


def match(expected, printed):
    """The first expected line that is not there, None if all are, and how many of the printed lines they took. The
    lines must be in order, others may be between them."""
    taken = 0
    for line in expected:
        pattern = _pattern(line)
        found = next(
            (i for i in range(taken, len(printed)) if pattern.fullmatch(re.sub(r"\s+", " ", printed[i].strip()))), None
        )
        if found is None:
            return line, taken
        taken = found + 1
    return None, taken
