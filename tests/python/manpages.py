#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the man pages of docs/meson.build: every name that the page has in `…` is in its man page,
every page of the reference has one, and groff (if it is there) has nothing to say."""

import pathlib
import re
import shutil
import subprocess
import sys

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
MARKDOWN = re.compile(r"\]\(|(?<!\*)\*\*(?!\*)|`")
ESCAPES = (("\\&", ""), ("\\fB", ""), ("\\fR", ""), ("\\(aq", "'"), ("\\(ha", "^"), ("\\(ti", "~"), ("\\-", "-"), ("\\e", "\\"))


def find_names(text):
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"^    .*$", "", text, flags=re.MULTILINE)
    return {" ".join(name.replace("\\|", "|").split()) for name in re.findall(r"`([^`]+)`", text)}


def unescape(text):
    for escape, plain in ESCAPES:
        text = text.replace(escape, plain)
    return " ".join(text.split())


def find_faults(man, page):
    name, section = man.rsplit(".", 1)
    made = subprocess.run([sys.executable, DOCS / "man.py", DOCS / page, name, section, "0"], stdout=subprocess.PIPE, check=True).stdout
    plain = unescape(made.decode())
    names = find_names((DOCS / page).read_text())
    yield from (f"has no {name}" for name in sorted(names) if name not in plain and name != "identifai-moderate")
    found = MARKDOWN.search(plain)
    if found is not None:
        yield "has Markdown in it: " + plain[max(0, found.start() - 40):found.end() + 40]
    if shutil.which("groff"):
        said = subprocess.run(["groff", "-K", "utf8", "-man", "-Tutf8", "-ww", "-z"], input=made, stderr=subprocess.PIPE, check=False).stderr
        yield from said.decode().splitlines()


def main():
    pages = re.findall(r"'([\w.-]+\.\d)' : '([\w./-]+)'", (DOCS / "meson.build").read_text())
    faults = [f"{page} has no man page" for page in sorted((DOCS / "reference").glob("*.md"))
              if f"reference/{page.name}" not in dict(pages).values()]
    for man, page in pages:
        faults += [f"{man} {fault}" for fault in find_faults(man, page)]
    for fault in faults:
        print(fault)
    print(f"{len(pages)} pages, {len(faults)} faults")
    sys.exit(bool(faults) or not pages)


main()
