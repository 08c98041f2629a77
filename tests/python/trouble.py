#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each text that the plugin and the programs print is in docs/trouble.md, and each text there is
printed."""

import pathlib
import re
import sys

from texts import find_texts, remove_comments, show

ROOT = pathlib.Path(__file__).resolve().parents[2]
ERRORS = ROOT / "gst/identifai/gstidentifaierrors.c"
CALLS = "g_set_error|g_set_error_literal|g_error_new|g_error_new_literal|g_prefix_error|g_warning|gst_identifai_info|good_locked|GST_ELEMENT_ERROR"
IN_PLUGIN = CALLS + "|fail_locked|end_locked|refuse|refuse_locked"
PROGRAMS = {
    "watch": CALLS,
    "account": CALLS + "|g_printerr|account_fail",
    "emulator": CALLS + "|g_printerr|refuse",
    "moderate": CALLS + "|g_printerr|mod_problems_add|complain|fail",
}
# of other files: what nobody can see, answers of the page, names of keys
UNSEEN = {"The request is over", "The file shrank while it was sent", "Seek out of the body", "The body can't be changed", "no queue", "identifai-account: …", '--help" tells how it is used.'}
# the page's rows that are of GStreamer, or no texts
NO_TEXTS = {"It doesn't link", "What else looks wrong", "Trouble"}


def is_sentence(text):
    return " " in text.strip() and text not in UNSEEN


def read_errors():
    """Besides the calls: the table of reasons, and what is handed to new_stream_warning."""
    source = remove_comments(ERRORS.read_text())
    for what in re.findall(r"\{\s*GST_RESOURCE_ERROR_\w+,\s*((?:\"[^\"]*\"\s*)+),", source):
        yield "".join(re.findall(r'"([^"]*)"', what))
    for call in re.findall(r"new_stream_warning \(src,(.*?)\);", source, re.DOTALL):
        handed = re.search(r"g_strdup(?:_printf)?\s*\((.*)", call, re.DOTALL)
        yield from join(handed[1]) if handed else ()
    yield from join(re.search(r"^warning_stamped .*?gchar \*text = (.*?);", source, re.DOTALL | re.MULTILINE)[1])


def read_others(path):
    """Texts of a program that are chosen first and printed by another call: what is wrong with its options, and what a status means."""
    source = remove_comments(path.read_text())
    for chosen in re.findall(r'\b(?:what =|return|[45]\d\d,)\s*((?:"(?:[^"\\]|\\.)*"\s*)+)', source):
        yield from (text.lstrip(". ") for text in join(chosen))


def join(arguments):
    """As printed, of the literals in an expression."""
    arguments = re.sub(r'"\s*G_GUINT64_FORMAT\s*"', "d", arguments)
    for group in re.findall(r'"(?:[^"\\]|\\.)*"(?:\s*"(?:[^"\\]|\\.)*")*', arguments):
        yield show("".join(re.findall(r'"((?:[^"\\]|\\.)*)"', group)))


def read_code():
    texts = set(read_errors())
    for path in (ROOT / "gst/identifai").rglob("*.c"):
        texts |= {text for _, text in find_texts(path, IN_PLUGIN)}
    for program, calls in PROGRAMS.items():
        for path in (ROOT / "examples" / program).glob("*.c"):
            texts |= {text for _, text in find_texts(path, calls)}
            if program in ("account", "emulator") and path.name in ("call.c", "main.c", "options.c"):
                texts |= set(read_others(path))
    return {text for text in texts if is_sentence(text)}


def read_page():
    texts = set()
    for section in re.split(r"^#+ ", (ROOT / "docs/trouble.md").read_text(), flags=re.MULTILINE)[1:]:
        heading, _, body = section.partition("\n")
        if heading in NO_TEXTS:
            continue
        for row in re.findall(r"^\| (`.*) \|$", body, re.MULTILINE):
            texts |= set(re.findall(r"`([^`]+)`", row))
    return texts


def main():
    code, page = read_code(), read_page()
    lacking = sorted(code - page)
    for text in lacking:
        print("docs/trouble.md lacks:", text)
    # a row's other cells name properties, elements and reasons, too, and begin texts that are longer
    whole = {text for text in page if re.match(r"[A-Z…].* .* .*", text) and not text.endswith(" …")}
    stale = sorted(text for text in whole - code if "!" not in text and "=" not in text)
    for text in stale:
        print("nothing prints:", text)
    print(f"{len(code)} texts, {len(lacking)} without a row, {len(stale)} rows without a text")
    sys.exit(bool(lacking or stale) or not code)


main()
