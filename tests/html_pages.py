"""Reading and writing index pages in tests."""

import html.parser
import re

from fer_lib import report

VOID = {"meta", "link", "br", "hr", "img", "input", "line", "circle", "rect", "path", "col"}
STATUSES = [
    {"notebook": "00_dataset", "status": "completed", "seconds": 12.34, "html": "00_dataset.html", "error": None},
    {"notebook": "01_shi_light_vgg", "status": "failed", "seconds": None, "html": None, "error": "<script>x</script>"},
]


class Page(html.parser.HTMLParser):
    """What a test asks of a page; refuses tags that do not close in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.data = [], [], []
        self.feed(text.replace("<wbr>", ""))
        self.close()
        assert self.open == []
        self.text = " ".join(" ".join(self.data).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.data.append(data)

    def find(self, tag, **wanted):
        wanted = {key.rstrip("_").replace("_", "-"): value for key, value in wanted.items()}
        return [attrs for name, attrs in self.tags if name == tag and wanted.items() <= attrs.items()]

    def having(self, attribute):
        return [attrs[attribute] for _, attrs in self.tags if attribute in attrs]


def write_index(site, profile, statuses=STATUSES):
    """The page of a site's reports, as text."""
    return report.write_index(site / "reports", profile, statuses, site / "published").read_text(encoding="utf-8")


def claims_of(text, paper):
    """The rows of one paper in the table of all claims, whatever other papers stand on the page."""
    table = text[text.index('<table class="claims') :].partition("</table>")[0]
    bodies = re.findall(r"<tbody.*?</tbody>", table, re.DOTALL)
    return "".join(body for body in bodies if f'data-paper="{paper}"' in body)
