"""The command line: `python -m benchmarks --help`."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import click

from benchmarks import load, report
from benchmarks.measures import MEASURES
from benchmarks.peers import HERE, OURS, PEERS, Missing, Peer
from benchmarks.result import Bench, Result
from benchmarks.running import Failed

_PAGE = HERE.parent / "docs" / "benchmarks.md"
_NAMES = [peer.name for peer in PEERS if not peer.only_in and peer is not OURS]
_MEASURES = "\n".join(f"  {name:<11} {(function.__doc__ or '').strip()}" for name, function in MEASURES.items())


@click.command(
    epilog=f"\b\nThe measures:\n{_MEASURES}\n\n\b\n"
    "Needs: pip install '.[bench]', and wrk, node, npm and java on the PATH\n"
    "(Debian: apt-get install wrk nodejs npm default-jre-headless)."
)
@click.option("--only", multiple=True, type=click.Choice(list(MEASURES)), help="Take this measure. Repeatable.")
@click.option("--peer", multiple=True, type=click.Choice(_NAMES), help="Measure beside this peer. Repeatable.")
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="How often each is measured.")
@click.option("--quick", is_flag=True, help="Short loads and few runs: to see whether it works, not for figures.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the page there. A whole run writes docs/benchmarks.md; with --only, --peer or --quick "
    "nothing is written without this.",
)
def main(only: tuple[str, ...], peer: tuple[str, ...], rounds: int, quick: bool, output: Path | None) -> None:
    """Measure vambe-mock beside Prism, Mockoon, json-server, WireMock and moto.

    The servers take turns on this machine. The figures are printed, and a whole run, which takes half an hour, writes
    docs/benchmarks.md. The peers that npm has are installed into benchmarks/.peers at the first run.
    """
    chosen = [each for each in PEERS if not peer or each.name in peer or each.distribution == OURS.distribution]
    whole = not (only or peer or quick)
    try:
        _check(chosen)
        with tempfile.TemporaryDirectory(prefix="vambe-mock-bench-") as folder:
            bench = Bench(chosen, rounds, quick, Path(folder), lambda text: click.echo(f"  {text}", err=True))
            results, failed = _taken(bench, only or tuple(MEASURES))
            page = report.document(results, bench, " ".join(["python -m benchmarks", *sys.argv[1:]]))
    except Missing as missing:
        raise click.ClickException(str(missing)) from None
    click.echo(report.summary(results))
    path = output or (_PAGE if whole and not failed else None)
    if path:
        path.write_text(page, encoding="utf-8")
        click.echo(f"\n{path} is written", err=True)
    if failed:
        raise click.ClickException(f"not measured: {', '.join(failed)}")


def _taken(bench: Bench, names: tuple[str, ...]) -> tuple[dict[str, Result], list[str]]:
    """What the measures found, and those that failed: one that does must not cost the others."""
    results, failed = {}, []
    for name in names:
        click.echo(name, err=True)
        try:
            results[name] = MEASURES[name](bench)
        except Failed as error:
            click.echo(f"  {error}", err=True)
            failed.append(name)
    return results, failed


def _check(chosen: list[Peer]) -> None:
    """Whether all is there that will be needed; before half an hour has gone."""
    load.find_wrk()
    for peer in chosen:
        program = peer.command(0, HERE)[0]
        if shutil.which(program) is None:
            raise Missing(
                f"{peer.name} needs {program} on the PATH, or leave it out: name the peers you want with --peer"
            )
        peer.install()


if __name__ == "__main__":
    main()
