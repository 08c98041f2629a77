#!/usr/bin/env python3
# identifAI plugin for GStreamer
#
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Can a stream be told from its log? Reads the C files of the plugin:
#
#   logs.py FOLDER
#
# It fails where a folder has fewer than LEAST log calls per 1,000 lines (all lines of
# its .c files), and where a line of the log has no element's name, but in those files
# that serve several at once. What it prints is how many there are.

import pathlib
import re
import sys

LEAST = 13

# Pure, or of no element: nobody's name is at hand.
QUIET = {"base", "memory"}
SHARED = {"account.c", "dispatcher.c", "keylimits.c", "network.c", "transport.c", "session.c", "proxy.c", "keyfile.c"}

CALL = re.compile(r"\bGST_(?:ERROR|WARNING|INFO|DEBUG|LOG|TRACE)(_OBJECT|_ID)?\s*\(")


def main():
    calls, lines, nameless = {}, {}, []
    for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.c")):
        folder = "elements" if path.parent == pathlib.Path(sys.argv[1]) else path.parent.name
        text = path.read_text()
        found = CALL.findall(text)
        calls[folder] = calls.get(folder, 0) + len(found)
        lines[folder] = lines.get(folder, 0) + text.count("\n")
        if "" in found and folder not in QUIET and path.name not in SHARED:
            nameless.append(path)
    for folder, count in calls.items():
        print(f"{folder}: {count} log calls, {1000 * count / lines[folder]:.1f} per 1,000 lines")
    print(f"all: {sum(calls.values())} log calls, {1000 * sum(calls.values()) / sum(lines.values()):.1f} per 1,000 lines")
    few = [folder for folder in calls if folder not in QUIET and 1000 * calls[folder] < LEAST * lines[folder]]
    for folder in few:
        print(f"{folder} has fewer than {LEAST}: which decisions leave no line?")
    for path in nameless:
        print(f"{path}: a line without an element's name: log with _OBJECT or _ID")
    return 1 if few or nameless else 0


sys.exit(main())
