#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes a man page of a page: docs/man.py PAGE.md NAME SECTION VERSION. It knows what these pages
are written with: headings, paragraphs, lists, tables, indented code, links, `code` and **bold**.
The first paragraph is the line about it, code right behind that the synopsis."""

import pathlib
import re
import sys

# what the other pages are called as man pages
NAMES = {"identifai-watch": 1, "identifai-moderate": 1, "identifai-account": 1, "identifai-emulator": 1,
         "identifaisink": 7, "identifaigate": 7, "identifaispeechsink": 7, "identifaiimagesink": 7}
OTHERS = {"index": "gst-identifai", "messages": "identifai-messages", "policy": "identifai-policy",
          "service": "identifai-service", "errors": "identifai-errors", "moderation": "identifai-moderate.conf"}


def escape(text):
    return text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("^", "\\(ha").replace("~", "\\(ti")


def refer(match):
    text, target = match[1], match[2].split("#")[0]
    stem = pathlib.Path(target).stem
    if "://" in target:
        return f"{text} <{target}>" if text != target else text
    name = OTHERS.get(stem, stem)
    if name in NAMES or stem in OTHERS:
        name += f"({NAMES.get(name, 5 if stem == 'moderation' else 7)})"
        return name if text.split(".")[0] in (stem, "there", "those") else f"{text}, {name}"
    return text if target == "" or text.endswith(".md") else f"{text} ({stem}.md)"


def inline(text):
    """Code and bold as bold; all else escaped."""
    made = ""
    text = re.sub(r"\[([^]]*)\]\(([^)]*)\)", refer, text.replace("\\|", "|"))
    for i, part in enumerate(re.split(r"`([^`]+)`|\*\*([^*]+)\*\*", text)):
        if part:
            made += escape(part) if i % 3 == 0 else f"\\fB{escape(part.replace('`', ''))}\\fR"
    return re.sub(r"^([.'])", r"\\&\1", made)


def make_table(lines):
    """Its first column as terms; of the others, but for the last, what there is."""
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1])] for line in lines]
    heads = rows[0]
    made = ""
    for row in rows[2:]:
        made += f".TP\n{inline(row[0])}\n"
        notes = []
        for head, cell in list(zip(heads, row))[1:-1]:
            if cell:
                notes.append(head if cell == "yes" else f"{head} {cell}" if head in ("default", "returns") else cell)
        made += inline("; ".join(notes) + ("." if notes else "")) + "\n.br\n" if notes else ""
        made += inline(row[-1]) + "\n"
    return made + ".PP\n"


def make_code(lines):
    return ".PP\n.RS 4\n.nf\n" + "".join(re.sub(r"^([.'])", r"\\&\1", escape(line[4:])) + "\n" for line in lines) + ".fi\n.RE\n"


def make_list(lines):
    """Items with their further lines; a number stays one."""
    made = ""
    for item in re.split(r"\n(?=- |\d+\. )", "\n".join(lines)):
        mark, text = re.match(r"(-|\d+\.) +(.*)", item, re.DOTALL).groups()
        mark = "\\(bu 2" if mark == "-" else f"{mark} 4"
        made += f".IP {mark}\n{inline(' '.join(text.split()))}\n"
    return made + ".PP\n"


def make_block(block):
    lines = block.splitlines()
    heading = re.match(r"(#+) (.*)", block)
    if heading:
        return f".{'SH' if len(heading[1]) == 2 else 'SS'} {inline(heading[2].upper() if len(heading[1]) == 2 else heading[2])}\n"
    if block.startswith("    "):
        return make_code(lines)
    if block.startswith("|"):
        return make_table(lines)
    if re.match(r"- |\d+\. ", block):
        return make_list(lines)
    return f".PP\n{inline(' '.join(block.split()))}\n"


def remove_contents(text):
    """A table of contents is of no use where there are no links."""
    return re.sub(r"^(?: *- \[[^]]*\]\(#[^)]*\)(?:, \[[^]]*\]\(#[^)]*\))*\n)+\n", "", text, flags=re.MULTILINE)


def split(text):
    """Blocks between empty lines; code goes over them, and a heading or a table ends a block."""
    text = re.sub(r"<!--.*?-->\n*", "", text, flags=re.DOTALL)
    blocks = [block for block in re.split(r"\n{2,}", text) if block.strip()]
    joined = []
    for block in blocks:
        block = block.strip("\n")
        if block.startswith("    ") and joined and joined[-1].startswith("    "):
            joined[-1] += "\n\n" + block
        else:
            joined.append(block)
    return joined


def main():
    page, name, section, version = sys.argv[1:]
    blocks = split(remove_contents(pathlib.Path(page).read_text(encoding="utf-8")))
    about = re.split(r"[.:] ", " ".join(blocks[1].split()) + " ")[0].replace(f"`{name.removesuffix('.conf')}` ", "")
    about = about[0].lower() + about[1:]
    made = f'.TH "{name.upper()}" "{section}" "" "gst\\-identifai {version}" "identifAI for GStreamer"\n'
    made += f".SH NAME\n{escape(name)} \\- {inline(about)}\n"
    rest = blocks[2:]
    if rest and rest[0].startswith("    "):
        made += ".SH SYNOPSIS\n" + make_code(rest.pop(0).splitlines())
    made += "" if rest[0].startswith("#") else ".SH DESCRIPTION\n"
    made += "".join(make_block(block) for block in rest)
    made += ".SH SEE ALSO\nThe pages in /usr/share/doc/gst\\-identifai, and gst\\-inspect\\-1.0(1).\n"
    sys.stdout.buffer.write(made.encode("utf-8"))


main()
