"""Four processes, on one host and on two, train exactly what one trains: make test-ranks."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from test_two_ranks import SCRIPT, check_equal, trained

from processes import SMALL

pytestmark = pytest.mark.ranks
HOSTS = ("largeloss-a", "largeloss-b")
ADDRESSES = ("10.77.0.1", "10.77.0.2")
CARDS = ("lla", "llb")


def test_four_ranks_equal_one(tmp_path: Path) -> None:
    check_equal(trained(tmp_path / "1", 1), trained(tmp_path / "4", 4))


@contextmanager
def two_hosts() -> Iterator[None]:
    """Two network namespaces with a cable between them: each sees the other, and no more."""
    commands = [f"ip netns add {host}" for host in HOSTS]
    commands.append(f"ip link add {CARDS[0]} type veth peer name {CARDS[1]}")
    for host, card, address in zip(HOSTS, CARDS, ADDRESSES, strict=True):
        commands += [
            f"ip link set {card} netns {host}",
            f"ip -n {host} addr add {address}/24 dev {card}",
            f"ip -n {host} link set {card} up",
            f"ip -n {host} link set lo up",
        ]
    try:
        for command in commands:
            done = subprocess.run(command.split(), capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"network namespaces cannot be made here: {command}: {done.stderr}")
        yield
    finally:
        for host in HOSTS:
            subprocess.run(["ip", "netns", "del", host], capture_output=True, check=False)


def on_two_hosts(*commands: Sequence[object]) -> tuple[list[int], list[str]]:
    """Two processes on each host, by torchrun with a host's command; exit codes, what was said."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("needs the command ip, and the rights to make network namespaces")
    with two_hosts():
        processes = []
        for number, (host, card) in enumerate(zip(HOSTS, CARDS, strict=True)):
            command = [
                "ip", "netns", "exec", host, sys.executable, "-m", "torch.distributed.run",
                "--nnodes", "2", "--node-rank", str(number), "--nproc-per-node", "2",
                "--master-addr", ADDRESSES[0], "--master-port", "29511",
                *map(str, commands[number]),
            ]  # fmt: skip
            environment = os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": card}
            processes.append(
                subprocess.Popen(
                    command,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    text=True,
                )
            )
        said = [process.communicate(timeout=400)[0] for process in processes]
    return [process.returncode for process in processes], said


def test_two_hosts_of_two_ranks_equal_one(tmp_path: Path) -> None:
    one = trained(tmp_path / "1", 1)
    out = tmp_path / "4"
    out.mkdir()
    codes, said = on_two_hosts((SCRIPT, out), (SCRIPT, out))
    assert codes == [0, 0], "\n".join(said)
    check_equal(one, torch.load(out / "results.pt", weights_only=True))


def test_data_split_over_the_hosts_and_folders_of_their_own_are_refused(
    make_image_folder: Callable[..., Path], tmp_path: Path
) -> None:
    # of half of the images, the last batch is too small for all processes
    whole = make_image_folder(num=60)
    part = tmp_path / "part"
    shutil.copytree(whole, part)
    table = (part / "labels.csv").read_text().splitlines(keepends=True)
    (part / "labels.csv").write_text("".join(table[:1] + table[1::2]))
    same, own = tmp_path / "same", tmp_path / "own"
    for data, second, expected in (
        (part, same, "do not read the same data"),
        (whole, own, "a file system that all machines share"),
    ):
        codes, said = on_two_hosts(
            ("-m", "largeloss", "train", whole, *SMALL, "--out", same),
            ("-m", "largeloss", "train", data, *SMALL, "--out", second),
        )
        assert 0 not in codes
        assert expected in " ".join("".join(said).split()), said
        shutil.rmtree(same, ignore_errors=True)
