#!/usr/bin/env python3
# identifAI plugin for GStreamer
#
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Are functions short? Reads C files and names those that are not:
#
#   functions.py [--all] FOLDER…
#
# The median is at most 11 lines between the braces, none has more than 60 (flat
# tables of registrations are excepted below), and none nests statements more
# than three deep: an if in a for in an if. --all lists every function, longest
# first.

import argparse
import pathlib
import re
import statistics
import sys

MEDIAN = 11
LONGEST = 60
DEEPEST = 3

# FILE:FUNCTION, and why it may be as long (not as deep) as it is. All are flat.
EXCEPTIONS = {
    "options.c:make_context": "one table of command line options, and two calls",
}

TOKEN = re.compile(r"""
    (?P<skip>\s+ | /\*.*?\*/ | //[^\n]* | ^[ \t]*\#(?:[^\n\\]|\\.)*)
  | (?P<token>"(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' | [A-Za-z_]\w* | \.?\d(?:[\w.]|[eEpP][+-])* | .)
""", re.VERBOSE | re.DOTALL | re.MULTILINE)

LOOPS = ("for", "while", "switch")


class Reader:
    """The tokens of a file, and where they stand."""

    def __init__(self, text):
        self.tokens, self.lines = [], []
        line, at = 1, 0
        for match in TOKEN.finditer(text):
            line += text.count("\n", at, match.start())
            at = match.start()
            if match.group("token") is not None:
                self.tokens.append(match.group("token"))
                self.lines.append(line)
        self.tokens.append("")
        self.lines.append(line)
        self.i = 0

    def now(self):
        return self.tokens[self.i]

    def pass_group(self):
        """Over what the bracket that comes closes."""
        depth = 0
        while self.now():
            depth += (self.now() in "([{") - (self.now() in ")]}")
            self.i += 1
            if depth == 0:
                return

    def pass_until(self, ends):
        while self.now() and self.now() not in ends:
            if self.now() in "([{":
                self.pass_group()
            else:
                self.i += 1

    def block(self, depth):
        """Over a block; how deep statements in it nest."""
        deepest = depth
        self.i += 1
        while self.now() and self.now() != "}":
            deepest = max(deepest, self.statement(depth))
        self.i += 1
        return deepest

    def choice(self, depth):
        self.i += 1
        self.pass_group()
        deepest = self.statement(depth + 1)
        if self.now() != "else":
            return deepest
        self.i += 1
        return max(deepest, self.choice(depth) if self.now() == "if" else self.statement(depth + 1))

    def loop_at_end(self, depth):
        self.i += 1
        deepest = self.statement(depth + 1)
        self.pass_until(";")
        self.i += 1
        return deepest

    def other(self, depth):
        """A label, a loop that a macro makes, or what ends with a semicolon."""
        if self.tokens[self.i + 1] == ":":
            self.i += 2
            return depth
        if self.tokens[self.i + 1] == "(":
            self.i += 1
            self.pass_group()
            if self.now() == "{":
                return self.block(depth + 1)
        self.pass_until(";}")
        self.i += self.now() == ";"
        return depth

    def statement(self, depth):
        token = self.now()
        if token == "{":
            return self.block(depth)
        if token == "if":
            return self.choice(depth)
        if token in LOOPS:
            self.i += 1
            self.pass_group()
            return self.statement(depth + 1)
        if token == "do":
            return self.loop_at_end(depth)
        if token == "case":
            self.pass_until(":")
            self.i += 1
            return depth
        return self.other(depth)

    def functions(self):
        """(name, line, lines between the braces, depth) of each."""
        name = None
        while self.now():
            if self.now() == "(" and re.match(r"[A-Za-z_]", self.tokens[self.i - 1]):
                candidate = self.tokens[self.i - 1]
                self.pass_group()
                name = candidate if self.now() == "{" else None
            elif self.now() == "{" and name is not None:
                first = self.lines[self.i]
                depth = self.block(0)
                yield name, first, self.lines[self.i - 1] - first - 1, depth
                name = None
            elif self.now() == "{":
                self.pass_group()
            else:
                self.i += 1


def read(folders):
    found = []
    for folder in folders:
        for path in sorted(pathlib.Path(folder).rglob("*.[ch]")):
            for name, line, length, depth in Reader(path.read_text()).functions():
                found.append((path, line, name, length, depth))
    return found


def offences(found):
    for path, line, name, length, depth in found:
        key = "%s:%s" % (path.name, name)
        if length > LONGEST and key not in EXCEPTIONS:
            yield "%s:%d: %s() has %d lines, more than %d" % (path, line, name, length, LONGEST)
        if depth > DEEPEST:
            yield "%s:%d: %s() nests %d deep, more than %d" % (path, line, name, depth, DEEPEST)
    long = {"%s:%s" % (path.name, name) for path, _, name, length, _ in found if length > LONGEST}
    for key in sorted(set(EXCEPTIONS) - long):
        yield "%s is no exception any more" % key
    median = statistics.median(length for _, _, _, length, _ in found)
    if median > MEDIAN:
        yield "the median is %g lines, more than %d" % (median, MEDIAN)


def main():
    parser = argparse.ArgumentParser(description="Names functions that are too long or nest too deep.")
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--all", action="store_true", help="list every function, longest first")
    options = parser.parse_args()
    found = read(options.folders)
    if not found:
        print("there are no functions in", " ".join(options.folders))
        return 1
    if options.all:
        for path, line, name, length, depth in sorted(found, key=lambda f: -f[3]):
            print("%4d lines %d deep  %s:%d %s" % (length, depth, path, line, name))
    problems = list(offences(found))
    for problem in problems:
        print(problem)
    deepest = max(f[4] for f in found)
    print("%d functions, the median has %g lines, the longest %d; %d nest %d deep" % (
        len(found), statistics.median(f[3] for f in found), max(f[3] for f in found),
        sum(f[4] == deepest for f in found), deepest))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
