# SPDX-License-Identifier: LGPL-2.1-or-later
"""What C sources print: the text literals in the arguments of calls, with their conversions as …"""

import re

LITERAL = r'"(?:[^"\\]|\\.)*"'
CONVERSION = re.compile(r"%(?:[-+ 0#]*[\d*]*(?:\.[\d*]+)?(?:hh|h|ll|l|z|t)?[a-zA-Z])|%$")


def remove_comments(text):
    return re.sub(rf"({LITERAL})|/\*.*?\*/", lambda m: m[1] or "", text, flags=re.DOTALL)


def find_arguments(text, start):
    """From behind a parenthesis to that which closes it."""
    depth, i = 1, start
    while depth:
        if text[i] == '"':
            i = re.compile(LITERAL).match(text, i).end()
            continue
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        i += 1
    return text[start:i - 1]


def join_literals(arguments):
    """Literals side by side are one, also around the macros of GLib's formats."""
    arguments = re.sub(r'"\s*G_\w+_FORMAT\s*"', "d", arguments)
    arguments = re.sub(r'"\s*GST_TIME_FORMAT\s*"', "s", arguments)
    arguments = re.sub(r'\s*G_\w+_FORMAT', '"d"', arguments)
    for group in re.findall(rf"{LITERAL}(?:\s*{LITERAL})*", arguments):
        yield "".join(literal[1:-1] for literal in re.findall(LITERAL, group))


def show(literal):
    """As it is printed."""
    text = literal.replace("%%", "\0").replace('\\"', '"').replace("\\\\", "\\").replace("\\n", " ")
    return CONVERSION.sub("…", text).replace("\0", "%").strip()


def find_texts(path, calls):
    """(call, text) of each literal of two words or more."""
    text = remove_comments(path.read_text())
    for match in re.finditer(rf"\b({calls})\s*\(", text):
        if text[:match.start()].endswith("\n"):
            continue  # its definition
        for literal in join_literals(find_arguments(text, match.end())):
            if len(re.findall(r"[A-Za-z]{2,}", literal)) > 1:
                yield match[1], show(literal)
