#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Follows the links between the documents where they are installed and in the source tree:
links.py BUILD-FOLDER; or in the HTML that Sphinx makes of them, which takes its time: links.py
--html. A file that a link names must be there, and a heading."""

import pathlib
import re
import shutil
import subprocess
import urllib.parse
import sys
import tempfile

TREE = pathlib.Path(__file__).resolve().parents[2]
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


def check_markdown(pages, root):
    """How many links there are, and how many lead nowhere."""
    links = [(page, *link) for page in sorted(pages) for link in INLINE.findall(CODE.sub("", read(page)))]
    faults = [(page, target, anchor, fault) for page, target, anchor in links
              if (fault := find_fault(page, target, anchor)) is not None]
    for page, target, anchor, fault in faults:
        print(f"{page.relative_to(root)}: {target}{'#' if anchor else ''}{anchor} {fault}")
    return len(links), len(faults)


def check_contents(pages):
    """Pages that begin with a table of contents have all headings in it, in order."""
    faults = 0
    for page in pages:
        text = CODE.sub("", re.sub(r"^```.*?^```", "", read(page), flags=re.MULTILINE | re.DOTALL))
        head, *sections = re.split(r"^## +", text, flags=re.MULTILINE)
        listed = re.findall(r"\[[^]]*\]\(#([^)]+)\)", "\n".join(re.findall(r"^- \[.*$", head, re.MULTILINE)))
        headings = [re.sub(r"[^\w\- ]", "", section.split("\n")[0].lower()).replace(" ", "-") for section in sections]
        if len(listed) > 2 and listed != headings:
            print(f"{page.name}'s contents aren't its headings: {set(listed) ^ set(headings) or 'another order'}")
            faults += 1
    return len(pages), faults


def check_html(folder):
    pages = {page: read(page) for page in sorted(folder.rglob("*.html"))}
    names = {page: set(re.findall(r'\bid="([^"]+)"', text)) for page, text in pages.items()}
    count, faults = 0, 0
    for page, text in pages.items():
        for link in re.findall(r'\b(?:href|src)="(?![a-z]+:)([^"]*)"', text):
            target, _, anchor = urllib.parse.unquote(link.split("?")[0]).partition("#")
            there = (page.parent / target).resolve() if target else page
            count += 1
            if not there.exists() or anchor and there in names and anchor not in names[there]:
                print(f"{page.relative_to(folder)}: {link} leads nowhere")
                faults += 1
    return count, faults


def check_files(root, build):
    subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", root / "installed"], check=True)
    return {
        "installed": check_markdown((root / "installed").rglob("*.md"), root),
        "in the tree": check_markdown([TREE / "README.md", *(TREE / "docs").rglob("*.md")], TREE),
        "contents": check_contents(sorted((TREE / "docs").rglob("*.md"))),
    }


def check_built(root):
    if not shutil.which("sphinx-build"):
        print("skipped: there is no sphinx-build")
        sys.exit(77)
    subprocess.run(["sphinx-build", "-q", "-W", "-c", TREE / "docs", "-d", root / "doctrees", "-b", "html", TREE, root / "html"], check=True)
    return {"HTML": check_html(root / "html")}


def main():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder).resolve()
        results = check_built(root) if sys.argv[1] == "--html" else check_files(root, sys.argv[1])
    for where, (count, faults) in results.items():
        print(f"{where}: {count}, {faults} faults")
    sys.exit(any(faults or not count for count, faults in results.values()))


main()
