#!/usr/bin/env python3
"""Links of the book.

As a preprocessor of mdBook: a link that leads out of `docs/`, to an example for example, is right in the
repository and would lead nowhere in the book. There it becomes text that names the file.

With `--check FOLDER`: every relative link of the built book leads to one of its files.
"""

import html.parser
import json
import pathlib
import re
import sys
import urllib.parse

OUTSIDE = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(\.\./([^)\s#]+)(?:#[^)\s]*)?\)")


def named(link):
    text, path = link.group(2), link.group(3)
    return text if path in text else f"{text} (`{path}` in the repository)"


def rewrite(item):
    """Every chapter's content, however deep it is."""
    if isinstance(item, dict):
        if isinstance(item.get("content"), str):
            # Fenced code stays as it is.
            parts = re.split(r"(^```.*?^```$)", item["content"], flags=re.M | re.S)
            parts[::2] = [OUTSIDE.sub(named, part) for part in parts[::2]]
            item["content"] = "".join(parts)
        for value in item.values():
            rewrite(value)
    elif isinstance(item, list):
        for value in item:
            rewrite(value)


class Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        self.found += [value for name, value in attributes if name in ("href", "src") and value]


def check(folder):
    book, dead, count = pathlib.Path(folder).resolve(), [], 0
    for page in sorted(book.rglob("*.html")):
        links = Links()
        links.feed(page.read_text(encoding="utf-8"))
        # That page is served in the place of others, and says so by its `<base>`.
        if page.name == "404.html":
            continue
        for link in links.found:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or parts.netloc or not parts.path:
                continue
            count += 1
            target = (page.parent / urllib.parse.unquote(parts.path)).resolve()
            if not target.exists() or book not in (target, *target.parents):
                dead.append(f"{page.relative_to(book)}: {link}")
    if dead or count < 100:
        sys.exit("\n".join([f"of {count} links these lead nowhere:", *dead]))
    print(f"{count} links of the book lead to its files")


if sys.argv[1:2] == ["--check"]:
    check(sys.argv[2])
elif sys.argv[1:2] != ["supports"]:
    context, book = json.load(sys.stdin)
    rewrite(book)
    json.dump(book, sys.stdout)
