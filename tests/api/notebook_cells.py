"""Executes cells in a notebook's kernel, in a process of its own.

Reads a JSON list of cells from standard input, ``{"code": …, "interrupt": FILE or null}``, and
prints a list of what came of them. A cell with ``interrupt`` gets Ctrl-C once FILE is there.
"""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from jupyter_client.manager import start_new_kernel


def main() -> None:
    """Executes all cells in the current folder."""
    manager, client = start_new_kernel(kernel_name="python3")
    done = []
    for cell in json.load(sys.stdin):
        outputs: list[dict[str, Any]] = []

        def interrupt(file: Path) -> None:
            while not file.exists():
                time.sleep(0.01)
            manager.interrupt_kernel()

        if cell["interrupt"]:
            threading.Thread(target=interrupt, args=[Path(cell["interrupt"])], daemon=True).start()
        reply = client.execute_interactive(
            cell["code"],
            timeout=120,
            output_hook=lambda message, kept=outputs: kept.append(
                message["content"] | {"kind": message["msg_type"]}
            ),
        )
        done.append(
            {
                "status": reply["content"]["status"],
                "text": "".join(one.get("text", "") for one in outputs),
                "places": sum(one["kind"] in ("display_data", "execute_result") for one in outputs),
                "html": "".join(one.get("data", {}).get("text/html", "") for one in outputs),
                "images": sum("image/png" in one.get("data", {}) for one in outputs),
                "error": [[one["ename"], one["evalue"]] for one in outputs if "ename" in one],
            }
        )
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    print(json.dumps(done))


if __name__ == "__main__":
    main()
