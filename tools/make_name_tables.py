"""Makes the pinned character tables of names from public sources; needed only when a table is to change.

Three files under ``src/secure_match/agreement/tables/data``, each with its source at its top:

* ``variants.txt``: traditional, Taiwan, Hong Kong and Japanese forms to the mainland form, from the character tables of
  OpenCC. A character of GB 2312 is a mainland form and never folded (Japanese 芸 is 艺, in Chinese names it is not).
* ``readings.txt``: the first reading of every character of the basic block and extension A, from pypinyin.
* ``private_use.txt``: private-use code points of old GBK fonts, from the mapping tables of GB 18030.

Every change of these files changes the fingerprint of every agreement: all parties have to renew theirs together.

Example:
    python -m pip install opencc==1.4.2 pypinyin==0.55.0
    python tools/make_name_tables.py
"""

from __future__ import annotations

import argparse
import unicodedata
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import opencc
from pypinyin import Style, lazy_pinyin

DATA = Path(__file__).parents[1] / "src" / "secure_match" / "agreement" / "tables" / "data"
BASIC_AND_A = (range(0x3400, 0x4DC0), range(0x4E00, 0xA000))
ALL_HAN = (*BASIC_AND_A, range(0x20000, 0x32000))
FIRST_PRIVATE = 0xE815
"""Of the 80 ideographs and radicals at FE50..FEA0 of GBK, in order."""
LATER_PRIVATE = {
    0xE816: 0x20087,
    0xE817: 0x20089,
    0xE818: 0x200CC,
    0xE81E: 0x9FB4,
    0xE826: 0x9FB5,
    0xE82B: 0x9FB6,
    0xE82C: 0x9FB7,
    0xE831: 0x215D7,
    0xE832: 0x9FB8,
    0xE83B: 0x2298F,
    0xE843: 0x9FB9,
    0xE854: 0x9FBA,
    0xE855: 0x241FE,
    0xE864: 0x9FBB,
}
"""The 14 that GB 18030-2000 left private; GB 18030-2005 (with Unicode 4.1) and 2022 give them these places."""


def is_gb2312(character: str) -> bool:
    try:
        return len(character.encode("gb2312")) == 2
    except UnicodeEncodeError:
        return False


def variants() -> dict[str, str]:
    to_simplified = opencc.OpenCC("t2s").convert
    regional = [opencc.OpenCC(name).convert for name in ("tw2t", "hk2t", "jp2t")]
    folded: dict[str, str] = {}
    for character in (chr(code) for block in ALL_HAN for code in block):
        if is_gb2312(character):
            continue
        forms = [to_simplified(character)]
        forms += [to_simplified(convert(character)) for convert in regional]
        other = next((form for form in forms if form != character and len(form) == 1), None)
        if other is not None:
            folded[character] = other
    # Own additions: forms of names that the tables lack.
    folded |= {
        "囯": "国",
        "囶": "国",
        "髙": "高",
        "𠮷": "吉",
        "曺": "曹",
        "尙": "尚",
        "徤": "健",
        "惪": "德",
        "叚": "段",
    }
    return {character: last_form(character, folded) for character in folded}


def last_form(character: str, folded: dict[str, str]) -> str:
    """Follow the table to its end, so that folding twice is folding once."""
    seen = [character]
    while (after := folded.get(seen[-1])) is not None and after not in seen:
        seen.append(after)
    return seen[-1]


def readings() -> dict[str, str]:
    found: dict[str, str] = {}
    for character in (chr(code) for block in BASIC_AND_A for code in block):
        reading = lazy_pinyin(character, style=Style.NORMAL, v_to_u=False, errors="ignore")
        text = unicodedata.normalize("NFKD", reading[0]) if reading else ""
        plain = "".join(letter for letter in text if "a" <= letter <= "z")
        if plain and plain == text:
            found[character] = plain
    return found | {"〇": "ling"}


def private_use() -> dict[int, int]:
    places = [0xFE00 + low for low in range(0x50, 0xA1) if low != 0x7F]
    table: dict[int, int] = {}
    for index, place in enumerate(places):
        private = FIRST_PRIVATE + index
        known = ord(place.to_bytes(2, "big").decode("gb18030"))
        # Radicals are not written in names; NFKC has no ideograph for most of them.
        table[private] = LATER_PRIVATE.get(private, known)
    return table


def groups(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """``key<TAB>all its characters``, a line each, in order of the key."""
    collected: dict[str, list[str]] = {}
    for character, key in pairs:
        collected.setdefault(key, []).append(character)
    return [f"{key}\t{''.join(sorted(characters))}" for key, characters in sorted(collected.items())]


def write(name: str, head: list[str], lines: list[str]) -> None:
    text = "\n".join([*(f"# {line}" for line in head), *lines]) + "\n"
    (DATA / name).write_text(text, encoding="utf-8", newline="\n")
    print(f"{name}: {len(lines)} lines, {len(text.encode())} bytes")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="Make the pinned character tables of names.", epilog="example: python tools/make_name_tables.py"
    )
    parser.parse_args(arguments)
    source = f"OpenCC {version('opencc')} (https://github.com/BYVoid/OpenCC, Apache-2.0), character tables"
    head = [f"Derived from {source}; changed: one form each, GB 2312 kept, additions.", "folded form, its other forms"]
    write("variants.txt", head, groups(variants().items()))
    source = f"pypinyin {version('pypinyin')} (https://github.com/mozillazg/python-pinyin, MIT, (c) mozillazg)"
    head = [f"Derived from {source}; first reading, no tones, v for u umlaut.", "reading, its characters"]
    write("readings.txt", head, groups(readings().items()))
    head = ["GBK FE50..FEA0: private code point of old fonts, code point since GB 18030-2000/2005/2022 (hexadecimal)."]
    write("private_use.txt", head, [f"{old:04X}\t{new:04X}" for old, new in sorted(private_use().items())])


if __name__ == "__main__":
    main()
