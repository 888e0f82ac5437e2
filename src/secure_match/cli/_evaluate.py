"""EDGE: ``secure-match evaluate``: a run's links against the truth. It loads no department's code and no key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from secure_match.cli._output import message_language, print_json, say, show_table
from secure_match.linkage.quality import (
    Evaluation,
    evaluate,
    evaluation_html,
    evaluation_json,
    evaluation_plots,
    evaluation_sections,
)
from secure_match.linkage.quality.files import read_evaluation, verify_report_outputs, write_report

app = typer.Typer(add_completion=False)

_JSON_NAME: Final = "evaluation.json"
_PAGE_NAME: Final = "evaluation.html"
_PLOT_NAMES: Final = ("sweep.svg", "calibration.svg", "histogram.svg")


@app.command()
def evaluate_links(
    pairs: Annotated[Path, typer.Argument(metavar="PAIRS", help="A run's links.parquet.")],
    truth: Annotated[
        Path,
        typer.Argument(
            metavar="TRUTH",
            help="CSV with dataset, handle, person and perhaps errors; "
            "or with dataset_a, handle_a, dataset_b, handle_b, is_match.",
        ),
    ],
    *,
    out: Annotated[
        Path | None, typer.Option(help="Directory for evaluation.json, evaluation.html and the plots as SVG.")
    ] = None,
    threshold: Annotated[
        str | None,
        typer.Option(help="Column that thresholds are tried on. Default: match_weight, else the best similarity."),
    ] = None,
    clusters: Annotated[
        Path | None,
        typer.Option(help="Parquet with dataset, handle, cluster. Default: the connected components of the links."),
    ] = None,
    lang: Annotated[
        Literal["zh", "en"] | None, typer.Option(help="Language of tables and page. Default: from LANG.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object for machines.")] = False,
) -> None:
    """Judge a run's links by the truth. Nothing but counts and shares is printed or written.

    Example: secure-match evaluate demo-out/bureau/links.parquet demo-out/truth.csv --out evaluation
    """
    language = lang or message_language()
    if out is not None:
        verify_report_outputs(out, [_JSON_NAME, _PAGE_NAME, *_PLOT_NAMES])
    evidence, known, labels = read_evaluation(pairs, truth, clusters=clusters, score=threshold)
    evaluation = evaluate(evidence, known, labels=labels)
    content: dict[str, Any] = evaluation_json(evaluation)
    if out is not None:
        plots = evaluation_plots(evaluation, language)
        texts = {_PAGE_NAME: evaluation_html(evaluation, plots, language)}
        write_report(out, _JSON_NAME, content, texts | {name: plots.get(name, "") for name in _PLOT_NAMES})
    if as_json:
        print_json(content)
        return
    _tell(evaluation, language)
    if out is None:
        note = {
            "zh": "未写任何文件；加上 --out 可写出网页和图。",
            "en": "Wrote nothing; --out writes a page and plots.",
        }
    else:
        page = out / _PAGE_NAME
        note = {"zh": f"已写入 {page}，请打开查看。", "en": f"Wrote {page}. Next: open it."}
    say(note[language])


def _tell(evaluation: Evaluation, language: Literal["zh", "en"]) -> None:
    for section in evaluation_sections(evaluation, language):
        if section.rows:
            show_table(section.title, list(section.header), [list(row) for row in section.rows])
        else:
            say(section.title)
        say(*section.lines, "")
