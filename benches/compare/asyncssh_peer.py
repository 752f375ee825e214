"""Does the work of one cell of the comparison with asyncssh, over and over.

usage: asyncssh_peer.py SSH_CONFIG run|sftp

Reads an order per line, writes an outcome per line; `benches/compare/cell.rs` says what is in them.
`run` starts a program on the host for each call; `sftp` uses one SFTP client for each host, and `run` for
commands, which SFTP has none of.
"""

import asyncio
import json
import sys
import time

import asyncssh


class Host:
    """One host, connected when it is first used."""

    def __init__(self, name, config, sftp):
        self.name, self.config, self.sftp = name, config, sftp
        self.connection = self.files = None
        self.door = asyncio.Lock()

    async def connect(self):
        async with self.door:
            if self.connection is None:
                self.connection = await asyncssh.connect(self.name, config=[self.config])
                if self.sftp:
                    self.files = await self.connection.start_sftp_client()

    async def call(self, order):
        if self.connection is None:
            await self.connect()
        if self.sftp and order["op"] in ("read", "large"):
            async with self.files.open(order["path"], "rb") as file:
                text = (await file.read()).decode()
        elif self.sftp and order["op"] == "list":
            names = await self.files.readdir(order["path"])
            text = "\n".join(str(name.longname) for name in names)
        else:
            done = await self.connection.run(order["command"], check=True)
            text = done.stdout
        if order["expected"] not in text:
            raise ValueError(f"not what was expected: {text[:200]}")


async def repeat(order, outcome, call):
    """Calls until the time is up, at least once, or until a call fails."""
    start = time.perf_counter()
    while True:
        began = time.perf_counter()
        try:
            await call()
            outcome["times"].append(time.perf_counter() - began)
        except (asyncssh.Error, OSError, ValueError) as error:
            outcome["errors"] += 1
            outcome.setdefault("error", repr(error))
            return
        if time.perf_counter() - start >= order["seconds"]:
            return


async def work(order, hosts):
    outcome = {"times": [], "errors": 0}
    chosen = [hosts(name) for name in order["hosts"]]
    start = time.perf_counter()
    if order["callers"] is None:
        await repeat(order, outcome, lambda: asyncio.gather(*(host.call(order) for host in chosen)))
    else:
        callers = (repeat(order, outcome, lambda: chosen[0].call(order)) for _ in range(order["callers"]))
        await asyncio.gather(*callers)
    outcome["elapsed"] = time.perf_counter() - start
    return outcome


async def main(config, how):
    known = {}
    host = lambda name: known.setdefault(name, Host(name, config, how == "sftp"))
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await work(json.loads(line), host)), flush=True)
    for each in known.values():
        if each.connection is not None:
            each.connection.close()


asyncio.run(main(*sys.argv[1:]))
