#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Installs, and follows the links between the documents: links.py BUILD-FOLDER. A file that a link
names must be there, and a heading."""

import pathlib
import re
import subprocess
import sys
import tempfile

INLINE = re.compile(r"\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]+))?\)")
CODE = re.compile(r"^    .*$", re.MULTILINE)


def read(page):
    return page.read_text(encoding="utf-8")


def find_anchors(page):
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ +(.*)$", CODE.sub("", read(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def find_fault(page, target, anchor):
    there = (page.parent / target).resolve() if target else page
    if not there.exists():
        return "isn't there"
    if anchor and anchor not in find_anchors(there):
        return "has no such heading"
    return None


def main():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["meson", "install", "-C", sys.argv[1], "--no-rebuild", "--quiet", "--destdir", folder], check=True)
        root = pathlib.Path(folder).resolve()
        links = [(page, *link) for page in sorted(root.rglob("*.md")) for link in INLINE.findall(CODE.sub("", read(page)))]
        faults = [(page, target, anchor, fault) for page, target, anchor in links
                  if (fault := find_fault(page, target, anchor)) is not None]
        for page, target, anchor, fault in faults:
            print(f"{page.relative_to(root)}: {target}{'#' if anchor else ''}{anchor} {fault}")
        print(f"{len(links)} links, {len(faults)} that lead nowhere")
        sys.exit(bool(faults) or not links)


main()
