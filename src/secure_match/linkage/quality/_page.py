"""ENCODED: an evaluation, or any report in sections, as one HTML page with its plots in it.

Invariants: it says what the tables of the terminal say; every text is escaped, and no character in it is hidden or
turns the direction of the text; the page has no script and asks for nothing from a network.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from secure_match.errors import visible
from secure_match.linkage.quality._evaluation import Evaluation
from secure_match.linkage.quality._json import FORMAT
from secure_match.linkage.quality._sections import Section, evaluation_sections
from secure_match.linkage.quality._texts import Language, say

_STYLE: Final = """
body{font:15px/1.5 "Noto Sans CJK SC","Microsoft YaHei",sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem;border-bottom:1px solid #888}
table{border-collapse:collapse}th,td{border:1px solid #999;padding:.25rem .5rem;text-align:left}
th{background:#eee}td{overflow-wrap:anywhere}
td.n{text-align:right;font-variant-numeric:tabular-nums}svg{max-width:100%;height:auto;margin:1rem 0}
@media print{body{margin:0;max-width:none;font-size:11pt}h2{break-after:avoid}tr,svg{break-inside:avoid}
thead{display:table-header-group}}
"""


def evaluation_html(evaluation: Evaluation, plots: Mapping[str, str], language: Language) -> str:
    """An evaluation as one page.

    Args:
        plots: file name to SVG document, as :func:`evaluation_plots` makes them; they stand behind the first tables.
    """
    return report_page(
        list(evaluation_sections(evaluation, language)),
        list(plots.values()),
        title=say("title", language),
        footer=say("footer", language),
        mark=FORMAT,
        language=language,
    )


def report_page(
    sections: Sequence[Section],
    plots: Sequence[str],
    *,
    title: str,
    footer: str,
    mark: str,
    language: Language,
) -> str:
    """Sections as one page that needs nothing else and does nothing.

    Args:
        sections: the first one is the head.
        plots: SVG documents, behind the second section.
        footer: the last paragraph.
        mark: name of the format, which stands in the page's head.
    """
    body: list[str] = []
    for place, section in enumerate(sections):
        body += _section(section, "h2" if place else "h1")
        if place == 1:
            body += plots
    body.append(f"<p>{_escaped(footer)}</p>")
    tag = "zh-CN" if language == "zh" else "en"
    return (
        f'<!DOCTYPE html>\n<html lang="{tag}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="generator" content="{_escaped(mark)}">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{_escaped(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _section(section: Section, level: str) -> Iterator[str]:
    yield f"<{level}>{_escaped(section.title)}</{level}>"
    for line in section.lines:
        yield f"<p>{_escaped(line)}</p>"
    if section.rows:
        yield "<table><thead><tr>" + "".join(f"<th>{_escaped(cell)}</th>" for cell in section.header) + "</tr></thead>"
        for row in section.rows:
            yield "<tr>" + "".join(_cell(cell) for cell in row) + "</tr>"
        yield "</table>"


def _cell(cell: str) -> str:
    numeric = cell.replace(",", "").replace(".", "").isdigit()
    return f'<td class="n">{_escaped(cell)}</td>' if numeric else f"<td>{_escaped(cell)}</td>"


def _escaped(text: str) -> str:
    return html.escape(visible(text))
