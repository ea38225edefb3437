"""What a PDF of ours says, read back from its bytes."""

import re
import zlib


def pdf_text(content):
    """Read a PDF of ours back: its strings by the ToUnicode map of the font each is set in."""
    parts = dict(re.findall(rb"\n?(\d+) 0 obj\n(.*?)\nendobj", content, re.DOTALL))

    def stream(number):
        head, _, rest = parts[number].partition(b"stream\n")
        body = rest.removesuffix(b"endstream").removesuffix(b"\n")
        return zlib.decompress(body) if b"FlateDecode" in head else body

    def letters_of(font):
        (number,) = re.findall(rb"/ToUnicode (\d+) 0 R", parts[font])
        pairs = re.findall(rb"<([0-9A-F]{4})> <([0-9A-F]{4})>", stream(number))
        return {int(code, 16): chr(int(letter, 16)) for code, letter in pairs}

    fonts = {
        name: letters_of(number)
        for part in parts.values()
        for name, number in re.findall(rb"/(F\d+) (\d+) 0 R", part)
    }
    pages = b"\n".join(stream(one) for one in re.findall(rb"/Contents (\d+) 0 R", content))
    text, letters = "", {}
    token = re.compile(rb"/(F\d+) [0-9.]+ Tf|\(((?:[^\\()]|\\.)*)\) Tj", re.DOTALL)
    for name, string in token.findall(pages):
        if name:
            letters = fonts[name]
            continue
        raw = re.sub(rb"\\(.)", lambda found: {b"r": b"\r", b"n": b"\n"}.get(found[1], found[1]),
                     string, flags=re.DOTALL)  # fmt: skip
        codes = [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]
        text += "".join(letters[code] for code in codes)
    return text
