#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares the reference's message fields, tags, reasons, details of warnings, statistics and action
signals with the code's, both ways, and the comments of gstidentifaimessages.c with what it sets.
Statistics and signals come from the elements. (Properties, options and metrics: docs/tables.py.)"""

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

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLUGIN = ROOT / "gst/identifai"
MESSAGES = PLUGIN / "gstidentifaimessages.c"
ERRORS = PLUGIN / "gstidentifaierrors.c"
TYPES = {"G_TYPE_STRING": "string", "G_TYPE_UINT": "guint", "G_TYPE_UINT64": "guint64", "G_TYPE_DOUBLE": "double",
         "G_TYPE_BOOLEAN": "boolean", "GST_TYPE_BUFFER": "GstBuffer", "GST_TYPE_DATE_TIME": "GstDateTime",
         "GST_TYPE_STRUCTURE": "GstStructure", "gchararray": "string", "gboolean": "boolean"}
ELEMENTS = ("identifaisink", "identifaigate", "identifaispeechsink", "identifaiimagesink")
OF_SEGMENTS = {"identifai-segment", "identifai-submitted", "identifai-verdict", "identifai-failed", "identifai-dropped"}
OUTCOMES = {"identifai-verdict", "identifai-failed", "identifai-dropped"}
faults = []


def compare(what, code, pages):
    """Two dicts, or two sets."""
    for name in sorted(set(code) - set(pages)):
        faults.append(f"{what}: {name} is in the code only")
    for name in sorted(set(pages) - set(code)):
        faults.append(f"{what}: {name} is in the pages only")
    for name in sorted(set(code) & set(pages)) if isinstance(code, dict) else ():
        if code[name] != pages[name]:
            faults.append(f"{what}: {name} is {code[name]}, and {pages[name]} in the pages")
    print(f"{what}: {len(code)}")


def read_section(page, heading):
    """The lines under a heading, up to the next one of any level."""
    text = (ROOT / "docs/reference" / page).read_text()
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    if found is None:
        sys.exit(f"{page} has no heading {heading}")
    return found[1]


def read_rows(page, heading):
    """Cells of the tables under a heading, without their heads."""
    lines = re.findall(r"^\| (.*) \|$", read_section(page, heading), re.MULTILINE)
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)] for line in lines if line.startswith("`")]


def read_names(page, heading):
    """By name: the second cell's first word, or words if it is an array."""
    names = {}
    for cells in read_rows(page, heading):
        kind = "array" if cells[1].startswith("array") else re.match(r"\w*", cells[1])[0]
        names.update(dict.fromkeys(re.findall(r"`([\w-]+)`", cells[0]), kind))
    return names


def read_functions(source):
    text = re.sub(r"/\*.*?\*/", "", source.read_text(), flags=re.DOTALL)
    return dict(re.findall(r"^(\w+) \([^;{]*\)\n\{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL))


def read_fields(functions, name):
    """What a function sets, and what those set that it calls."""
    body = functions[name]
    fields = {field: TYPES[kind] for field, kind in re.findall(r'"([a-z0-9-]+)",\s*(G(?:ST)?_TYPE_\w+)', body)}
    fields.update({field: "string" for field in re.findall(r'set_string \(structure, "([\w-]+)"', body)})
    fields.update({field: "array" for field in re.findall(r'(?:set|take)_value \(structure, "([\w-]+)"', body)})
    for called in re.findall(r"\b(\w+) \(", body):
        if called in functions and called != name:
            fields.update(read_fields(functions, called))
    return fields


def check_messages():
    functions = read_functions(MESSAGES)
    messages = {}
    for function in functions:
        names = re.findall(r'(?:new_structure|gst_structure_new) \("(identifai-\w+)"', functions[function])
        messages.update({name: read_fields(functions, function) for name in names})
    headings = re.findall(r"^### (identifai-\w+)$", (ROOT / "docs/reference/messages.md").read_text(), re.MULTILINE)
    compare("messages", set(messages), set(headings))
    page = read_section("messages.md", "Fields of a segment").split("The three outcomes")
    for name in headings:
        fields = read_names("messages.md", name)
        common = read_names("messages.md", "Fields of a segment")
        outcome = set(re.findall(r"^\| `([\w-]+)`", page[1], re.MULTILINE))
        if name in OF_SEGMENTS:
            fields.update({field: kind for field, kind in common.items() if field not in outcome})
        if name in OUTCOMES:
            fields.update({field: kind for field, kind in common.items() if field in outcome})
        compare(name, messages[name], fields)


def check_comments():
    """Each message's comment names its fields and reasons, and no other fields; the common ones stand at the head."""
    text, functions = MESSAGES.read_text(), read_functions(MESSAGES)
    head = text[:text.index("#include")].replace("\n *", "")
    common = {field for fields in re.findall(r"#\w+ +((?:`[\w-]+`(?:, +)?)+)", head) for field in re.findall(r"[\w-]+", fields)}
    for name, comment, function in re.findall(r"/\*\*\n \* (identifai-\w+):\n(.*?)\*/\nGstMessage \*\n(\w+)", text, re.DOTALL):
        named = set()
        for item in re.split(r"^ \* \* |; (?=#)", comment, flags=re.MULTILINE)[1:]:
            named |= set(re.findall(r"`([\w-]+)`", item.split(":")[0]))
        compare(f"comment of {name}", set(read_fields(functions, function)) - (common if name in OF_SEGMENTS else set()), named)
        lacking = REASONS.get(name, set()) - set(re.findall(r"`([\w-]+)`", comment))
        faults.extend(f"comment of {name}: {reason} is in the code only" for reason in sorted(lacking))


def check_details():
    """Of warnings: the structure's name, or its reason."""
    text = re.sub(r"/\*.*?\*/", "", ERRORS.read_text(), flags=re.DOTALL)
    code = set(re.findall(r'"(identifai(?:gate)?/[\w-]+)"', text))
    code |= set(re.findall(r'"reason", G_TYPE_STRING,\s*"([\w-]+)"', text))
    code |= set(re.findall(r'new_stream_warning \(src,\s*GST_STREAM_ERROR_\w+,\s*"([\w-]+)"', text))
    code |= set(re.findall(r'return "([\w-]+)";', text))
    page = set()
    for heading in ("Warnings of calls and segments", "Warnings of the stream", "Warnings of identifaigate"):
        for line in re.findall(r"^\|(.*)\|$", read_section("errors.md", heading), re.MULTILINE):
            page |= set(re.findall(r"`([\w/-]+)`", line.split("|")[1].split("with ")[0]))
    compare("details of warnings", code, page - REASONS["identifai-failed"] - {"identifai-failed"})


def find_strings(path, pattern):
    found = re.search(pattern, path.read_text(), re.DOTALL)
    return set(re.findall(r'"([\w-]+)"', found[1]))


REASONS = {
    "identifai-failed": find_strings(PLUGIN / "base/reason.c", r"names\[IDENTIFAI_N_REASONS\] = \{(.*?)\};") - {"none"},
    "identifai-dropped": find_strings(PLUGIN / "gstidentifaireporter.c", r"names\[[^]]*\] = \{([^}]*GST_IDENTIFAI_DROP_.*?)\};"),
    "identifai-gate": find_strings(PLUGIN / "hold/decisions.c", r"names\[IDENTIFAI_N_WHYS\] = \{(.*?)\};"),
}


def check_reasons():
    for name, reasons in REASONS.items():
        page = "identifaigate.md" if name == "identifai-gate" else "messages.md"
        compare(f"reasons of {name}", reasons, set(read_names(page, f"Reasons of {name}")))


def check_tags():
    defined = re.findall(r'#define GST_IDENTIFAI_TAG_\w+ "([\w-]+)"', (PLUGIN / "gstidentifaimessages.h").read_text())
    code = {tag: TYPES.get(Gst.tag_get_type(tag).name, "double") for tag in defined}
    compare("tags", code, read_names("messages.md", "Tags"))


def check_element(factory):
    element = Gst.ElementFactory.make(factory)
    if element is None:
        sys.exit(f"there is no {factory}: GST_PLUGIN_PATH is where the plugin was built")
    page = element.get_factory().get_metadata("doc-uri")
    if not page or not (ROOT / "docs/reference" / page.rsplit("/", 1)[1]).exists():
        faults.append(f"{factory}'s page is {page}")
    stats = element.get_property("stats")
    fields = [stats.nth_field_name(i) for i in range(stats.n_fields())]
    pages = read_names("messages.md", "Statistics")
    if factory == "identifaigate":
        pages.update(read_names("identifaigate.md", "Statistics"))
    compare(f"stats of {factory}", {field: stats.get_field_type(field).name for field in fields}, pages)


def describe_signal(name, element):
    signal = GObject.signal_query(name, element.__gtype__)
    return ([TYPES.get(kind.name, kind.name) for kind in signal.param_types], TYPES.get(signal.return_type.name, signal.return_type.name))


def check_signals():
    code = {}
    for factory in ELEMENTS:
        element = Gst.ElementFactory.make(factory)
        kind = element.__gtype__
        while kind.name not in ("GstBaseSink", "GstElement"):
            code.update({name: describe_signal(name, element) for name in GObject.signal_list_names(kind)})
            kind = kind.parent
    pages = {}
    for name, arguments, returns, _ in read_rows("messages.md", "Action signals"):
        pages[name.strip("`")] = ([re.match(r"\w+", a.strip())[0] for a in arguments.split(",") if a.strip()], returns or "void")
    compare("action signals", code, pages)


def check_keys():
    """Of identifai-moderate's file: the elements' properties come on top."""
    source = (ROOT / "examples/moderate/config.c").read_text()
    page = (ROOT / "docs/moderation.md").read_text()
    tables = re.search(r"^## The file\n(.*?)^## ", page, re.MULTILINE | re.DOTALL)[1]
    cells = re.findall(r"^\| (`[^|]*) \|", tables, re.MULTILINE)
    compare("keys of identifai-moderate", set(re.findall(r'^ +\{"([a-z-]+)", KIND_', source, re.MULTILINE)),
            {key for cell in cells for key in re.findall(r"`([a-z-]+)`", cell)})


def main():
    Gst.init(None)
    for factory in ELEMENTS:
        check_element(factory)
    check_messages()
    check_comments()
    check_reasons()
    check_details()
    check_tags()
    check_signals()
    check_keys()
    for fault in faults:
        print("FAILED:", fault)
    sys.exit(bool(faults))


main()
