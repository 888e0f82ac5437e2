"""EDGE: where a privacy report goes: files of a folder, one JSON object, or tables on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import typer

from secure_match.cli._output import print_json, say, show_table
from secure_match.linkage.quality.files import verify_report_outputs, write_report
from secure_match.review._privacy_page import privacy_html, privacy_sections
from secure_match.review.privacy import FORMAT, PrivacyReport, privacy_json

JSON_NAME: Final = "privacy.json"
PAGE_NAME: Final = "privacy.html"
EXIT_ABOVE: Final = 3
"""Status of a command whose report is above the agreement's limit."""


def verify_privacy_outputs(out: Path) -> None:
    """Check, before the attacks, that the report can be written.

    Raises:
        PackageError, UsageError: as ``verify_report_outputs``.
    """
    verify_report_outputs(out, [JSON_NAME, PAGE_NAME], FORMAT)


def tell_privacy(report: PrivacyReport, out: Path, language: Literal["zh", "en"], *, as_json: bool) -> None:
    """Write the report and show it; above the agreement's limit the command ends with ``EXIT_ABOVE``."""
    content = privacy_json(report)
    write_report(out, JSON_NAME, content, {PAGE_NAME: privacy_html(report, language)})
    if as_json:
        print_json(content | {"files": [str(out / JSON_NAME), str(out / PAGE_NAME)]})
    else:
        for section in privacy_sections(report, language, short=True):
            if section.rows:
                show_table(section.title, list(section.header), [list(row) for row in section.rows])
            else:
                say(section.title)
            say(*section.lines, "")
        note = {
            "zh": f"已写入 {out / PAGE_NAME}，可离线打开、打印并签字。",
            "en": f"Wrote {out / PAGE_NAME}. Next: open it, offline, and have it signed.",
        }
        say(note[language])
    if report.verdict == "above":
        raise typer.Exit(EXIT_ABOVE)
