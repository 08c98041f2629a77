#!/usr/bin/env python3
# identifAI plugin for GStreamer
#
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Do files of one folder call each other in a circle? Reads C files, and names the circles,
# with each call in them:
#
#   circles.py [--all] FOLDER…
#
# A file calls another one if it names a function that only the other one has, be it in a
# call, in a table or as a callback; in a macro or an inline function of a header, too,
# where it uses that. A *_get_type() is no call: it is in every cast. What goes the other
# way by a pointer is none either, whoever set it. --all lists the files of each folder,
# those first that call none.

import argparse
import pathlib
import re
import sys

sys.dont_write_bytecode = True
from functions import TOKEN

# (FOLDER, the files of a circle): why it is there. There is none now.
KNOWN = {}

# Macros of libraries that make functions, or call one, by the name at a place among their arguments.
MAKES = {"G_DEFINE_QUARK": (1, "%s_quark"), "GST_ELEMENT_REGISTER_DEFINE": (0, "gst_element_register_%s")}
CALLS = {"GST_ELEMENT_REGISTER": (0, "gst_element_register_%s")}

NAME = re.compile(r"[A-Za-z_]\w*$")
MACRO = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)((?:[^\n\\]|\\.)*)", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def tokens(text):
    return [match.group("token") for match in TOKEN.finditer(text) if match.group("token") is not None]


def names(found):
    """What isn't a member of something."""
    return {token for token, before, twice in zip(found, [""] + found, ["", ""] + found)
            if NAME.match(token) and before != "." and twice + before != "->"}


def group(found, at):
    """Behind the bracket that closes the one at that place."""
    depth = 0
    while at < len(found):
        depth += (found[at] in "([{") - (found[at] in ")]}")
        at += 1
        if depth == 0:
            break
    return at


def by_macros(found, macros):
    for at, token in enumerate(found[:-1]):
        if token in macros and found[at + 1] == "(":
            place, form = macros[token]
            arguments = [one for one in found[at + 2:group(found, at + 1) - 1] if one != ","]
            yield form % arguments[place]


def read_macros(text):
    return {match.group(1): names(tokens(match.group(2))) for match in MACRO.finditer(COMMENT.sub(" ", text))}


class File:
    """functions: that others may call; own: that are static; uses: all names in it."""

    def __init__(self, path):
        text = path.read_text()
        self.path = path
        found = tokens(text)
        self.macros = read_macros(text)
        self.functions, self.own, self.bodies = set(by_macros(found, MAKES)), set(), {}
        self.find_functions(found)
        self.uses = names(found) | set(by_macros(found, CALLS))

    def find_functions(self, found):
        at = start = 0
        while at < len(found):
            if found[at] == "(" and at > start and NAME.match(found[at - 1]):
                name, at = found[at - 1], group(found, at)
                if found[at:at + 1] == ["{"]:
                    self.take(name, "static" in found[start:at], found[at:group(found, at)])
            elif found[at] == "{":
                is_extern = found[start:at] == ["extern", '"C"']
                at = at + 1 if is_extern else group(found, at)
                start = at
            else:
                at += 1
                start = at if found[at - 1] == ";" else start

    def take(self, name, is_static, body):
        if not name.endswith("_get_type"):
            (self.own if is_static else self.functions).add(name)
        self.bodies[name] = names(body)


def spread(uses, inline):
    """With what macros and inline functions use, and those that they use."""
    left, all_uses = set(uses), set(uses)
    while left:
        more = inline.get(left.pop(), set()) - all_uses
        all_uses |= more
        left |= more
    return all_uses


def find_calls(files, inline):
    """{file: {other file: functions}}, of one folder."""
    owners = {}
    for one in files:
        for function in one.functions - {"main"}:
            owners.setdefault(function, set()).add(one.path.name)
    calls = {}
    for one in files:
        calls[one.path.name] = found = {}
        for use in spread(one.uses, {**inline, **one.macros}) - one.functions - one.own:
            for owner in owners.get(use, ()):
                found.setdefault(owner, set()).add(use)
    return calls


def reach(calls, start):
    found, left = set(), [start]
    while left:
        for other in calls[left.pop()]:
            if other not in found:
                found.add(other)
                left.append(other)
    return found


def sort(calls):
    """Lists of files that reach each other, or of one: each behind what it calls."""
    reached = {name: reach(calls, name) for name in calls}
    parts = {frozenset({name} | {other for other in reached[name] if name in reached[other]}) for name in calls}
    return sorted((sorted(part) for part in parts), key=lambda part: (len(reached[part[0]] | set(part)), part))


def print_circle(circle, calls):
    folder, files = circle[0], circle[1].split()
    print("%s: %d files call each other in a circle%s" % (
        folder, len(files), ", as " + KNOWN[circle] if circle in KNOWN else ""))
    for name in files:
        for other in sorted(set(calls[name]) & set(files)):
            print("  %s -> %s: %s" % (name, other, ", ".join(sorted(calls[name][other]))))


def look(folder, inline, lists):
    """The circles of a folder, as in KNOWN, and the number of calls. Prints what has to be seen."""
    calls = find_calls([File(path) for path in sorted(folder.glob("*.c"))], inline)
    parts = sort(calls)
    circles = [(folder.as_posix(), " ".join(part)) for part in parts if len(part) > 1]
    for circle in circles:
        if circle not in KNOWN or lists:
            print_circle(circle, calls)
    for part in parts if lists else []:
        print("%s: %s" % (folder, " ".join(part)))
    return circles, sum(len(others) for others in calls.values())


def read_headers(folders):
    inline = {}
    for folder in folders:
        for path in sorted(folder.glob("*.h")):
            header = File(path)
            inline.update(header.macros)
            inline.update(header.bodies)
    return inline


def main():
    parser = argparse.ArgumentParser(description="Names files of a folder that call each other in a circle.")
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    parser.add_argument("--all", action="store_true", help="list all files, and circles for which there is a reason, too")
    options = parser.parse_args()
    folders = sorted({path.parent for folder in options.folders for path in folder.rglob("*.[ch]")})
    inline = read_headers(folders)
    looks = [look(folder, inline, options.all) for folder in folders]
    circles = {circle for found, _ in looks for circle in found}
    n_calls = sum(n for _, n in looks)
    gone = sorted(set(KNOWN) - circles)
    for circle in gone:
        print("%s: %s are no circle any more" % circle)
    print("%d folders, %d times a file calls another one of its folder, %d circles" % (len(folders), n_calls, len(circles)))
    return 1 if circles - set(KNOWN) or gone or n_calls == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
