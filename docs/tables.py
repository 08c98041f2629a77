#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the tables of properties, options and metrics in reference/, or tells whether they are
what the plugin and the programs have: docs/tables.py [--write]. A page is named after what it is
about. What a property is comes from the plugin, a line about it from its blurb, the whole text from
the comments in gstidentifai*properties.c; options come from --help of the program that
$IDENTIFAI_NAME names; metrics from their source. Where a table stands, and what is in it, the page
says, with <!-- end --> behind it:
<!-- properties: NAME… -->, <!-- options: COMMAND [| COMMAND whose options are left out] -->, <!-- metrics: -->"""

import difflib
import os
import pathlib
import re
import subprocess
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
METRICS_SOURCE = HERE.parent / "examples/moderate/metrics.c"
SOURCES = sorted((HERE.parent / "gst/identifai").glob("gstidentifai*properties.c"))
BLOCK = re.compile(r"(<!-- (properties|options|metrics):(.*?) -->\n\n).*?(?=<!-- end -->)", re.DOTALL)
PROPERTIES = "| name | type, range | default | live | |\n| --- | --- | --- | --- | --- |\n"
METRICS = "| metric | type | |\n| --- | --- | --- |\n"
OPTIONS = "| option | |\n| --- | --- |\n"
UNITS = {"nanoseconds": "ns", "seconds": "s", "bytes": "bytes"}
TYPES = {"gchararray": "string", "gboolean": "boolean"}
COMMON = {"help", "help-all", "help-gst", "help-common"}


def read_comments():
    """By class and name: the text up to the fields of a structure, in Markdown."""
    comments = {}
    text = "".join(source.read_text() for source in SOURCES)
    for owner, name, body in re.findall(r"/\*\*\n   \* (\w+):([\w-]+):\n(.*?)\*/", text, re.DOTALL):
        body = re.sub(r"^ +\* ?", "", body, flags=re.MULTILINE)
        if "Since: " not in body:
            sys.exit(f"{owner}:{name} doesn't say since when")
        text = re.split(r"^(?:Fields of the structure|Since: )", body, maxsplit=1, flags=re.MULTILINE)[0]
        text = re.sub(r"#\w+:([\w-]+)", r"`\1`", text)
        text = re.sub(r"%(TRUE|FALSE)\b", lambda m: f"`{m[1].lower()}`", text)
        text = re.sub(r"%([A-Z_]{2,})\b", r"`\1`", text)
        comments[owner, name] = " ".join(re.sub(r"#([gG]\w+)", r"\1", text).split())
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
    if not spec.flags & GObject.ParamFlags.READABLE:
        kind += ", write-only"
    return kind


def describe_default(spec, element):
    if not spec.flags & GObject.ParamFlags.WRITABLE:
        return ""
    kind = spec.value_type.fundamental.name
    if kind in ("GBoxed", "GstValueArray"):
        return "see text" if element.get_property(spec.name) else "none"
    value = spec.default_value
    if kind == "GEnum":
        value = get_nicks(spec, element)[int(value)]
    elif kind == "gboolean":
        value = str(bool(value)).lower()
    return "none" if value is None else f"`{value}`"


class Element:
    """One page's; what is explained there is what its class has a comment on."""

    def __init__(self, factory, comments):
        self.factory = factory
        self.element = Gst.ElementFactory.make(factory)
        if self.element is None:
            sys.exit(f"there is no {factory}: GST_PLUGIN_PATH is where the plugin was built")
        owner = self.element.__gtype__
        self.specs = {spec.name: spec for spec in self.element.list_properties() if spec.owner_type == owner}
        self.texts = {name: text for (of, name), text in comments.items() if of == owner.name}
        self.missing = set(self.specs)

    def describe(self, names):
        rows, texts = "", ""
        for name in names.split():
            if name not in self.missing:
                sys.exit(f"{self.factory}.md: there is no {name}, or it is there twice")
            self.missing.remove(name)
            spec = self.specs[name]
            live = "yes" if spec.flags & Gst.PARAM_MUTABLE_PLAYING else ""
            default = describe_default(spec, self.element)
            rows += f"| `{name}` | {describe_type(spec, self.element)} | {default} | {live} | {spec.blurb} |\n"
            texts += f"- **`{name}`**: {self.texts.pop(name)}\n" if name in self.texts else ""
        return f"{PROPERTIES}{rows}\n{texts}" + ("\n" if texts else "")

    def end(self):
        if self.missing:
            sys.exit(f"{self.factory}.md has not: {', '.join(sorted(self.missing))}. Name them behind a \"properties:\" there")
        if self.texts:
            sys.exit(f"{self.factory} has none of {', '.join(self.texts)}, which there is a comment on")


class Program:
    def __init__(self, name):
        self.path = os.environ.get(name.upper().replace("-", "_"))
        if not self.path:
            print(f"skipped: {name.upper().replace('-', '_')} is not set")
            sys.exit(SKIPPED)

    def read(self, command):
        """(-s, name, VALUE, what) each."""
        text = subprocess.run([self.path, *command.split(), "--help"], check=True, stdout=subprocess.PIPE, text=True).stdout
        options = re.findall(r"^  (?:(-\w), )?--([\w-]+)(?:=(\S+))?  +(.*)$", text, re.MULTILINE)
        return [option for option in options if option[1] not in COMMON]

    def describe(self, commands):
        command, _, other = commands.partition("|")
        without = self.read(other) if other else []
        rows = ""
        for option in self.read(command):
            short, name, value, what = option
            if option not in without:
                what = what.replace("|", "\\|")
                rows += f"| `{short + ', ' if short else ''}--{name}{'=' + value if value else ''}` | {what} |\n"
        return f"{OPTIONS}{rows}\n"

    def end(self):
        pass


def describe_metrics():
    rows = ""
    for name, kind, text in re.findall(r'"(\w+)",\s*"(gauge|counter)",\s*((?:"[^"]*"\s*)+)', METRICS_SOURCE.read_text()):
        what = "".join(re.findall(r'"(.*?)"', text))
        rows += f"| `identifai_{name}` | {kind} | {what} |\n"
    return f"{METRICS}{rows}\n"


def describe(page, comments):
    """The page as it should be."""
    text = page.read_text()
    kinds = {kind for _, kind, _ in BLOCK.findall(text)}
    if not kinds:
        return text
    about = Element(page.stem, comments) if "properties" in kinds else Program(page.stem)
    made = BLOCK.sub(lambda block: block[1] + (describe_metrics() if block[2] == "metrics" else about.describe(block[3])), text)
    about.end()
    return made


def main():
    Gst.init(None)
    comments = read_comments()
    stale = False
    for page in PAGES:
        made = describe(page, comments)
        if sys.argv[1:] == ["--write"]:
            page.write_text(made)
        elif made != page.read_text():
            sys.stdout.writelines(difflib.unified_diff(page.read_text().splitlines(True), made.splitlines(True), page.name, "code"))
            stale = True
    if stale:
        sys.exit("the reference isn't what the code has: run docs/tables.py --write")


main()
