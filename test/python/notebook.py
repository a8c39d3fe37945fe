"""Runs a notebook from top to bottom, and prints the last output of each cell of code as a JSON list: python notebook.py FILE."""

from __future__ import annotations

import json
import sys

import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=60, kernel_name="python3").execute()


def text_of(cell: nbformat.NotebookNode) -> str:
    return "\n".join(output.get("data", {}).get("text/plain", "") or output.get("text", "") for output in cell.outputs)


print(json.dumps([text_of(cell) for cell in notebook.cells if cell.cell_type == "code"]))
