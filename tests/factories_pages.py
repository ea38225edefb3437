"""Pages for tests: asked for as a browser does, and read by a strict reader."""

from html.parser import HTMLParser

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "ru"}
OWN_PAGE = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


class Page(HTMLParser):
    """A page read as a strict reader would: nesting, labels, addresses, policy."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.faults = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes another")

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    def one(self, tag, **wanted):
        (found,) = [one for one in self.all(tag) if wanted.items() <= one.items()]
        return found


def check(page):
    """Hold a page to what every page must be."""
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    labelled = {one.get("for") for one in page.all("label")}
    fields = [*page.all("select"), *page.all("textarea"), *page.all("input")]
    fields = [one for one in fields if one.get("type") not in {"hidden", "radio"}]
    described = [name for _, one in page.tags for name in one.get("aria-describedby", "").split()]

    assert page.faults == []
    assert page.open == []
    assert len(ids) == len(set(ids))
    assert [one for one in fields if one["id"] not in labelled and "aria-label" not in one] == []
    assert set(described) <= set(ids)
    assert [one for one in page.all("img") if "alt" not in one] == []
    # The policy of the pages forbids these; a browser would drop them in silence.
    assert [one for _, one in page.tags if "style" in one] == []
    assert [name for _, one in page.tags for name in one if name.startswith("on")] == []
    assert [one for one in page.all("script") if "src" not in one] == []
    assert [one for one in page.all("a") if "://" in one.get("href", "")] == []


async def look(browser, path, *, status=200):
    answer = await browser.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("text/html")
    page = Page(answer.text)
    check(page)
    page.text = answer.text
    return page
