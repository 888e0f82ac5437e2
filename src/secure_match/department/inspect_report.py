"""RAW: an inspection as lines for people, as JSON for machines, and as one HTML page that needs nothing else.

Invariants: the three forms say the same; headers and codes are escaped in HTML, where no character is hidden, turns the
direction of the text or cannot be encoded; the page has no script and asks for nothing from a network.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from secure_match.department._inspect_texts import FINDINGS, Language, say
from secure_match.department.files import REPORT_MARK
from secure_match.department.inspect_station import Inspection
from secure_match.department.inspect_verdict import Finding
from secure_match.encoded import FieldState
from secure_match.errors import visible

FORMAT: Final = "secure_match/inspection"
_STATES: Final = [state.name.lower() for state in FieldState]
_STYLE: Final = """
body{font:15px/1.5 "Noto Sans CJK SC","Microsoft YaHei",sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem;border-bottom:1px solid #888}
table{border-collapse:collapse;width:100%}th,td{border:1px solid #999;padding:.25rem .5rem;text-align:left}
th{background:#eee}td.n{text-align:right;font-variant-numeric:tabular-nums}pre{border:1px solid #999;padding:.75rem;
white-space:pre-wrap;overflow-wrap:anywhere}li{margin:.4rem 0}.rule{color:#444}
@media print{body{margin:0;max-width:none;font-size:11pt}h2{break-after:avoid}tr,li,pre{break-inside:avoid}
thead{display:table-header-group}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """A heading with paragraphs, a numbered list, a table or text to copy under it."""

    title: str
    lines: Sequence[str] = ()
    numbered: Sequence[str] = ()
    header: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    verbatim: str = ""


def inspection_json(inspection: Inspection) -> dict[str, Any]:
    """All of an inspection, with the format's name first; keys may be added later, none change their meaning."""
    content = asdict(inspection)
    return {"format": FORMAT, "format_version": 1} | content


def inspection_lines(inspection: Inspection, language: Language) -> list[str]:
    """An inspection as lines of a terminal."""
    lines: list[str] = []
    for section in _sections(inspection, language):
        lines += ["", section.title] if lines else [section.title]
        lines += [f"  {line}" for line in section.lines]
        lines += [f"  {number}. {line}" for number, line in enumerate(section.numbered, start=1)]
        if section.rows:
            lines += [f"  {line}" for line in _aligned([section.header, *section.rows])]
        lines += (
            section.verbatim.rstrip("\n").split("\n") if section.verbatim else []
        )  # Not indented: it is there to be copied.
    return lines


def inspection_html(inspection: Inspection, language: Language) -> str:
    """An inspection as one page of HTML."""
    title = _escaped(say("title", language))
    body: list[str] = []
    for place, section in enumerate(_sections(inspection, language)):
        level = "h2" if place else "h1"
        body.append(f"<{level}>{_escaped(section.title)}</{level}>")
        body += [f"<p>{_escaped(line)}</p>" for line in section.lines]
        if section.numbered:
            body += ["<ol>", *(f"<li>{_escaped(line)}</li>" for line in section.numbered), "</ol>"]
        if section.rows:
            body += _html_table(section.header, section.rows)
        if section.verbatim:
            lines = "\n".join(_escaped(line) for line in section.verbatim.split("\n"))
            body.append(f"<pre>{lines}</pre>")
    tag = "zh-CN" if language == "zh" else "en"
    return (
        f'<!DOCTYPE html>\n<html lang="{tag}">\n<head>\n<meta charset="utf-8">\n{REPORT_MARK}\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n" + "\n".join(body) + "\n</body>\n</html>\n"
    )


def _sections(inspection: Inspection, language: Language) -> Iterator[_Section]:
    def text(key: str, **values: object) -> str:
        return say(key, language, **values)

    content = inspection.content
    yield _Section(title=text("title"), lines=_head(inspection, language))
    yield _Section(
        title=text("verdict"), lines=_verdict(inspection, language), numbered=_findings(inspection, language)
    )
    yield _Section(
        title=text("fields"),
        header=[text("field"), text("column"), *(text(state) for state in _STATES)],
        rows=[
            [item.field, item.column or text("not_there"), *(_part(item.states[s], content.rows) for s in _STATES)]
            for item in content.fields
        ],
    )
    yield _Section(
        title=text("reasons"),
        header=[text("field"), text("state"), text("reason"), text("row_count"), text("examples")],
        rows=[
            [item.field, text(reason.state), reason.reason, f"{reason.rows:,}", _numbers(reason.examples)]
            for item in content.fields
            for reason in item.reasons
        ]
        + [
            [item.field, text("flag"), flag.flag, f"{flag.rows:,}", _numbers(flag.examples)]
            for item in content.fields
            for flag in item.flags
        ],
        lines=() if any(item.reasons or item.flags for item in content.fields) else [text("none")],
    )
    yield _Section(title=text("keys"), lines=[_key_line(inspection, language)])
    yield _Section(
        title=text("refusals"),
        header=[text("code"), text("column"), text("row_count"), text("examples")],
        rows=[[item.code, item.column, f"{item.rows:,}", _numbers(item.examples)] for item in content.refusals],
        lines=() if content.refusals else [text("none")],
    )
    yield _Section(title=text("excel"), lines=_damage(inspection, language))
    if content.shared_phones is not None:
        parts = ", ".join(f"{degree}: {rows:,}" for degree, rows in content.shared_phones.items())
        yield _Section(title=text("phones"), lines=[parts])
    empty = ", ".join(item.column for item in content.columns if not item.filled)
    yield _Section(title=text("empty"), lines=[empty or text("none")])
    yield from _proposal(inspection, language)


def _head(inspection: Inspection, language: Language) -> list[str]:
    lines = [
        f"{say('source', language)}: {inspection.place}",
        f"{say('rows', language)}: {inspection.content.rows:,}",
        f"{say('read_as', language)}: {'; '.join(inspection.notes)}",
    ]
    if inspection.dataset is None:
        lines.append(say("no_agreement", language))
    else:
        lines.append(f"{say('dataset', language)}: {inspection.dataset}")
    return [*lines, say("footer", language)]


def _verdict(inspection: Inspection, language: Language) -> list[str]:
    links, verdict = inspection.content.links, inspection.verdict
    lines = [
        say(
            "linkable",
            language,
            by_id=f"{links.by_id_number:,}",
            by_passes=f"{links.by_passes:,}",
            refused=f"{links.refused:,}",
        ),
        say(
            "total",
            language,
            missed=f"{verdict.missed:,.0f}",
            rows=f"{inspection.content.rows:,}",
            share=f"{verdict.missed_per_10_000:,.0f}",
        ),
        say("rule", language),
    ]
    return lines if verdict.findings else [*lines, say("nothing", language)]


def _findings(inspection: Inspection, language: Language) -> list[str]:
    return [_finding(item, language) for item in inspection.verdict.findings]


def _finding(item: Finding, language: Language) -> str:
    if item.missed is None:
        cost = say("stops", language)
    elif item.missed:
        cost = say("cost", language, missed=f"{item.missed:,.0f}" if item.missed >= 1 else "<1")
    else:
        cost = say("no_cost", language)
    where = f" {item.column}" if item.column else ""
    examples = f" {say('examples', language)}: {_numbers(item.examples)}" if item.examples else ""
    return f"[{item.code}]{where}: {FINDINGS[item.code][language].format(rows=f'{item.rows:,}')} ({cost}){examples}"


def _key_line(inspection: Inspection, language: Language) -> str:
    if inspection.row_key is None:
        return say("key_unknown", language)
    rows = {item.code: item.rows for item in inspection.content.refusals}
    return say(
        "key_line",
        language,
        column=inspection.row_key,
        missing=f"{rows.get('ROW_KEY_MISSING', 0):,}",
        repeated=f"{rows.get('ROW_KEY_DUPLICATE', 0):,}",
    )


def _damage(inspection: Inspection, language: Language) -> list[str]:
    lines = [
        say(
            "excel_line",
            language,
            column=item.column,
            zeros=f"{item.ending_000:,}",
            long=f"{item.long_numbers:,}",
            share=_share(item.ending_000, item.long_numbers),
            powers=f"{item.powers:,}",
            numeric=f"{item.numeric_share:.1%}",
            suspected=say("suspected" if item.damaged else "not_suspected", language),
        )
        for item in inspection.content.columns
        if item.long_numbers or item.damaged
    ]
    return lines or [say("no_long", language)]


def _proposal(inspection: Inspection, language: Language) -> Iterator[_Section]:
    if inspection.mapping is None:
        return
    yield _Section(
        title=say("mapping", language),
        header=[say(key, language) for key in ("field", "column", "confidence", "basis")],
        rows=[
            [item.role, item.column, f"{item.confidence:.0%}", say(f"basis.{item.basis}", language)]
            for item in inspection.mapping.columns
        ],
        lines=() if inspection.mapping.columns else [say("none", language)],
    )
    yield _Section(title=say("snippet", language), verbatim=inspection.toml or "")


def _escaped(text: str) -> str:
    """One line of text for the page: only what shows itself as it is."""
    return html.escape(visible(text))


def _html_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "<table><thead><tr>" + "".join(f"<th>{_escaped(cell)}</th>" for cell in header) + "</tr></thead><tbody>"
    for row in rows:
        yield "<tr>" + "".join(_html_cell(cell) for cell in row) + "</tr>"
    yield "</tbody></table>"


def _html_cell(cell: str) -> str:
    numeric = cell[:1].isdigit() and cell.replace(",", "").replace("%", "").replace(".", "").replace(" ", "").isdigit()
    return f'<td class="n">{_escaped(cell)}</td>' if numeric else f"<td>{_escaped(cell)}</td>"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells in columns of equal width; Chinese characters take two places."""
    widths = [max(_width(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _width(text: str) -> int:
    return sum(2 if character >= "\u1100" else 1 for character in text)


def _part(rows: int, of: int) -> str:
    return f"{rows:,} ({_share(rows, of)})" if rows else "0"


def _share(rows: int, of: int) -> str:
    return f"{rows / of:.2%}" if of else "0%"


def _numbers(numbers: Sequence[int]) -> str:
    return ", ".join(str(number) for number in numbers)
