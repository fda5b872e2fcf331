"""``lmu-hw demo``: a local page that streams a recording through a design."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from pathlib import Path
from typing import Any

from ..errors import SpecError, plain
from .arguments import add_command, number, print_json


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    sub = add_command(
        commands,
        "demo",
        "Open a page on this machine that streams a recording through a design, live.",
        "  lmu-hw demo                                 # a small memory and a made voice\n"
        "  lmu-hw demo out --input voice.wav\n"
        "  lmu-hw demo out --input ecg.csv --columns mV --full-scale 4 --rate 360\n"
        "  lmu-hw demo digits --input test.npz --model digits.keras\n"
        "  lmu-hw demo out --port 8000 --no-browser    # then ssh -L 8000:127.0.0.1:8000\n\n"
        "Ctrl-C ends it. The page is served to this machine alone, at an address that holds a\n"
        "random token.",
    )
    sub.add_argument(
        "dir",
        type=Path,
        nargs="?",
        metavar="DIR",
        help="build directory (default: a small memory is generated)",
    )
    sub.add_argument(
        "--input",
        type=Path,
        metavar="FILE",
        help=".wav, .npy, .csv or .npz, as in simulate (default: a made signal)",
    )
    sub.add_argument(
        "--columns",
        metavar="LIST",
        help="columns of the inputs, in order: numbers from 1, or names of CSV columns",
    )
    sub.add_argument(
        "--full-scale",
        type=number,
        default=1.0,
        metavar="X",
        help="for a memory: input value that becomes 1.0 (default 1)",
    )
    sub.add_argument(
        "--model",
        type=Path,
        metavar="FILE",
        help="for a network: its trained model, to run beside it in float64",
    )
    sub.add_argument(
        "--rate",
        type=number,
        metavar="HZ",
        help="sample rate [samples/s], for the axis of time and the speed of the recording "
        "(default: that of the .wav file, else samples)",
    )
    sub.add_argument(
        "--port", type=number, default=0, metavar="N", help="port (default: any that is free)"
    )
    sub.add_argument("--no-browser", action="store_true", help="only print the address")


def run(args: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C."""
    from ..live.live_demo import live_server
    from ..measure.signal_files import parse_columns

    if args.input is None:
        for name, given in (("--columns", args.columns), ("--full-scale", args.full_scale != 1)):
            if given:
                raise SpecError(f"{name} must go with --input, which is missing")
    if args.model is not None and args.dir is None:
        raise SpecError("--model must go with the build directory of a network, which is missing")
    server = live_server(
        args.dir,
        args.input,
        model=args.model,
        rate=args.rate,
        full_scale=args.full_scale,
        columns=None if args.columns is None else parse_columns(args.columns),
        port=args.port,
    )
    with server:
        if args.json:
            print_json({"url": server.url, "port": server.server_address[1]})
        elif not args.quiet:
            print(plain(f"{server.url}  (Ctrl-C ends it)"))
        sys.stdout.flush()
        if not args.no_browser and _has_screen():
            # a browser that is started may print and wait
            threading.Thread(target=_open, args=(server.url,), daemon=True).start()
        server.serve_forever()
    return 0


def _has_screen() -> bool:
    """Return whether a browser has where to open: one of text would take the terminal."""
    needed = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    return not sys.platform.startswith("linux") or any(os.environ.get(name) for name in needed)


def _open(url: str) -> None:
    import contextlib
    import webbrowser

    # the address is in the terminal
    with contextlib.suppress(webbrowser.Error, OSError):
        webbrowser.open(url)
