# SPDX-License-Identifier: LGPL-2.1-or-later
# How Sphinx makes HTML of README.md and the pages beside this file: sphinx-build -c docs . OUT

project = "identifAI for GStreamer"
extensions = ["myst_parser"]
root_doc = "README"
include_patterns = ["README.md", "docs/*.md", "docs/reference/*.md"]
# headings are linked to by the names that they have on a forge, too
myst_heading_anchors = 4
html_theme = "alabaster"
html_theme_options = {"page_width": "auto", "body_max_width": "60em", "show_powered_by": False}
html_static_path = ["html.css"]
html_css_files = ["html.css"]
html_sidebars = {"**": ["globaltoc.html", "searchbox.html"]}
html_copy_source = False
html_show_copyright = False

# which pages are below which, in order
CONTENTS = {
    root_doc: [f"docs/{page}" for page in (
        "tour", "install", "inputs", "trouble", "applications", "gate", "operation", "moderation", "fleet", "reference/index",
        "performance", "emulator", "security", "design", "contributing", "news")],
    "docs/reference/index": [
        "identifaisink", "identifaigate", "identifaispeechsink", "identifaiimagesink",
        "identifai-watch", "identifai-moderate", "identifai-account", "identifai-emulator", "messages", "policy", "errors", "service"],
}


def add_contents(app, name, source):
    """Not in the pages themselves, as no other reader of them knows the directive."""
    if name in CONTENTS:
        source[0] += "\n```{toctree}\n:hidden:\n" + "".join(f"{page}\n" for page in CONTENTS[name]) + "```\n"


def setup(app):
    app.connect("source-read", add_contents)
