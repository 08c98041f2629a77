#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the tables of properties in reference/, or tells whether they are what the plugin
has: docs/properties.py [--write]. What a property is comes from the plugin, what it means from
the comments in gstidentifai*properties.c, a unit from the property's blurb."""

import difflib
import pathlib
import re
import sys

SKIPPED = 77
try:
    import gi
    gi.require_version("Gst", "1.0")
    from gi.repository import GObject, Gst
except (ImportError, ValueError) as error:
    print("skipped:", error)
    sys.exit(SKIPPED)

HERE = pathlib.Path(__file__).resolve().parent
PAGES = sorted((HERE / "reference").glob("*.md"))
TABLES = sorted((HERE.parent / "gst/identifai").glob("gstidentifai*properties.c"))
HEAD = "| name | type, range | default | live | meaning, errors, source |\n| --- | --- | --- | --- | --- |\n"
UNITS = {"nanoseconds": "ns", "seconds": "s", "bytes": "bytes"}
TYPES = {"gchararray": "string", "gboolean": "boolean"}


def read_comments():
    """By class and name: the text up to the fields of a structure, in Markdown."""
    comments = {}
    text = "".join(table.read_text() for table in TABLES)
    for owner, name, body in re.findall(r"/\*\*\n   \* (\w+):([\w-]+):\n(.*?)\*/", text, re.DOTALL):
        body = re.sub(r"^ +\* ?", "", body, flags=re.MULTILINE)
        if "Since: " not in body:
            sys.exit(f"{owner}:{name} doesn't say since when")
        text = re.split(r"^(?:Fields of the structure|Since: )", body, maxsplit=1, flags=re.MULTILINE)[0]
        text = re.sub(r"#\w+:([\w-]+)", r"`\1`", text)
        text = re.sub(r"%(TRUE|FALSE)\b", lambda m: f"`{m[1].lower()}`", text)
        text = re.sub(r"%([A-Z_]{2,})\b", r"`\1`", text)
        comments[owner, name] = " ".join(re.sub(r"#(g\w+)", r"\1", text).split())
    return comments


def number(value):
    for bits in (31, 32, 63, 64):
        if value == 2 ** bits - 1:
            return f"2^{bits}-1"
    return str(value)


def get_nicks(spec, element):
    """By value, in order; what the default is, the versions of python3-gi have each their own idea."""
    return {int(value): value.value_nick for value in type(element.get_property(spec.name)).__enum_values__.values()}


def describe_type(spec, element):
    kind = TYPES.get(spec.value_type.name, spec.value_type.name)
    unit = re.search("|".join(UNITS), spec.blurb)
    if spec.value_type.fundamental.name == "GEnum":
        kind = "enum " + ", ".join(f"`{nick}`" for nick in get_nicks(spec, element).values())
    elif hasattr(spec, "minimum"):
        if unit is None and kind == "guint64":
            sys.exit(f"{spec.name}'s blurb names no unit")
        kind += f" {UNITS[unit[0]]}" if unit else ""
        kind += f", {number(spec.minimum)} to {number(spec.maximum)}"
    if not spec.flags & GObject.ParamFlags.WRITABLE:
        kind += ", read-only"
    return kind


def describe_default(spec, element):
    if not spec.flags & GObject.ParamFlags.WRITABLE:
        return ""
    kind = spec.value_type.fundamental.name
    if kind == "GBoxed":
        return "none" if element.get_property(spec.name) is None else "see text"
    value = spec.default_value
    if kind == "GEnum":
        value = get_nicks(spec, element)[int(value)]
    elif kind == "gboolean":
        value = str(bool(value)).lower()
    return "none" if value is None else f"`{value}`"


def describe(factory, comments, documented):
    element = Gst.ElementFactory.make(factory)
    if element is None:
        sys.exit(f"there is no {factory}: GST_PLUGIN_PATH is where the plugin was built")
    owner = element.__gtype__
    others = {name for _, name in documented}
    rows = []
    for spec in element.list_properties():
        text = comments.pop((owner.name, spec.name), None)
        if text is not None:
            live = "yes" if spec.flags & Gst.PARAM_MUTABLE_PLAYING else ""
            rows.append(f"| `{spec.name}` | {describe_type(spec, element)} | {describe_default(spec, element)} | {live} | {text} |\n")
        elif spec.owner_type == owner and spec.name not in others:
            sys.exit(f"{factory}'s {spec.name} has no comment")
    return HEAD + "".join(rows)


def main():
    Gst.init(None)
    comments = read_comments()
    documented = set(comments)
    stale = False
    for page in PAGES:
        text = page.read_text()
        made = re.sub(r"(<!-- properties of (\w+): .*?-->\n\n).*?(?=\n<!-- end -->)",
                      lambda m: m[1] + describe(m[2], comments, documented), text, flags=re.DOTALL)
        if sys.argv[1:] == ["--write"]:
            page.write_text(made)
        elif made != text:
            sys.stdout.writelines(difflib.unified_diff(text.splitlines(True), made.splitlines(True), page.name, "plugin"))
            stale = True
    if comments:
        sys.exit(f"no element has {comments}")
    if stale:
        sys.exit("the reference isn't what the plugin has: run docs/properties.py --write")


main()
