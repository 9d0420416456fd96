"""``make audit``: known vulnerabilities of what is installed, by pip-audit; needs the network.

Exit code 0: every package was looked up, and none is known to be vulnerable. 1: some are. 2: some
or all could not be looked up, so that nothing is known of them. largeloss itself is left out.
"""

import json
import subprocess
import sys
from typing import Any


def main() -> int:
    """Runs pip-audit and says what it could and could not do."""
    command = [sys.executable, "-m", "pip_audit", "--skip-editable", "--format", "json"]
    done = subprocess.run(
        [*command, "--progress-spinner", "off"], capture_output=True, text=True, check=False
    )
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        reason = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        print(f"Nothing was audited: pip-audit could not run or reach its database ({reason}).")
        return 2
    text, code = summary(packages)
    print(text)
    return code


def summary(packages: list[dict[str, Any]]) -> tuple[str, int]:
    """What pip-audit's report of ``packages`` comes to, and the exit code."""
    packages = [package for package in packages if package["name"] != "largeloss"]
    skipped = [package for package in packages if "skip_reason" in package]
    bad = [package for package in packages if package.get("vulns")]
    lines = [
        f"{package['name']} {package['version']}: {found['id']}"
        f"{', mended in ' + ', '.join(found['fix_versions']) if found['fix_versions'] else ''}"
        for package in bad
        for found in package["vulns"]
    ]
    audited = len(packages) - len(skipped)
    lines.append(f"{audited} of {len(packages)} packages were audited, {len(bad)} are vulnerable.")
    if skipped:
        lines.append(
            f"{len(skipped)} could not be audited, and nothing is known of them; the first: "
            f"{skipped[0]['skip_reason']}."
        )
    return "\n".join(lines), 1 if bad else 2 if skipped or not packages else 0


if __name__ == "__main__":
    sys.exit(main())
