# SPDX-License-Identifier: LGPL-2.1-or-later
# How Sphinx makes HTML of README.md and the pages beside this file: sphinx-build -c docs . OUT

project = "identifAI for GStreamer"
extensions = ["myst_parser"]
root_doc = "README"
include_patterns = ["README.md", "docs/*.md"]
# headings are linked to by the names that they have on a forge, too
myst_heading_anchors = 4
html_theme = "alabaster"
html_theme_options = {"page_width": "auto", "body_max_width": "60em", "show_powered_by": False}
html_sidebars = {"**": ["globaltoc.html", "searchbox.html"]}
html_copy_source = False
html_show_copyright = False

PAGES = ["install", "inputs", "trouble", "applications", "gate", "operation", "moderation", "fleet", "reference",
         "performance", "emulator", "security", "design", "contributing", "news"]


def add_contents(app, name, source):
    """The pages' order; not in README.md itself, as no other reader of it knows the directive."""
    if name == root_doc:
        source[0] += "\n```{toctree}\n:hidden:\n" + "".join(f"docs/{page}\n" for page in PAGES) + "```\n"


def setup(app):
    app.connect("source-read", add_contents)
